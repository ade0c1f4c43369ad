package pluginhost

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

// steps are the callbacks of a stream in order, each with the answer that stops everything in its phase.
var steps = []struct {
	name string
	stop abi.Action
	run  func(f *Filter, cb *stream) abi.Action
}{
	{"request_headers", abi.HeaderStopAllIterationAndWatermark, func(f *Filter, cb *stream) abi.Action { return f.DecodeHeaders(cb.request, false) }},
	{"request_body", abi.DataStopIterationNoBuffer, func(f *Filter, _ *stream) abi.Action { return f.DecodeData(buffer("x"), false) }},
	{"request_trailers", abi.TrailerStopIteration, func(f *Filter, cb *stream) abi.Action { return f.DecodeTrailers(cb.request) }},
	{"response_headers", abi.HeaderStopAllIterationAndWatermark, func(f *Filter, cb *stream) abi.Action { return f.EncodeHeaders(cb.response, false) }},
	{"response_body", abi.DataStopIterationNoBuffer, func(f *Filter, _ *stream) abi.Action { return f.EncodeData(buffer("x"), false) }},
	{"response_trailers", abi.TrailerStopIteration, func(f *Filter, cb *stream) abi.Action { return f.EncodeTrailers(cb.response) }},
	{"log", 0, func(f *Filter, _ *stream) abi.Action { f.OnLog(); return 0 }},
	{"done", 0, func(f *Filter, _ *stream) abi.Action { f.OnDestroy(); return 0 }},
}

func TestTrap(t *testing.T) {
	for at, step := range steps {
		for _, policy := range []FailurePolicy{FailClosed, FailOpen, FailReload} {
			t.Run(step.name+" "+[]string{"closed", "open", "reload"}[policy], func(t *testing.T) {
				s := start(t, map[string]handler{step.name: trap}, func(c *Config) { c.FailurePolicy = policy })
				cb := newStream()
				f := s.filter(cb)
				for i, now := range steps {
					got := now.run(f, cb)
					want := abi.ActionContinue
					switch {
					case i == at && policy != FailOpen, i > at && i < 3 && policy != FailOpen:
						// The chain asks no more of a stream that was answered, on the request's side; if it did, it would hear stop.
						want = now.stop
					}
					wantEqual(t, now.name, got, want)
				}
				events := failReply
				if policy == FailOpen || step.stop == 0 {
					events = ""
				}
				wantEqual(t, "events", cb.happened(), events)
				if log := s.log.String(); strings.Count(log, "plugin crashed") != 1 || !strings.Contains(log, errTrap.Error()) ||
					!strings.Contains(log, "callback=proxy_on_"+step.name) {
					t.Errorf("log:\n%s", log)
				}
				if calls := s.fake.took(); !strings.HasSuffix(calls, step.name+" 2") {
					t.Errorf("the dead plugin was called: %s", calls)
				}
			})
		}
	}
}

func TestTrapAtCreation(t *testing.T) {
	s := start(t, map[string]handler{"context_create": func(c call) (uint32, error) {
		if c.n == 0 {
			return 0, nil
		}
		return 0, errTrap
	}})
	cb := newStream()
	wantEqual(t, "action", s.filter(cb).DecodeHeaders(cb.request, true), abi.HeaderStopAllIterationAndWatermark)
	wantEqual(t, "events", cb.happened(), failReply)
}

func TestStreamOfADeadPlugin(t *testing.T) {
	for _, policy := range []FailurePolicy{FailClosed, FailOpen} {
		s := start(t, map[string]handler{"request_headers": trap}, func(c *Config) { c.FailurePolicy = policy })
		first := newStream()
		s.filter(first).DecodeHeaders(first.request, true)
		s.fake.took()
		cb := newStream()
		f := s.filter(cb)
		for _, step := range steps {
			want := abi.ActionContinue
			if policy == FailClosed && step.name == "request_headers" {
				want = step.stop
			}
			wantEqual(t, step.name, step.run(f, cb), want)
		}
		want := ""
		if policy == FailClosed {
			want = failReply
		}
		wantEqual(t, "events", cb.happened(), want)
		wantEqual(t, "callbacks", s.fake.took(), "")
	}
}

// Streams that only the dead plugin could have resumed must not be left hanging.
func TestTrapFailsPausedStreams(t *testing.T) {
	for _, tc := range []struct {
		name   string
		policy FailurePolicy
		pause  string // the callback that pauses
		events string
	}{
		{"closed, request headers", FailClosed, "request_headers", failReply},
		{"closed, request body", FailClosed, "request_body", failReply},
		{"closed, response headers", FailClosed, "response_headers", failReply},
		{"closed, not paused", FailClosed, "", ""},
		{"open, request headers", FailOpen, "request_headers", "continue request"},
		{"open, request trailers", FailOpen, "request_trailers", "continue request"},
		{"open, response body", FailOpen, "response_body", "continue response"},
		{"open, not paused", FailOpen, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := start(t, map[string]handler{
				"log":    trap,
				tc.pause: func(call) (uint32, error) { return 1, nil },
			}, func(c *Config) { c.FailurePolicy = tc.policy })
			cb := newStream()
			f := s.filter(cb)
			for _, step := range steps[:6] {
				step.run(f, cb)
				if step.name == tc.pause {
					break
				}
			}
			other := s.filter(newStream())
			other.OnLog()
			wantEqual(t, "events", cb.happened(), tc.events)
			f.OnLog()
			f.OnDestroy()
			wantEqual(t, "events", cb.happened(), "")
		})
	}
}

func TestReload(t *testing.T) {
	for _, tc := range []struct {
		name     string
		policy   FailurePolicy
		backoff  time.Duration
		reloaded bool
	}{
		{"reload", FailReload, time.Nanosecond, true},
		{"reload inside the back-off", FailReload, time.Hour, false},
		{"closed", FailClosed, time.Nanosecond, false},
		{"open", FailOpen, time.Nanosecond, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := start(t, map[string]handler{"tick": trap, "configure": func(c call) (uint32, error) {
				c.SetTickPeriod(0)
				return 1, nil
			}}, func(c *Config) {
				c.FailurePolicy, c.ReloadBackoff = tc.policy, tc.backoff
			})
			second := s.plugin.cfg
			second.Name = "second"
			p2, err := s.host.NewPlugin(t.Context(), second)
			if err != nil {
				t.Fatal(err)
			}
			before, dead := s.fake, s.plugin.roots[0].Load()
			s.plugin.timers.Add(1)
			dead.tick(dead.arming)
			if !dead.vm.isDead() {
				t.Fatal("the VM lives")
			}
			cb := newStream()
			f := s.filter(cb)
			a := f.DecodeHeaders(cb.request, true)
			f.OnLog()
			f.OnDestroy()
			if tc.reloaded {
				wantEqual(t, "action", a, abi.HeaderContinue)
				wantEqual(t, "new VM", s.fake.took(), "context_create 1, vm_start 1, configure 1, "+
					"context_create 2, vm_start 2, configure 2, context_create 3, request_headers 3, log 3, done 3, delete 3")
				cb := newStream()
				f := p2.NewFilter(0, cb)
				wantEqual(t, "the other plugin", f.DecodeHeaders(cb.request, true), abi.HeaderContinue)
				f.OnDestroy()
				return
			}
			if s.fake != before {
				t.Error("a new VM was made")
			}
			want := failReply
			if tc.policy == FailOpen {
				want = ""
			}
			wantEqual(t, "events", cb.happened(), want)
		})
	}
}

func TestReloadThatFails(t *testing.T) {
	starts := 0
	s := start(t, map[string]handler{"tick": trap, "configure": func(call) (uint32, error) {
		if starts++; starts == 2 {
			return 0, nil
		}
		return 1, nil
	}}, func(c *Config) { c.FailurePolicy, c.ReloadBackoff = FailReload, time.Nanosecond })
	r := s.plugin.roots[0].Load()
	r.plugin.timers.Add(1)
	r.tick(r.arming)
	for i, want := range []abi.Action{abi.HeaderStopAllIterationAndWatermark, abi.HeaderContinue} {
		cb := newStream()
		f := s.filter(cb)
		wantEqual(t, []string{"refused", "again"}[i], f.DecodeHeaders(cb.request, true), want)
		f.OnDestroy()
	}
	if !strings.Contains(s.log.String(), "plugin VM not reloaded") {
		t.Errorf("log:\n%s", s.log.String())
	}
}

// A fail-open stream whose plugin dies is let go in both directions, and what comes later is not collected for it.
func TestFailOpenLetsEverythingGo(t *testing.T) {
	for _, tc := range []struct {
		name   string
		die    string // the callback that traps
		events string
	}{
		{"in the response", "response_headers", "continue request"},
		{"in the request", "request_trailers", ""},
		{"elsewhere", "tick", "continue request"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := start(t, map[string]handler{tc.die: trap, "request_body": answer(abi.DataStopIterationAndBuffer)},
				func(c *Config) { c.FailurePolicy = FailOpen })
			cb := newStream()
			f := s.filter(cb)
			f.DecodeHeaders(cb.request, false)
			f.DecodeData(buffer("one"), false)
			switch tc.die {
			case "tick":
				s.tick()
			case "request_trailers":
				wantEqual(t, "trailers", f.DecodeTrailers(cb.request), abi.TrailerContinue)
			default:
				wantEqual(t, "headers", f.EncodeHeaders(cb.response, false), abi.HeaderContinue)
			}
			wantEqual(t, "events", cb.happened(), tc.events)
			d := buffer("two")
			if tc.die == "request_trailers" {
				return
			}
			wantEqual(t, "later data", f.DecodeData(d, true), abi.DataContinue)
			wantEqual(t, "later data", string(d.Bytes()), "two")
		})
	}
}

// A stream that the plugin answered does not wait for it any more; the answer may, if the plugin holds that back.
func TestTrapAfterReply(t *testing.T) {
	for _, policy := range []FailurePolicy{FailClosed, FailOpen} {
		for _, holds := range []bool{false, true} {
			t.Run(fmt.Sprint([]string{"closed", "open"}[policy], " holds the reply back ", holds), func(t *testing.T) {
				on := map[string]handler{"log": trap, "tick": func(c call) (uint32, error) {
					c.SetEffectiveContext(2)
					wantEqual(t, "resume", c.ContinueStream(abi.StreamHTTPRequest), abi.StatusOK)
					return 0, nil
				}, "request_headers": func(c call) (uint32, error) {
					c.SendLocalResponse(403, nil, nil, nil, -1)
					return 0, nil
				}}
				want := ""
				if holds {
					on["response_headers"] = answer(abi.HeaderStopIteration)
					want = []string{failReply, "continue response"}[policy]
				}
				s := start(t, on, func(c *Config) { c.FailurePolicy = policy })
				cb := newStream()
				f := s.filter(cb)
				f.DecodeHeaders(cb.request, false)
				f.EncodeHeaders(cb.response, true)
				s.tick()
				wantEqual(t, "reply", cb.happened(), `reply 403 "" "" grpc -1`)
				s.filter(newStream()).OnLog()
				wantEqual(t, "events", cb.happened(), want)
				f.OnLog()
				f.OnDestroy()
			})
		}
	}
}
