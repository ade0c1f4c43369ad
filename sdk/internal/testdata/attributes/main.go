// Command attributes is a plugin that writes user attributes, for the test of what the SDK puts into a module.
package main

import (
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
	"github.com/sluice-gateway/sluice/sdk/wrapper"
)

func main() {}

type config struct{}

func init() {
	wrapper.SetCtx("attributes", wrapper.ProcessRequestHeaders(func(ctx wrapper.HttpContext, _ config) types.Action {
		ctx.SetUserAttribute("a", 1)
		if ctx.WriteUserAttributeToLog() != nil || ctx.WriteUserAttributeToTrace() != nil {
			return types.ActionPause
		}
		return types.HeaderContinue
	}))
}
