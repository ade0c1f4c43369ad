package pluginhost

import "sync/atomic"

// fairLock is a mutual exclusion lock that is served in the order of arrival. A [sync.Mutex] lets newcomers overtake
// whoever waits, which with callbacks of very different lengths makes the wait of the unlucky ones unbounded in
// practice.
type fairLock struct {
	// users is the holder and those who wait.
	users atomic.Int32
	// turn hands the lock to the goroutine that waits longest: the runtime serves a channel's receivers in order.
	turn chan struct{}
}

func newFairLock() fairLock { return fairLock{turn: make(chan struct{})} }

// Lock takes the lock.
func (l *fairLock) Lock() {
	if l.users.Add(1) > 1 {
		<-l.turn
	}
}

// Unlock hands the lock to the next goroutine.
func (l *fairLock) Unlock() {
	if l.users.Add(-1) > 0 {
		l.turn <- struct{}{}
	}
}
