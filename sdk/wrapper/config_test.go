//go:build !wasip1

package wrapper_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/internal/hosttest"
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
	deep := strings.Repeat("[", 2000) + strings.Repeat("]", 2000)
	for name, tc := range map[string]struct{ config, want string }{
		"not JSON":         {`{"value":`, "the plugin configuration is not valid JSON at byte 9"},
		"two values":       {`{} {}`, "not valid JSON at byte 3"},
		"YAML":             {"value: 1\n", "not valid JSON at byte 0"},
		"nested too deep":  {`{"value":` + deep + `}`, "JSON nested deeper than 1000 at byte 1009"},
		"not UTF-8":        {"{\"value\":\"\xff\"}", "not valid UTF-8 at byte 10"},
		"cut in a letter":  {"{\"value\":\"\xc3\"}", "not valid UTF-8 at byte 10"},
		"only no rules":    {`{"_rules_":[]}`, "neither global nor has it rules"},
		"rules, an object": {`{"_rules_":{}}`, "_rules_: is an object, not an array"},
		"rules twice":      {`{"_rules_":[],"_rules_":[]}`, "_rules_: is there twice"},
		"no match":         {`{"_rules_":[{"value":"r"}]}`, "_rules_[0]: matcher: the rule has no _match_route_"},
		"a list of lists":  {`{"_rules_":[{"_match_route_":[[]]}]}`, "_rules_[0]._match_route_[0]: is an array, not a string"},
		"parse error":      {`{"bad":"global"}`, "plugin start failed: limits.rate: global is bad"},
		"rule error":       {`{"_rules_":[{"_match_route_":["a"]},{"_match_route_":["b"],"bad":"rule"}]}`, "plugin start failed: _rules_[1].limits.rate: rule is bad"},
		"parser panics":    {`{"panic":1}`, "panic: runtime error: index out of range"},
	} {
		t.Run(name, func(t *testing.T) {
			h := loadParsing(t, tc.config, wrapper.ParseConfig(func(json gjson.Result, c *config) error {
				if bad := json.Get("bad"); bad.Exists() {
					return &wrapper.ConfigError{Path: "limits.rate", Err: errors.New(bad.String() + " is bad")}
				}
				if i := json.Get("panic"); i.Exists() {
					c.value = string("x"[i.Int()])
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

// TestWhatTheOperatorIsTold looks at the log of configurations that are accepted.
func TestWhatTheOperatorIsTold(t *testing.T) {
	const rule = `{"_match_domain_":["example.com"],"value":"r"}`
	for name, tc := range map[string]struct {
		config string
		want   []string
	}{
		"nothing": {`{"value":"g","_rules_":[` + rule + `]}`, nil},
		"global configuration is wrong": {`{"bad":1,"_rules_":[` + rule + `]}`, []string{
			"error: [test] global configuration rejected: bad; in force: rules only, on top of an empty one; requests that match none pass the plugin by",
		}},
		"unknown keys": {`{"_match_domain_":"x","_rules_":[` + rule + `,{"_match_hosts_":["a"],"_match_route_":["a"]}]}`, []string{
			"warn: [test] configuration: _match_domain_: is not a key that is known",
			"warn: [test] configuration: _rules_[1]._match_hosts_: is not a key that is known",
		}},
		"lists without effect": {`{"_rules_":[{"_match_route_":["a"],"_match_domain_":["b"]}]}`, []string{
			"warn: [test] configuration: _rules_[0]._match_domain_: has no effect beside other lists",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			h := startParsing(t, tc.config, wrapper.ParseConfig(func(json gjson.Result, _ *config) error {
				if json.Get("bad").Exists() {
					return errors.New("bad")
				}
				return nil
			}))
			if !slices.Equal(h.Logs, tc.want) {
				t.Fatalf("log %q, want %q", h.Logs, tc.want)
			}
		})
	}
	t.Run("a thousand doubts", func(t *testing.T) {
		rules := strings.Repeat(`{"_match_route_":["a"],"_match_domain_":["b"]},`, 1000)
		h := start(t, `{"_rules_":[`+rules+rule+`]}`)
		if n := len(h.Logs); n != 21 || !strings.Contains(h.Logs[20], "and 980 more") {
			t.Fatalf("%d lines, the last %q", n, h.Logs[n-1])
		}
	})
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
	host := hosttest.New()
	run := func(conf, want string) {
		t.Helper()
		h := onHost(t, host, conf, append(options, wrapper.ParseOverrideConfig(parseGlobal, parseRule)))
		defer h.Close()
		h.request().sendHeaders(true, 0)
		if got != want {
			t.Fatalf("configuration %q, want %q: %q", got, want, h.Logs)
		}
	}
	const match = `"_match_domain_":["example.com"]`
	run(`{"value":"g","_rules_":[{`+match+`,"more":"r"}]}`, "g+r")
	run(`{"value":"g","_rules_":[{`+match+`,"more":"s","bad":1}]}`, "g+r") // the one before
	run(`{"value":"g","_rules_":[{`+match+`,"more":"t"},{"_match_domain_":["*.com"],"bad":1}]}`, "g+t")
}

func TestRulesThatCannotBeEvaluated(t *testing.T) {
	for name, tc := range map[string]struct {
		list    string
		refused string
		options []wrapper.Option
		action  uint32
		replies int
	}{
		"closed":        {"domain", "", nil, 4, 1},
		"open":          {"domain", "", []wrapper.Option{wrapper.FailOpen()}, 0, 0},
		"no route":      {"route", "GetProperty", nil, 4, 1},
		"no cluster":    {"service", "GetProperty", nil, 4, 1},
		"route is none": {"route", "", nil, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var got string
			h := start(t, `{"_rules_":[{"_match_`+tc.list+`_":["a"]}]}`, append(tc.options, saysConfig(&got))...)
			h.Headers[0] = [][2]string{{":path", "/"}}
			if tc.refused != "" {
				h.Refuse[tc.refused] = abi.StatusInternalFailure
			}
			if a, err := h.OnRequestHeaders(streamID, 1, true); err != nil || uint32(a) != tc.action {
				t.Fatalf("action %d, %v", a, err)
			}
			if len(h.Replies) != tc.replies || tc.replies > 0 && h.Replies[0].Code != 500 {
				t.Fatalf("replies %+v", h.Replies)
			}
		})
	}
}
