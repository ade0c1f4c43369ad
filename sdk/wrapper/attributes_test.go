//go:build !wasip1

package wrapper_test

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
	"github.com/sluice-gateway/sluice/sdk/wrapper"
)

// withContext runs f in a request's header phase.
func withContext(t *testing.T, properties map[string]string, f func(h *harness, ctx wrapper.HttpContext)) *harness {
	t.Helper()
	ran := false
	var h *harness
	h = start(t, ``, onRequest(func(ctx wrapper.HttpContext) types.Action {
		ran = true
		f(h, ctx)
		return types.HeaderContinue
	}))
	maps.Copy(h.Properties, properties)
	h.request().sendHeaders(true, 0)
	if !ran {
		t.Fatal("the function did not run")
	}
	return h
}

func TestUserAttributes(t *testing.T) {
	withContext(t, nil, func(_ *harness, ctx wrapper.HttpContext) {
		if v := ctx.GetUserAttribute("a"); v != nil {
			t.Errorf("an attribute that nobody set is %v", v)
		}
		ctx.SetUserAttribute("a", 1)
		ctx.GetUserAttributeMap()["b"] = "two"
		if a, b := ctx.GetUserAttribute("a"), ctx.GetUserAttribute("b"); a != 1 || b != "two" {
			t.Errorf("attributes %v, %v", a, b)
		}
		mine := map[string]any{"c": true}
		ctx.SetUserAttributeMap(mine)
		ctx.SetUserAttribute("d", nil)
		if len(mine) != 2 || ctx.GetUserAttribute("a") != nil || len(ctx.GetUserAttributeMap()) != 2 {
			t.Errorf("attributes %v", ctx.GetUserAttributeMap())
		}
		ctx.SetUserAttributeMap(nil)
		ctx.SetUserAttribute("e", 1)
		if ctx.GetUserAttribute("e") != 1 {
			t.Error("no attributes after a nil map")
		}
	})
}

func TestWriteUserAttributeToLog(t *testing.T) {
	for name, tc := range map[string]struct {
		before string
		set    map[string]any
		want   string // the property
		err    string
		warns  bool
	}{
		"nothing":   {"", nil, `{}`, "", false},
		"in order":  {"", map[string]any{"b": 1, "a": "x", "c": nil}, `{\"a\":\"x\",\"b\":1,\"c\":null}`, "", false},
		"all kinds": {"", map[string]any{"f": 1.5, "l": []string{"a"}, "m": map[string]any{"k": true}, "u": uint64(math.MaxUint64)}, `{\"f\":1.5,\"l\":[\"a\"],\"m\":{\"k\":true},\"u\":18446744073709551615}`, "", false},
		"text that needs escapes": {"", map[string]any{"t": "a\"b\\c\n<é\u2028"},
			`{\"t\":\"a\\\"b\\\\c\\n\\u003cé\\u2028\"}`, "", false},
		"beside what is there": {`{\"a\":12345678901234567890,\"z\":\"old\"}`, map[string]any{"z": "new", "k": 1},
			`{\"a\":12345678901234567890,\"k\":1,\"z\":\"new\"}`, "", false},
		"over what is no JSON":        {`{"a":1}`, map[string]any{"k": 1}, `{\"k\":1}`, "", true},
		"over what is no object":      {`[1]`, map[string]any{"k": 1}, `{\"k\":1}`, "", true},
		"over what ends too soon":     {`{\"a\":1,`, map[string]any{"k": 1}, `{\"k\":1}`, "", true},
		"over null":                   {`null`, map[string]any{"k": 1}, `{\"k\":1}`, "", false},
		"without what cannot be JSON": {"", map[string]any{"k": 1, "nan": math.NaN(), "f": func() {}}, `{\"k\":1}`, `"f"`, false},
	} {
		t.Run(name, func(t *testing.T) {
			before := map[string]string{}
			if tc.before != "" {
				before["custom_log"] = tc.before
			}
			h := withContext(t, before, func(_ *harness, ctx wrapper.HttpContext) {
				for k, v := range tc.set {
					ctx.SetUserAttribute(k, v)
				}
				err := ctx.WriteUserAttributeToLog()
				if (err != nil) != (tc.err != "") || err != nil && !strings.Contains(err.Error(), tc.err) {
					t.Errorf("error %v, want %q", err, tc.err)
				}
			})
			if got := h.Properties["custom_log"]; got != tc.want {
				t.Errorf("custom_log\n%s, want\n%s", got, tc.want)
			}
			if warned := len(h.Logs) > 0 && strings.HasPrefix(h.Logs[0], "warn"); warned != tc.warns {
				t.Errorf("log %q", h.Logs)
			}
			// What stands in a log line is a JSON string around JSON.
			var text string
			if err := json.Unmarshal([]byte(`"`+h.Properties["custom_log"]+`"`), &text); err != nil || !json.Valid([]byte(text)) {
				t.Errorf("not JSON in a string: %v", err)
			}
		})
	}
}

func TestWriteUserAttributeFails(t *testing.T) {
	for _, call := range []string{"SetProperty", "GetProperty"} {
		t.Run(call, func(t *testing.T) {
			withContext(t, map[string]string{}, func(h *harness, ctx wrapper.HttpContext) {
				h.Refuse[call] = abi.StatusInternalFailure
				ctx.SetUserAttribute("a", 1)
				if err := ctx.WriteUserAttributeToLogWithKey("other"); err == nil || !strings.Contains(err.Error(), "other") {
					t.Errorf("error %v", err)
				}
			})
		})
	}
	t.Run("after the end", func(t *testing.T) {
		var kept wrapper.HttpContext
		h := start(t, ``, onRequest(func(ctx wrapper.HttpContext) types.Action { kept = ctx; return types.HeaderContinue }))
		h.request().sendHeaders(true, 0)
		h.end(streamID)
		kept.SetUserAttribute("a", 1)
		kept.SetUserAttributeMap(map[string]any{"a": 1})
		if kept.GetUserAttribute("a") != nil || len(kept.GetUserAttributeMap()) != 0 {
			t.Error("a stream that has ended has attributes")
		}
		if kept.WriteUserAttributeToLog() == nil || kept.WriteUserAttributeToTrace() == nil {
			t.Error("a stream that has ended was written about")
		}
	})
}

func TestWriteUserAttributeToTrace(t *testing.T) {
	h := withContext(t, nil, func(h *harness, ctx wrapper.HttpContext) {
		h.Calls = nil
		for k, v := range map[string]any{"b": 42, "a": "text", "list": []int{1, 2}, "empty": "", "none": nil} {
			ctx.SetUserAttribute(k, v)
		}
		if err := ctx.WriteUserAttributeToTrace(); err != nil {
			t.Error(err)
		}
	})
	want := []string{`SetProperty trace_span_tag.a "text"`, `SetProperty trace_span_tag.b "42"`,
		`SetProperty trace_span_tag.list "[1 2]"`}
	if !slices.Equal(h.Calls, want) {
		t.Errorf("calls %q, want %q", h.Calls, want)
	}
}

func TestWriteUserAttributeToTraceFails(t *testing.T) {
	withContext(t, nil, func(h *harness, ctx wrapper.HttpContext) {
		h.Refuse["SetProperty"] = abi.StatusBadArgument
		ctx.SetUserAttribute("tag", 1)
		if err := ctx.WriteUserAttributeToTrace(); err == nil || !strings.Contains(err.Error(), `"tag"`) {
			t.Errorf("error %v", err)
		}
	})
}
