// Command route is a plugin that makes route calls, for the test of what the SDK puts into a module.
package main

import (
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
	"github.com/sluice-gateway/sluice/sdk/wrapper"
)

func main() {}

type config struct{}

func init() {
	wrapper.SetCtx("route", wrapper.ProcessRequestBody(func(ctx wrapper.HttpContext, _ config, body []byte) types.Action {
		if ctx.RouteCall("GET", "/", nil, body, func(int, [][2]string, []byte) {}) != nil {
			return types.ActionPause
		}
		return types.ActionContinue
	}))
}
