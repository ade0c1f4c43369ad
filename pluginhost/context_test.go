package pluginhost

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

func TestTicks(t *testing.T) {
	for _, tc := range []struct {
		name string
		tick func(c call, n int)
		// want is when ticks ran, in milliseconds since the configuration.
		want []int64
	}{
		{"period", func(call, int) {}, []int64{10, 20, 30, 40}},
		{"stopped", func(c call, n int) {
			if n == 2 {
				c.SetTickPeriod(0)
			}
		}, []int64{10, 20}},
		{"changed", func(c call, n int) {
			if n == 1 {
				c.SetTickPeriod(15)
			}
		}, []int64{10, 25, 40}},
		{"set again", func(c call, _ int) { c.SetTickPeriod(10) }, []int64{10, 20, 30, 40}},
		{"slow: the period begins when the callback has ended", func(call, int) { time.Sleep(5 * time.Millisecond) },
			[]int64{10, 25, 40}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var begin time.Time
				var got []int64
				s, err := tryStart(map[string]handler{
					"configure": func(c call) (uint32, error) {
						begin = time.Now()
						wantEqual(t, "set", c.SetTickPeriod(10), abi.StatusOK)
						return 1, nil
					},
					"tick": func(c call) (uint32, error) {
						got = append(got, time.Since(begin).Milliseconds())
						tc.tick(c, len(got))
						return 0, nil
					},
				})
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(44 * time.Millisecond)
				closeHost(t, s.host)
				time.Sleep(time.Second)
				if len(got) != len(tc.want) {
					t.Fatalf("ticks at %v, want %v", got, tc.want)
				}
				for i := range got {
					wantEqual(t, "tick", got[i], tc.want[i])
				}
			})
		})
	}
}

// A root that never calls proxy_done is ended all the same.
func TestRootThatNeverEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := tryStart(map[string]handler{"done": func(call) (uint32, error) { return 0, nil }})
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		closeHost(t, s.host)
		wantEqual(t, "waited", time.Since(begin), doneTimeout)
		wantEqual(t, "callbacks", s.fake.took(), "context_create 1, vm_start 1, configure 1, done 1, delete 1")
	})
}

// tick runs a plugin's tick callback once.
func (s *setup) tick() {
	r := s.plugin.roots[0].Load()
	s.plugin.timers.Add(1)
	r.tick(r.arming)
}

func TestEffectiveContext(t *testing.T) {
	get := func(c call, key string) string {
		v, status := c.GetHeaderMapValue(nil, abi.MapHTTPRequestHeaders, []byte(key))
		return string(v) + " " + status.String()
	}
	paused := answer(abi.HeaderStopAllIterationAndWatermark)
	for _, tc := range []struct {
		name           string
		headers        handler
		tick           func(t *testing.T, c call)
		first, second  string // what happened to the streams, contexts 2 and 3
		pausedAfter    bool
		stopsAfterward abi.Action
	}{
		{name: "none", headers: paused, tick: func(t *testing.T, c call) {
			wantEqual(t, "header", get(c, "x-a"), " bad argument")
			wantEqual(t, "resume", c.ContinueStream(abi.StreamHTTPRequest), abi.StatusOK)
		}, pausedAfter: true},
		{name: "unknown", headers: paused, tick: func(t *testing.T, c call) {
			wantEqual(t, "set", c.SetEffectiveContext(99), abi.StatusBadArgument)
			wantEqual(t, "header", get(c, "x-a"), " bad argument")
		}, pausedAfter: true},
		{name: "edit and resume", headers: paused, tick: func(t *testing.T, c call) {
			wantEqual(t, "set", c.SetEffectiveContext(2), abi.StatusOK)
			wantEqual(t, "header", get(c, "x-a"), "1 ok")
			wantEqual(t, "edit", c.ReplaceHeaderMapValue(0, []byte("x-a"), []byte("9")), abi.StatusOK)
			wantEqual(t, "resume", c.ContinueStream(abi.StreamHTTPRequest), abi.StatusOK)
			wantEqual(t, "header", get(c, "x-a"), " bad argument")
		}, first: "clear route cache; continue request"},
		{name: "one after the other", headers: paused, tick: func(t *testing.T, c call) {
			c.SetEffectiveContext(2)
			c.ContinueStream(abi.StreamHTTPRequest)
			c.SetEffectiveContext(3)
			c.SendLocalResponse(403, nil, nil, nil, -1)
			c.SetEffectiveContext(2)
			c.ContinueStream(abi.StreamHTTPResponse)
		}, first: "continue request; continue response", second: `reply 403 "" "" grpc -1`},
		{name: "back to the root", headers: paused, tick: func(t *testing.T, c call) {
			c.SetEffectiveContext(2)
			wantEqual(t, "root", c.SetEffectiveContext(1), abi.StatusOK)
			wantEqual(t, "header", get(c, "x-a"), " bad argument")
			c.SetEffectiveContext(2)
			wantEqual(t, "true context", c.SetEffectiveContext(0), abi.StatusOK)
			wantEqual(t, "header", get(c, "x-a"), " bad argument")
			wantEqual(t, "property", c.SetProperty(abi.Path("x"), nil), abi.StatusNotFound)
		}, pausedAfter: true},
		{name: "not paused: the message is not the plugin's any more", headers: answer(0), tick: func(t *testing.T, c call) {
			wantEqual(t, "set", c.SetEffectiveContext(2), abi.StatusOK)
			wantEqual(t, "header", get(c, "x-a"), " bad argument")
			wantEqual(t, "edit", c.AddHeaderMapValue(0, []byte("x-a"), nil), abi.StatusBadArgument)
			wantEqual(t, "property", c.SetProperty(abi.Path("x"), nil), abi.StatusOK)
		}},
		{name: "reply from a tick does not stop the reply", headers: paused, tick: func(t *testing.T, c call) {
			c.SetEffectiveContext(2)
			c.SendLocalResponse(403, nil, nil, nil, -1)
		}, first: `reply 403 "" "" grpc -1`, pausedAfter: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := start(t, map[string]handler{"request_headers": tc.headers, "tick": func(c call) (uint32, error) {
				tc.tick(t, c)
				return 0, nil
			}})
			var cbs [2]*stream
			var fs [2]*Filter
			for i := range fs {
				cbs[i] = newStream()
				fs[i] = s.filter(cbs[i])
				fs[i].DecodeHeaders(cbs[i].request, false)
			}
			s.tick()
			wantEqual(t, "first", cbs[0].happened(), tc.first)
			wantEqual(t, "second", cbs[1].happened(), tc.second)
			wantEqual(t, "still paused", fs[0].request.stopped, tc.pausedAfter)
			wantEqual(t, "next", fs[0].EncodeHeaders(cbs[0].response, true), abi.HeaderContinue)
			for i, cb := range cbs {
				if !cb.TryLock() {
					t.Errorf("stream %d is still locked", i)
				} else {
					cb.Unlock()
				}
				fs[i].OnDestroy()
			}
		})
	}
}

func TestEffectiveContextIsGoneWithTheStream(t *testing.T) {
	s := start(t, map[string]handler{"tick": func(c call) (uint32, error) {
		wantEqual(t, "set", c.SetEffectiveContext(2), abi.StatusBadArgument)
		return 0, nil
	}})
	cb := newStream()
	f := s.filter(cb)
	f.DecodeHeaders(cb.request, true)
	f.OnLog()
	f.OnDestroy()
	s.tick()
}

// A stream that ends a callback about another gets its own lock back in order, and the other its actions by post.
func TestEffectiveContextInAStream(t *testing.T) {
	s := start(t, map[string]handler{"request_headers": func(c call) (uint32, error) {
		if c.id == 2 {
			return uint32(abi.HeaderStopIteration), nil
		}
		c.SetEffectiveContext(2)
		c.ContinueStream(abi.StreamHTTPRequest)
		c.SetEffectiveContext(0)
		v, _ := c.GetHeaderMapValue(nil, 0, []byte(":path"))
		wantEqual(t, "own header", string(v), "/second")
		c.SetEffectiveContext(2)
		return 0, nil
	}})
	first, second := newStream(), newStream()
	second.request.Set(":path", "/second")
	f1, f2 := s.filter(first), s.filter(second)
	f1.DecodeHeaders(first.request, true)
	wantEqual(t, "second goes on", f2.DecodeHeaders(second.request, true), abi.HeaderContinue)
	wantEqual(t, "first", first.happened(), "continue request")
	wantEqual(t, "second", second.happened(), "")
	f1.OnDestroy()
	f2.OnDestroy()
}

func TestPickWorker(t *testing.T) {
	h := New(Options{Workers: 3})
	var picked [3]int
	for range 300 {
		picked[h.PickWorker()]++
	}
	if picked != [3]int{100, 100, 100} || h.Workers() != 3 {
		t.Errorf("picked %v of %d", picked, h.Workers())
	}
	if n := New(Options{}).Workers(); n < 1 {
		t.Errorf("%d workers by default", n)
	}
}

// The lock serves its waiters in the order in which they came.
func TestFairLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newFairLock()
		l.Lock()
		var order []int
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				l.Lock()
				order = append(order, i)
				l.Unlock()
			})
			synctest.Wait() // i waits now
		}
		l.Unlock()
		wg.Wait()
		for i, got := range order {
			wantEqual(t, "served", got, i)
		}
	})
}

func TestFairLockHammer(t *testing.T) {
	l := newFairLock()
	n := 0
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 2000 {
				l.Lock()
				n++
				l.Unlock()
			}
		})
	}
	wg.Wait()
	wantEqual(t, "counted", n, 16000)
}

// What on_context_create makes effective does not last into the next callback.
func TestEffectiveContextEndsWithTheCallback(t *testing.T) {
	s := start(t, map[string]handler{
		"context_create": func(c call) (uint32, error) {
			if c.id > 2 {
				wantEqual(t, "set", c.SetEffectiveContext(2), abi.StatusOK)
			}
			return 0, nil
		},
		"request_headers": func(c call) (uint32, error) {
			v, _ := c.GetHeaderMapValue(nil, 0, []byte(":path"))
			wantEqual(t, "path", string(v), fmt.Sprint("/", c.id))
			return uint32(abi.HeaderStopIteration), nil
		},
		"log": func(c call) (uint32, error) {
			v, _ := c.GetHeaderMapValue(nil, 0, []byte(":path"))
			wantEqual(t, "path", string(v), fmt.Sprint("/", c.id))
			return 0, nil
		},
	})
	var fs []*Filter
	for id := 2; id <= 4; id++ {
		cb := newStream()
		cb.request.Set(":path", fmt.Sprint("/", id))
		f := s.filter(cb)
		fs = append(fs, f)
		if id < 4 {
			f.DecodeHeaders(cb.request, true)
		}
	}
	for _, f := range fs[1:] {
		f.OnLog()
	}
	for _, f := range fs {
		f.OnDestroy()
	}
}
