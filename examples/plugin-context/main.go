// Command plugin-context is a gateway plugin that counts the requests it sees, over all of its rules, and tells upstream and
// client: what belongs to the plugin, not to a request and not to a rule, is kept in the plugin's context.
package main

import (
	"strconv"
	"time"

	"github.com/sluice-gateway/sluice/sdk/proxywasm"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
	"github.com/sluice-gateway/sluice/sdk/wrapper"
	"github.com/tidwall/gjson"
)

func main() {}

func init() {
	wrapper.SetCtx(
		"plugin-context",
		wrapper.PrePluginStartOrReload(onPluginStart),
		wrapper.ParseConfigWithContext(parseConfig),
		wrapper.ProcessRequestHeaders(onRequestHeaders),
	)
}

// stateKey is where the plugin's context has the *state.
const stateKey = "state"

// state is what all rules and requests of this VM share. Callbacks run one at a time: nothing needs a lock.
type state struct {
	since  time.Time
	served int
}

// config is the configuration, global or of a rule.
type config struct {
	label string
	ctx   wrapper.PluginContext
}

// onPluginStart runs once for a configuration, before the first part of it is parsed.
func onPluginStart(ctx wrapper.PluginContext) error {
	ctx.SetContext(stateKey, &state{since: time.Now()})
	return nil
}

// parseConfig runs for the global part and for each rule, and gets the same context each time.
func parseConfig(ctx wrapper.PluginContext, json gjson.Result, c *config) error {
	c.label = json.Get("label").String()
	c.ctx = ctx // for the request's functions
	return nil
}

func onRequestHeaders(_ wrapper.HttpContext, c config) types.Action {
	s, ok := c.ctx.GetContext(stateKey).(*state)
	if !ok {
		return types.HeaderContinue // nobody else sets it
	}
	s.served++
	for _, h := range [][2]string{
		{"x-label", c.label},
		{"x-served", strconv.Itoa(s.served)},
		{"x-up-seconds", strconv.Itoa(int(time.Since(s.since).Seconds()))},
	} {
		if err := proxywasm.ReplaceHttpRequestHeader(h[0], h[1]); err != nil {
			_ = proxywasm.SendHttpResponse(500, nil, []byte("cannot set "+h[0]), -1)
			return types.ActionPause
		}
	}
	return types.HeaderContinue
}
