// The call-out plugin, written for the published SDK: it asks a service about each request, holds the request until the answer
// is there, and adds a header with it.
package main

import (
	"net/http"

	"github.com/higress-group/proxy-wasm-go-sdk/proxywasm"
	"github.com/higress-group/proxy-wasm-go-sdk/proxywasm/types"
	"github.com/higress-group/wasm-go/pkg/wrapper"
	"github.com/tidwall/gjson"

	"github.com/sluice-gateway/sluice/bench/guests/count"
)

type config struct {
	client wrapper.HttpClient
	value  string
}

func main() {}

func init() {
	count.Allocations()
	wrapper.SetCtx(
		"call",
		wrapper.ParseConfig(parseConfig),
		wrapper.ProcessRequestHeaders(onRequestHeaders),
	)
}

func parseConfig(json gjson.Result, config *config) error {
	config.value = json.Get("value").String()
	config.client = wrapper.NewClusterClient(wrapper.FQDNCluster{FQDN: "auth.example.dns", Host: "auth.example.com", Port: 80})
	return nil
}

func onRequestHeaders(ctx wrapper.HttpContext, config config) types.Action {
	agent, _ := proxywasm.GetHttpRequestHeader("user-agent")
	err := config.client.Get("/check?of="+config.value, [][2]string{{"x-path", ctx.Path()}, {"x-agent", agent}},
		func(statusCode int, responseHeaders http.Header, responseBody []byte) {
			if statusCode == 200 {
				proxywasm.AddHttpRequestHeader("x-auth", responseHeaders.Get("x-user")+" "+string(responseBody))
			}
			proxywasm.ResumeHttpRequest()
		}, 500)
	if err != nil {
		return types.HeaderContinue
	}
	return types.HeaderStopAllIterationAndWatermark
}
