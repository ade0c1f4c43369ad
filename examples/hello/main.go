// Command hello is a gateway plugin that greets: it puts a header on each request and on each response.
package main

import (
	"github.com/sluice-gateway/sluice/sdk/log"
	"github.com/sluice-gateway/sluice/sdk/proxywasm"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
	"github.com/sluice-gateway/sluice/sdk/wrapper"
)

func main() {}

func init() {
	wrapper.SetCtx(
		"hello",
		wrapper.ProcessRequestHeaders(onRequestHeaders),
		wrapper.ProcessResponseHeaders(onResponseHeaders),
	)
}

// config is what the plugin can be told: nothing. The other examples read a configuration.
type config struct{}

const (
	header   = "x-hello"
	greeting = "hello from sluice"
)

func onRequestHeaders(ctx wrapper.HttpContext, _ config) types.Action {
	if err := proxywasm.ReplaceHttpRequestHeader(header, greeting); err != nil {
		log.Error("greeting the upstream: " + err.Error())
	}
	return types.HeaderContinue
}

func onResponseHeaders(ctx wrapper.HttpContext, _ config) types.Action {
	if err := proxywasm.ReplaceHttpResponseHeader(header, greeting); err != nil {
		log.Error("greeting the client: " + err.Error())
	}
	return types.HeaderContinue
}
