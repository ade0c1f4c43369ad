package gateway

import (
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// deadlines is a stream's one timer, for its idle timeout and its route's timeout: a timer is cheap, but not so cheap
// that every stream should have two.
type deadlines struct {
	start time.Time
	idle  time.Duration // 0 is none
	// moved is when something last moved, route when the route's timeout ends, in nanoseconds since start; route 0 is not
	// yet, or never.
	moved atomic.Int64
	route atomic.Int64

	mu    sync.Mutex
	timer *time.Timer
	next  time.Duration // since start, when the timer fires
	ended bool
}

// move notes activity, and answers the time since the start.
func (d *deadlines) move() time.Duration {
	now := time.Since(d.start)
	d.moved.Store(int64(now))
	return now
}

// until is when the next deadline ends, since start; 0 is never.
func (d *deadlines) until() time.Duration {
	until := time.Duration(d.route.Load())
	if d.idle > 0 {
		if idle := time.Duration(d.moved.Load()) + d.idle; until == 0 || idle < until {
			until = idle
		}
	}
	return until
}

// arm has fire run when the next deadline ends, or earlier: it is to look which has. now is the time since start.
func (d *deadlines) arm(now time.Duration, fire func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	until := d.until()
	if until == 0 || d.ended || d.timer != nil && d.next > 0 && d.next <= until {
		return
	}
	d.next = until
	wait := until - now
	if d.timer == nil {
		d.timer = time.AfterFunc(wait, fire)
		return
	}
	d.timer.Reset(wait)
}

// fired notes that the timer has run out, so that arm sets it again.
func (d *deadlines) fired() {
	d.mu.Lock()
	d.next = 0
	d.mu.Unlock()
}

// stop ends the timer for good.
func (d *deadlines) stop() {
	d.mu.Lock()
	d.ended = true
	if d.timer != nil {
		d.timer.Stop()
	}
	d.mu.Unlock()
}

// deadlineEnded ends what has taken too long: the upstream request (source: Envoy's RouteAction.timeout) or a stream in
// which nothing moves (source: Envoy's HttpConnectionManager.stream_idle_timeout).
func (s *stream) deadlineEnded() {
	s.deadlines.fired()
	now := time.Since(s.deadlines.start)
	if route := s.deadlines.route.Load(); route > 0 && int64(now) >= route {
		s.deadlines.route.Store(0)
		s.up.cancel(errRouteTimeout)
	}
	if s.deadlines.idle > 0 && int64(now)-s.deadlines.moved.Load() >= int64(s.deadlines.idle) {
		s.post(func() {
			code := uint32(http.StatusGatewayTimeout)
			if !s.requestEnded.Load() {
				code = http.StatusRequestTimeout
			}
			s.fail(code, "SI", "stream_idle_timeout", "stream timeout")
		})
		return
	}
	s.deadlines.arm(now, s.deadlineEnded)
}

// requestSent starts the route's timeout, which counts from the end of the request.
func (s *stream) requestSent() {
	if s.up.timeout > 0 && !s.up.timed {
		s.up.timed = true
		now := time.Since(s.deadlines.start)
		s.deadlines.route.Store(int64(now + s.up.timeout))
		s.deadlines.arm(now, s.deadlineEnded)
	}
}
