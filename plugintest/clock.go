package plugintest

import (
	"slices"
	"sync"
	"time"

	"github.com/sluice-gateway/sluice/pluginhost"
)

// clockStart is when fake clocks begin. It is no time that a test could take for the real one.
var clockStart = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// FakeClock has the plugin's time stand still, from midnight UTC 2000-01-01, but for [Plugin.Advance]. Ticks go by it, and
// so do leases, back-offs of reloads and what the plugin asks the host. A module's own time.Now goes by it too; natively that
// is the machine's. A module that sleeps never wakes. Time-outs of call-outs are real.
func FakeClock() Option { return func(o *options) { o.clock = &fakeClock{now: clockStart} } }

// fakeClock implements [pluginhost.Clock].
type fakeClock struct {
	// advancing is held by the one who moves the time.
	advancing sync.Mutex

	mu     sync.Mutex
	now    time.Time
	timers []*fakeTimer // in the order of their making
}

type fakeTimer struct {
	clock *fakeClock
	due   time.Time
	f     func()
}

// Now implements [pluginhost.Clock].
func (c *fakeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// AfterFunc implements [pluginhost.Clock].
func (c *fakeClock) AfterFunc(d time.Duration, f func()) pluginhost.Timer {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &fakeTimer{clock: c, due: c.now.Add(d), f: f}
	c.timers = append(c.timers, t)
	return t
}

// Stop implements [pluginhost.Timer].
func (t *fakeTimer) Stop() bool {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	n := len(t.clock.timers)
	t.clock.timers = slices.DeleteFunc(t.clock.timers, func(o *fakeTimer) bool { return o == t })
	return len(t.clock.timers) < n
}

// advance moves the time, and runs what falls due at its time, one after another.
func (c *fakeClock) advance(d time.Duration) {
	c.advancing.Lock()
	defer c.advancing.Unlock()
	end := c.Now().Add(d)
	for t := c.next(end); t != nil; t = c.next(end) {
		t.f()
	}
}

// next takes the first timer that is due by end, and makes its time the present. Without one, the present is end.
func (c *fakeClock) next(end time.Time) *fakeTimer {
	c.mu.Lock()
	defer c.mu.Unlock()
	var first *fakeTimer
	for _, t := range c.timers {
		if !t.due.After(end) && (first == nil || t.due.Before(first.due)) {
			first = t
		}
	}
	if first == nil {
		c.now = end
		return nil
	}
	if first.due.After(c.now) {
		c.now = first.due
	}
	c.timers = slices.DeleteFunc(c.timers, func(o *fakeTimer) bool { return o == first })
	return first
}

// Advance moves the plugin's time, see [FakeClock]. Ticks that fall due run, each at its time, in all VMs, and Advance
// returns when they have returned. It fails the test if they do not.
func (p *Plugin) Advance(d time.Duration) {
	p.t.Helper()
	if p.clock == nil {
		p.t.Fatalf("plugintest: Advance is for a plugin that was started with FakeClock")
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.clock.advance(d)
	}()
	select {
	case <-done:
	case <-time.After(p.timeout):
		p.t.Fatalf("plugintest: advancing the time by %v: a tick has not returned in %v", d, p.timeout)
	}
	p.reportMistakes(p.watch.takeMistakes())
}

// Now returns the plugin's time: that of its [FakeClock], else the real one.
func (p *Plugin) Now() time.Time {
	if p.clock == nil {
		return time.Now()
	}
	return p.clock.Now()
}
