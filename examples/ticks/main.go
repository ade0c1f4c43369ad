// Command ticks is a gateway plugin that measures by the clock: how many requests came in the last second, which each
// request is told, and how many in the last minute, which it logs.
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
		"ticks",
		wrapper.ParseConfig(parseConfig),
		wrapper.ProcessRequestHeaders(onRequestHeaders),
	)
}

const header = "x-requests-per-second"

// config is the plugin's configuration. It is a pointer to what is counted: functions get a copy of the configuration, and
// all copies are to count together.
type config struct{ counted *counts }

type counts struct {
	thisSecond, lastSecond int
	thisReport             int
}

func parseConfig(json gjson.Result, c *config) error {
	every := json.Get("report_every_ms").Int()
	if every == 0 {
		every = 60_000
	}
	counted := &counts{}
	c.counted = counted

	// Two functions with periods of their own, on the one timer that a plugin has. They are this configuration's: when the
	// plugin is configured anew they are forgotten, and registered anew here.
	wrapper.RegisterTickFunc(1000, func() {
		counted.lastSecond, counted.thisSecond = counted.thisSecond, 0
	})
	wrapper.RegisterTickFunc(every, func() {
		log.Info(strconv.Itoa(counted.thisReport) + " requests since the last report")
		counted.thisReport = 0
	})
	return nil
}

func onRequestHeaders(ctx wrapper.HttpContext, c config) types.Action {
	c.counted.thisSecond++
	c.counted.thisReport++
	if err := proxywasm.ReplaceHttpRequestHeader(header, strconv.Itoa(c.counted.lastSecond)); err != nil {
		log.Error("setting " + header + ": " + err.Error())
	}
	return types.HeaderContinue
}
