package pluginhost

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

// notes is an observer that writes down what it is told.
type notes struct {
	mu    sync.Mutex
	lines []string
}

func (n *notes) StreamBegun(c Context, cb Callbacks) {
	path, _ := cb.AppendProperty(nil, []byte("path"))
	n.note("%s/%d/%d begins at %s", c.Plugin, c.Worker, c.Stream, path)
}

func (n *notes) CallbackEnded(e *CallbackEvent) {
	line := fmt.Sprintf("%s %d", strings.TrimPrefix(e.Name, "proxy_on_"), e.Stream)
	if e.Answers {
		line += fmt.Sprintf(" %d>%d", e.Returned, e.Taken)
	}
	for _, c := range e.Calls {
		line += fmt.Sprintf(" [%s %s %q of %d", strings.TrimPrefix(c.Name, "proxy_"), c.About, c.Value, c.Stream)
		if c.Reply != nil {
			line += fmt.Sprintf(" reply %d", c.Reply.Code)
		}
		if c.Misuse != NoMisuse {
			line += fmt.Sprintf(" misuse %d, %v", c.Misuse, c.Status)
		}
		line += "]"
	}
	if e.Err != nil {
		line += " died: " + e.Err.Error()
	}
	n.note("%s", line)
}

func (n *notes) note(format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines = append(n.lines, fmt.Sprintf(format, args...))
}

// took returns the lines since the last took.
func (n *notes) took() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := strings.Join(n.lines, "\n")
	n.lines = nil
	return s
}

// watched starts a plugin whose host has an observer and, if it is not nil, a clock.
func watched(t *testing.T, on map[string]handler, clock Clock) (*setup, *notes) {
	t.Helper()
	n := &notes{}
	s := &setup{log: &syncBuffer{}, host: New(Options{Workers: 1, Observer: n, Clock: clock})}
	t.Cleanup(func() { closeHost(t, s.host) })
	var err error
	s.plugin, err = s.host.NewPlugin(context.Background(), Config{Name: "test", VMID: "vm", Native: func(h abi.Host) abi.Plugin {
		s.fake = &fake{host: h, on: on}
		return s.fake
	}})
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "the start", n.took(), "context_create 0\nvm_start 0\nconfigure 0")
	return s, n
}

func TestObserver(t *testing.T) {
	property := func(c call) (uint32, error) {
		c.SetProperty(abi.Path("a\x00b"), []byte("v"))
		return 1, nil
	}
	reply := func(c call) (uint32, error) {
		c.SendLocalResponse(403, nil, nil, nil, -1)
		return 0, nil
	}
	for _, tc := range []struct {
		name string
		on   map[string]handler
		do   func(f *Filter, s *setup, cb *stream)
		want []string
	}{
		{"a property", map[string]handler{"request_headers": property}, nil, []string{
			`request_headers 2 1>1 [set_property a` + "\x00" + `b "v" of 2]`}},
		{"a reply", map[string]handler{"request_headers": reply}, nil, []string{
			`request_headers 2 0>4 [send_local_response  "" of 2 reply 403]`}},
		{"two replies", map[string]handler{"request_headers": func(c call) (uint32, error) {
			_, _ = reply(c)
			return reply(c)
		}}, nil, []string{`request_headers 2 0>4 [send_local_response  "" of 2 reply 403] ` +
			`[send_local_response  "" of 2 misuse 3, bad argument]`}},
		{"a reply, and a resume", map[string]handler{"request_headers": func(c call) (uint32, error) {
			_, _ = reply(c)
			c.ContinueStream(abi.StreamHTTPRequest)
			return 0, nil
		}}, nil, []string{`request_headers 2 0>4 [send_local_response  "" of 2 reply 403] [continue_stream request "" of 2 misuse 2, ok]`}},
		{"a pause, and its resume from a tick", map[string]handler{"request_headers": func(call) (uint32, error) { return 4, nil },
			"tick": func(c call) (uint32, error) {
				c.SetEffectiveContext(2)
				c.ContinueStream(abi.StreamHTTPRequest)
				c.ContinueStream(abi.StreamHTTPRequest)
				return 0, nil
			}},
			func(_ *Filter, s *setup, _ *stream) { s.tick() }, []string{
				`request_headers 2 4>4`,
				`tick 0 [continue_stream request "" of 2] [continue_stream request "" of 2 misuse 1, ok]`}},
		{"a resume of nothing", map[string]handler{"request_headers": func(c call) (uint32, error) {
			c.ContinueStream(abi.StreamHTTPResponse)
			c.ContinueStream(abi.StreamDownstream)
			c.CloseStream(abi.StreamHTTPResponse)
			return 7, nil
		}}, nil, []string{`request_headers 2 7>4 [continue_stream response "" of 2 misuse 1, ok] [close_stream response "" of 2]`}},
		{"after the end", map[string]handler{"log": func(c call) (uint32, error) {
			c.ContinueStream(abi.StreamHTTPRequest)
			return reply(c)
		}}, func(f *Filter, _ *setup, _ *stream) {
			f.OnLog()
			f.OnDestroy()
		}, []string{"request_headers 2 0>0",
			`log 2 [continue_stream request "" of 2 misuse 4, ok] [send_local_response  "" of 2 misuse 4, ok]`, "done 2", "delete 2"}},
		{"a trap", map[string]handler{"request_headers": trap}, nil, []string{"request_headers 2 died: " + errTrap.Error()}},
		{"body and trailers", nil, func(f *Filter, _ *setup, cb *stream) {
			f.DecodeData(buffer("x"), false)
			f.DecodeTrailers(cb.request)
		}, []string{"request_headers 2 0>0", "request_body 2 0>0", "request_trailers 2 0>0"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, n := watched(t, tc.on, nil)
			cb := newStream()
			cb.properties["path"] = "/p"
			f := s.filter(cb)
			defer f.OnDestroy()
			f.DecodeHeaders(cb.request, false)
			if tc.do != nil {
				tc.do(f, s, cb)
			}
			wantEqual(t, "observed", n.took(), "test/0/2 begins at /p\n"+strings.Join(tc.want, "\n"))
		})
	}
}

// TestObserverOfAStreamThatOnlyEnds: its context is made to log it.
func TestObserverOfAStreamThatOnlyEnds(t *testing.T) {
	s, n := watched(t, nil, nil)
	f := s.filter(newStream())
	f.OnLog()
	f.OnDestroy()
	wantEqual(t, "observed", n.took(), "test/0/2 begins at \nlog 2\ndone 2\ndelete 2")
}

// stopped is a clock that stands still, with the timers that were made.
type stopped struct {
	mu     sync.Mutex
	now    time.Time
	timers map[*stoppedTimer]func()
}

type stoppedTimer struct {
	clock *stopped
	after time.Duration
}

func (c *stopped) Now() time.Time { return c.now }
func (c *stopped) AfterFunc(d time.Duration, f func()) Timer {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &stoppedTimer{c, d}
	c.timers[t] = f
	return t
}

func (t *stoppedTimer) Stop() bool {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	_, there := t.clock.timers[t]
	delete(t.clock.timers, t)
	return there
}

// fire runs the timers there are and says after what time they were due.
func (c *stopped) fire() (after []time.Duration) {
	c.mu.Lock()
	timers := c.timers
	c.timers = map[*stoppedTimer]func(){}
	c.mu.Unlock()
	for t, f := range timers {
		after = append(after, t.after)
		f()
	}
	return after
}

func TestTicksGoByTheClock(t *testing.T) {
	clock := &stopped{now: time.Unix(1000, 5), timers: map[*stoppedTimer]func(){}}
	var told uint64
	s, n := watched(t, map[string]handler{
		"configure": func(c call) (uint32, error) {
			told, _ = c.CurrentTimeNanoseconds()
			c.SetTickPeriod(60_000)
			return 1, nil
		},
	}, clock)
	wantEqual(t, "the plugin's time", told, uint64(clock.now.UnixNano()))
	for range 2 {
		if after := clock.fire(); len(after) != 1 || after[0] != time.Minute {
			t.Errorf("timers after %v", after)
		}
		wantEqual(t, "observed", n.took(), "tick 0")
	}
	closeHost(t, s.host)
	if after := clock.fire(); len(after) > 0 {
		t.Errorf("timers after the end: %v", after)
	}
}

func TestPickWorkerByTheHostsOwner(t *testing.T) {
	next := 0
	h := New(Options{Workers: 3, PickWorker: func(workers int) int { return next + workers }})
	for _, next = range []int{2, 0, 1} {
		wantEqual(t, "worker", h.PickWorker(), next)
	}
}
