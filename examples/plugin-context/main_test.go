package main

import (
	"net/http"
	"testing"

	"github.com/sluice-gateway/sluice/plugintest"
)

// seen is what the upstream gets of the plugin.
type seen struct{ label, served string }

func send(t *testing.T, p *plugintest.Plugin, host string) seen {
	t.Helper()
	got := p.Do(plugintest.Get("/").Header("Host", host).Header("x-served", "a client's"))
	if got.Status != http.StatusOK || got.Upstream == nil {
		t.Fatalf("status %d (%s)", got.Status, got.Details)
	}
	if v := got.Upstream.Header.Get("x-up-seconds"); v == "" {
		t.Error("no x-up-seconds")
	}
	return seen{got.Upstream.Header.Get("x-label"), got.Upstream.Header.Get("x-served")}
}

func TestRulesShareTheContext(t *testing.T) {
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := plugintest.Start(t, mode, plugintest.ConfigFile("config.yaml"))
		for _, step := range []struct {
			host string
			want seen
		}{
			{"a.example.com", seen{"a", "1"}},
			{"b.example.com", seen{"example", "2"}},
			{"elsewhere", seen{"others", "3"}},
			{"A.example.com:8080", seen{"a", "4"}},
		} {
			if got := send(t, p, step.host); got != step.want {
				t.Errorf("%s: the upstream sees %v, want %v", step.host, got, step.want)
			}
		}
	})
}

// TestConfigurationsDoNotShare holds that a plugin which is started anew counts anew.
func TestConfigurationsDoNotShare(t *testing.T) {
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		for range 2 {
			p := plugintest.Start(t, mode)
			if got, want := send(t, p, "a"), (seen{"", "1"}); got != want {
				t.Errorf("the upstream sees %v, want %v", got, want)
			}
			p.Close()
		}
	})
}

// TestEachVMHasItsOwn shows what a context is not: the VMs of a plugin do not share it. Several VMs are there as modules
// only.
func TestEachVMHasItsOwn(t *testing.T) {
	p := plugintest.Start(t, plugintest.Wasm, plugintest.Workers(2))
	for _, step := range []struct {
		worker int
		want   string
	}{{0, "1"}, {0, "2"}, {1, "1"}, {0, "3"}} {
		p.UseWorker(step.worker)
		if got := send(t, p, "a"); got.served != step.want {
			t.Errorf("VM %d: served %s, want %s", step.worker, got.served, step.want)
		}
	}
}
