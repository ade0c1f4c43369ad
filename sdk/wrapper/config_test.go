//go:build !wasip1

package wrapper_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
	"github.com/sluice-gateway/sluice/sdk/wrapper"
)

// saysConfig answers with the configuration that was chosen.
func saysConfig(got *string) wrapper.Option {
	return wrapper.ProcessRequestHeaders(func(_ wrapper.HttpContext, c config) types.Action {
		*got = c.value
		return types.HeaderContinue
	})
}

func TestWhichConfiguration(t *testing.T) {
	const off = "plugin is off"
	for name, tc := range map[string]struct {
		config string
		want   string
	}{
		"none":                       {``, ""},
		"empty":                      {`{}`, ""},
		"global":                     {`{"value":"g"}`, "g"},
		"global, with space around":  {" \n{\"value\":\"g\"}\t", "g"},
		"rule by domain":             {`{"value":"g","_rules_":[{"_match_domain_":["EXAMPLE.com"],"value":"r"}]}`, "r"},
		"rule by domain, no list":    {`{"_rules_":[{"_match_domain_":"*.com","value":"r"}]}`, "r"},
		"rule by route":              {`{"_rules_":[{"_match_route_":["other","route"],"value":"r"}]}`, "r"},
		"rule by route prefix":       {`{"_rules_":[{"_match_route_prefix_":["ro"],"value":"r"}]}`, "r"},
		"rule by service":            {`{"_rules_":[{"_match_service_":["svc.dns:80"],"value":"r"}]}`, "r"},
		"no rule matches":            {`{"value":"g","_rules_":[{"_match_route_":["other"],"value":"r"}]}`, "g"},
		"no rule matches, no global": {`{"_rules_":[{"_match_route_":["other"],"value":"r"}]}`, off},
		"first of two":               {`{"_rules_":[{"_match_domain_":["*"],"value":"1"},{"_match_route_":["route"],"value":"2"}]}`, "1"},
		"plugin id is not a setting": {`{"_plugin_id_":"id","_rules_":[{"_match_route_":["other"]}]}`, off},
	} {
		t.Run(name, func(t *testing.T) {
			got := off
			h := load(t, tc.config, saysConfig(&got))
			h.Properties["route_name"] = "route"
			h.Properties["cluster_name"] = "outbound|80||svc.dns"
			if !h.configure() {
				t.Fatalf("refused: %q", h.Logs)
			}
			h.begin(streamID)
			h.request().sendHeaders(true, 0)
			if got != tc.want {
				t.Fatalf("configuration %q, want %q", got, tc.want)
			}
		})
	}
}

func TestRefusedConfigurations(t *testing.T) {
	for name, tc := range map[string]struct{ config, want string }{
		"not JSON":      {`{"value":`, "not valid JSON at byte 9"},
		"only no rules": {`{"_rules_":[]}`, "neither global nor has it rules"},
		"no match":      {`{"_rules_":[{"value":"r"}]}`, "_rules_[0]: matcher: the rule has no _match_route_"},
		"parse error":   {`{"bad":"global"}`, "global is bad"},
		"rule error":    {`{"_rules_":[{"_match_route_":["a"]},{"_match_route_":["b"],"bad":"rule"}]}`, "_rules_[1]: rule is bad"},
	} {
		t.Run(name, func(t *testing.T) {
			h := loadParsing(t, tc.config, wrapper.ParseConfig(func(json gjson.Result, _ *config) error {
				if bad := json.Get("bad"); bad.Exists() {
					return errors.New(bad.String() + " is bad")
				}
				return nil
			}))
			if h.configure() {
				t.Fatal("accepted")
			}
			if logs := strings.Join(h.Logs, "\n"); !strings.Contains(logs, tc.want) {
				t.Fatalf("log %q does not say %q", logs, tc.want)
			}
		})
	}
}

func TestPreStartErrorRefuses(t *testing.T) {
	h := load(t, ``, wrapper.PrePluginStartOrReload(func(wrapper.PluginContext) error { return errors.New("not now") }))
	if h.configure() || len(h.Logs) != 1 || !strings.Contains(h.Logs[0], "not now") {
		t.Fatalf("log %q", h.Logs)
	}
}

// TestDocumentedOverride is the snippet of the page.
func TestDocumentedOverride(t *testing.T) {
	parseGlobal := func(json gjson.Result, c *config) error { c.value = json.Get("value").String(); return nil }
	parseRule := func(json gjson.Result, global config, c *config) error {
		*c = global
		c.value += "+" + json.Get("more").String()
		if json.Get("bad").Exists() {
			return errors.New("bad rule")
		}
		return nil
	}
	var got string
	options := []wrapper.Option{
		wrapper.PrePluginStartOrReload(func(ctx wrapper.PluginContext) error {
			ctx.EnableRuleLevelConfigIsolation()
			return nil
		}),
		saysConfig(&got),
	}
	run := func(conf, want string) {
		t.Helper()
		h := startParsing(t, conf, wrapper.ParseOverrideConfig(parseGlobal, parseRule), options...)
		defer h.Close()
		h.request().sendHeaders(true, 0)
		if got != want {
			t.Fatalf("configuration %q, want %q: %q", got, want, h.Logs)
		}
	}
	const match = `"_match_domain_":["example.com"]`
	run(`{"value":"g","_rules_":[{`+match+`,"more":"r"}]}`, "g+r")
	run(`{"value":"g","_rules_":[{`+match+`,"more":"s","bad":1}]}`, "g+r") // the one before
	run(`{"value":"g","_rules_":[{"_match_domain_":["*.com"],"bad":1},{`+match+`,"more":"t"}]}`, "g+t")
}

func TestRulesThatCannotBeEvaluated(t *testing.T) {
	for name, tc := range map[string]struct {
		options []wrapper.Option
		action  uint32
		replies int
	}{
		"closed": {nil, 4, 1},
		"open":   {[]wrapper.Option{wrapper.FailOpen()}, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var got string
			h := start(t, `{"_rules_":[{"_match_domain_":["a"]}]}`, append(tc.options, saysConfig(&got))...)
			h.Headers[0] = [][2]string{{":path", "/"}}
			if a, err := h.OnRequestHeaders(streamID, 1, true); err != nil || uint32(a) != tc.action {
				t.Fatalf("action %d, %v", a, err)
			}
			if len(h.Replies) != tc.replies || tc.replies > 0 && h.Replies[0].Code != 500 {
				t.Fatalf("replies %+v", h.Replies)
			}
		})
	}
}
