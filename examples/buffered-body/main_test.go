package main

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/plugintest"
)

func TestAddsToRequests(t *testing.T) {
	tests := []struct {
		name     string
		config   string
		request  *plugintest.Request
		upstream string
	}{
		{"an object", ``, plugintest.Post("/").JSON(`{"a": 1}`), `{"a": 1,"injected":"value"}`},
		{"an empty object", ``, plugintest.Post("/").JSON(`{}`), `{"injected":"value"}`},
		{"what is there is replaced", ``, plugintest.Post("/").JSON(`{"injected": [1, 2]}`), `{"injected": "value"}`},
		{"order and digits stay", ``, plugintest.Post("/").JSON(`{"z":12345678901234567890,"a":1.10}`),
			`{"z":12345678901234567890,"a":1.10,"injected":"value"}`},
		{"in chunks cut anywhere", ``, plugintest.Post("/").Chunks(`{"a"`, `:"`, `b"`, `}`), `{"a":"b","injected":"value"}`},
		{"configured", `{"inject": {"tenant": 42, "tags": ["x"]}}`, plugintest.Post("/").JSON(`{"a":1}`),
			`{"a":1,"tenant":42,"tags":["x"]}`},
		{"a name with dots is one member", `{"inject": {"a.b": true}}`, plugintest.Post("/").JSON(`{"c":1}`), `{"c":1,"a.b":true}`},
		{"nothing to inject", `{"inject": {}}`, plugintest.Post("/").JSON(`{"a":1}`), `{"a":1}`},
	}
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				p := plugintest.Start(t, mode, plugintest.Config(tt.config), answer("text/plain", "thanks"))
				got := p.Do(tt.request)
				if got.Status != http.StatusOK || got.Upstream == nil {
					t.Fatalf("status %d (%s), %q", got.Status, got.Details, got.Body)
				}
				if got.Upstream.Body != tt.upstream {
					t.Errorf("the upstream sees\n%s, want\n%s", got.Upstream.Body, tt.upstream)
				}
				if got.Body != "thanks" {
					t.Errorf("the client gets %q", got.Body)
				}
			})
		}
	})
}

// answer is an upstream that reads the request and answers with a body of a content type.
func answer(contentType, body string) plugintest.Option {
	return plugintest.Upstream(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // what a test wants of it, it asserts on what the kit recorded
		w.Header().Set("Content-Type", contentType)
		_, _ = io.WriteString(w, body)
	}))
}

func TestRefusesWhatIsNoObject(t *testing.T) {
	tests := []struct{ name, body, says string }{
		{"no JSON", `not json`, "not valid JSON"},
		{"cut short", `{"a": `, "not valid JSON"},
		{"two values", `{} {}`, "not valid JSON"},
		{"not UTF-8 and no JSON", "\xff\xfe", "not valid JSON"},
		{"an array", `[1, 2]`, "not a JSON object"},
		{"a string", `"text"`, "not a JSON object"},
		{"null", `null`, "not a JSON object"},
	}
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := plugintest.Start(t, mode)
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				for _, r := range []*plugintest.Request{plugintest.Post("/").JSON(tt.body), plugintest.Post("/").Chunks(tt.body)} {
					got := p.Do(r)
					if got.Status != http.StatusBadRequest || !strings.Contains(got.Body, tt.says) {
						t.Errorf("status %d, %q, want 400 and %q", got.Status, got.Body, tt.says)
					}
					if ct := got.Header.Get("content-type"); ct != "application/json" {
						t.Errorf("content type %q", ct)
					}
					if got.Upstream != nil {
						t.Errorf("the upstream got the request that was refused: %+v", got.Upstream)
					}
				}
			})
		}
	})
}

// TestContentTypeLeadsNowhere: what a client says of a body does not keep it from being checked.
func TestContentTypeLeadsNowhere(t *testing.T) {
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := plugintest.Start(t, mode)
		for _, f := range [][2]string{
			{"Content-Type", "application/octet-stream"}, {"Content-Type", "application/grpc"}, {"Content-Encoding", "gzip"},
		} {
			t.Run(f[1], func(t *testing.T) {
				got := p.Do(plugintest.Post("/").Header(f[0], f[1]).Body("not json"))
				if got.Upstream != nil || !strings.Contains(got.Body+got.Header.Get("grpc-message"), "not valid JSON") {
					t.Errorf("status %d, %q, reached the upstream: %v", got.Status, got.Body, got.Upstream != nil)
				}
			})
		}
	})
}

func TestPassesRequestsWithoutABody(t *testing.T) {
	tests := []struct {
		name    string
		request *plugintest.Request
	}{
		{"GET", plugintest.Get("/")},
		{"GET with a content type", plugintest.Get("/").Header("Content-Type", "application/json")},
		{"POST of length 0", plugintest.Post("/").JSON("")},
		{"POST of no chunk", plugintest.Post("/").Header("Content-Type", "application/json").Chunks()},
		{"POST without a body", plugintest.Post("/").Header("Content-Type", "application/json")},
	}
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := plugintest.Start(t, mode)
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				got := p.Do(tt.request)
				if got.Status != http.StatusOK || got.Upstream == nil || got.Upstream.Body != "" {
					t.Errorf("status %d (%s), the upstream sees %+v", got.Status, got.Details, got.Upstream)
				}
			})
		}
	})
}

// TestBodiesOverTheLimit holds that what may not be buffered is answered 413, whether its length is known in advance or
// not, and that the upstream hears nothing of it.
func TestBodiesOverTheLimit(t *testing.T) {
	const limit = 16 << 10
	object := func(size int) string { return `{"a":"` + strings.Repeat("x", size-len(`{"a":""}`)) + `"}` }
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := plugintest.Start(t, mode, plugintest.BufferLimit(limit), answer("text/plain", "thanks"),
			plugintest.Config(`{"inject": {}}`)) // a body that the plugin makes longer counts too
		for _, tt := range []struct {
			name    string
			request *plugintest.Request
			status  int
		}{
			{"at the limit", plugintest.Post("/").JSON(object(limit)), http.StatusOK},
			{"one byte over", plugintest.Post("/").JSON(object(limit + 1)), http.StatusRequestEntityTooLarge},
			{"far over, in chunks", plugintest.Post("/").Chunks(object(limit), object(limit), object(limit)), http.StatusRequestEntityTooLarge},
		} {
			t.Run(tt.name, func(t *testing.T) {
				got := p.Do(tt.request)
				if got.Status != tt.status || got.Err != nil {
					t.Errorf("status %d (%s), %v, want %d", got.Status, got.Details, got.Err, tt.status)
				}
				if reached := got.Upstream != nil; reached != (tt.status == http.StatusOK) {
					t.Errorf("reached the upstream: %v", reached)
				}
			})
		}
	})
}

// TestHoldsRequestsUntilTheyAreWhole goes step by step: the upstream gets the request when its last byte has come.
func TestHoldsRequestsUntilTheyAreWhole(t *testing.T) {
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := plugintest.Start(t, mode)
		s := p.Stream(plugintest.Post("/").Header("Content-Type", "application/json"))
		s.Send(`{"a":`)
		s.Send(`1`)
		if s.Reached() {
			t.Error("the upstream has the request before it is whole")
		}
		s.Send(`}`)
		s.CloseSend()
		up := s.Upstream()
		up.Expect(`{"a":1,"injected":"value"}`)
		up.ExpectEnd()
		up.Respond(http.StatusOK, http.Header{"Content-Type": {"application/json"}})
		up.Send(`{"b":`)
		up.Send(`2}`)
		up.Close()
		if got := s.Response(); got.Body != `{"b":2,"injected":"value"}` {
			t.Errorf("the client gets %q", got.Body)
		}
	})
}

func TestAddsToAnswersThatAreJSON(t *testing.T) {
	large := strings.Repeat("0123456789abcdef", 1<<13) // 128 KiB
	tests := []struct{ name, contentType, body, client string }{
		{"JSON", "application/json", `{"b":2}`, `{"b":2,"injected":"value"}`},
		{"JSON with a charset", "application/json; charset=utf-8", `{"b":2}`, `{"b":2,"injected":"value"}`},
		{"problem details", "application/problem+json", `{"b":2}`, `{"b":2,"injected":"value"}`},
		{"text", "text/plain", `{"b":2}`, `{"b":2}`},
		{"JSON in name only", "application/json", `oops`, `oops`},
		{"an empty answer", "application/json", ``, ``},
		{"a text over the limit", "text/plain", large, large},
	}
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				p := plugintest.Start(t, mode, plugintest.BufferLimit(64<<10), answer(tt.contentType, tt.body))
				got := p.Do(plugintest.Get("/"))
				if got.Status != http.StatusOK || got.Err != nil || got.Body != tt.client {
					t.Errorf("status %d (%s), %v, the client gets %.80q, want %.80q", got.Status, got.Details, got.Err, got.Body, tt.client)
				}
			})
		}
		t.Run("JSON over the limit", func(t *testing.T) {
			p := plugintest.Start(t, mode, plugintest.BufferLimit(64<<10), answer("application/json", `{"a":"`+large+`"}`))
			if got := p.Do(plugintest.Get("/")); got.Status != http.StatusInternalServerError {
				t.Errorf("status %d (%s), want 500", got.Status, got.Details)
			}
		})
	})
}

func TestConfigurationFile(t *testing.T) {
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := plugintest.Start(t, mode, plugintest.ConfigFile("config.yaml"))
		got := p.Do(plugintest.Post("/").JSON(`{}`))
		if want := `{"injected":"value","tenant":42}`; got.Upstream == nil || got.Upstream.Body != want {
			t.Errorf("status %d, the upstream sees %+v, want %s", got.Status, got.Upstream, want)
		}
	})
}

func TestRefusesAConfigurationThatIsNoObject(t *testing.T) {
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		_, err := plugintest.TryStart(t, mode, plugintest.Config(`{"inject": "value"}`))
		if err == nil || !strings.Contains(err.Error(), "inject must be an object") {
			t.Errorf("starting says: %v", err)
		}
	})
}
