package pluginhost

import (
	"fmt"
	"testing"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

// answer is a handler that always answers a.
func answer(a abi.Action) handler { return func(call) (uint32, error) { return uint32(a), nil } }

func TestActions(t *testing.T) {
	reply := func(a abi.Action) handler {
		return func(c call) (uint32, error) {
			c.SendLocalResponse(403, nil, nil, nil, -1)
			return uint32(a), nil
		}
	}
	const sent = `reply 403 "" "" grpc -1`
	for _, tc := range []struct {
		name          string
		phase         string // headers, data, trailers
		handler       handler
		old           bool // an ABI that turns StopIteration into StopAll
		want          abi.Action
		events        string
		headersLetGo  bool
		messageLetGo  bool // the phase's map is not available afterwards
		stillBuffered bool
	}{
		{name: "continue", phase: "headers", handler: answer(0), want: abi.HeaderContinue, messageLetGo: true},
		{name: "stop", phase: "headers", handler: answer(1), want: abi.HeaderStopIteration},
		{name: "stop in an old ABI", phase: "headers", handler: answer(1), old: true, want: abi.HeaderStopAllIterationAndWatermark},
		{name: "continue and end", phase: "headers", handler: answer(2), want: abi.HeaderContinue, messageLetGo: true},
		{name: "stop and buffer", phase: "headers", handler: answer(3), want: abi.HeaderStopAllIterationAndBuffer},
		{name: "stop and buffer in an old ABI", phase: "headers", handler: answer(3), old: true, want: abi.HeaderStopAllIterationAndBuffer},
		{name: "stop all", phase: "headers", handler: answer(4), want: abi.HeaderStopAllIterationAndWatermark},
		{name: "past the last", phase: "headers", handler: answer(5), want: abi.HeaderStopAllIterationAndWatermark},
		{name: "far past the last", phase: "headers", handler: answer(1 << 31), want: abi.HeaderStopAllIterationAndWatermark},
		{name: "continue after a reply", phase: "headers", handler: reply(0), want: abi.HeaderStopAllIterationAndWatermark, events: sent},
		{name: "stop after a reply", phase: "headers", handler: reply(1), want: abi.HeaderStopAllIterationAndWatermark, events: sent},

		{name: "continue", phase: "data", handler: answer(0), want: abi.DataContinue},
		{name: "buffer", phase: "data", handler: answer(1), want: abi.DataStopIterationAndBuffer, stillBuffered: true},
		{name: "watermark", phase: "data", handler: answer(2), want: abi.DataStopIterationAndWatermark},
		{name: "no buffer", phase: "data", handler: answer(3), want: abi.DataStopIterationNoBuffer},
		{name: "past the last", phase: "data", handler: answer(4), want: abi.DataStopIterationNoBuffer},
		{name: "continue after a reply", phase: "data", handler: reply(0), want: abi.DataStopIterationNoBuffer, events: sent},
		{name: "buffer after a reply", phase: "data", handler: reply(1), want: abi.DataStopIterationNoBuffer, events: sent},

		{name: "continue", phase: "trailers", handler: answer(0), want: abi.TrailerContinue, messageLetGo: true},
		{name: "stop", phase: "trailers", handler: answer(1), want: abi.TrailerStopIteration},
		{name: "past the last", phase: "trailers", handler: answer(2), want: abi.TrailerStopIteration},
		{name: "continue after a reply", phase: "trailers", handler: reply(0), want: abi.TrailerStopIteration, events: sent},
	} {
		for _, side := range []string{"request", "response"} {
			t.Run(side+" "+tc.phase+" "+tc.name, func(t *testing.T) {
				name := side + "_" + tc.phase
				if tc.phase == "data" {
					name = side + "_body"
				}
				s := start(t, map[string]handler{name: tc.handler})
				s.plugin.keepStopIteration = !tc.old
				cb := newStream()
				f := s.filter(cb)
				var got abi.Action
				d := &f.request
				if side == "response" {
					d = &f.response
				}
				if name != "request_headers" {
					f.DecodeHeaders(cb.request, false)
				}
				switch name {
				case "request_headers":
					got = f.DecodeHeaders(cb.request, false)
				case "request_body":
					got = f.DecodeData(buffer("x"), false)
				case "request_trailers":
					got = f.DecodeTrailers(cb.request)
				case "response_headers":
					got = f.EncodeHeaders(cb.response, false)
				case "response_body":
					got = f.EncodeData(buffer("x"), false)
				case "response_trailers":
					got = f.EncodeTrailers(cb.response)
				}
				wantEqual(t, "action", got, tc.want)
				wantEqual(t, "events", cb.happened(), tc.events)
				wantEqual(t, "stopped", d.stopped, tc.want != 0)
				wantEqual(t, "buffering", d.buffering, tc.stillBuffered)
				switch tc.phase {
				case "headers":
					wantEqual(t, "headers let go", d.headers == nil, tc.messageLetGo)
				case "trailers":
					wantEqual(t, "trailers let go", d.trailers == nil, tc.messageLetGo)
				}
				if d.chunk != nil {
					t.Error("a piece of body is kept past its callback")
				}
				f.OnDestroy()
			})
		}
	}
}

func TestAllowOnHeadersStopIteration(t *testing.T) {
	for _, allow := range []bool{false, true} {
		t.Run(fmt.Sprint(allow), func(t *testing.T) {
			s := start(t, nil, func(c *Config) { c.AllowOnHeadersStopIteration = allow })
			if !s.plugin.keepStopIteration {
				t.Error("a native plugin's StopIteration is converted")
			}
		})
	}
}

// body is what a plugin sees in a body callback, as text.
func body(c call, b abi.BufferType) string {
	data, status := c.GetBufferBytes(nil, b, 0, 1<<20)
	return fmt.Sprintf("%d/%v %q %v", c.n, c.end, data, status)
}

func TestBuffering(t *testing.T) {
	const (
		pass   = abi.DataContinue
		buf    = abi.DataStopIterationAndBuffer
		mark   = abi.DataStopIterationAndWatermark
		drop   = abi.DataStopIterationNoBuffer
		pieceA = "aa"
	)
	for _, tc := range []struct {
		name    string
		actions []abi.Action
		pieces  []string // the last one ends the message
		saw     []string
	}{
		{"streaming", []abi.Action{pass, pass}, []string{"aa", "b"}, []string{`2/false "aa" ok`, `1/true "b" ok`}},
		{"collected", []abi.Action{buf, buf, pass}, []string{"aa", "b", "c"},
			[]string{`2/false "aa" ok`, `3/false "aab" ok`, `4/true "aabc" ok`}},
		{"collected, empty end", []abi.Action{buf, pass}, []string{"aa", ""}, []string{`2/false "aa" ok`, `2/true "aa" ok`}},
		{"empty body collected", []abi.Action{buf, pass}, []string{"", ""}, []string{`0/false "" ok`, `0/true "" ok`}},
		{"watermark", []abi.Action{mark, pass}, []string{"aa", "b"}, []string{`2/false "aa" ok`, `1/true "b" ok`}},
		{"dropped", []abi.Action{drop, pass}, []string{"aa", "b"}, []string{`2/false "aa" ok`, `1/true "b" ok`}},
		{"collected, then not", []abi.Action{buf, drop, pass}, []string{"aa", "b", "c"},
			[]string{`2/false "aa" ok`, `3/false "aab" ok`, `1/true "c" ok`}},
	} {
		for _, side := range []string{"request", "response"} {
			t.Run(side+" "+tc.name, func(t *testing.T) {
				i := 0
				var saw []string
				kind := abi.BufferHTTPRequestBody
				if side == "response" {
					kind = abi.BufferHTTPResponseBody
				}
				s := start(t, map[string]handler{side + "_body": func(c call) (uint32, error) {
					saw = append(saw, body(c, kind))
					i++
					return uint32(tc.actions[i-1]), nil
				}})
				cb := newStream()
				f := s.filter(cb)
				f.DecodeHeaders(cb.request, false)
				for i, p := range tc.pieces {
					d := buffer(p)
					var a abi.Action
					if side == "request" {
						a = f.DecodeData(d, i == len(tc.pieces)-1)
					} else {
						a = f.EncodeData(d, i == len(tc.pieces)-1)
					}
					wantEqual(t, "action", a, tc.actions[i])
					if a == buf { // as the chain does
						if side == "request" {
							cb.add(&cb.decoding, d)
						} else {
							cb.add(&cb.encoding, d)
						}
					}
				}
				wantEqual(t, "saw", fmt.Sprint(saw), fmt.Sprint(tc.saw))
				f.OnDestroy()
			})
		}
	}
}

func TestOverflowSkipsThePlugin(t *testing.T) {
	s := start(t, map[string]handler{"request_body": answer(abi.DataStopIterationAndBuffer),
		"response_body": answer(abi.DataStopIterationAndBuffer)})
	cb := newStream()
	f := s.filter(cb)
	f.DecodeHeaders(cb.request, false)
	f.DecodeData(buffer("x"), false)
	f.EncodeData(buffer("x"), false)
	s.fake.took()
	cb.overflow = true
	wantEqual(t, "request", f.DecodeData(buffer("y"), false), abi.DataStopIterationAndBuffer)
	wantEqual(t, "response", f.EncodeData(buffer("y"), false), abi.DataStopIterationAndBuffer)
	wantEqual(t, "callbacks", s.fake.took(), "")
	f.OnDestroy()
}

func TestResumeInsideACallback(t *testing.T) {
	resume := func(stream abi.StreamType, a abi.Action) handler {
		return func(c call) (uint32, error) {
			c.ContinueStream(stream)
			return uint32(a), nil
		}
	}
	t.Run("before it pauses, in headers", func(t *testing.T) {
		s := start(t, map[string]handler{"request_headers": resume(abi.StreamHTTPRequest, abi.HeaderStopAllIterationAndWatermark)})
		cb := newStream()
		f := s.filter(cb)
		wantEqual(t, "action", f.DecodeHeaders(cb.request, true), abi.HeaderContinue)
		f.OnDestroy()
	})
	t.Run("before it withholds data", func(t *testing.T) {
		s := start(t, map[string]handler{"response_body": resume(abi.StreamHTTPResponse, abi.DataStopIterationNoBuffer)})
		cb := newStream()
		f := s.filter(cb)
		f.DecodeHeaders(cb.request, true)
		wantEqual(t, "action", f.EncodeData(buffer("secret"), true), abi.DataStopIterationNoBuffer)
		f.OnDestroy()
	})
	t.Run("after headers were paused", func(t *testing.T) {
		s := start(t, map[string]handler{"request_headers": answer(abi.HeaderStopIteration),
			"request_body": resume(abi.StreamHTTPRequest, abi.DataStopIterationAndBuffer)})
		cb := newStream()
		f := s.filter(cb)
		f.DecodeHeaders(cb.request, false)
		wantEqual(t, "action", f.DecodeData(buffer("x"), false), abi.DataStopIterationAndBuffer)
		wantEqual(t, "events", cb.happened(), "continue request")
		f.OnDestroy()
	})
}

func TestLocalReply(t *testing.T) {
	s := start(t, map[string]handler{
		"request_headers": func(c call) (uint32, error) {
			headers := abi.AppendPairs(nil, [][2]string{{"X-A", "1"}, {"content-type", "text/html"}})
			wantEqual(t, "malformed headers", c.SendLocalResponse(200, nil, nil, headers[:9], -1), abi.StatusBadArgument)
			wantEqual(t, "first", c.SendLocalResponse(401, []byte("a b"), []byte("no"), headers, 7), abi.StatusOK)
			wantEqual(t, "second", c.SendLocalResponse(402, nil, nil, nil, -1), abi.StatusBadArgument)
			wantEqual(t, "resume", c.ContinueStream(abi.StreamHTTPRequest), abi.StatusOK)
			return 0, nil
		},
		"response_headers": func(c call) (uint32, error) {
			wantEqual(t, "third", c.SendLocalResponse(403, nil, nil, nil, -1), abi.StatusBadArgument)
			return 0, nil
		},
		"log": func(c call) (uint32, error) {
			wantEqual(t, "at the end", c.SendLocalResponse(404, nil, nil, nil, -1), abi.StatusOK)
			return 0, nil
		},
		"configure": func(c call) (uint32, error) {
			wantEqual(t, "without a stream", c.SendLocalResponse(404, nil, nil, nil, -1), abi.StatusOK)
			return 1, nil
		},
	})
	cb := newStream()
	f := s.filter(cb)
	f.DecodeHeaders(cb.request, true)
	wantEqual(t, "reply", cb.happened(), `reply 401 "a b" "no" grpc 7 x-a=1 content-type=text/html`)
	wantEqual(t, "response", f.EncodeHeaders(cb.response, true), abi.HeaderContinue)
	f.OnLog()
	f.OnDestroy()
	wantEqual(t, "events", cb.happened(), "")
}

func TestStreamActions(t *testing.T) {
	for _, tc := range []struct {
		name   string
		do     func(c call)
		events string
	}{
		{"resume request", func(c call) { c.ContinueStream(abi.StreamHTTPRequest) }, "continue request"},
		{"resume response", func(c call) { c.ContinueStream(abi.StreamHTTPResponse) }, "continue response"},
		{"resume both", func(c call) {
			c.ContinueStream(abi.StreamHTTPRequest)
			c.ContinueStream(abi.StreamHTTPResponse)
		}, "continue request; continue response"},
		{"resume TCP", func(c call) {
			wantEqual(t, "downstream", c.ContinueStream(abi.StreamDownstream), abi.StatusOK)
			wantEqual(t, "upstream", c.ContinueStream(abi.StreamUpstream), abi.StatusUnimplemented)
			wantEqual(t, "unknown", c.ContinueStream(4), abi.StatusBadArgument)
		}, ""},
		{"close", func(c call) { c.CloseStream(abi.StreamHTTPRequest) }, "reset wasm_close_stream"},
		{"close ends the rest", func(c call) {
			c.CloseStream(abi.StreamHTTPResponse)
			c.ContinueStream(abi.StreamHTTPResponse)
		}, "reset wasm_close_stream"},
		{"close TCP", func(c call) {
			wantEqual(t, "downstream", c.CloseStream(abi.StreamDownstream), abi.StatusOK)
			wantEqual(t, "unknown", c.CloseStream(4), abi.StatusBadArgument)
		}, ""},
		{"inject", func(c call) {
			data := []byte("one")
			c.InjectEncodedData(data, false)
			copy(data, "xxx") // it is the plugin's memory
			c.InjectEncodedData([]byte("two"), true)
		}, `inject "one" false; inject "two" true`},
		{"inject by name", func(c call) {
			_, status := c.CallForeignFunction(nil, []byte(abi.FunctionInjectEncodedData), []byte("\x0a\x02hi\x10\x01"))
			wantEqual(t, "status", status, abi.StatusOK)
		}, `inject "hi" true`},
		{"inject later", func(c call) {
			_, status := c.CallForeignFunction(nil, []byte(abi.FunctionInjectEncodedDataOnHeader), []byte("\x0a\x02hi\x10\x01"))
			wantEqual(t, "status", status, abi.StatusOK)
			c.ContinueStream(abi.StreamHTTPRequest)
		}, `continue request; inject "hi" true`},
		{"inject nonsense", func(c call) {
			_, status := c.CallForeignFunction(nil, []byte(abi.FunctionInjectEncodedData), []byte("\x0a\x03hi"))
			wantEqual(t, "status", status, abi.StatusBadArgument)
		}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := start(t, map[string]handler{"request_headers": func(c call) (uint32, error) {
				tc.do(c)
				return uint32(abi.HeaderStopIteration), nil
			}})
			cb := newStream()
			f := s.filter(cb)
			cb.onTurn(func() { f.DecodeHeaders(cb.request, false) })
			wantEqual(t, "events", cb.happened(), tc.events)
			f.OnDestroy()
		})
	}
}

// Once a collected body was let go by a tick, what comes later is streamed.
func TestResumeEndsBuffering(t *testing.T) {
	for _, side := range []string{"request", "response"} {
		t.Run(side, func(t *testing.T) {
			var saw []string
			kind, stream := abi.BufferHTTPRequestBody, abi.StreamHTTPRequest
			if side == "response" {
				kind, stream = abi.BufferHTTPResponseBody, abi.StreamHTTPResponse
			}
			s := start(t, map[string]handler{
				side + "_body": func(c call) (uint32, error) {
					saw = append(saw, body(c, kind))
					if len(saw) == 1 {
						return uint32(abi.DataStopIterationAndBuffer), nil
					}
					return 0, nil
				},
				"tick": func(c call) (uint32, error) {
					c.SetEffectiveContext(2)
					saw = append(saw, body(c, kind))
					c.ContinueStream(stream)
					return 0, nil
				},
			})
			cb := newStream()
			f := s.filter(cb)
			f.DecodeHeaders(cb.request, false)
			give, to := f.DecodeData, &cb.decoding
			if side == "response" {
				give, to = f.EncodeData, &cb.encoding
			}
			d := buffer("one")
			wantEqual(t, "first", give(d, false), abi.DataStopIterationAndBuffer)
			cb.add(to, d)
			s.tick()
			wantEqual(t, "events", cb.happened(), "continue "+side)
			*to = nil
			d = buffer("two")
			wantEqual(t, "second", give(d, true), abi.DataContinue)
			wantEqual(t, "piece", string(d.Bytes()), "two")
			wantEqual(t, "saw", fmt.Sprint(saw), `[3/false "one" ok 0/false "one" ok 3/true "two" ok]`)
			f.OnDestroy()
		})
	}
}
