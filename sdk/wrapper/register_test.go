//go:build !wasip1

package wrapper_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

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
			load(t, json, wrapper.ParseConfig(func(json gjson.Result, _ *config) error { got = json; return nil })).configure()
			want := gjson.Parse(json)
			if got.Raw != want.Raw || got.Type != want.Type || got.Str != want.Str || got.Num != want.Num {
				t.Fatalf("got %+v, want %+v", got, want)
			}
		})
	}
}
