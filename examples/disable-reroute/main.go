// Command disable-reroute is a gateway plugin that rewrites paths, and keeps requests on the route that was chosen by the
// path as it came.
package main

import (
	"errors"
	"strings"

	"github.com/sluice-gateway/sluice/sdk/log"
	"github.com/sluice-gateway/sluice/sdk/proxywasm"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
	"github.com/sluice-gateway/sluice/sdk/wrapper"
	"github.com/tidwall/gjson"
)

func main() {}

func init() {
	wrapper.SetCtx(
		"disable-reroute",
		wrapper.ParseConfig(parseConfig),
		wrapper.ProcessRequestHeaders(onRequestHeaders),
	)
}

// config is the plugin's configuration: paths that begin with from get to instead.
type config struct {
	from, to string
	// reroute lets the new path choose the route again, as it does where nobody says otherwise.
	reroute bool
}

func parseConfig(json gjson.Result, c *config) error {
	*c = config{from: json.Get("from").String(), to: json.Get("to").String(), reroute: json.Get("reroute").Bool()}
	if !strings.HasPrefix(c.from, "/") || !strings.HasPrefix(c.to, "/") {
		return errors.New("from and to must begin with /")
	}
	return nil
}

func onRequestHeaders(ctx wrapper.HttpContext, c config) types.Action {
	rest, ok := strings.CutPrefix(ctx.Path(), c.from)
	if !ok {
		return types.HeaderContinue
	}
	if !c.reroute {
		ctx.DisableReroute() // before the change
	}
	if err := proxywasm.ReplaceHttpRequestHeader(":path", c.to+rest); err != nil {
		log.Errorf("rewriting the path: %v", err)
	}
	return types.HeaderContinue
}
