package pluginhost

import (
	"testing"

	"github.com/sluice-gateway/sluice/message"
	"github.com/sluice-gateway/sluice/sdk/abi"
)

// What a plugin asks for in a tick while the stream's turn is busy is done before the stream's next callback, as in
// Envoy: an older resume must not end a pause that the callback answers, and a denied request must not go on.
func TestAskedForBeforeTheNextCallback(t *testing.T) {
	const buf, none = abi.DataStopIterationAndBuffer, abi.DataStopIterationNoBuffer
	resume := func(c call) { c.ContinueStream(abi.StreamHTTPRequest) }
	for _, tc := range []struct {
		name   string
		tick   func(c call)
		next   func(f *Filter, cb *stream) abi.Action
		answer abi.Action // of the next callback
		want   abi.Action
		events string
		skip   bool // the next callback is not made
	}{
		{name: "resume, then pause", tick: resume, answer: buf, want: buf, events: "release request"},
		{name: "resume, then continue", tick: resume, answer: 0, want: 0, events: "release request"},
		{name: "resume, then pause trailers", tick: resume, answer: 1, want: 1, events: "release request",
			next: func(f *Filter, cb *stream) abi.Action { return f.DecodeTrailers(message.NewHeaders("t", "1")) }},
		{name: "resume the response, then pause it", tick: func(c call) { c.ContinueStream(abi.StreamHTTPResponse) },
			answer: 1, want: 1, events: "release response",
			next: func(f *Filter, cb *stream) abi.Action { return f.EncodeTrailers(message.NewHeaders("t", "1")) }},
		{name: "deny", tick: func(c call) { c.SendLocalResponse(403, nil, nil, nil, -1) }, answer: 0, want: none,
			events: `reply 403 "" "" grpc -1`, skip: true},
		{name: "reset", tick: func(c call) { c.CloseStream(abi.StreamHTTPRequest) }, answer: 0, want: none,
			events: "reset wasm_close_stream", skip: true},
		{name: "inject", tick: func(c call) { c.InjectEncodedData([]byte("x"), false) }, answer: 0, want: 0,
			events: `inject "x" false`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			made := ""
			var cb *stream
			next := func(call) (uint32, error) {
				made = cb.happened()
				if made == "" {
					made = "nothing"
				}
				return uint32(tc.answer), nil
			}
			s := start(t, map[string]handler{
				"request_headers": answer(abi.HeaderStopIteration), "response_headers": answer(abi.HeaderStopIteration),
				"request_body": next, "request_trailers": next, "response_trailers": next,
				"tick": func(c call) (uint32, error) {
					c.SetEffectiveContext(2)
					tc.tick(c)
					return 0, nil
				},
			})
			s.plugin.keepStopIteration = true
			cb = newStream()
			f := s.filter(cb)
			if tc.next == nil {
				tc.next = func(f *Filter, _ *stream) abi.Action { return f.DecodeData(buffer("x"), false) }
			}
			cb.onTurn(func() {
				f.DecodeHeaders(cb.request, false)
				f.EncodeHeaders(cb.response, false)
				s.tick()
				wantEqual(t, "events in a busy turn", cb.happened(), "")
				wantEqual(t, "action", tc.next(f, cb), tc.want)
			})
			if tc.skip {
				wantEqual(t, "callback", made, "")
				made = cb.happened()
			}
			wantEqual(t, "events before the callback", made, tc.events)
			wantEqual(t, "events after it", cb.happened(), "")
			f.OnDestroy()
		})
	}
}

// A collected body that was resumed in a busy turn is not shown again, nor does the next piece join it.
func TestResumedBodyIsNotSeenAgain(t *testing.T) {
	var saw []string
	s := start(t, map[string]handler{
		"request_body": func(c call) (uint32, error) {
			saw = append(saw, body(c, abi.BufferHTTPRequestBody))
			return uint32(abi.DataStopIterationAndBuffer), nil
		},
		"tick": func(c call) (uint32, error) {
			c.SetEffectiveContext(2)
			c.ContinueStream(abi.StreamHTTPRequest)
			return 0, nil
		},
	})
	cb := newStream()
	f := s.plugin.NewFilter(0, &handingOn{cb})
	cb.onTurn(func() {
		f.DecodeHeaders(cb.request, false)
		d := buffer("one")
		f.DecodeData(d, false)
		cb.add(&cb.decoding, d)
		s.tick()
		f.DecodeData(buffer("two"), false)
	})
	if len(saw) != 2 || saw[1] != `3/false "two" ok` {
		t.Errorf("saw %v", saw)
	}
	f.OnDestroy()
}

// handingOn is a stream whose buffered request body goes on when it is resumed.
type handingOn struct{ *stream }

func (s *handingOn) ReleaseDecoding() {
	s.stream.ReleaseDecoding()
	s.decoding = nil
}

// Maps that have gone on to the next filter are not the plugin's any more.
func TestMapsThatHaveGoneOn(t *testing.T) {
	const ok, bad = abi.StatusOK, abi.StatusBadArgument
	resume := func(m abi.StreamType) func(c call) { return func(c call) { c.ContinueStream(m) } }
	inject := func(c call) { c.InjectEncodedData([]byte("x"), false) }
	injectLater := func(c call) {
		c.CallForeignFunction(nil, []byte(abi.FunctionInjectEncodedDataOnHeader), []byte("\x0a\x02hi"))
	}
	for _, tc := range []struct {
		name    string
		tick    func(c call)
		own     func(c call) // in the response body callback that comes first
		answers abi.Action   // of that
		want    abi.Status   // editing the response's headers afterwards
	}{
		{"held", func(call) {}, func(call) {}, 1, ok},
		{"resumed from elsewhere", resume(abi.StreamHTTPResponse), func(call) {}, 1, bad},
		{"resumed in its own callback", func(call) {}, resume(abi.StreamHTTPResponse), 1, bad},
		{"injected from elsewhere", inject, func(call) {}, 1, bad},
		{"injected in its own callback", func(call) {}, inject, 1, bad},
		{"injected later", injectLater, func(call) {}, 1, bad},
		{"continued", func(call) {}, func(call) {}, 0, bad},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bodies, ticks := 0, 0
			edit := func(c call) abi.Status {
				return c.AddHeaderMapValue(abi.MapHTTPResponseHeaders, []byte("k"), []byte("v"))
			}
			s := start(t, map[string]handler{
				"response_headers": answer(abi.HeaderStopIteration),
				"response_body": func(c call) (uint32, error) {
					if bodies++; bodies == 1 {
						tc.own(c)
						return uint32(tc.answers), nil
					}
					wantEqual(t, "in the next callback", edit(c), tc.want)
					return 1, nil
				},
				"tick": func(c call) (uint32, error) {
					c.SetEffectiveContext(2)
					if ticks++; ticks == 1 {
						tc.tick(c)
						return 0, nil
					}
					wantEqual(t, "from elsewhere", edit(c), tc.want)
					return 0, nil
				},
			})
			s.plugin.keepStopIteration = true
			cb := newStream()
			f := s.filter(cb)
			f.DecodeHeaders(cb.request, true)
			f.EncodeHeaders(cb.response, false)
			s.tick()
			f.EncodeData(buffer("x"), false)
			s.tick()
			f.EncodeData(buffer("y"), false)
			wantEqual(t, "callbacks", bodies, 2)
			f.OnDestroy()
		})
	}
}

// The reply of a callback in which the plugin dies is not sent, so a request that it holds goes on without it.
func TestTrapInTheCallbackThatReplies(t *testing.T) {
	s := start(t, map[string]handler{
		"request_headers": answer(abi.HeaderStopIteration),
		"response_headers": func(c call) (uint32, error) {
			wantEqual(t, "reply", c.SendLocalResponse(403, nil, nil, nil, -1), abi.StatusOK)
			return 0, errTrap
		},
	}, func(c *Config) { c.FailurePolicy = FailOpen })
	cb := newStream()
	f := s.filter(cb)
	f.DecodeHeaders(cb.request, false)
	wantEqual(t, "action", f.EncodeHeaders(cb.response, true), abi.HeaderContinue)
	wantEqual(t, "events", cb.happened(), "continue request")
	f.OnDestroy()
}
