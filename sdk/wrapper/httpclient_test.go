//go:build !wasip1

package wrapper_test

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
	"github.com/sluice-gateway/sluice/sdk/wrapper"
)

// inRequest starts a plugin whose request header phase is f, and runs it.
func inRequest(t *testing.T, f func()) *harness {
	t.Helper()
	h := start(t, ``, onRequest(func(wrapper.HttpContext) types.Action {
		f()
		return types.HeaderStopAllIterationAndWatermark
	}))
	h.request().sendHeaders(true, abi.HeaderStopAllIterationAndWatermark)
	return h
}

// answerHTTP answers a call-out.
func (h *harness) answerHTTP(call uint32, headers [][2]string, body string) {
	h.t.Helper()
	if headers != nil {
		h.Headers[abi.MapHTTPCallResponseHeaders] = headers
	}
	h.Buffers[abi.BufferHTTPCallResponseBody] = []byte(body)
	if err := h.OnHTTPCallResponse(rootID, call, uint32(len(headers)), uint32(len(body)), 0); err != nil {
		h.t.Fatal(err)
	}
	delete(h.Headers, abi.MapHTTPCallResponseHeaders)
	delete(h.Buffers, abi.BufferHTTPCallResponseBody)
}

var auth = wrapper.FQDNCluster{FQDN: "auth.dns", Port: 80}

func TestCallURLs(t *testing.T) {
	for name, tc := range map[string]struct{ url, authority, path string }{
		"path":             {"/a/b", "auth.dns", "/a/b"},
		"query":            {"/a?b=c&d=%2F", "auth.dns", "/a?b=c&d=%2F"},
		"encoded":          {"/a%2Fb%20c/%2e%2E/%zz", "auth.dns", "/a%2Fb%20c/%2e%2E/%zz"},
		"dots":             {"/a/../b/./c//d", "auth.dns", "/a/../b/./c//d"},
		"no slash":         {"a/b", "auth.dns", "/a/b"},
		"empty":            {"", "auth.dns", "/"},
		"query alone":      {"?a=b", "auth.dns", "/?a=b"},
		"fragment":         {"/a?b#c?d", "auth.dns", "/a?b"},
		"absolute":         {"http://h:8080/a%2Fb?c=d#e", "h:8080", "/a%2Fb?c=d"},
		"https":            {"HTTPS://[::1]:1/x", "[::1]:1", "/x"},
		"no path":          {"http://h", "h", "/"},
		"no path, a query": {"http://h?a=/b", "h", "/?a=/b"},
		"user":             {"http://u:p@h/a@b", "h", "/a@b"},
		"no authority":     {"http:///a", "auth.dns", "/a"},
		"two slashes":      {"//evil/a", "auth.dns", "//evil/a"},
		"URL in a query":   {"/login?to=http://h/", "auth.dns", "/login?to=http://h/"},
		"URL as a path":    {"/http://h/", "auth.dns", "/http://h/"},
		"no scheme":        {"h:80/a", "auth.dns", "/h:80/a"},
		"space":            {"/a b?c d", "auth.dns", "/a%20b?c%20d"},
		"not ASCII":        {"/ä?ö", "auth.dns", "/ä?ö"},
	} {
		t.Run(name, func(t *testing.T) {
			h := inRequest(t, func() {
				if err := wrapper.NewClusterClient(auth).Get(tc.url, nil, nil); err != nil {
					t.Error(err)
				}
			})
			if len(h.HTTPCalls) != 1 {
				t.Fatalf("calls %q", h.Calls)
			}
			want := [][2]string{{":method", "GET"}, {":path", tc.path}, {":authority", tc.authority}}
			if c := h.HTTPCalls[0]; !reflect.DeepEqual(c.Headers, want) || c.Cluster != "outbound|80||auth.dns" || c.Millis != 500 {
				t.Fatalf("call %+v, want headers %q", c, want)
			}
		})
	}
	for name, url := range map[string]string{
		"line end": "/a\r\nx: y", "NUL": "/\x00", "line end in an authority": "http://h\n/", "DEL": "/\x7f", "space in an authority": "http://a b/",
	} {
		t.Run(name, func(t *testing.T) {
			var err error
			h := inRequest(t, func() {
				err = wrapper.HttpCall(auth, "GET", url, nil, nil, func(int, wrapper.Header, []byte) { t.Error("callback") })
			})
			if !errors.Is(err, wrapper.ErrURL) || len(h.HTTPCalls) != 0 {
				t.Errorf("error %v, calls %+v", err, h.HTTPCalls)
			}
		})
	}
}

func TestCallMethods(t *testing.T) {
	headers := [][2]string{{"a", "b"}}
	type call func(c wrapper.HttpClient) error
	for method, f := range map[string]call{
		"GET":     func(c wrapper.HttpClient) error { return c.Get("/p", headers, nil, 7) },
		"HEAD":    func(c wrapper.HttpClient) error { return c.Head("/p", headers, nil, 7) },
		"OPTIONS": func(c wrapper.HttpClient) error { return c.Options("/p", headers, nil, 7) },
		"POST":    func(c wrapper.HttpClient) error { return c.Post("/p", headers, []byte("body"), nil, 7) },
		"PUT":     func(c wrapper.HttpClient) error { return c.Put("/p", headers, []byte("body"), nil, 7) },
		"PATCH":   func(c wrapper.HttpClient) error { return c.Patch("/p", headers, []byte("body"), nil, 7) },
		"DELETE":  func(c wrapper.HttpClient) error { return c.Delete("/p", headers, []byte("body"), nil, 7) },
		"CONNECT": func(c wrapper.HttpClient) error { return c.Connect("/p", headers, []byte("body"), nil, 7) },
		"TRACE":   func(c wrapper.HttpClient) error { return c.Trace("/p", headers, []byte("body"), nil, 7) },
		"PURGE":   func(c wrapper.HttpClient) error { return c.Call("PURGE", "/p", headers, []byte("body"), nil, 7) },
	} {
		t.Run(method, func(t *testing.T) {
			client := wrapper.NewClusterClient(auth)
			h := inRequest(t, func() {
				if err := f(client); err != nil {
					t.Error(err)
				}
			})
			body := "body"
			if slices.Contains([]string{"GET", "HEAD", "OPTIONS"}, method) {
				body = ""
			}
			want := [][2]string{{":method", method}, {":path", "/p"}, {":authority", "auth.dns"}, {"a", "b"}}
			if c := h.HTTPCalls[0]; !reflect.DeepEqual(c.Headers, want) || c.Body != body || c.Millis != 7 {
				t.Fatalf("call %+v, want headers %q, body %q", c, want, body)
			}
			if client.ClusterName() != auth.ClusterName() {
				t.Error(client.ClusterName())
			}
		})
	}
}

func TestCallAuthorities(t *testing.T) {
	h := inRequest(t, func() {
		for _, host := range []string{"", "h"} {
			if err := wrapper.HttpCall(wrapper.TargetCluster{Cluster: "c", Host: host}, "GET", "/", nil, nil, nil, 0); err != nil {
				t.Error(err)
			}
		}
	})
	for i, want := range []string{"unknownhost", "h"} {
		if got := h.HTTPCalls[i].Headers[2][1]; got != want || h.HTTPCalls[i].Millis != 0 {
			t.Errorf("authority %q, want %q", got, want)
		}
	}
}

// What the caller gives stays as it is, and cannot say what the arguments say.
func TestCallHeaders(t *testing.T) {
	backing := [8][2]string{
		{":Path", "/evil"}, {"x", "1"}, {":METHOD", "DELETE"}, {"HOST", "evil"}, {":authority", "evil"}, {":Scheme", "https"},
		{"X", "2"}, {"kept", "kept"},
	}
	before := backing
	h := inRequest(t, func() {
		if err := wrapper.HttpCall(auth, "GET", "/", append(backing[:5], backing[5:7]...), nil, nil); err != nil {
			t.Error(err)
		}
	})
	if backing != before {
		t.Errorf("the caller's headers became %q", backing)
	}
	want := [][2]string{
		{":method", "GET"}, {":path", "/"}, {":authority", "auth.dns"}, {"x", "1"}, {":Scheme", "https"}, {"X", "2"},
	}
	if got := h.HTTPCalls[0].Headers; !reflect.DeepEqual(got, want) {
		t.Errorf("headers %q, want %q", got, want)
	}
}

func TestResponses(t *testing.T) {
	for name, tc := range map[string]struct {
		headers [][2]string
		body    string
		status  int
		want    wrapper.Header
	}{
		"ordinary": {
			[][2]string{{":status", "204"}, {"x-a", "1"}, {"content-type", "t"}, {"x-a", "2"}}, "",
			204, wrapper.Header{":status": {"204"}, "X-A": {"1", "2"}, "Content-Type": {"t"}},
		},
		"with a body": {[][2]string{{":status", "503"}}, "no healthy upstream", 503, wrapper.Header{":status": {"503"}}},
		"no response": {nil, "", 502, wrapper.Header{}},
		"no status":   {[][2]string{{"x", "y"}}, "", 502, wrapper.Header{"X": {"y"}}},
		"no number":   {[][2]string{{":status", "fine"}}, "b", 500, wrapper.Header{":status": {"fine"}}},
	} {
		t.Run(name, func(t *testing.T) {
			calls := 0
			h := inRequest(t, func() {
				err := wrapper.NewClusterClient(auth).Get("/", nil, func(status int, headers wrapper.Header, body []byte) {
					calls++
					if status != tc.status || !reflect.DeepEqual(headers, tc.want) || string(body) != tc.body {
						t.Errorf("got %d %q %q, want %d %q %q", status, headers, body, tc.status, tc.want, tc.body)
					}
				})
				if err != nil {
					t.Error(err)
				}
			})
			h.answerHTTP(h.HTTPCalls[0].ID, tc.headers, tc.body)
			h.answerHTTP(h.HTTPCalls[0].ID, tc.headers, tc.body)
			if calls != 1 {
				t.Fatalf("%d callbacks", calls)
			}
			if h.Active != streamID {
				t.Fatalf("the callback is about context %d", h.Active)
			}
		})
	}
}

// A part of a body is not taken for all of it.
func TestUnreadableResponseBody(t *testing.T) {
	var got []any
	h := inRequest(t, func() {
		_ = wrapper.NewClusterClient(auth).Get("/", nil, func(status int, headers wrapper.Header, body []byte) {
			got = []any{status, len(headers), string(body)}
		})
	})
	h.Refuse["GetBufferBytes"] = abi.StatusInternalFailure
	h.answerHTTP(h.HTTPCalls[0].ID, [][2]string{{":status", "200"}}, "body")
	if !reflect.DeepEqual(got, []any{502, 0, ""}) {
		t.Fatalf("got %v", got)
	}
}

func TestNoCallbackAfterTheRequest(t *testing.T) {
	h := inRequest(t, func() {
		_ = wrapper.NewClusterClient(auth).Get("/", nil, func(int, wrapper.Header, []byte) { t.Error("callback") })
	})
	h.end(streamID)
	h.answerHTTP(h.HTTPCalls[0].ID, [][2]string{{":status", "200"}}, "")
}

func TestCallErrors(t *testing.T) {
	for status, want := range map[abi.Status][]error{
		abi.StatusBadArgument:     {wrapper.ErrCallRefused, types.ErrorStatusBadArgument},
		abi.StatusInternalFailure: {wrapper.ErrCallFailed, types.ErrorInternalFailure},
		abi.StatusUnimplemented:   {types.ErrorUnimplemented},
	} {
		t.Run(status.String(), func(t *testing.T) {
			var err error
			h := start(t, ``, onRequest(func(wrapper.HttpContext) types.Action {
				err = wrapper.NewClusterClient(auth).Get("/?secret", nil, func(int, wrapper.Header, []byte) { t.Error("callback") })
				return 0
			}))
			h.Refuse["HTTPCall"] = status
			h.request().sendHeaders(true, 0)
			for _, w := range want {
				if !errors.Is(err, w) {
					t.Errorf("error %v is not %v", err, w)
				}
			}
			if err == nil || !strings.Contains(err.Error(), `"outbound|80||auth.dns"`) || strings.Contains(err.Error(), "secret") {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestCallsLogNoSecrets(t *testing.T) {
	for level, want := range map[abi.LogLevel][]string{
		abi.LogInfo: nil,
		abi.LogDebug: {
			`debug: [test] http call: POST /path to cluster "outbound|80||auth.dns"`,
			`debug: [test] http call: 200 from cluster "outbound|80||auth.dns"`,
		},
	} {
		t.Run(level.String(), func(t *testing.T) {
			h := load(t, ``, onRequest(func(wrapper.HttpContext) types.Action {
				headers := [][2]string{{"authorization", "secret"}}
				if err := wrapper.NewClusterClient(auth).Post("/path?secret", headers, []byte("secret"), nil); err != nil {
					t.Error(err)
				}
				return 0
			}))
			h.Level = level
			h.configure()
			h.begin(streamID)
			h.request().sendHeaders(true, 0)
			h.answerHTTP(h.HTTPCalls[0].ID, [][2]string{{":status", "200"}, {"set-cookie", "secret"}}, "secret")
			if !slices.Equal(h.Logs, want) {
				t.Fatalf("log %q, want %q", h.Logs, want)
			}
		})
	}
}

func TestHeader(t *testing.T) {
	names := []string{"", "a", "-", "a-b", "A-B", "aB-Cd", "content-MD5", "x--y", "1a", "ä", "a b", ":status", "a_b", "Already-Right", "~"}
	for c := range 256 {
		names = append(names, fmt.Sprintf("x%cy-z", rune(c)), string([]byte{byte(c), 'a'}))
	}
	var got []wrapper.Header
	h := inRequest(t, func() {
		_ = wrapper.HttpCall(auth, "GET", "/", nil, nil, func(_ int, headers wrapper.Header, _ []byte) { got = append(got, headers) })
	})
	var headers [][2]string
	want := http.Header{}
	for i, name := range names {
		headers = append(headers, [2]string{name, fmt.Sprint(i)})
		want.Add(name, fmt.Sprint(i))
	}
	h.answerHTTP(h.HTTPCalls[0].ID, headers, "")
	if len(got) != 1 || !reflect.DeepEqual(http.Header(got[0]), want) {
		t.Fatalf("headers %q, want %q", got, want)
	}
	for _, name := range names {
		if g, w := got[0].Get(name), want.Get(name); g != w {
			t.Errorf("Get(%q) = %q, want %q", name, g, w)
		}
		if g, w := got[0].Values(name), want.Values(name); !slices.Equal(g, w) {
			t.Errorf("Values(%q) = %q, want %q", name, g, w)
		}
	}
	if got[0].Get("not-there") != "" || got[0].Values("not-there") != nil {
		t.Error("a header that is not there")
	}
}
