package gateway

import (
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// deadlines are the times by which something must happen in a stream, kept by a deadlineClock: the idle timeout's, which
// moves on with the stream, and the route timeout's.
type deadlines struct {
	clock *deadlineClock
	// ended is called, on a goroutine of its own, when a deadline has passed; it looks which.
	ended func()
	// idle is the idle timeout, 0 for none.
	idle time.Duration
	// start is when the stream began, moved when something last moved, route when the route's timeout ends: in clock time.
	// route 0 is not yet, or never.
	start time.Duration
	moved atomic.Int64
	route atomic.Int64

	// Guarded by the shard's lock.
	shard      *deadlineShard
	prev, next *deadlines
}

// begin starts the time of a stream, the nth of its gateway.
func (d *deadlines) begin(clock *deadlineClock, n uint64, idle time.Duration, ended func()) {
	d.clock, d.idle, d.ended, d.start = clock, idle, ended, clock.now()
	d.moved.Store(int64(d.start))
	d.shard = &clock.shards[n%uint64(len(clock.shards))]
	d.shard.add(d)
}

// move notes activity, and answers the time since the start.
func (d *deadlines) move() time.Duration {
	now := d.clock.now()
	d.moved.Store(int64(now))
	return now - d.start
}

// passed reports whether a deadline lies before now.
func (d *deadlines) passed(now time.Duration) bool {
	route := d.route.Load()
	return route > 0 && int64(now) >= route || d.idle > 0 && int64(now)-d.moved.Load() >= int64(d.idle)
}

// stop takes the deadlines from their clock. ended may be running still.
func (d *deadlines) stop() { d.shard.remove(d) }

// deadlineClock watches the deadlines of all streams of a gateway. It looks at them every deadlineTick, which is how
// late a timeout may be. A timer for each stream would be exact, but starting one wakes a thread that has to wait for
// it, which cost a proxied request a tenth of its CPU time.
type deadlineClock struct {
	base    time.Time
	shards  [8]deadlineShard
	stopped chan struct{}
	running sync.WaitGroup
}

// deadlineTick is how often deadlines are looked at.
const deadlineTick = 20 * time.Millisecond

// deadlineShard is a part of the streams, so that their beginnings and ends do not wait for each other.
type deadlineShard struct {
	mu    sync.Mutex
	first *deadlines
	_     [40]byte // keeps shards on cache lines of their own
}

func (s *deadlineShard) add(d *deadlines) {
	s.mu.Lock()
	d.next = s.first
	if d.next != nil {
		d.next.prev = d
	}
	s.first = d
	s.mu.Unlock()
}

func (s *deadlineShard) remove(d *deadlines) {
	s.mu.Lock()
	if d.prev != nil {
		d.prev.next = d.next
	} else {
		s.first = d.next
	}
	if d.next != nil {
		d.next.prev = d.prev
	}
	d.prev, d.next = nil, nil
	s.mu.Unlock()
}

// run starts the clock; end stops it.
func (c *deadlineClock) run() {
	c.base, c.stopped = time.Now(), make(chan struct{})
	c.running.Go(func() {
		ticker := time.NewTicker(deadlineTick)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				c.look()
			case <-c.stopped:
				return
			}
		}
	})
}

// end stops the clock and waits for what it started. All streams must be over.
func (c *deadlineClock) end() {
	if c.stopped != nil {
		close(c.stopped)
		c.running.Wait()
	}
}

// now is the time since the clock began, which is never 0.
func (c *deadlineClock) now() time.Duration { return time.Since(c.base) + 1 }

// look starts what is to happen for each stream of which a deadline has passed.
func (c *deadlineClock) look() {
	now := c.now()
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		for d := s.first; d != nil; d = d.next {
			if d.passed(now) {
				d.moved.Store(int64(now)) // not again at once
				if route := d.route.Load(); route > 0 && int64(now) >= route {
					d.route.Store(-1)
				}
				c.running.Go(d.ended)
			}
		}
		s.mu.Unlock()
	}
}

// deadlineEnded ends what has taken too long: the upstream request (source: Envoy's RouteAction.timeout) or a stream in
// which nothing moves (source: Envoy's HttpConnectionManager.stream_idle_timeout). Where a filter holds the answer to
// the latter, the next one goes past it.
func (s *stream) deadlineEnded() {
	switch {
	case s.deadlines.route.CompareAndSwap(-1, 0):
		s.up.cancel(errRouteTimeout)
	case s.over.Load():
		s.out.abort(errClientTooSlow) // all that is left is a client that does not read
	default:
		s.post(func() {
			code := uint32(http.StatusGatewayTimeout)
			if !s.requestEnded.Load() {
				code = http.StatusRequestTimeout
			}
			s.fail(code, "SI", "stream_idle_timeout", "stream timeout")
		})
	}
}

// requestSent starts the route's timeout, which counts from the end of the request.
func (s *stream) requestSent() {
	if s.up.timeout > 0 && !s.up.timed {
		s.up.timed = true
		s.deadlines.route.Store(int64(s.deadlines.clock.now() + s.up.timeout))
	}
}
