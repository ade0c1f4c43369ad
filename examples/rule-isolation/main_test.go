package main

import (
	"net/http"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/plugintest"
)

func TestOneWrongRule(t *testing.T) {
	tests := []struct {
		name    string
		request *plugintest.Request
		status  int
		details string
	}{
		{"a good rule, its key", get("a.example.com", "x-api-key", "alice"), 200, ""},
		{"a good rule, another key", get("a.example.com", "x-api-key", "everybody"), 403, "unknown_key"},
		{"the wrong rule, a key of it", get("b.example.com", "x-api-key", "bob"), 503, "rule_rejected"},
		{"the wrong rule, the global key", get("b.example.com", "x-api-key", "everybody"), 503, "rule_rejected"},
		{"the wrong rule, the later rule's key", get("b.example.com", "x-other-key", "carol"), 503, "rule_rejected"},
		{"the wrong rule, in capitals", get("B.EXAMPLE.com:80", "x-api-key", "bob"), 503, "rule_rejected"},
		{"a rule after it", get("c.example.com", "x-other-key", "carol"), 200, ""},
		{"a rule after it, the global header", get("c.example.com", "x-api-key", "carol"), 403, "unknown_key"},
		{"no rule, the global key", get("elsewhere", "x-api-key", "everybody"), 200, ""},
		{"no rule, no key", plugintest.Get("/"), 403, "unknown_key"},
	}
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := plugintest.Start(t, mode, plugintest.ConfigFile("config.yaml"), plugintest.Name("keys"))
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				got := p.For(t).Do(tt.request)
				if got.Status != tt.status || tt.details != "" && got.Details != tt.details {
					t.Errorf("status %d (%s), want %d (%s)", got.Status, got.Details, tt.status, tt.details)
				}
				if reached := got.Upstream != nil; reached != (tt.status == http.StatusOK) {
					t.Errorf("reached the upstream: %v", reached)
				}
			})
		}
		for _, line := range []string{
			`rule rejected: _rules_[1].keys[1]: must be a text (domain "b.example.com"); in force: 503 for what it matches`,
			`1 of 3 rules rejected: 0 with the last good version in force, 1 answering 503, 0 with nothing in force`,
		} {
			if !p.Logged(line) {
				t.Errorf("the log does not say %q", line)
			}
		}
		if m := p.Metric("plugin.keys.rejected_rules"); m.Value != 1 {
			t.Errorf("the gauge has %+v, want 1", m)
		}
	})
}

func get(host, header, key string) *plugintest.Request {
	return plugintest.Get("/").Header("Host", host).Header(header, key)
}

func TestStartsWhateverTheRules(t *testing.T) {
	for _, tt := range []struct {
		name, config string
		rejected     int64
		status       int
	}{
		{"every rule wrong", `{"keys": [], "_rules_": [{"_match_domain_": ["a"]}, {"_match_domain_": ["b"], "keys": 1}]}`, 2, 503},
		{"a rule that matches nothing", `{"keys": ["k"], "_rules_": [{"keys": ["x"]}]}`, 1, 200},
		{"the global part wrong too", `{"keys": 1, "_rules_": [{"_match_domain_": ["a"], "header": "x-api-key", "keys": ["k"]}]}`, 0, 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
				p := plugintest.Start(t, mode, plugintest.Config(tt.config), plugintest.Name("keys"))
				if got := p.Do(get("a", "x-api-key", "k")); got.Status != tt.status {
					t.Errorf("status %d (%s), want %d", got.Status, got.Details, tt.status)
				}
				if m := p.Metric("plugin.keys.rejected_rules"); int64(m.Value) != tt.rejected {
					t.Errorf("the gauge has %+v, want %d", m, tt.rejected)
				}
			})
		})
	}
}

func TestRefusesAWrongGlobalPart(t *testing.T) {
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		if _, err := plugintest.TryStart(t, mode, plugintest.Config(`{"keys": ["a", ""]}`)); err == nil {
			t.Error("the plugin starts")
		}
	})
}

// TestAnotherVMDecidesTheSame holds that a VM which replaces one that died has the same rules in force, and that the gauge
// does not add up over VMs. VMs can be lost as modules only.
func TestAnotherVMDecidesTheSame(t *testing.T) {
	p := plugintest.Start(t, plugintest.Wasm, plugintest.Workers(2), plugintest.FailReload(), plugintest.ConfigFile("config.yaml"),
		plugintest.Name("keys"), plugintest.FakeClock())
	p.Trap(0)
	p.Advance(time.Second) // no VM is made anew sooner
	for worker := range 2 {
		p.UseWorker(worker)
		for host, want := range map[string]int{"a.example.com": 403, "b.example.com": 503, "elsewhere": 200} {
			if got := p.Do(get(host, "x-api-key", "everybody")); got.Status != want {
				t.Errorf("VM %d, %s: status %d (%s), want %d", worker, host, got.Status, got.Details, want)
			}
		}
	}
	if m := p.Metric("plugin.keys.rejected_rules"); m.Value != 1 {
		t.Errorf("the gauge has %+v, want 1", m)
	}
}
