package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/plugintest"
)

// auth is a service that knows one user.
var auth = plugintest.Backend("auth", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	switch r.Header.Get("authorization") {
	case "Bearer good":
		w.Header().Set("X-User", "ann of "+r.Header.Get("x-original-method")+" "+r.Header.Get("x-original-path"))
		w.WriteHeader(http.StatusNoContent)
	case "Bearer nobody":
		w.WriteHeader(http.StatusOK)
	case "Bearer other":
		http.Error(w, "not yours", http.StatusForbidden)
	case "Bearer broken":
		http.Error(w, "stack trace", http.StatusInternalServerError)
	default:
		w.Header().Set("WWW-Authenticate", "Bearer")
		http.Error(w, "who are you", http.StatusUnauthorized)
	}
}))

func TestAsksBeforeTheRequestGoesOn(t *testing.T) {
	tests := []struct {
		name    string
		request *plugintest.Request
		status  int
		body    string
		user    string // what the upstream is told, "" for nothing
		header  string // www-authenticate
	}{
		{"allowed", plugintest.Get("/a%2Fb%20c?d=e").Header("authorization", "Bearer good"), 200, "", "ann of GET /a%2Fb%20c?d=e", ""},
		{"allowed with a body", plugintest.Post("/p").Header("authorization", "Bearer good").Body("hello"), 200, "hello", "ann of POST /p", ""},
		{"allowed with chunks", plugintest.Post("/p").Header("authorization", "Bearer good").Chunks("hel", "lo"), 200, "hello", "ann of POST /p", ""},
		{"the client says who it is", plugintest.Get("/").Header("authorization", "Bearer nobody").Header("X-Auth-User", "root"), 200, "", "", ""},
		{"unknown", plugintest.Get("/"), 401, "who are you\n", "", "Bearer"},
		{"forbidden", plugintest.Post("/").Header("authorization", "Bearer other").Body("hello"), 403, "not yours\n", "", ""},
		{"the service fails", plugintest.Get("/").Header("authorization", "Bearer broken"), 503, "the auth service is not available\n", "", ""},
	}
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := plugintest.Start(t, mode, auth, plugintest.Config(`{"cluster": "auth", "host": "auth.example", "timeout": 5000}`))
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				got := p.Do(tt.request)
				if got.Status != tt.status || got.Body != tt.body || got.Header.Get("www-authenticate") != tt.header {
					t.Errorf("status %d, body %q, header %v", got.Status, got.Body, got.Header)
				}
				if tt.status != 200 {
					if got.Upstream != nil {
						t.Error("the request reached the upstream")
					}
					return
				}
				if users := got.Upstream.Header.Values("x-auth-user"); strings.Join(users, "|") != tt.user {
					t.Errorf("the upstream is told %q, want %q", users, tt.user)
				}
			})
		}
		for _, c := range p.Callouts() {
			if c.Method != "GET" || c.Path != "/auth" || c.Host != "auth.example" || c.Body != "" {
				t.Errorf("call %s %s %s %q", c.Method, c.Host, c.Path, c.Body)
			}
		}
	})
}

// What the service does that is no answer, and what becomes of the request then.
func TestServiceThatDoesNotAnswer(t *testing.T) {
	silent := plugintest.Backend("auth", nil)
	tests := []struct {
		name   string
		config string
		act    func(c *plugintest.Callout)
		logs   string
	}{
		{"breaks off", `"cluster": "auth", "timeout": 5000`, (*plugintest.Callout).Reset, "the auth service answers 503"},
		{"is silent", `"cluster": "auth", "timeout": 50`, func(*plugintest.Callout) {}, "the auth service answers 504"},
		{"is not there", `"cluster": "no such"`, nil, `http call to cluster "no such": unknown cluster`},
	}
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		for _, tt := range tests {
			for failure, want := range map[string]int{"closed": 503, "open": 200} {
				t.Run(tt.name+", "+failure, func(t *testing.T) {
					p := plugintest.Start(t, mode, silent, plugintest.Config(`{"failure": "`+failure+`", `+tt.config+`}`))
					s := p.Stream(plugintest.Get("/"))
					if tt.act != nil {
						tt.act(p.Callout())
					}
					if want == http.StatusOK {
						s.Upstream().Close()
					}
					if got := s.Response(); got.Status != want {
						t.Errorf("status %d, want %d", got.Status, want)
					}
					if !logged(p, tt.logs) {
						t.Errorf("log %v", p.Logs())
					}
				})
			}
		}
	})
}

func logged(p *plugintest.Plugin, text string) bool {
	for _, l := range p.Logs() {
		if strings.Contains(l.Message, text) {
			return true
		}
	}
	return false
}

// A client that leaves takes its request along; others are not touched.
func TestClientThatLeaves(t *testing.T) {
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := plugintest.Start(t, mode, plugintest.Backend("auth", nil), plugintest.Config(`{"cluster": "auth", "timeout": 5000}`))
		first, second := p.Stream(plugintest.Get("/1")), p.Stream(plugintest.Get("/2"))
		calls := map[string]*plugintest.Callout{}
		for range 2 {
			c := p.Callout()
			calls[c.Header.Get("x-original-path")] = c
		}
		first.Cancel()
		calls["/1"].Respond(200, nil, "")
		calls["/2"].Respond(200, http.Header{"X-User": {"bob"}}, "")
		up := second.Upstream()
		up.Close()
		if got := second.Response(); got.Status != 200 || got.Upstream.Header.Get("x-auth-user") != "bob" {
			t.Errorf("status %d, upstream %+v", got.Status, got.Upstream)
		}
		if first.Reached() {
			t.Error("the request of the client that left reached the upstream")
		}
	})
}

func TestReadsItsConfiguration(t *testing.T) {
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		if _, err := plugintest.TryStart(t, mode, plugintest.ConfigFile("config.yaml")); err != nil {
			t.Error(err)
		}
	})
}

func TestRefusesConfigurations(t *testing.T) {
	tests := []struct{ name, config, want string }{
		{"no time", `{"timeout": 0}`, "timeout must be"},
		{"too much time", `{"timeout": 60001}`, "timeout must be"},
		{"neither open nor closed", `{"failure": "ajar"}`, "failure must be"},
	}
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				if _, err := plugintest.TryStart(t, mode, plugintest.Config(tt.config)); err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("starting says: %v", err)
				}
			})
		}
	})
}
