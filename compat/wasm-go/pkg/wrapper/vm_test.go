package wrapper_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/higress-group/proxy-wasm-go-sdk/proxywasm"
	"github.com/higress-group/proxy-wasm-go-sdk/proxywasm/types"
	"github.com/higress-group/wasm-go/pkg/log"
	"github.com/higress-group/wasm-go/pkg/wrapper"
	"github.com/tidwall/gjson"
)

// Headers go on as the header function says, with their content-length, also where a body function follows.
func TestHeadersAsReturned(t *testing.T) {
	environment(t, "open", "")
	for name, action := range map[string]types.Action{"continue": types.ActionContinue, "stop": types.HeaderStopIteration} {
		t.Run(name, func(t *testing.T) {
			headers := func(wrapper.HttpContext, config) types.Action { return action }
			body := func(wrapper.HttpContext, config, []byte) types.Action { return types.ActionContinue }
			h := start(t, `{}`, wrapper.ProcessRequestHeaders(headers), wrapper.ProcessRequestBody(body),
				wrapper.ProcessResponseHeaders(headers), wrapper.ProcessResponseBody(body))
			id, actions := h.exchange()
			if actions[0] != action || actions[2] != action {
				t.Errorf("the function says %v, the callbacks answered %v", action, actions)
			}
			for name, headers := range map[string][][2]string{
				"request": h.GetCurrentRequestHeaders(id), "response": h.GetCurrentResponseHeaders(id),
			} {
				if !slices.Contains(headers, [2]string{"content-length", "4"}) {
					t.Errorf("the %s lost its content-length: %q", name, headers)
				}
			}
		})
	}
}

func TestLastOptionCounts(t *testing.T) {
	environment(t, "open", "")
	var called []string
	headers := func(name string) wrapper.CtxOption[config] {
		return wrapper.ProcessRequestHeaders(func(wrapper.HttpContext, config) types.Action {
			called = append(called, name)
			return types.ActionContinue
		})
	}
	refuse := wrapper.ParseRawConfig(func([]byte, *config) error { return errors.New("refused") })
	h := start(t, `{}`, refuse, headers("first"), nil, headers("second"), wrapper.ParseConfig(parse))
	h.exchange()
	if !slices.Equal(called, []string{"second"}) {
		t.Errorf("called: %q", called)
	}
}

// Type arguments may be given, and settings have nothing to infer them from.
func TestSettings(t *testing.T) {
	environment(t, "open", "")
	t.Cleanup(func() { log.SetSafeLogEnabled(false) })
	var order []string
	h := load(t, `{"value":"v"}`, wrapper.WithRebuildAfterRequests[config](2), wrapper.WithRebuildMaxMemBytes[config](0),
		wrapper.WithMaxRequestsPerIoCycle[config](0), wrapper.EnableSafeLog[config](),
		wrapper.PrePluginStartOrReload[config](func(ctx wrapper.PluginContext) error {
			order = append(order, "before")
			ctx.SetContext("k", "kept")
			return nil
		}),
		wrapper.ParseConfigWithContext[config](func(ctx wrapper.PluginContext, json gjson.Result, c *config) error {
			order = append(order, "parse "+ctx.GetContext("k").(string))
			return parse(json, c)
		}))
	if !h.started || !slices.Equal(order, []string{"before", "parse kept"}) {
		t.Errorf("started: %v, calls: %q", h.started, order)
	}
	if !log.IsSafeLogEnabled() {
		t.Error("safe log is not enabled")
	}
	for i, want := range []string{"", "true", "true"} {
		h.exchange()
		if got, _ := h.GetProperty([]string{"wasm_need_rebuild"}); string(got) != want {
			t.Errorf("after request %d wasm_need_rebuild is %q, want %q", i, got, want)
		}
	}
}

func TestNoParser(t *testing.T) {
	environment(t, "open", "")
	t.Run("empty struct", func(t *testing.T) {
		if h := loadVM(t, `{}`, wrapper.NewCommonVmCtx[struct{}]("test")); !h.started {
			t.Error("not started")
		}
	})
	t.Run("fields", func(t *testing.T) {
		defer func() {
			if v, _ := recover().(string); !strings.Contains(v, `"test"`) {
				t.Errorf("panic: %v", v)
			}
		}()
		wrapper.NewCommonVmCtx[config]("test")
	})
}

// A plugin that gives no logger has one, whichever function registers it, and functions registered with SetCtx are
// called.
func TestRegister(t *testing.T) {
	environment(t, "open", "")
	hello := wrapper.ProcessRequestHeaders(func(wrapper.HttpContext, config) types.Action {
		log.Info("hello")
		return types.ActionContinue
	})
	for name, set := range map[string]func(string, ...wrapper.CtxOption[config]){
		"SetCtx": wrapper.SetCtx[config], "SetCtxWithOptions": wrapper.SetCtxWithOptions[config],
	} {
		t.Run(name, func(t *testing.T) {
			set("plugin-of-"+name, wrapper.ParseConfig(parse), hello)
			h := loadVM(t, `{}`, proxywasm.GetVMContext())
			h.exchange()
			wantLine(t, h.GetInfoLogs(), "[plugin-of-"+name+"] ")
		})
	}
}

// Contexts can be made without a request, for code that expects one.
func TestContextsByHand(t *testing.T) {
	environment(t, "open", "")
	h := start(t, `{}`) // there must be a host
	vm := wrapper.NewCommonVmCtx[any]("health-check", wrapper.ParseConfig[any](func(gjson.Result, *any) error { return nil }))
	ctx := vm.NewPluginContext(7).NewHttpContext(8).(*wrapper.CommonHttpCtx[any])
	var handle wrapper.HttpContext = ctx
	handle.SetContext("token", "t")
	if got := ctx.GetStringContext("token", ""); got != "t" {
		t.Errorf("the context has %q", got)
	}
	handle.SetUserAttribute("a", 1)
	if got := handle.GetUserAttribute("a"); got != 1 {
		t.Errorf("the attribute is %v", got)
	}
	h.exchange()
}

// Contexts made by hand work as those of a registered plugin.
func TestCommonContexts(t *testing.T) {
	environment(t, "open", "")
	var plugin *wrapper.CommonPluginCtx[config]
	var stream *wrapper.CommonHttpCtx[config]
	calls := 0
	vm := wrapper.NewCommonVmCtxWithOptions("test", wrapper.ParseConfig(parse),
		wrapper.ProcessRequestHeaders(func(ctx wrapper.HttpContext, c config) types.Action {
			calls++
			if m, err := stream.GetMatchConfig(); err != nil || m.value != c.value {
				t.Errorf("the stream's configuration is %v, %v, the function got %v", m, err, c)
			}
			if m, err := plugin.GetMatchConfig(); err != nil || m.value != c.value {
				t.Errorf("the plugin's configuration is %v, %v, the function got %v", m, err, c)
			}
			return types.ActionContinue
		}))
	h := loadVM(t, `{"_rules_":[{"_match_domain_":["a.com"],"value":"r"}]}`, &keeping{vm, &plugin, &stream})
	if !h.started {
		t.Fatal("not started")
	}
	id, _ := h.exchange()
	h.CompleteHttpContext(id)
	if calls != 1 {
		t.Errorf("%d calls", calls)
	}
}

// keeping keeps the contexts that pass it.
type keeping struct {
	types.VMContext
	plugin **wrapper.CommonPluginCtx[config]
	stream **wrapper.CommonHttpCtx[config]
}

func (k *keeping) NewPluginContext(id uint32) types.PluginContext {
	*k.plugin = k.VMContext.NewPluginContext(id).(*wrapper.CommonPluginCtx[config])
	return &keepingPlugin{*k.plugin, k}
}

type keepingPlugin struct {
	*wrapper.CommonPluginCtx[config]
	k *keeping
}

func (p *keepingPlugin) NewHttpContext(id uint32) types.HttpContext {
	*p.k.stream = p.CommonPluginCtx.NewHttpContext(id).(*wrapper.CommonHttpCtx[config])
	return *p.k.stream
}
