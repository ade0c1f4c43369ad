// The call-out plugin, written for Sluice's SDK: it asks a service about each request, holds the request until the answer
// is there, and adds a header with it.
package main

import (
	"github.com/sluice-gateway/sluice/sdk/proxywasm"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
	"github.com/sluice-gateway/sluice/sdk/wrapper"
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
		func(statusCode int, responseHeaders wrapper.Header, responseBody []byte) {
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
