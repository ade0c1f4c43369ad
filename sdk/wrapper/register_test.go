//go:build !wasip1

package wrapper_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/sluice-gateway/sluice/sdk/internal/hosttest"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
	"github.com/sluice-gateway/sluice/sdk/wrapper"
)

type other struct{ n int }

func TestSetCtxPanics(t *testing.T) {
	onHeaders := func(wrapper.HttpContext, config) types.Action { return types.HeaderContinue }
	for name, tc := range map[string]struct {
		options []wrapper.Option
		want    []string
	}{
		"two types": {
			[]wrapper.Option{
				wrapper.ParseConfig(parseConfig),
				wrapper.ProcessResponseBody(func(wrapper.HttpContext, other, []byte) types.Action { return 0 }),
			},
			[]string{"ParseConfig", "wrapper_test.config", "ProcessResponseBody", "wrapper_test.other"},
		},
		"nothing parses": {
			[]wrapper.Option{wrapper.FailOpen(), wrapper.ProcessRequestHeaders(onHeaders)},
			[]string{"ProcessRequestHeaders", "wrapper_test.config"},
		},
		"a function twice": {
			[]wrapper.Option{
				wrapper.ParseConfig(parseConfig),
				wrapper.ProcessRequestHeaders(onHeaders),
				wrapper.ProcessResponseHeaders(onHeaders),
				wrapper.ProcessRequestHeaders(onHeaders),
			},
			[]string{`"test"`, "ProcessRequestHeaders is given twice"},
		},
		"two parsers": {
			[]wrapper.Option{
				wrapper.ParseOverrideRawConfig(
					func([]byte, *config) error { return nil },
					func([]byte, config, *config) error { return nil },
				),
				wrapper.ParseConfig(parseConfig),
			},
			[]string{`"test"`, "ParseOverrideRawConfig and ParseConfig"},
		},
		"two loggers": {
			[]wrapper.Option{wrapper.WithLogger(nil), wrapper.WithLogger(nil)},
			[]string{`"test"`, "WithLogger is given twice"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				text := fmt.Sprint(recover())
				for _, want := range tc.want {
					if !strings.Contains(text, want) {
						t.Errorf("panic %q does not name %s", text, want)
					}
				}
			}()
			wrapper.SetCtx("test", tc.options...)
		})
	}
}

// TestOptionsThatAddUp holds that what does not take another's place may be given again.
func TestOptionsThatAddUp(t *testing.T) {
	ran := 0
	count := wrapper.PrePluginStartOrReload(func(wrapper.PluginContext) error { ran++; return nil })
	start(t, ``,
		count, count, wrapper.FailOpen(), wrapper.FailOpen(),
		wrapper.ProcessRequestBody(func(wrapper.HttpContext, config, []byte) types.Action { return types.DataContinue }),
		wrapper.ProcessStreamingRequestBody(func(_ wrapper.HttpContext, _ config, chunk []byte, _ bool) []byte { return chunk }),
	)
	if ran != 2 {
		t.Fatalf("%d of 2 functions ran", ran)
	}
}

func TestSetCtxTwicePanics(t *testing.T) {
	load(t, ``).Close() // whatever other tests left registered has been started now
	onHeaders := wrapper.ProcessRequestHeaders(func(wrapper.HttpContext, struct{}) types.Action { return types.HeaderContinue })
	called := false
	wrapper.SetCtx("first", wrapper.ProcessRequestHeaders(func(wrapper.HttpContext, struct{}) types.Action {
		called = true
		return types.HeaderContinue
	}))
	for name, register := range map[string]func(string, ...wrapper.Option){
		"SetCtx": wrapper.SetCtx, "SetCtxWithOptions": wrapper.SetCtxWithOptions,
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				text := fmt.Sprint(recover())
				for _, want := range []string{`wrapper.SetCtx("first")`, `wrapper.SetCtx("second")`} {
					if !strings.Contains(text, want) {
						t.Errorf("panic %q does not name %s", text, want)
					}
				}
			}()
			register("second", onHeaders)
		})
	}
	h := reload(t, &harness{Host: hosttest.New()})
	h.request().sendHeaders(true, 0)
	if !called {
		t.Fatal("the first registration is gone")
	}
}

func TestSetCtxWithoutConfiguration(t *testing.T) {
	called := false
	h := load(t, `{"ignored": 1}`)
	wrapper.SetCtx("test", wrapper.ProcessRequestHeaders(func(wrapper.HttpContext, struct{}) types.Action {
		called = true
		return types.HeaderContinue
	}))
	// The registration that counts is the one there is when the plugin starts.
	h.Close()
	h = reload(t, h)
	h.request().sendHeaders(true, 0)
	if !called {
		t.Fatal("the function was not called")
	}
}

// TestResultIsGJSON holds wrapper's way of making a gjson.Result to gjson's own.
func TestResultIsGJSON(t *testing.T) {
	for _, json := range []string{``, `{}`, `{"a":{"b":[1,2,"}"]},"c":"\"\u00e9"}`, `[1,{"a":2}]`, `"text | . ["`, `12.5`, `-1e3`, `true`, `false`, `null`} {
		t.Run(json, func(t *testing.T) {
			var got gjson.Result
			loadParsing(t, json, wrapper.ParseConfig(func(json gjson.Result, _ *config) error { got = json; return nil })).configure()
			want := gjson.Parse(json)
			if got.Raw != want.Raw || got.Type != want.Type || got.Str != want.Str || got.Num != want.Num {
				t.Fatalf("got %+v, want %+v", got, want)
			}
		})
	}
}
