// The body plugin, written for the published SDK: it reads a field of a JSON request body and sets it.
package main

import (
	"github.com/higress-group/proxy-wasm-go-sdk/proxywasm"
	"github.com/higress-group/proxy-wasm-go-sdk/proxywasm/types"
	"github.com/higress-group/wasm-go/pkg/wrapper"
	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"

	"github.com/sluice-gateway/sluice/bench/guests/count"
)

type config struct {
	value string
}

func main() {}

func init() {
	count.Allocations()
	wrapper.SetCtx(
		"body",
		wrapper.ParseConfig(parseConfig),
		wrapper.ProcessRequestHeaders(onRequestHeaders),
		wrapper.ProcessRequestBody(onRequestBody),
	)
}

func parseConfig(json gjson.Result, config *config) error {
	config.value = json.Get("value").String()
	return nil
}

func onRequestHeaders(ctx wrapper.HttpContext, config config) types.Action {
	proxywasm.RemoveHttpRequestHeader("content-length")
	return types.HeaderStopIteration
}

func onRequestBody(ctx wrapper.HttpContext, config config, body []byte) types.Action {
	model := gjson.GetBytes(body, "model").String()
	body, _ = sjson.SetBytes(body, "model", model+"-"+config.value)
	proxywasm.ReplaceHttpRequestBody(body)
	return types.ActionContinue
}
