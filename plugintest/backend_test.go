package plugintest_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/plugintest"
)

// TestCallOuts shows the three ways to answer a plugin's calls.
func TestCallOuts(t *testing.T) {
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusTeapot)
		}))
		defer server.Close()
		p := start(t, mode,
			plugintest.Backend("auth", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("x-seen", r.Header.Get("x-from"))
				w.WriteHeader(http.StatusForbidden)
			})),
			plugintest.Backend("by-hand", nil),
			plugintest.BackendAt("own", server.Listener.Addr().String()))
		call := func(cluster string) *plugintest.Request {
			return plugintest.Get("/").Header("x-do", "call").Header("x-arg", cluster)
		}
		t.Run("a handler", func(t *testing.T) {
			got := p.For(t).Do(call("auth"))
			if got.Status != http.StatusForbidden || got.LocalReply == nil || got.LocalReply.Callback != "on_http_call_response" {
				t.Errorf("%+v", got)
			}
			calls := p.Callouts()
			if len(calls) != 1 || calls[0].Cluster != "auth" || calls[0].Path != "/called" || calls[0].Body != "what?" {
				t.Errorf("the backend got %+v", calls)
			}
		})
		t.Run("by hand", func(t *testing.T) {
			p := p.For(t)
			s := p.Stream(call("by-hand"))
			c := p.Callout()
			if c.Cluster != "by-hand" || s.Reached() {
				t.Errorf("call to %s; the request goes on: %v", c.Cluster, s.Reached())
			}
			c.Respond(http.StatusOK, http.Header{"x-a": {"1"}}, "yes")
			s.Upstream().Close()
			if got := s.Response(); got.Status != http.StatusOK || got.Upstream == nil {
				t.Errorf("%+v", got)
			}
		})
		t.Run("broken off", func(t *testing.T) {
			p := p.For(t)
			s := p.Stream(call("by-hand"))
			p.Callout().Reset()
			if got := s.Response(); got.Status != http.StatusServiceUnavailable || got.Upstream != nil {
				t.Errorf("%+v", got)
			}
		})
		t.Run("a server of the test's own", func(t *testing.T) {
			if got := p.For(t).Do(call("own")); got.Status != http.StatusTeapot {
				t.Errorf("%+v", got)
			}
		})
	})
}

func TestBackendsThatDoNotFit(t *testing.T) {
	for _, tt := range []struct {
		name, says string
		options    []plugintest.Option
	}{
		{"two of a name", `two clusters "a"`, []plugintest.Option{plugintest.Backend("a", nil), plugintest.Redis("a", "127.0.0.1:1")}},
		{"the routed one's name", `two clusters "cluster"`, []plugintest.Option{plugintest.Backend("cluster", nil)}},
		{"no port", "missing port", []plugintest.Option{plugintest.Redis("a", "127.0.0.1")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := plugintest.TryStart(t, plugintest.Native, tt.options...)
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("starting says: %v", err)
			}
		})
	}
}

func TestWhatAPluginLeavesBehind(t *testing.T) {
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := start(t, mode)
		p.SetSharedData("count", "41")
		got := p.Do(plugintest.Get("/").Header("x-do", "write"))
		if v, ok := got.Property("a", "b"); !ok || v != "c" {
			t.Errorf("property a.b: %q, %v", v, ok)
		}
		if v, ok := got.Property("nowhere"); ok {
			t.Errorf("a property that nobody set: %q", v)
		}
		if a := got.UserAttributes("custom_log"); a["who"] != `me "and" you` {
			t.Errorf("user attributes %v", a)
		}
		if got.UserAttributes("ai_log") != nil {
			t.Errorf("attributes that nobody wrote: %v", got.UserAttributes("ai_log"))
		}
		if tags := got.SpanTags(); len(tags) != 1 || tags["tenant"] != "t1" {
			t.Errorf("span tags %v", tags)
		}
		if v, _ := p.SharedData("count"); v != "42" {
			t.Errorf("shared data %q", v)
		}
		if m := p.Metric("probe_writes"); m.Value != 3 {
			t.Errorf("metric %+v", m)
		}
		if q, ok := p.Queue("jobs"); !ok || len(q) != 1 || q[0] != "job" {
			t.Errorf("queue %v, %v", q, ok)
		}
		p.Enqueue("jobs", "another")
		if q, _ := p.Queue("jobs"); len(q) != 2 || q[1] != "another" {
			t.Errorf("queue %v", q)
		}
	})
}

// TestUnansweredCallsEndWithThePlugin: what waits for a test that is over must not hold it up.
func TestUnansweredCallsEndWithThePlugin(t *testing.T) {
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := start(t, mode, plugintest.Backend("by-hand", nil), plugintest.RedisScript("redis", nil))
		p.Stream(plugintest.Get("/").Header("x-do", "call").Header("x-arg", "by-hand"))
		p.Stream(plugintest.Get("/").Header("x-do", "redis").Header("x-arg", "k"))
		p.Callout()
		p.RedisCall()
		p.Close() // fails the test if it takes long
	})
}
