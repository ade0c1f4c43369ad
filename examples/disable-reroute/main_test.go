package main

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/plugintest"
)

func TestWhichUpstreamGetsWhichPath(t *testing.T) {
	tests := []struct {
		name, config, path, want string
	}{
		{"kept on its route", `{"from":"/old/","to":"/new/"}`, "/old/a?b=c", "old cluster: /new/a?b=c"},
		{"routed again", `{"from":"/old/","to":"/new/","reroute":true}`, "/old/a?b=c", "new cluster: /new/a?b=c"},
		{"not rewritten", `{"from":"/old/","to":"/new/"}`, "/new/a", "new cluster: /new/a"},
		{"another one", `{"from":"/old/","to":"/new/"}`, "/else", "other cluster: /else"},
	}
	cluster := func(name string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, name+" cluster: "+r.RequestURI)
		})
	}
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				p := plugintest.Start(t, mode, plugintest.Config(tt.config), plugintest.Upstream(cluster("other")),
					plugintest.Backend("old", cluster("old")), plugintest.RoutePrefix("/old/", "old-route", "old"),
					plugintest.Backend("new", cluster("new")), plugintest.RoutePrefix("/new/", "new-route", "new"))
				if got := p.Do(plugintest.Get(tt.path)); got.Status != 200 || got.Body != tt.want {
					t.Errorf("status %d (%s), %q, want %q", got.Status, got.Details, got.Body, tt.want)
				}
			})
		}
	})
}

func TestRefusesPathsThatAreNone(t *testing.T) {
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		for _, config := range []string{``, `{"from":"/a"}`, `{"from":"a","to":"/b"}`} {
			if _, err := plugintest.TryStart(t, mode, plugintest.Config(config)); err == nil ||
				!strings.Contains(err.Error(), "must begin with /") {
				t.Errorf("with %q starting says: %v", config, err)
			}
		}
	})
}

func TestConfigurationFile(t *testing.T) {
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := plugintest.Start(t, mode, plugintest.ConfigFile("config.yaml"))
		if got := p.Do(plugintest.Get("/old/a")); got.Upstream == nil || got.Upstream.Path != "/new/a" {
			t.Errorf("status %d, the upstream sees %+v", got.Status, got.Upstream)
		}
	})
}
