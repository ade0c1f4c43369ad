//go:build !wasip1

package wrapper_test

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/proxywasm"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
	"github.com/sluice-gateway/sluice/sdk/wrapper"
)

// answered is what a route call's callback was given.
type answered struct {
	calls   int
	status  int
	headers [][2]string
	body    string
	none    bool // the body was nil
	then    func()
}

func (a *answered) callback(status int, headers [][2]string, body []byte) {
	a.calls++
	a.status, a.headers, a.body, a.none = status, headers, string(body), body == nil
	if a.then != nil {
		a.then()
	}
}

// routeFromBody starts a plugin that makes a route call of every request's body, by f.
func routeFromBody(t *testing.T, f func(ctx wrapper.HttpContext) error, options ...wrapper.Option) *harness {
	t.Helper()
	return start(t, ``, append(options, wrapper.ProcessRequestBody(func(ctx wrapper.HttpContext, _ config, _ []byte) types.Action {
		if err := f(ctx); err != nil {
			t.Errorf("RouteCall: %v", err)
		}
		return types.ActionContinue
	}))...)
}

func (h *harness) sendRequest() {
	h.t.Helper()
	h.request().sendHeaders(false, abi.HeaderStopIteration)
	h.request().sendBody("body", true, abi.DataContinue)
}

func TestRouteCallChangesTheRequest(t *testing.T) {
	given := [][2]string{{"Content-Type", "text/x"}, {"X-A", "3"}, {"x-a", "4"}, {":path", "/no"}, {"Content-Length", "9"}}
	kept := slices.Clone(given)
	var got answered
	h := routeFromBody(t, func(ctx wrapper.HttpContext) error {
		return ctx.RouteCall("PUT", "/p%2Fq/%20?x=%41 b#f", given, []byte("other"), got.callback)
	})
	h.Headers[abi.MapHTTPRequestHeaders] = append(h.Headers[abi.MapHTTPRequestHeaders],
		[2]string{"accept-encoding", "gzip"}, [2]string{"x-envoy-original-path", "/older"}, [2]string{"x-b", "kept"})
	h.sendRequest()
	want := [][2]string{
		{":method", "PUT"}, {":scheme", "https"}, {":authority", "example.com:8443"}, {":path", "/p%2Fq/%20?x=%41%20b"},
		{"x-b", "kept"},
		{"x-envoy-original-method", "POST"}, {"x-envoy-original-path", "/a?b=c"}, {"x-envoy-original-host", "example.com:8443"},
		{"content-type", "text/x"}, {"x-a", "3"}, {"x-a", "4"},
	}
	if headers := h.Headers[abi.MapHTTPRequestHeaders]; !slices.Equal(headers, want) {
		t.Errorf("headers\n%q, want\n%q", headers, want)
	}
	if body := h.request().buffered(); body != "other" {
		t.Errorf("body %q", body)
	}
	if !slices.Equal(given, kept) {
		t.Errorf("the caller's headers became %q", given)
	}
	if got.calls != 0 || len(h.Logs) != 0 {
		t.Errorf("%d calls before the response; log %q", got.calls, h.Logs)
	}
}

func TestRouteCallHost(t *testing.T) {
	for name, tc := range map[string]struct {
		url     string
		headers [][2]string
		want    string
	}{
		"of the URL":                  {"http://other:81/p", nil, "other:81"},
		"of the URL before a header":  {"http://other/p", [][2]string{{"Host", "header"}}, "other"},
		"never of a path":             {"//other/p", nil, "example.com:8443"},
		"of a header":                 {"/p", [][2]string{{"Host", "header"}}, "header"},
		"of a pseudo header":          {"/p", [][2]string{{":authority", "header"}}, "header"},
		"the request's, if none says": {"/p", nil, "example.com:8443"},
	} {
		t.Run(name, func(t *testing.T) {
			h := routeFromBody(t, func(ctx wrapper.HttpContext) error {
				return ctx.RouteCall("GET", tc.url, tc.headers, nil, new(answered).callback)
			})
			h.sendRequest()
			if got := h.Header(abi.MapHTTPRequestHeaders, ":authority"); got != tc.want {
				t.Errorf("authority %q, want %q", got, tc.want)
			}
			if got := h.Header(abi.MapHTTPRequestHeaders, "host"); got != "" {
				t.Errorf("host %q beside it", got)
			}
			if body := h.request().buffered(); body != "" {
				t.Errorf("body %q", body)
			}
		})
	}
}

func TestRouteCallResponses(t *testing.T) {
	reply := func() {
		if err := proxywasm.SendHttpResponse(418, nil, []byte("mine"), -1); err != nil {
			panic(err)
		}
	}
	resume := func() {
		if err := proxywasm.ResumeHttpResponse(); err != nil {
			panic(err)
		}
	}
	withBody := func(m *message) {
		m.sendHeaders(false, abi.HeaderStopIteration)
		m.sendBody("an", false, abi.DataStopIterationAndBuffer)
		m.sendBody("answer", true, abi.DataContinue)
	}
	headersOnly := func(m *message) { m.sendHeaders(true, abi.HeaderContinue) }
	for name, tc := range map[string]struct {
		status string
		send   func(m *message)
		then   func()
		want   answered
	}{
		"a body":         {"201", withBody, nil, answered{calls: 1, status: 201, body: "answer"}},
		"a body, reply":  {"200", withBody, reply, answered{calls: 1, status: 200, body: "answer"}},
		"a body, resume": {"200", withBody, resume, answered{calls: 1, status: 200, body: "answer"}},
		"an empty body": {"200", func(m *message) {
			m.sendHeaders(false, abi.HeaderStopIteration)
			m.sendBody("", true, abi.DataContinue)
		}, nil, answered{calls: 1, status: 200}},
		"trailers": {"200", func(m *message) {
			m.sendHeaders(false, abi.HeaderStopIteration)
			m.sendBody("answer", false, abi.DataStopIterationAndBuffer)
			m.sendTrailers(abi.TrailerContinue)
		}, nil, answered{calls: 1, status: 200, body: "answer"}},
		"headers only":         {"204", headersOnly, nil, answered{calls: 1, status: 204, none: true}},
		"headers only, reply":  {"204", headersOnly, reply, answered{calls: 1, status: 204, none: true}},
		"headers only, resume": {"204", headersOnly, resume, answered{calls: 1, status: 204, none: true}},
		"no status":            {"none", headersOnly, nil, answered{calls: 1, status: 502, none: true}},
		"broken off": {"200", func(m *message) {
			m.sendHeaders(false, abi.HeaderStopIteration)
			m.sendBody("an", false, abi.DataStopIterationAndBuffer)
		}, nil, answered{}},
	} {
		t.Run(name, func(t *testing.T) {
			got := answered{then: tc.then}
			h := routeFromBody(t, func(ctx wrapper.HttpContext) error {
				return ctx.RouteCall("GET", "/", nil, nil, got.callback)
			},
				onResponse(func(wrapper.HttpContext) types.Action { t.Error("header function"); return 0 }),
				wrapper.ProcessResponseBody(func(wrapper.HttpContext, config, []byte) types.Action { t.Error("body function"); return 0 }),
				wrapper.ProcessResponseTrailers(func(wrapper.HttpContext, config) types.Action { t.Error("trailers function"); return 0 }))
			h.sendRequest()
			h.Headers[abi.MapHTTPResponseHeaders] = [][2]string{{":status", tc.status}, {"content-length", "6"}, {"x-a", "1"}, {"x-a", "2"}}
			tc.send(h.response())
			h.end(streamID)
			if got.calls != tc.want.calls || got.status != tc.want.status || got.body != tc.want.body || got.none != tc.want.none {
				t.Fatalf("callback %+v, want %+v", got, tc.want)
			}
			var headers [][2]string
			switch {
			case got.calls == 0:
			case got.none:
				headers = [][2]string{{":status", tc.status}, {"content-length", "6"}, {"x-a", "1"}, {"x-a", "2"}}
			default:
				headers = [][2]string{{":status", tc.status}, {"x-a", "1"}, {"x-a", "2"}}
			}
			if !slices.Equal(got.headers, headers) {
				t.Errorf("headers %q, want %q", got.headers, headers)
			}
			if h.Count("ContinueStream") != 0 {
				t.Error("a resume went to the host: it would have the held headers pass twice")
			}
			if len(h.Logs) != 0 {
				t.Errorf("log %q", h.Logs)
			}
		})
	}
}

// Only the response that the callback is about goes on by itself.
func TestRouteCallbackResumesAnotherStream(t *testing.T) {
	const other = 3
	got := answered{then: func() {
		if err := proxywasm.SetEffectiveContext(other); err != nil {
			t.Error(err)
		}
		if err := proxywasm.ResumeHttpResponse(); err != nil {
			t.Error(err)
		}
	}}
	h := routeFromBody(t, func(ctx wrapper.HttpContext) error { return ctx.RouteCall("GET", "/", nil, nil, got.callback) })
	h.begin(other)
	h.sendRequest()
	h.response().sendHeaders(true, abi.HeaderContinue)
	if h.Count("ContinueStream") != 1 {
		t.Fatalf("calls %q", h.Calls)
	}
	h.Calls = nil
	if err := h.OnTick(rootID); err != nil {
		t.Fatal(err)
	}
	if err := proxywasm.SetEffectiveContext(streamID); err != nil {
		t.Fatal(err)
	}
	if err := proxywasm.ResumeHttpResponse(); err != nil || h.Count("ContinueStream") != 1 {
		t.Fatalf("after the callback a resume is caught: %v, %q", err, h.Calls)
	}
}

func TestRouteCallErrorsChangeNothing(t *testing.T) {
	ok := new(answered).callback
	many := make([][2]string, 10_000)
	for i := range many {
		many[i] = [2]string{"x-" + strconv.Itoa(i), "v"}
	}
	for name, tc := range map[string]struct {
		method, url string
		headers     [][2]string
		body        string
		callback    wrapper.RouteResponseCallback
		host        func(h *harness)
		is          error
		says        string
	}{
		"no callback":          {"GET", "/", nil, "", nil, nil, nil, "no callback"},
		"empty method":         {"", "/", nil, "", ok, nil, nil, "method"},
		"method of two words":  {"GET /x", "/", nil, "", ok, nil, nil, "method"},
		"CONNECT":              {"CONNECT", "/", nil, "", ok, nil, nil, "method"},
		"control character":    {"GET", "/a\r\nx: y", nil, "", ok, nil, nil, "URL"},
		"too many headers":     {"GET", "/", many, "", ok, nil, nil, "more headers"},
		"headers let go":       {"GET", "/", nil, "", ok, func(h *harness) { delete(h.Headers, abi.MapHTTPRequestHeaders) }, wrapper.ErrRequestNotHeld, ""},
		"headers refused":      {"GET", "/", [][2]string{{"x\n", ""}}, "", ok, func(h *harness) { h.Refuse["SetHeaderMapPairs"] = abi.StatusBadArgument }, nil, "refused the headers"},
		"body refused":         {"GET", "/", nil, "b", ok, func(h *harness) { h.Refuse["SetBufferBytes"] = abi.StatusBadArgument }, nil, "refused the body"},
		"no more than it asks": {"GET", "/", nil, "b", ok, nil, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var err error
			h := start(t, ``, wrapper.ProcessRequestBody(func(ctx wrapper.HttpContext, _ config, _ []byte) types.Action {
				err = ctx.RouteCall(tc.method, tc.url, tc.headers, []byte(tc.body), tc.callback)
				return types.ActionContinue
			}))
			h.request().sendHeaders(false, abi.HeaderStopIteration)
			if tc.host != nil {
				tc.host(h)
			}
			before := slices.Clone(h.Headers[abi.MapHTTPRequestHeaders])
			h.request().sendBody("body", true, abi.DataContinue)
			if tc.says == "" && tc.is == nil {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tc.says) || tc.is != nil && !errors.Is(err, tc.is) {
				t.Fatalf("error %v, want %q %v", err, tc.says, tc.is)
			}
			if after := h.Headers[abi.MapHTTPRequestHeaders]; !slices.Equal(after, before) {
				t.Errorf("headers became %q", after)
			}
			if body := h.request().buffered(); body != "body" {
				t.Errorf("body became %q", body)
			}
			h.response().sendHeaders(false, abi.HeaderContinue) // which nobody holds for a callback that will not come
		})
	}
}

func TestSecondRouteCall(t *testing.T) {
	var first, second answered
	h := routeFromBody(t, func(ctx wrapper.HttpContext) error {
		if err := ctx.RouteCall("GET", "/1", nil, nil, first.callback); err != nil {
			return err
		}
		if err := ctx.RouteCall("GET", "/2", nil, nil, second.callback); !errors.Is(err, wrapper.ErrRouteCalled) {
			return fmt.Errorf("second call: %w", err)
		}
		return nil
	})
	h.sendRequest()
	h.response().sendHeaders(true, abi.HeaderContinue)
	if first.calls != 1 || second.calls != 0 || h.Header(abi.MapHTTPRequestHeaders, ":path") != "/1" {
		t.Fatalf("calls %d and %d, path %s", first.calls, second.calls, h.Header(abi.MapHTTPRequestHeaders, ":path"))
	}
}

func TestRouteCallByPhase(t *testing.T) {
	for name, tc := range map[string]struct {
		body string
		eos  bool
		want error
	}{
		"a request without a body":        {"", true, nil},
		"a body for one that has none":    {"b", true, wrapper.ErrRequestNotHeld},
		"a request whose body is to come": {"", false, wrapper.ErrRequestNotHeld},
	} {
		t.Run("request headers/"+name, func(t *testing.T) {
			var got answered
			var err error
			h := start(t, ``, onRequest(func(ctx wrapper.HttpContext) types.Action {
				err = ctx.RouteCall("GET", "/other", nil, []byte(tc.body), got.callback)
				return types.HeaderContinue
			}))
			h.request().sendHeaders(tc.eos, abi.HeaderContinue)
			if !errors.Is(err, tc.want) {
				t.Fatalf("error %v, want %v", err, tc.want)
			}
			if tc.want == nil {
				h.response().sendHeaders(false, abi.HeaderStopIteration)
				h.response().sendBody("x", true, abi.DataContinue)
				if got.calls != 1 || got.body != "x" {
					t.Fatalf("callback %+v", got)
				}
			}
		})
	}
	t.Run("streaming body", func(t *testing.T) {
		var err error
		h := start(t, ``, wrapper.ProcessStreamingRequestBody(func(ctx wrapper.HttpContext, _ config, b []byte, _ bool) []byte {
			err = ctx.RouteCall("GET", "/", nil, nil, new(answered).callback)
			return b
		}))
		h.request().sendHeaders(false, abi.HeaderContinue)
		h.request().sendBody("x", true, abi.DataContinue)
		if !errors.Is(err, wrapper.ErrRequestNotHeld) {
			t.Fatal(err)
		}
	})
	t.Run("response headers", func(t *testing.T) {
		var err error
		h := start(t, ``, onResponse(func(ctx wrapper.HttpContext) types.Action {
			err = ctx.RouteCall("GET", "/", nil, nil, new(answered).callback)
			return types.HeaderContinue
		}))
		h.request().sendHeaders(true, 0)
		h.response().sendHeaders(true, 0)
		if !errors.Is(err, wrapper.ErrRequestNotHeld) {
			t.Fatal(err)
		}
	})
	t.Run("after the end", func(t *testing.T) {
		var kept wrapper.HttpContext
		h := start(t, ``, onRequest(func(ctx wrapper.HttpContext) types.Action { kept = ctx; return types.HeaderContinue }))
		h.request().sendHeaders(true, 0)
		h.end(streamID)
		if err := kept.RouteCall("GET", "/", nil, nil, new(answered).callback); !errors.Is(err, wrapper.ErrRequestNotHeld) {
			t.Fatal(err)
		}
	})
	t.Run("a call-out's callback", func(t *testing.T) {
		var got answered
		h := start(t, ``, wrapper.ProcessRequestBody(func(ctx wrapper.HttpContext, _ config, _ []byte) types.Action {
			_, err := proxywasm.DispatchHttpCall("c", nil, nil, nil, 0, func(int, int, int) {
				if err := ctx.RouteCall("GET", "/later", nil, []byte("new"), got.callback); err != nil {
					t.Error(err)
				}
				if err := proxywasm.ResumeHttpRequest(); err != nil {
					t.Error(err)
				}
			})
			if err != nil {
				t.Error(err)
			}
			return types.ActionPause
		}))
		h.request().sendHeaders(false, abi.HeaderStopIteration)
		h.request().sendBody("body", true, abi.DataStopIterationAndBuffer)
		if err := h.OnHTTPCallResponse(rootID, 1, 0, 0, 0); err != nil {
			t.Fatal(err)
		}
		if p := h.Header(abi.MapHTTPRequestHeaders, ":path"); p != "/later" || h.request().buffered() != "new" {
			t.Fatalf("path %s, body %q", p, h.request().buffered())
		}
		h.response().sendHeaders(true, abi.HeaderContinue)
		if got.calls != 1 {
			t.Fatalf("callback %+v", got)
		}
	})
	t.Run("a body that ends in trailers", func(t *testing.T) {
		h := routeFromBody(t, func(ctx wrapper.HttpContext) error {
			return ctx.RouteCall("GET", "/t", nil, []byte("new"), new(answered).callback)
		})
		h.request().sendHeaders(false, abi.HeaderStopIteration)
		h.request().sendBody("body", false, abi.DataStopIterationAndBuffer)
		h.request().sendTrailers(abi.TrailerContinue)
		if h.request().buffered() != "new" {
			t.Fatalf("body %q", h.request().buffered())
		}
	})
}

func TestRouteCallOfTrailersWithoutABody(t *testing.T) {
	for name, tc := range map[string]struct {
		body string
		ok   bool
	}{"none is wanted": {"", true}, "one is wanted": {"b", false}} {
		t.Run(name, func(t *testing.T) {
			var err error
			h := start(t, ``, wrapper.ProcessRequestBody(func(ctx wrapper.HttpContext, _ config, _ []byte) types.Action {
				err = ctx.RouteCall("GET", "/other", nil, []byte(tc.body), new(answered).callback)
				return types.ActionContinue
			}))
			h.Refuse["SetBufferBytes"] = abi.StatusBadArgument
			h.request().sendHeaders(false, abi.HeaderStopIteration)
			h.request().sendTrailers(abi.TrailerContinue)
			path := h.Header(abi.MapHTTPRequestHeaders, ":path")
			if (err == nil) != tc.ok || (path == "/other") != tc.ok {
				t.Errorf("error %v, path %s", err, path)
			}
		})
	}
}

func TestRouteCallbackPanics(t *testing.T) {
	for name, send := range map[string]func(m *message){
		"headers": func(m *message) { m.sendHeaders(true, abi.HeaderStopAllIterationAndWatermark) },
		"body": func(m *message) {
			m.sendHeaders(false, abi.HeaderStopIteration)
			m.sendBody("secret", true, abi.DataStopIterationNoBuffer)
		},
		"trailers": func(m *message) {
			m.sendHeaders(false, abi.HeaderStopIteration)
			m.sendTrailers(abi.TrailerStopIteration)
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := answered{then: func() { panic("boom") }}
			h := routeFromBody(t, func(ctx wrapper.HttpContext) error { return ctx.RouteCall("GET", "/", nil, nil, got.callback) })
			h.sendRequest()
			send(h.response())
			if got.calls != 1 || len(h.Replies) != 1 || h.Replies[0].Code != 500 {
				t.Fatalf("calls %d, replies %+v", got.calls, h.Replies)
			}
		})
	}
}

// A panic after the route call answers the client: the callback is not for that answer.
func TestPanicAfterRouteCall(t *testing.T) {
	var got answered
	h := start(t, ``, wrapper.ProcessRequestBody(func(ctx wrapper.HttpContext, _ config, _ []byte) types.Action {
		if err := ctx.RouteCall("GET", "/", nil, nil, got.callback); err != nil {
			t.Error(err)
		}
		panic("boom")
	}))
	h.request().sendHeaders(false, abi.HeaderStopIteration)
	h.request().sendBody("body", true, abi.DataStopIterationNoBuffer)
	h.response().sendHeaders(false, abi.HeaderContinue)
	h.response().sendBody("", true, abi.DataContinue)
	if got.calls != 0 || len(h.Replies) != 1 {
		t.Fatalf("callback %+v, replies %+v", got, h.Replies)
	}
}

func TestUnreadableRouteCallResponse(t *testing.T) {
	var got answered
	h := routeFromBody(t, func(ctx wrapper.HttpContext) error { return ctx.RouteCall("GET", "/", nil, nil, got.callback) })
	h.sendRequest()
	h.response().sendHeaders(false, abi.HeaderStopIteration)
	h.Refuse["GetBufferBytes"] = abi.StatusInternalFailure
	h.response().sendBody("x", true, abi.DataStopIterationNoBuffer)
	if got.calls != 0 || len(h.Replies) != 1 || h.Replies[0].Code != 500 {
		t.Fatalf("callback %+v, replies %+v", got, h.Replies)
	}
}
