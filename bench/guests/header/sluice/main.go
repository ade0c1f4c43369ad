// The header plugin, written for Sluice's SDK: it reads the path and one header, and adds one header to the request and one
// to the response.
package main

import (
	"github.com/sluice-gateway/sluice/sdk/proxywasm"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
	"github.com/sluice-gateway/sluice/sdk/wrapper"
	"github.com/tidwall/gjson"

	"github.com/sluice-gateway/sluice/bench/guests/count"
)

type config struct {
	value string
}

func main() {}

func init() {
	count.Allocations()
	wrapper.SetCtx(
		"header",
		wrapper.ParseConfig(parseConfig),
		wrapper.ProcessRequestHeaders(onRequestHeaders),
		wrapper.ProcessResponseHeaders(onResponseHeaders),
	)
}

func parseConfig(json gjson.Result, config *config) error {
	config.value = json.Get("value").String()
	return nil
}

func onRequestHeaders(ctx wrapper.HttpContext, config config) types.Action {
	agent, _ := proxywasm.GetHttpRequestHeader("user-agent")
	proxywasm.AddHttpRequestHeader("x-gw-path", ctx.Path()+" "+agent)
	return types.HeaderContinue
}

func onResponseHeaders(ctx wrapper.HttpContext, config config) types.Action {
	proxywasm.AddHttpResponseHeader("x-gw-resp", config.value)
	return types.HeaderContinue
}
