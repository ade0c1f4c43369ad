// Command httpclient is a plugin with an HTTP call-out, for tests of what that puts into a module.
package main

import (
	"github.com/sluice-gateway/sluice/sdk/proxywasm"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
	"github.com/sluice-gateway/sluice/sdk/wrapper"
)

func main() {}

func init() {
	var client wrapper.HttpClient = wrapper.NewClusterClient(wrapper.FQDNCluster{FQDN: "auth.dns", Port: 80})
	wrapper.SetCtx("httpclient", wrapper.ProcessRequestHeaders(func(ctx wrapper.HttpContext, _ struct{}) types.Action {
		err := client.Get(ctx.Path(), nil, func(status int, headers wrapper.Header, _ []byte) {
			if status != 200 {
				_ = proxywasm.SendHttpResponse(uint32(status), nil, []byte(headers.Get("x-reason")), -1)
				return
			}
			_ = proxywasm.ResumeHttpRequest()
		})
		if err != nil {
			return types.HeaderContinue
		}
		return types.HeaderStopAllIterationAndWatermark
	}))
}
