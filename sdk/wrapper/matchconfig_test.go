//go:build !wasip1

package wrapper_test

import (
	"io"
	"testing"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/internal/hosttest"
	"github.com/sluice-gateway/sluice/sdk/proxywasm"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
	"github.com/sluice-gateway/sluice/sdk/wrapper"
)

// matched returns what the rules choose for the stream, "" for nothing.
func matched(t *testing.T) string {
	t.Helper()
	m, ok := proxywasm.GetHttpContext(streamID).(interface{ MatchConfig() (any, error) })
	if !ok {
		t.Fatalf("the context %T has no MatchConfig", proxywasm.GetHttpContext(streamID))
	}
	c, err := m.MatchConfig()
	if err != nil {
		t.Fatal(err)
	}
	if c == nil {
		return ""
	}
	return c.(*config).value
}

func TestMatchConfig(t *testing.T) {
	rules := `{"_rules_":[{"_match_domain_":["a.com"],"value":"a"},{"_match_domain_":["b.com"],"value":"b"}]}`
	seen := ""
	h := start(t, rules, onRequest(func(ctx wrapper.HttpContext) types.Action { seen = ctx.Host(); return types.HeaderContinue }))
	host := func(name string) { h.Headers[abi.MapHTTPRequestHeaders] = [][2]string{{":authority", name}} }
	for _, tc := range [][2]string{{"a.com", "a"}, {"b.com", "b"}, {"c.com", ""}, {"a.com", "a"}} {
		host(tc[0])
		if got := matched(t); got != tc[1] {
			t.Errorf("before the headers, for %s: %q, want %q", tc[0], got, tc[1])
		}
	}
	host("b.com")
	h.request().sendHeaders(true, 0)
	if seen != "b.com" {
		t.Errorf("the plugin sees the host %q: looking has left a trace", seen)
	}
	host("a.com") // which comes too late
	if got := matched(t); got != "b" {
		t.Errorf("after the headers: %q, want b", got)
	}
}

func TestNewVMContext(t *testing.T) {
	called := false
	proxywasm.SetVMContext(wrapper.NewVMContext("mine", onRequest(func(wrapper.HttpContext) types.Action {
		called = true
		return types.HeaderContinue
	}), wrapper.ParseConfig(parseConfig)))
	h := &harness{Host: hosttest.New(), t: t}
	h.Plugin = proxywasm.NewPlugin(h.Host)
	t.Cleanup(func() {
		if err := h.Plugin.(io.Closer).Close(); err != nil {
			t.Error(err)
		}
	})
	if err := h.OnContextCreate(rootID, 0); err != nil {
		t.Fatal(err)
	}
	if !h.configure() {
		t.Fatalf("the plugin refused its configuration: %q", h.Logs)
	}
	h.begin(streamID)
	h.request().sendHeaders(true, 0)
	if !called {
		t.Error("the function was not called")
	}
}
