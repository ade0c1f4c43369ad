//go:build !wasip1

package wrapper_test

import (
	"slices"
	"testing"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/proxywasm"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
	"github.com/sluice-gateway/sluice/sdk/wrapper"
)

// What no gateway does, and test hosts do.

// A body with no headers before it, and more of it after its end.
func TestBodyOutOfStep(t *testing.T) {
	var got []string
	for name, option := range map[string]wrapper.Option{
		"whole": wrapper.ProcessResponseBody(func(_ wrapper.HttpContext, _ config, body []byte) types.Action {
			got = append(got, string(body))
			return types.ActionContinue
		}),
		"streaming": wrapper.ProcessStreamingResponseBody(func(_ wrapper.HttpContext, _ config, chunk []byte, _ bool) []byte {
			got = append(got, string(chunk))
			return chunk
		}),
	} {
		t.Run(name, func(t *testing.T) {
			got = nil
			h := start(t, ``, option)
			h.request().sendHeaders(true, 0)
			h.response().sendBody("body", true, abi.DataContinue)
			h.response().sendBody("after the end", true, abi.DataContinue)
			if want := []string{"body", "after the end"}; !slices.Equal(got, want) {
				t.Errorf("the function was given %q, want %q", got, want)
			}
		})
	}
}

// A host that begins streams although the configuration was refused.
func TestStreamsWithoutConfiguration(t *testing.T) {
	for name, test := range map[string]struct {
		options []wrapper.Option
		want    abi.Action
		replies int
	}{
		"closed": {nil, abi.HeaderStopAllIterationAndWatermark, 1},
		"open":   {[]wrapper.Option{wrapper.FailOpen()}, abi.HeaderContinue, 0},
	} {
		t.Run(name, func(t *testing.T) {
			h := load(t, `not json`, append(test.options, onRequest(boom))...)
			if h.configure() {
				t.Fatal("the configuration was not refused")
			}
			h.begin(streamID)
			ctx, ok := proxywasm.GetHttpContext(streamID).(interface{ MatchConfig() (any, error) })
			if !ok {
				t.Fatal("the context has no MatchConfig")
			}
			if c, err := ctx.MatchConfig(); c != nil || err != nil {
				t.Errorf("MatchConfig: %v, %v", c, err)
			}
			h.request().sendHeaders(true, test.want)
			if len(h.Replies) != test.replies {
				t.Errorf("replies %+v", h.Replies)
			}
		})
	}
}
