// Command memory is a gateway plugin that keeps something of each request and never lets go of it, as a cache without a
// bound does, or a leak. It has the gateway replace its VM before that hurts.
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
	wrapper.SetCtxWithOptions(
		"memory",
		wrapper.ParseConfig(parseConfig),
		wrapper.ProcessRequestHeaders(onRequestHeaders),
		wrapper.WithRebuildAfterRequests(10_000),
		wrapper.WithRebuildMaxMemBytes(100*1024*1024),
		wrapper.WithMaxRequestsPerIoCycle(20),
	)
}

// config is the plugin's configuration.
type config struct {
	// keep is how many bytes are kept of each request.
	keep int
}

// kept is what is kept, by the VM: a new one has nothing.
var kept [][]byte

func parseConfig(json gjson.Result, c *config) error {
	c.keep = 64 << 10
	if keep := json.Get("keep_bytes"); keep.Exists() {
		c.keep = max(0, int(keep.Int()))
	}
	return nil
}

func onRequestHeaders(ctx wrapper.HttpContext, c config) types.Action {
	piece := make([]byte, c.keep)
	kept = append(kept, piece)
	if err := proxywasm.ReplaceHttpRequestHeader("x-kept", strconv.Itoa(len(kept))); err != nil {
		log.Error("setting x-kept: " + err.Error())
	}
	return types.HeaderContinue
}
