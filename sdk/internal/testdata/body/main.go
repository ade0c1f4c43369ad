// Command body is a plugin with every kind of function and no call of its own, for the test of what the SDK puts into a
// module.
package main

import (
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
	"github.com/sluice-gateway/sluice/sdk/wrapper"
)

func main() {}

type config struct{}

func init() {
	wrapper.SetCtx("body",
		wrapper.ProcessRequestBody(func(wrapper.HttpContext, config, []byte) types.Action { return types.ActionContinue }),
		wrapper.ProcessStreamingResponseBody(func(_ wrapper.HttpContext, _ config, b []byte, _ bool) []byte { return b }),
		wrapper.ProcessRequestTrailers(func(wrapper.HttpContext, config) types.Action { return types.ActionContinue }),
		wrapper.ProcessStreamDone(func(wrapper.HttpContext, config) {}),
	)
}
