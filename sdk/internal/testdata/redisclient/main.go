// Command redisclient is a plugin that uses Redis, for tests of what that puts into a module.
package main

import (
	"github.com/sluice-gateway/sluice/sdk/proxywasm"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
	"github.com/sluice-gateway/sluice/sdk/wrapper"
)

func main() {}

func init() {
	var client wrapper.RedisClient = wrapper.NewRedisClusterClient(wrapper.FQDNCluster{FQDN: "redis.static", Port: 6379})
	wrapper.SetCtx("redisclient",
		wrapper.PrePluginStartOrReload(func(wrapper.PluginContext) error { return client.Init("", "", 1000) }),
		wrapper.ProcessRequestHeaders(func(ctx wrapper.HttpContext, _ struct{}) types.Action {
			if err := client.Incr(ctx.Host(), func(wrapper.RedisValue) { _ = proxywasm.ResumeHttpRequest() }); err != nil {
				return types.HeaderContinue
			}
			return types.HeaderStopAllIterationAndWatermark
		}))
}
