package main

import (
	"encoding/json"
	"testing"

	"github.com/higress-group/proxy-wasm-go-sdk/proxywasm/types"
	"github.com/higress-group/wasm-go/pkg/test"
)

const rules = `{"name": "global", "_rules_": [
	{"_match_domain_": ["a.test"], "name": "domain"},
	{"_match_route_": ["r"], "name": "route"}
]}`

func TestGetMatchConfig(t *testing.T) {
	test.RunGoTest(t, func(t *testing.T) {
		for name, c := range map[string]struct{ domain, route, want string }{
			"global": {"b.test", "none", "global"},
			"domain": {"a.test", "none", "domain"},
			"route":  {"b.test", "r", "route"},
		} {
			t.Run(name, func(t *testing.T) {
				host, status := test.NewTestHost(json.RawMessage(rules))
				defer host.Reset()
				if status != types.OnPluginStartStatusOK || host.SetDomainName(c.domain) != nil || host.SetRouteName(c.route) != nil {
					t.Fatal("no host")
				}
				got, err := host.GetMatchConfig()
				if config, ok := got.(*Config); err != nil || !ok || config.Name != c.want {
					t.Errorf("%+v, %v, want %s", got, err, c.want)
				}
			})
		}
		t.Run("refused", func(t *testing.T) {
			host, status := test.NewTestHost(json.RawMessage(`{}`))
			defer host.Reset()
			if got, err := host.GetMatchConfig(); status != types.OnPluginStartStatusFailed || got != nil || err != nil {
				t.Errorf("%v: %v, %v", status, got, err)
			}
		})
	})
}

// Published tests give a body without headers, and go on after its end.
func TestBodiesOutOfStep(t *testing.T) {
	test.RunTest(t, func(t *testing.T) {
		host, _ := test.NewTestHost(json.RawMessage(rules))
		defer host.Reset()
		for _, body := range []string{"1", "2"} {
			if a := host.CallOnHttpResponseBody([]byte(body)); a != types.ActionContinue {
				t.Errorf("action %d", a)
			}
			if got := string(host.GetResponseBody()); got != body+"global" {
				t.Errorf("body %q", got)
			}
		}
	})
}
