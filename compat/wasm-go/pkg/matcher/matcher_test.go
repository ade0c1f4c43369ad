package matcher_test

import (
	"errors"
	"testing"

	"github.com/higress-group/proxy-wasm-go-sdk/proxywasm/proxytest"
	"github.com/higress-group/proxy-wasm-go-sdk/proxywasm/types"
	"github.com/higress-group/wasm-go/pkg/iface"
	"github.com/higress-group/wasm-go/pkg/matcher"
	"github.com/tidwall/gjson"
)

type config struct{ value, global string }

func parse(json gjson.Result, c *config) error {
	if c.value = json.Get("value").String(); c.value == "bad" {
		return errors.New("bad value")
	}
	return nil
}

func override(json gjson.Result, global config, c *config) error {
	c.global = global.value
	return parse(json, c)
}

// context is a plugin context that isolates rules or not.
type context struct {
	iface.PluginContext
	isolates bool
}

func (c context) IsRuleLevelConfigIsolation() bool { return c.isolates }

// streams is a plugin whose streams do nothing, for rules that ask for the request.
type streams struct{ types.DefaultPluginContext }

func (*streams) NewHttpContext(uint32) types.HttpContext { return &asking{} }

// asking asks ask in the request's header phase.
type asking struct{ types.DefaultHttpContext }

var ask func()

func (*asking) OnHttpRequestHeaders(int, bool) types.Action {
	ask()
	return types.ActionContinue
}

// match asks rules for the configuration of a request to host, on a route.
func match(t *testing.T, m *matcher.RuleMatcher[config], host, route string) (c *config, err error) {
	t.Helper()
	factory := func(uint32) types.PluginContext { return &streams{} }
	h, reset := proxytest.NewHostEmulator(proxytest.NewEmulatorOption().WithPluginContext(factory))
	defer reset()
	if err := h.SetProperty([]string{"route_name"}, []byte(route)); err != nil {
		t.Fatal(err)
	}
	if err := h.SetProperty([]string{"cluster_name"}, []byte("outbound|80||a.static")); err != nil {
		t.Fatal(err)
	}
	ask = func() { c, err = m.GetMatchConfig() }
	h.CallOnRequestHeaders(h.InitializeHttpContext(), [][2]string{{":authority", host}}, true)
	return c, err
}

func TestMatch(t *testing.T) {
	const rules = `{"value":"global","_rules_":[
		{"_match_route_":["r"],"value":"route"},
		{"_match_domain_":["*.a.com"],"value":"domain"},
		{"_match_service_":["a.static:81"],"value":"service"}]}`
	var m matcher.RuleMatcher[config]
	if err := m.ParseRuleConfig(context{}, gjson.Parse(rules), parse, override); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		host, route string
		want        config
	}{
		"route":   {"b.com", "r", config{"route", "global"}},
		"domain":  {"x.a.com:80", "q", config{"domain", "global"}},
		"neither": {"b.com", "q", config{value: "global"}},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := match(t, &m, tc.host, tc.route)
			if err != nil || c == nil || *c != tc.want {
				t.Fatalf("got %+v, %v, want %+v", c, err, tc.want)
			}
			c.value = "changed"
			if again, _ := match(t, &m, tc.host, tc.route); *again != tc.want {
				t.Error("the result is not a copy")
			}
		})
	}
}

func TestNothingParsed(t *testing.T) {
	var m matcher.RuleMatcher[config]
	if c, err := match(t, &m, "a.com", "r"); c != nil || err != nil {
		t.Errorf("got %v, %v", c, err)
	}
}

// Without isolation a rule that fails fails all; with it the last good one stays, or the rule is left out.
func TestIsolation(t *testing.T) {
	rule := func(value string) gjson.Result {
		return gjson.Parse(`{"_rules_":[{"_match_route_":["isolated"],"value":"` + value + `"},{"_match_route_":["other"],"value":"good"}]}`)
	}
	var m matcher.RuleMatcher[config]
	if err := m.ParseRuleConfig(context{}, rule("bad"), parse, nil); err == nil {
		t.Error("a bad rule is taken")
	}
	for _, step := range []struct {
		value string
		want  *config
	}{{"bad", nil}, {"one", &config{value: "one"}}, {"bad", &config{value: "one"}}} {
		if err := m.ParseRuleConfig(context{isolates: true}, rule(step.value), parse, nil); err != nil {
			t.Fatal(err)
		}
		c, err := match(t, &m, "a.com", "isolated")
		if err != nil || (c == nil) != (step.want == nil) || c != nil && *c != *step.want {
			t.Errorf("after %q: %+v, %v, want %+v", step.value, c, err, step.want)
		}
		if c, _ := match(t, &m, "a.com", "other"); c == nil || c.value != "good" {
			t.Errorf("after %q the other rule is %+v", step.value, c)
		}
	}
}

func TestHashKey(t *testing.T) {
	var r matcher.RuleConfig[config]
	if a, b := r.GenerateHashKey(), (&matcher.RuleConfig[int]{}).GenerateHashKey(); a != b {
		t.Errorf("two rules that match nothing: %q and %q", a, b)
	}
}
