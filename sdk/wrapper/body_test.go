//go:build !wasip1

package wrapper_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/proxywasm"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
	"github.com/sluice-gateway/sluice/sdk/wrapper"
)

// bodyCase is one message's body functions, so that each test runs for requests and for responses.
type bodyCase struct {
	name      string
	message   func(*harness) *message
	headers   abi.MapType
	onHeaders func(func(wrapper.HttpContext) types.Action) wrapper.Option
	whole     func(func(wrapper.HttpContext, config, []byte) types.Action) wrapper.Option
	streaming func(func(wrapper.HttpContext, config, []byte, bool) []byte) wrapper.Option
	replace   func([]byte) error
	dontRead  func(wrapper.HttpContext)
	buffer    func(wrapper.HttpContext)
}

var bodyCases = []bodyCase{
	{
		"request", (*harness).request, abi.MapHTTPRequestHeaders, onRequest, wrapper.ProcessRequestBody[config],
		wrapper.ProcessStreamingRequestBody[config], proxywasm.ReplaceHttpRequestBody,
		wrapper.HttpContext.DontReadRequestBody, wrapper.HttpContext.BufferRequestBody,
	},
	{
		"response", (*harness).response, abi.MapHTTPResponseHeaders, onResponse, wrapper.ProcessResponseBody[config],
		wrapper.ProcessStreamingResponseBody[config], proxywasm.ReplaceHttpResponseBody,
		wrapper.HttpContext.DontReadResponseBody, wrapper.HttpContext.BufferResponseBody,
	},
}

// open starts the plugin and gets to where the case's message begins.
func (c bodyCase) open(t *testing.T, options ...wrapper.Option) (*harness, *message) {
	t.Helper()
	h := start(t, `{"value":"v"}`, options...)
	if c.name == "response" {
		h.request().sendHeaders(true, 0)
	}
	return h, c.message(h)
}

func forBodies(t *testing.T, f func(t *testing.T, c bodyCase)) {
	for _, c := range bodyCases {
		t.Run(c.name, func(t *testing.T) { f(t, c) })
	}
}

func TestWholeBody(t *testing.T) {
	forBodies(t, func(t *testing.T, c bodyCase) {
		for name, tc := range map[string]struct {
			send func(m *message)
			want []string // what the function got
			body string   // what goes on
		}{
			"one piece": {func(m *message) {
				m.sendHeaders(false, abi.HeaderStopIteration)
				m.sendBody("body", true, abi.DataContinue)
			}, []string{"body"}, "v:body"},
			"pieces": {func(m *message) {
				m.sendHeaders(false, abi.HeaderStopIteration)
				m.sendBody("bo", false, abi.DataStopIterationAndBuffer)
				m.sendBody("bod", false, abi.DataStopIterationAndBuffer)
				m.sendBody("body", true, abi.DataContinue)
			}, []string{"body"}, "v:body"},
			"empty": {func(m *message) {
				m.sendHeaders(false, abi.HeaderStopIteration)
				m.sendBody("", true, abi.DataContinue)
			}, []string{""}, "v:"},
			"trailers": {func(m *message) {
				m.sendHeaders(false, abi.HeaderStopIteration)
				m.sendBody("body", false, abi.DataStopIterationAndBuffer)
				m.sendTrailers(abi.TrailerContinue)
			}, []string{"body"}, "v:body"},
			"trailers without a body": {func(m *message) {
				m.sendHeaders(false, abi.HeaderStopIteration)
				m.sendTrailers(abi.TrailerContinue)
			}, []string{""}, "v:"},
			"headers only": {func(m *message) {
				m.sendHeaders(true, abi.HeaderContinue)
			}, nil, ""},
		} {
			t.Run(name, func(t *testing.T) {
				var got []string
				_, m := c.open(t, c.whole(func(_ wrapper.HttpContext, conf config, body []byte) types.Action {
					if body == nil {
						t.Error("nil body")
					}
					got = append(got, string(body))
					if err := c.replace(append([]byte(conf.value+":"), body...)); err != nil {
						t.Error(err)
					}
					return types.ActionContinue
				}))
				tc.send(m)
				if !slices.Equal(got, tc.want) || m.buffered() != tc.body {
					t.Fatalf("function got %q, want %q; body %q, want %q", got, tc.want, m.buffered(), tc.body)
				}
			})
		}
	})
}

func TestWholeBodyPauses(t *testing.T) {
	forBodies(t, func(t *testing.T, c bodyCase) {
		pause := c.whole(func(wrapper.HttpContext, config, []byte) types.Action { return types.ActionPause })
		_, m := c.open(t, pause)
		m.sendHeaders(false, abi.HeaderStopIteration)
		m.sendBody("body", true, abi.DataStopIterationAndBuffer)
	})
	forBodies(t, func(t *testing.T, c bodyCase) {
		_, m := c.open(t, c.whole(func(wrapper.HttpContext, config, []byte) types.Action { return types.DataStopIterationNoBuffer }))
		m.sendHeaders(false, abi.HeaderStopIteration)
		m.sendBody("body", false, abi.DataStopIterationAndBuffer)
		m.sendTrailers(abi.TrailerStopIteration)
	})
}

// Headers are held for a whole body only where the header function let them go on.
func TestHeaderAnswersWithWholeBodies(t *testing.T) {
	forBodies(t, func(t *testing.T, c bodyCase) {
		for answer, want := range map[types.Action]abi.Action{
			types.HeaderContinue:                     abi.HeaderStopIteration,
			types.HeaderStopIteration:                abi.HeaderStopIteration,
			types.HeaderStopAllIterationAndBuffer:    abi.HeaderStopAllIterationAndBuffer,
			types.HeaderStopAllIterationAndWatermark: abi.HeaderStopAllIterationAndWatermark,
		} {
			t.Run(fmt.Sprint(answer), func(t *testing.T) {
				_, m := c.open(t,
					c.onHeaders(func(wrapper.HttpContext) types.Action { return answer }),
					c.whole(func(wrapper.HttpContext, config, []byte) types.Action { return types.ActionContinue }))
				m.sendHeaders(false, want)
			})
		}
	})
}

// TestDocumentedStreaming is the snippet of the page.
func TestDocumentedStreaming(t *testing.T) {
	forBodies(t, func(t *testing.T, c bodyCase) {
		var last []bool
		h, m := c.open(t, c.streaming(func(_ wrapper.HttpContext, _ config, chunk []byte, isLastChunk bool) []byte {
			last = append(last, isLastChunk)
			return bytes.ReplaceAll(chunk, []byte("old"), []byte("new!"))
		}))
		m.sendHeaders(false, abi.HeaderContinue)
		m.sendBody("old and old", false, abi.DataContinue)
		if m.buffered() != "new! and new!" {
			t.Fatalf("body %q", m.buffered())
		}
		m.sendBody("", false, abi.DataContinue) // nothing: nobody is told
		m.sendBody("old", true, abi.DataContinue)
		if m.buffered() != "new!" || !slices.Equal(last, []bool{false, true}) {
			t.Fatalf("body %q, last %v", m.buffered(), last)
		}
		if v := h.Header(c.headers, "content-length"); v != "" {
			t.Fatalf("content-length %s of a body that changed its length", v)
		}
	})
}

func TestStreamingEnds(t *testing.T) {
	forBodies(t, func(t *testing.T, c bodyCase) {
		for name, tc := range map[string]struct {
			send func(m *message)
			body string
			want []string // pieces given, the last marked
		}{
			"empty end": {func(m *message) {
				m.sendBody("a", false, abi.DataContinue)
				m.sendBody("", true, abi.DataContinue)
			}, "<end>", []string{"a", "|"}},
			"trailers": {func(m *message) {
				m.sendBody("a", false, abi.DataContinue)
				m.sendTrailers(abi.TrailerContinue)
			}, "a<end>", []string{"a", "|"}},
			"trailers only": {func(m *message) { m.sendTrailers(abi.TrailerContinue) }, "<end>", []string{"|"}},
		} {
			t.Run(name, func(t *testing.T) {
				var calls []string
				_, m := c.open(t, c.streaming(func(_ wrapper.HttpContext, _ config, chunk []byte, last bool) []byte {
					call := string(chunk)
					if last {
						call += "|"
						chunk = append(chunk, "<end>"...)
					}
					calls = append(calls, call)
					return chunk
				}))
				m.sendHeaders(false, abi.HeaderContinue)
				tc.send(m)
				if m.buffered() != tc.body || !slices.Equal(calls, tc.want) {
					t.Fatalf("body %q, want %q; calls %q", m.buffered(), tc.body, calls)
				}
			})
		}
	})
}

func TestWhichBodyFunction(t *testing.T) {
	forBodies(t, func(t *testing.T, c bodyCase) {
		for name, tc := range map[string]struct {
			headers   [][2]string
			onHeaders func(wrapper.HttpContext)
			whole     bool // registered
			streaming bool
			want      string
		}{
			"streaming wins":               {nil, nil, true, true, "streaming"},
			"unless the other is asked":    {nil, c.buffer, true, true, "whole"},
			"not read":                     {nil, c.dontRead, true, false, ""},
			"octets":                       {[][2]string{{"content-type", "Application/Octet-Stream"}}, nil, true, false, ""},
			"grpc":                         {[][2]string{{"content-type", "application/grpc+proto"}}, nil, false, true, ""},
			"compressed":                   {[][2]string{{"content-encoding", "gzip"}}, nil, true, false, ""},
			"compressed by name only":      {[][2]string{{"content-encoding", "identity"}}, nil, true, false, "whole"},
			"compressed, but asked for":    {[][2]string{{"content-encoding", "gzip"}}, c.buffer, true, false, "whole"},
			"asked for, then not":          {nil, func(ctx wrapper.HttpContext) { c.buffer(ctx); c.dontRead(ctx) }, true, false, ""},
			"asked for whole, there is no": {nil, c.buffer, false, true, "streaming"},
		} {
			for mode, noPairs := range map[string]bool{"whole maps": false, "value by value": true} {
				t.Run(name+"/"+mode, func(t *testing.T) {
					got := ""
					options := []wrapper.Option{c.onHeaders(func(ctx wrapper.HttpContext) types.Action {
						if tc.onHeaders != nil {
							tc.onHeaders(ctx)
						}
						return types.HeaderContinue
					})}
					if tc.whole {
						options = append(options, c.whole(func(wrapper.HttpContext, config, []byte) types.Action {
							got = "whole"
							return types.ActionContinue
						}))
					}
					if tc.streaming {
						options = append(options, c.streaming(func(_ wrapper.HttpContext, _ config, b []byte, _ bool) []byte {
							got = "streaming"
							return b
						}))
					}
					h, m := c.open(t, options...)
					h.NoPairs = noPairs
					h.Headers[c.headers] = append([][2]string{{"content-length", "4"}}, tc.headers...)
					held := abi.HeaderContinue
					if tc.want == "whole" {
						held = abi.HeaderStopIteration
					}
					m.sendHeaders(false, held)
					m.sendBody("body", true, abi.DataContinue)
					if got != tc.want {
						t.Fatalf("function %q, want %q", got, tc.want)
					}
					if kept := h.Header(c.headers, "content-length") != ""; kept != (tc.want == "") {
						t.Fatalf("content-length kept: %v", kept)
					}
				})
			}
		}
	})
}

func TestWebsockets(t *testing.T) {
	var websocket bool
	h := start(t, ``,
		onRequest(func(ctx wrapper.HttpContext) types.Action { websocket = ctx.IsWebsocket(); return types.HeaderContinue }),
		wrapper.ProcessRequestBody(func(wrapper.HttpContext, config, []byte) types.Action { t.Error("request"); return 0 }),
		wrapper.ProcessStreamingResponseBody(func(_ wrapper.HttpContext, _ config, b []byte, _ bool) []byte { t.Error("response"); return b }),
	)
	h.Headers[abi.MapHTTPRequestHeaders] = [][2]string{{"connection", "keep-alive, Upgrade"}, {"upgrade", "WebSocket"}}
	h.request().sendHeaders(false, 0)
	h.request().sendBody("frame", false, 0)
	h.response().sendHeaders(false, 0)
	h.response().sendBody("frame", false, 0)
	if !websocket {
		t.Fatal("not a websocket")
	}
}

func TestPausedStreamingResponse(t *testing.T) {
	h := start(t, ``,
		onResponse(func(ctx wrapper.HttpContext) types.Action {
			ctx.NeedPauseStreamingResponse()
			return types.HeaderContinue
		}),
		wrapper.ProcessStreamingResponseBody(func(ctx wrapper.HttpContext, _ config, b []byte, last bool) []byte {
			ctx.PushBuffer(b)
			if last {
				var all []byte
				for ctx.BufferQueueSize() > 0 {
					all = append(all, ctx.PopBuffer()...)
				}
				if err := proxywasm.InjectEncodedDataToFilterChain(all, true); err != nil {
					t.Error(err)
				}
			}
			return []byte("dropped")
		}),
	)
	h.request().sendHeaders(true, 0)
	r := h.response()
	r.sendHeaders(false, abi.HeaderContinue)
	r.sendBody("a", false, abi.DataStopIterationNoBuffer)
	r.sendBody("b", true, abi.DataStopIterationNoBuffer)
	if h.Count(`InjectEncodedData "ab" true`) != 1 || h.Count("SetBufferBytes") != 0 {
		t.Fatalf("calls %q", h.Calls)
	}
}

func TestPhasesAndTraits(t *testing.T) {
	var phases []wrapper.HTTPExecutionPhase
	note := func(ctx wrapper.HttpContext) types.Action {
		phases = append(phases, ctx.GetExecutionPhase())
		if !ctx.HasRequestBody() || ctx.GetExecutionPhase() == wrapper.EncodeHeader && ctx.HasResponseBody() {
			t.Errorf("phase %d: request body %v, response body %v", ctx.GetExecutionPhase(), ctx.HasRequestBody(), ctx.HasResponseBody())
		}
		if ctx.IsBinaryRequestBody() || ctx.IsBinaryResponseBody() {
			t.Error("binary")
		}
		return types.ActionContinue
	}
	h := start(t, ``, onRequest(note), onResponse(note),
		wrapper.ProcessRequestBody(func(ctx wrapper.HttpContext, _ config, _ []byte) types.Action { return note(ctx) }),
		wrapper.ProcessStreamDone(func(ctx wrapper.HttpContext, _ config) { note(ctx) }))
	h.request().sendHeaders(false, abi.HeaderStopIteration)
	h.request().sendBody("x", true, 0)
	h.response().sendHeaders(true, 0)
	h.end(streamID)
	want := []wrapper.HTTPExecutionPhase{wrapper.DecodeHeader, wrapper.DecodeData, wrapper.EncodeHeader, wrapper.Done}
	if !slices.Equal(phases, want) {
		t.Fatalf("phases %v, want %v", phases, want)
	}
}
