package pluginhost

import "time"

// Clock is the time that a [Host] goes by: for ticks, for the back-off of reloads, and for plugins that ask the host for
// the time. Deadlines, log limits and connections go by the real one. Its methods are safe for concurrent use.
type Clock interface {
	Now() time.Time
	// AfterFunc has f run on a goroutine of its own, or of the clock's owner, when d has passed. It must not run f itself.
	AfterFunc(d time.Duration, f func()) Timer
}

// Timer is a function that a [Clock] is to run. [time.Timer] is one.
type Timer interface {
	// Stop takes it back, and reports whether it did: false is that the function has begun.
	Stop() bool
}

type realClock struct{}

func (realClock) Now() time.Time                            { return time.Now() }
func (realClock) AfterFunc(d time.Duration, f func()) Timer { return time.AfterFunc(d, f) }
