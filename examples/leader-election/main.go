// Command leader-election is a gateway plugin with a task that one of its VMs is to do, not each: every ten seconds it
// counts a run in shared data, as one would fetch keys or write a report. Responses say who does it.
package main

import (
	"strconv"

	"github.com/sluice-gateway/sluice/sdk/log"
	"github.com/sluice-gateway/sluice/sdk/proxywasm"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
	"github.com/sluice-gateway/sluice/sdk/wrapper"
	"github.com/tidwall/gjson"
)

func main() {}

func init() {
	wrapper.SetCtx(
		"leader-election",
		wrapper.PrePluginStartOrReload(onPluginStart),
		wrapper.ParseConfigWithContext(parseConfig),
		wrapper.ProcessResponseHeaders(onResponseHeaders),
	)
}

// config has the plugin's context, for functions of a request to ask.
type config struct{ plugin wrapper.PluginContext }

func onPluginStart(ctx wrapper.PluginContext) error {
	ctx.DoLeaderElection()
	return nil
}

func parseConfig(ctx wrapper.PluginContext, json gjson.Result, c *config) error {
	c.plugin = ctx
	wrapper.RegisterTickFunc(10_000, func() {
		if ctx.IsLeader() {
			doTask()
		}
	})
	return nil
}

const runsKey = "leader-election-example-runs"

// doTask is what one VM is to do. It does not last long: a leader is one for a second at least after it was told so.
func doTask() {
	value, cas, err := proxywasm.GetSharedData(runsKey)
	if err != nil && err != types.ErrorStatusNotFound {
		log.Error("reading the number of runs: " + err.Error())
		return
	}
	runs, _ := strconv.Atoi(string(value)) // 0 if there is none
	if err := proxywasm.SetSharedData(runsKey, strconv.AppendInt(nil, int64(runs+1), 10), cas); err != nil {
		log.Error("writing the number of runs: " + err.Error())
		return
	}
	log.Info("the leader did its task")
}

func onResponseHeaders(ctx wrapper.HttpContext, c config) types.Action {
	runs, _, err := proxywasm.GetSharedData(runsKey)
	if err != nil {
		runs = []byte("0")
	}
	for name, value := range map[string]string{"x-leader": strconv.FormatBool(c.plugin.IsLeader()), "x-runs": string(runs)} {
		if err := proxywasm.ReplaceHttpResponseHeader(name, value); err != nil {
			log.Error("setting " + name + ": " + err.Error())
		}
	}
	return types.HeaderContinue
}
