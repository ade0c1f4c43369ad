package main

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/plugintest"
)

// answer is an upstream that reads the request and answers it.
func answer(status int, body string, header ...string) plugintest.Option {
	return plugintest.Upstream(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // what a test wants of it, it asserts on what the kit recorded
		for i := 0; i < len(header); i += 2 {
			w.Header().Add(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
}

func TestTheUpstreamGetsAnotherRequest(t *testing.T) {
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := plugintest.Start(t, mode, answer(200, "fine"))
		got := p.Do(plugintest.NewRequest("PUT", "/old?q=1").Header("Accept-Encoding", "gzip").Header("X-Custom", "client").
			Header("X-Kept", "yes").Header("Content-Type", "text/plain").Body("some text"))
		up := got.Upstream
		if up == nil {
			t.Fatalf("status %d (%s)", got.Status, got.Details)
		}
		if up.Method != "POST" || up.Path != "/modified-path" || up.Body != `{"input":"some text"}` {
			t.Errorf("the upstream gets %s %s %q", up.Method, up.Path, up.Body)
		}
		for name, want := range map[string]string{
			"Content-Type": "application/json", "X-Custom": "header", "X-Kept": "yes", "Accept-Encoding": "",
			"X-Envoy-Original-Method": "PUT", "X-Envoy-Original-Path": "/old?q=1", "X-Envoy-Original-Host": "example.com",
		} {
			if got := strings.Join(up.Header.Values(name), "|"); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		if up.Host != "example.com" || up.ContentLength == int64(len("some text")) {
			t.Errorf("host %s, content-length %d", up.Host, up.ContentLength)
		}
	})
}

func TestTheClientGetsWhatTheCallbackSays(t *testing.T) {
	tests := []struct {
		name, config string
		upstream     plugintest.Option
		status       int
		body         string
		header       string // X-Up
	}{
		{"a body", ``, answer(201, `{"output":"text"}`, "X-Up", "1"), 201, `{"output":"text"}`, "1"},
		{"a member of it", `{"unwrap":"output"}`, answer(200, `{"output":"text"}`, "X-Up", "1"), 200, `text`, "1"},
		{"a member that is not there", `{"unwrap":"output"}`, answer(200, `{}`, "X-Up", "1"), 502, `the upstream's answer has no member "output"`, ""},
		{"an empty body", ``, answer(200, ``, "X-Up", "1"), 200, ``, "1"},
		{"nothing but headers, left as it is", ``, answer(204, ``, "X-Up", "1"), 204, ``, "1"},
		{"nothing but headers, answered", ``, answer(304, ``, "X-Up", "1"), 304, ``, "1"},
		{"an error of the upstream", `{"unwrap":"output"}`, answer(500, `broken`, "X-Up", "1"), 500, `broken`, "1"},
		{"a long body", ``, answer(200, strings.Repeat("0123456789", 50_000)), 200, strings.Repeat("0123456789", 50_000), ""},
	}
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				p := plugintest.Start(t, mode, plugintest.Config(tt.config), tt.upstream)
				got := p.Do(plugintest.Post("/").Body("x"))
				if got.Status != tt.status || got.Body != tt.body || got.Err != nil {
					t.Errorf("status %d (%s), %.80q, %v; want %d, %.80q", got.Status, got.Details, got.Body, got.Err, tt.status, tt.body)
				}
				if up := got.Header.Values("X-Up"); strings.Join(up, "|") != tt.header {
					t.Errorf("header X-Up %q, want %q", up, tt.header)
				}
				if got.Upstream == nil {
					t.Error("the upstream got nothing")
				}
			})
		}
	})
}

func TestWhichUpstream(t *testing.T) {
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		for config, want := range map[string]string{``: "the route's", `{"reroute":true}`: "another"} {
			t.Run(want, func(t *testing.T) {
				p := plugintest.Start(t, mode, plugintest.Config(config), answer(200, "the route's"),
					plugintest.RoutePrefix("/modified-path", "other-route", "other"),
					plugintest.Backend("other", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
						_, _ = io.WriteString(w, "another")
					})))
				if got := p.Do(plugintest.Post("/").Body("x")); got.Body != want {
					t.Errorf("status %d (%s), %q", got.Status, got.Details, got.Body)
				}
			})
		}
	})
}

func TestEveryKindOfRequest(t *testing.T) {
	tests := []struct {
		name    string
		request *plugintest.Request
		calls   bool // a route call is made of it
		body    string
	}{
		{"in chunks", plugintest.Post("/").Chunks("a", "b", "c"), true, `{"input":"abc"}`},
		{"ending in trailers", plugintest.Post("/").Chunks("abc").Trailer("X-T", "1"), true, `{"input":"abc"}`},
		{"of an empty body in chunks", plugintest.Post("/").Chunks(), true, `{"input":""}`},
		{"without a body", plugintest.Get("/plain"), false, ""},
	}
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := plugintest.Start(t, mode, plugintest.Trailers(), answer(200, "fine"))
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				got := p.Do(tt.request)
				if got.Status != 200 || got.Upstream == nil {
					t.Fatalf("status %d (%s)", got.Status, got.Details)
				}
				if called := got.Upstream.Path == "/modified-path"; called != tt.calls || got.Upstream.Body != tt.body {
					t.Errorf("the upstream gets %s, %q", got.Upstream.Path, got.Upstream.Body)
				}
			})
		}
	})
}

// TestTheUpstreamFails holds that the callback gets the gateway's own answer where there is no other, and does not come
// for a response that breaks off.
func TestTheUpstreamFails(t *testing.T) {
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := plugintest.Start(t, mode)
		t.Run("before its answer", func(t *testing.T) {
			s := p.Stream(plugintest.Post("/"))
			s.Send("x")
			s.CloseSend()
			s.Upstream().Reset()
			if got := s.Response(); got.Status != http.StatusServiceUnavailable || !strings.Contains(got.Body, "upstream connect error") {
				t.Errorf("status %d (%s), %q", got.Status, got.Details, got.Body)
			}
		})
		t.Run("in mid-answer", func(t *testing.T) {
			s := p.Stream(plugintest.Post("/"))
			s.Send("x")
			s.CloseSend()
			up := s.Upstream()
			up.Expect(`{"input":"x"}`)
			up.Respond(200, nil)
			up.Send("half")
			up.Reset()
			if got := s.Response(); got.Err == nil && got.Status == 200 {
				t.Errorf("the client takes %q for the whole answer", got.Body)
			}
		})
		t.Run("the client goes", func(t *testing.T) {
			s := p.Stream(plugintest.Post("/"))
			s.Send("x")
			s.CloseSend()
			up := s.Upstream()
			up.Respond(200, nil)
			up.Send("half")
			s.Cancel()
			up.Gone()
		})
		if got := p.Do(plugintest.Post("/").Body("x")); got.Status != 200 {
			t.Errorf("afterwards: status %d", got.Status)
		}
	})
}

func TestRefusesAPathThatIsNone(t *testing.T) {
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		if _, err := plugintest.TryStart(t, mode, plugintest.Config(`{"path":"elsewhere"}`)); err == nil ||
			!strings.Contains(err.Error(), "path must begin with /") {
			t.Errorf("starting says: %v", err)
		}
	})
}
