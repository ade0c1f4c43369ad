// A plugin as small as they get, for the checks of what the SDK puts into a module.
package main

import (
	"github.com/sluice-gateway/sluice/sdk/proxywasm"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
	"github.com/sluice-gateway/sluice/sdk/wrapper"
)

type config struct{}

func main() {}

func init() {
	wrapper.SetCtx(
		"hello",
		wrapper.ProcessRequestHeaders(onRequestHeaders),
		wrapper.ProcessResponseHeaders(onResponseHeaders),
	)
}

func onRequestHeaders(ctx wrapper.HttpContext, config config) types.Action {
	_ = proxywasm.AddHttpRequestHeader("x-hello", ctx.Path())
	return types.HeaderContinue
}

func onResponseHeaders(ctx wrapper.HttpContext, config config) types.Action {
	_ = proxywasm.AddHttpResponseHeader("x-hello", "world")
	return types.HeaderContinue
}
