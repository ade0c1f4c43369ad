//go:build !wasip1

package wrapper_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/internal/hosttest"
	"github.com/sluice-gateway/sluice/sdk/proxywasm"
	"github.com/sluice-gateway/sluice/sdk/wrapper"
)

// isolated are the options of a plugin whose rules are isolated; with "bad" a rule fails to parse, with "panic" its
// parser panics.
func isolated(got *string, more ...wrapper.Option) []wrapper.Option {
	parse := func(json gjson.Result, c *config) error {
		c.value = json.Get("value").String()
		return nil
	}
	rule := func(json gjson.Result, global config, c *config) error {
		c.value = global.value + "+" + json.Get("value").String()
		if bad := json.Get("bad"); bad.Exists() {
			return &wrapper.ConfigError{Path: "limits.rate", Err: errors.New(bad.String())}
		}
		if json.Get("panic").Exists() {
			panic("out of bounds")
		}
		if needs := json.Get("needs").String(); needs != "" && needs != global.value {
			return errors.New("needs global " + needs)
		}
		return nil
	}
	return append(more, wrapper.ParseOverrideConfig(parse, rule), saysConfig(got),
		wrapper.PrePluginStartOrReload(func(ctx wrapper.PluginContext) error {
			ctx.EnableRuleLevelConfigIsolation()
			if !ctx.IsRuleLevelConfigIsolation() {
				return errors.New("isolation is not on")
			}
			return nil
		}))
}

// onHost starts what is registered in a new VM of a host: what the VM before remembered is gone.
func onHost(t *testing.T, host *hosttest.Host, conf string, options []wrapper.Option) *harness {
	t.Helper()
	wrapper.SetCtx("test", options...)
	h := &harness{Host: host, t: t}
	host.Buffers[abi.BufferPluginConfiguration] = []byte(conf)
	host.Logs, host.Calls, host.Replies = nil, nil, nil
	h.Plugin = proxywasm.NewPlugin(host)
	t.Cleanup(h.Close)
	if err := h.OnContextCreate(rootID, 0); err != nil {
		t.Fatal(err)
	}
	if !h.configure() {
		t.Fatalf("the plugin refused its configuration: %q", h.Logs)
	}
	h.begin(streamID)
	return h
}

func TestRuleIsolation(t *testing.T) {
	const (
		held = "503 rule_rejected"
		off  = "plugin is off"
		hit  = `"_match_domain_":["example.com"]`
	)
	open := []wrapper.Option{wrapper.FailOpen()}
	type step struct {
		config string
		want   string
		logs   []string // parts of its error lines, in order
	}
	for name, tc := range map[string]struct {
		options []wrapper.Option
		steps   []step
	}{
		"all good": {nil, []step{{`{"value":"g","_rules_":[{` + hit + `,"value":"r"}]}`, "g+r", nil}}},
		"never good: held": {nil, []step{{
			`{"value":"g","_rules_":[{"_match_route_":["x"]},{` + hit + `,"bad":"is negative"}]}`, held,
			[]string{
				`rule rejected: _rules_[1].limits.rate: is negative (domain "example.com"); in force: 503 for what it matches`,
				`1 of 2 rules rejected: 0 with the last good version in force, 1 answering 503, 0 with nothing in force`,
			},
		}}},
		"never good, open: as if it were not there": {open, []step{
			{`{"value":"g","_rules_":[{` + hit + `,"bad":"x"}]}`, "g", []string{"in force: nothing", "1 with nothing in force"}},
			{`{"value":"g","_rules_":[{` + hit + `,"bad":"x"},{"_match_domain_":["*"],"value":"s"}]}`, "g+s", []string{"", ""}},
			{`{"_rules_":[{` + hit + `,"bad":"x"}]}`, off, []string{"", ""}},
		}},
		"held before later rules and the global configuration": {nil, []step{{
			`{"value":"g","_rules_":[{` + hit + `,"bad":"x"},{"_match_domain_":["*"],"value":"s"}]}`, held, []string{"", ""},
		}}},
		"the only rule, no global": {nil, []step{{`{"_rules_":[{` + hit + `,"bad":"x"}]}`, held, []string{"", ""}}}},
		"last good version": {nil, []step{
			{`{"value":"g","_rules_":[{` + hit + `,"value":"r"}]}`, "g+r", nil},
			{`{"value":"h","_rules_":[{` + hit + `,"value":"s","bad":"x"}]}`, "h+r",
				[]string{"in force: its last good version", "1 with the last good version in force"}},
			{`{"value":"h","_rules_":[{` + hit + `,"value":"s","bad":"x"}]}`, "h+r", []string{"", ""}}, // and again
			{`{"value":"h","_rules_":[{` + hit + `,"value":"t"}]}`, "h+t", nil},
			{`{"value":"h","_rules_":[{` + hit + `,"value":"s","bad":"x"}]}`, "h+t", []string{"", ""}},
		}},
		"open, with a last good version": {open, []step{
			{`{"_rules_":[{` + hit + `,"value":"r"}]}`, "+r", nil},
			{`{"_rules_":[{` + hit + `,"bad":"x"}]}`, "+r", []string{"last good", ""}},
		}},
		"the same matches in another order": {nil, []step{
			{`{"_rules_":[{"_match_domain_":["example.com","b"],"value":"r"}]}`, "+r", nil},
			{`{"_rules_":[{"_match_domain_":["B","b","Example.com"],"bad":"x"}]}`, "+r", []string{"", ""}},
		}},
		"other matches": {nil, []step{
			{`{"_rules_":[{"_match_domain_":["example.com","b"],"value":"r"}]}`, "+r", nil},
			{`{"_rules_":[{` + hit + `,"bad":"x"}]}`, held, []string{"", ""}},
		}},
		"a rule that was taken out in between": {nil, []step{
			{`{"_rules_":[{` + hit + `,"value":"r"}]}`, "+r", nil},
			{`{"_rules_":[]` + `,"value":"g"}`, "g", nil},
			{`{"_rules_":[{` + hit + `,"bad":"x"}]}`, held, []string{"", ""}},
		}},
		"the last good version does not fit": {nil, []step{
			{`{"value":"g","_rules_":[{` + hit + `,"value":"r","needs":"g"}]}`, "g+r", nil},
			{`{"value":"h","_rules_":[{` + hit + `,"bad":"x"}]}`, held, []string{"", ""}},
		}},
		"another configuration of the plugin": {nil, []step{
			{`{"_plugin_id_":"a","_rules_":[{` + hit + `,"value":"r"}]}`, "+r", nil},
			{`{"_plugin_id_":"b","_rules_":[{` + hit + `,"bad":"x"}]}`, held, []string{"", ""}},
			{`{"_plugin_id_":"a","_rules_":[{` + hit + `,"bad":"x"}]}`, "+r", []string{"", ""}},
		}},
		"a rule that matches nothing": {nil, []step{{
			`{"value":"g","_rules_":[{"value":"r"},{` + hit + `,"value":"s"}]}`, "g+s",
			[]string{"rule rejected: _rules_[0]: matcher: the rule has no _match_route_", "1 of 2 rules rejected"},
		}}},
		"a rule that is no object": {nil, []step{{
			`{"value":"g","_rules_":[7,{` + hit + `,"value":"s"}]}`, "g+s", []string{"_rules_[0]: is a number, not an object", ""},
		}}},
		"lists that are wrong": {nil, []step{{
			`{"value":"g","_rules_":[{"_match_domain_":["example.com",[]],"value":"s"}]}`, held,
			[]string{`_rules_[0]._match_domain_[1]: is an array, not a string (domain "example.com")`, ""},
		}}},
		"behind a rule for the same": {nil, []step{
			{`{"_rules_":[{` + hit + `,"value":"r"},{` + hit + `,"bad":"x"}]}`, "+r",
				[]string{"in force: nothing, for a rule before it matches the same", ""}},
			{`{"_rules_":[{` + hit + `,"bad":"x"},{` + hit + `,"value":"s"}]}`, "+r", []string{"last good", ""}},
			{`{"_rules_":[{"_match_domain_":["Example.com","x"],"bad":"x"},{` + hit + `,"value":"s"}]}`, held, []string{"503", ""}},
		}},
		"a parser that panics": {nil, []step{{
			`{"_rules_":[{` + hit + `,"panic":1}]}`, held, []string{"_rules_[0]: panic: out of bounds", ""},
		}}},
	} {
		t.Run(name, func(t *testing.T) {
			host := hosttest.New()
			for i, step := range tc.steps {
				got := off
				h := onHost(t, host, step.config, isolated(&got, tc.options...))
				errs := slices.DeleteFunc(slices.Clone(h.Logs), func(s string) bool { return !strings.HasPrefix(s, "error: ") })
				if len(errs) != len(step.logs) {
					t.Fatalf("step %d: errors %q, want %q", i, errs, step.logs)
				}
				for j, part := range step.logs {
					if !strings.Contains(errs[j], part) {
						t.Errorf("step %d: error %q, want %q", i, errs[j], part)
					}
				}
				if _, err := h.OnRequestHeaders(streamID, 1, true); err != nil {
					t.Fatal(err)
				}
				if len(h.Replies) > 0 {
					got = fmt.Sprint(h.Replies[0].Code, " ", h.Replies[0].Details)
				}
				if got != step.want {
					t.Errorf("step %d: %q, want %q", i, got, step.want)
				}
				h.Close()
			}
		})
	}
}

// TestHeldRequestsStayWithThePlugin holds that a rejected rule's answer goes through as it is, in both directions.
func TestHeldRequestsStayWithThePlugin(t *testing.T) {
	var got string
	h := onHost(t, hosttest.New(), `{"_rules_":[{"_match_domain_":["*"],"bad":"x"}]}`, isolated(&got))
	h.request().sendHeaders(false, 4) // StopAllIterationAndWatermark
	h.response().sendHeaders(false, 0)
	h.response().sendBody("answer", true, 0)
	if got != "" || len(h.Replies) != 1 || h.Replies[0].Code != 503 {
		t.Fatalf("configuration %q, replies %+v", got, h.Replies)
	}
	if n := len(slices.DeleteFunc(h.Logs, func(s string) bool { return !strings.Contains(s, "rejected") })); n != 2 {
		t.Fatalf("%d lines, want those of the start only: %q", n, h.Logs)
	}
}

func TestRejectedRulesMetric(t *testing.T) {
	host := hosttest.New()
	host.Properties["plugin_name"] = "operators-name"
	var got string
	const bad = `{"_rules_":[{"_match_domain_":["a"],"bad":"x"},{"_match_domain_":["b"],"bad":"x"},{"_match_domain_":["c"]}]}`
	for _, step := range []struct{ config, want string }{{bad, "RecordMetric 4 2"}, {`{"value":"g"}`, "RecordMetric 4 0"}} {
		onHost(t, host, step.config, isolated(&got)).Close()
		if host.Count(`DefineMetric 1 "plugin.operators-name.rejected_rules"`) != 1 || host.Count(step.want) != 1 {
			t.Fatalf("calls %q, want %s", host.Calls, step.want)
		}
	}
	host.Refuse["DefineMetric"] = abi.StatusInternalFailure
	onHost(t, host, bad, isolated(&got))
	if logs := strings.Join(host.Logs, "\n"); !strings.Contains(logs, "does not take the metric plugin.operators-name.rejected_rules") {
		t.Fatalf("log %q", logs)
	}
}

func TestManyRejectedRules(t *testing.T) {
	var rules []string
	for i := range 1000 {
		rules = append(rules, fmt.Sprintf(`{"_match_domain_":["%d.%s"],"bad":"x"}`, i, strings.Repeat("x", 300)))
	}
	var got string
	h := onHost(t, hosttest.New(), `{"_rules_":[`+strings.Join(rules, ",")+`]}`, isolated(&got))
	if n := len(h.Logs); n != 101 || !strings.Contains(h.Logs[100], "1000 of 1000 rules rejected") {
		t.Fatalf("%d lines, the last %q", n, h.Logs[n-1])
	}
	if n := len(h.Logs[0]); n > 500 {
		t.Fatalf("a line of %d bytes", n)
	}
}

// TestLastGoodInSharedData looks at what is kept.
func TestLastGoodInSharedData(t *testing.T) {
	const good = `{"_rules_":[{"_match_domain_":["example.com"],"value":"r"}]}`
	const bad = `{"_rules_":[{"_match_domain_":["example.com"],"bad":"x"}]}`
	const key = "sluice.last_good_rules/test/operators-name/root/"
	ready := func(t *testing.T) (*hosttest.Host, *string) {
		host := hosttest.New()
		host.Properties["plugin_name"], host.Properties["plugin_root_id"] = "operators-name", "root"
		var got string
		onHost(t, host, good, isolated(&got)).Close()
		if len(host.Shared) != 1 || host.Shared[key].Value == "" {
			t.Fatalf("shared data %q", host.Shared)
		}
		return host, &got
	}
	t.Run("written only if it changes", func(t *testing.T) {
		host, got := ready(t)
		for _, config := range []string{good, bad} {
			onHost(t, host, config, isolated(got)).Close()
			if n := host.Count("SetSharedData"); n != 0 {
				t.Fatalf("written %d times", n)
			}
		}
	})
	t.Run("of another plugin", func(t *testing.T) {
		for _, property := range []string{"plugin_name", "plugin_root_id"} {
			host, got := ready(t)
			host.Properties[property] = "other"
			h := onHost(t, host, bad, isolated(got))
			h.request().sendHeaders(true, 4)
			h.Close()
		}
	})
	t.Run("not of the form", func(t *testing.T) {
		for _, value := range []string{"", "x", "\x01\x00\x00\x00", "\xff\xff\xff\xff\xff\xff\xff\xff", string(abi.AppendPairs(nil, [][2]string{{`domain "example.com"`, "{"}}))} {
			host, got := ready(t)
			host.Shared[key] = hosttest.SharedValue{Value: value, CAS: 9}
			h := onHost(t, host, bad, isolated(got))
			h.request().sendHeaders(true, 4)
			h.Close()
			onHost(t, host, good, isolated(got)).Close()
			h = onHost(t, host, bad, isolated(got)) // written anew
			h.request().sendHeaders(true, 0)
			h.Close()
		}
	})
	t.Run("cannot be read or written", func(t *testing.T) {
		for _, call := range []string{"GetSharedData", "SetSharedData"} {
			host := hosttest.New()
			host.Refuse[call] = abi.StatusInternalFailure
			var got string
			h := onHost(t, host, good, isolated(&got))
			h.request().sendHeaders(true, 0)
			if logs := strings.Join(h.Logs, "\n"); got != "+r" || !strings.Contains(logs, "the last good versions of rules cannot be") {
				t.Fatalf("configuration %q, log %q", got, logs)
			}
			h.Close()
		}
	})
	t.Run("written by others all the time", func(t *testing.T) {
		host := hosttest.New()
		host.Refuse["SetSharedData"] = abi.StatusCasMismatch
		var got string
		h := onHost(t, host, good, isolated(&got))
		if n := host.Count("SetSharedData"); n < 2 || n > 100 || !strings.Contains(strings.Join(h.Logs, ""), "again and again") {
			t.Fatalf("tried %d times, log %q", n, h.Logs)
		}
	})
	t.Run("bounded", func(t *testing.T) {
		host, got := ready(t)
		large := strings.Repeat("x", 3<<20)
		onHost(t, host, `{"_rules_":[{"_match_domain_":["a"],"value":"`+large+`"},{"_match_domain_":["b"],"value":"`+large+`"}]}`,
			isolated(got)).Close()
		if n := len(host.Shared[key].Value); n < 3<<20 || n > 4<<20 {
			t.Fatalf("%d bytes kept", n)
		}
	})
}

// racingHost is one where another VM writes shared data just before this one does, the first time.
type racingHost struct {
	*hosttest.Host
	other func()
}

func (h *racingHost) SetSharedData(key, value []byte, cas uint32) abi.Status {
	if other := h.other; other != nil {
		h.other = nil
		other()
	}
	return h.Host.SetSharedData(key, value, cas)
}

// TestLastGoodOfTwoVMs holds that a VM does not write over what another one kept in between: its good version of a rule
// that this one, with an older view, has none of.
func TestLastGoodOfTwoVMs(t *testing.T) {
	const a, b = `{"_match_domain_":["a"],"value":"1"}`, `{"_match_domain_":["b"],"value":"2"}`
	const badB = `{"_match_domain_":["b"],"bad":"x"}`
	host := hosttest.New()
	var got string
	onHost(t, host, `{"_rules_":[`+a+`]}`, isolated(&got)).Close()
	const key = "sluice.last_good_rules/test//"
	wrapper.SetCtx("test", isolated(&got)...)
	racing := &racingHost{Host: host, other: func() {
		v := host.Shared[key]
		v.Value = string(abi.AppendPairs(nil, [][2]string{{`domain "a"`, a}, {`domain "b"`, b}}))
		v.CAS++
		host.Shared[key] = v
	}}
	host.Buffers[abi.BufferPluginConfiguration] = []byte(`{"_rules_":[{"_match_domain_":["a"],"value":"3"},` + badB + `]}`)
	p := proxywasm.NewPlugin(racing)
	defer p.(io.Closer).Close()
	if err := p.OnContextCreate(rootID, 0); err != nil {
		t.Fatal(err)
	}
	if ok, err := p.OnConfigure(rootID, 0); !ok || err != nil {
		t.Fatal(ok, err)
	}
	kept := map[string]string{}
	for k, v := range abi.Pairs(host.Shared[key].Value).All() {
		kept[string(k)] = string(v)
	}
	if len(kept) != 2 || kept[`domain "a"`] != `{"_match_domain_":["a"],"value":"3"}` || kept[`domain "b"`] != b {
		t.Fatalf("kept %q", kept)
	}
}

// TestIsolationAskedForTooLate holds that a parser which asks for it changes nothing about the configuration it parses.
func TestIsolationAskedForTooLate(t *testing.T) {
	late := wrapper.ParseConfigWithContext(func(ctx wrapper.PluginContext, json gjson.Result, _ *config) error {
		ctx.EnableRuleLevelConfigIsolation()
		if json.Get("bad").Exists() {
			return errors.New("bad")
		}
		return nil
	})
	h := loadParsing(t, `{"value":"g","_rules_":[{"_match_domain_":["a"],"bad":1}]}`, late)
	if h.configure() {
		t.Fatal("the configuration is accepted")
	}
	if n := h.Count("SetSharedData") + h.Count("DefineMetric"); n != 0 {
		t.Fatalf("calls %q", h.Calls)
	}
	if !h.configure() || h.Count("SetSharedData") != 0 {
		t.Fatalf("the next time: log %q", h.Logs)
	}
}
