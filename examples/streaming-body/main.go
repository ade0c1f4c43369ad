// Command streaming-body is a gateway plugin that replaces a word in request and response bodies as they stream through,
// without ever holding a whole body. It can have responses checked by a service before the client gets them.
package main

import (
	"errors"

	"github.com/sluice-gateway/sluice/sdk/log"
	"github.com/sluice-gateway/sluice/sdk/proxywasm"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
	"github.com/sluice-gateway/sluice/sdk/wrapper"
	"github.com/tidwall/gjson"
)

func main() {}

func init() {
	wrapper.SetCtx(
		"streaming-body",
		wrapper.ParseConfig(parseConfig),
		wrapper.ProcessRequestHeaders(onRequestHeaders),
		wrapper.ProcessStreamingRequestBody(onStreamingRequestBody),
		wrapper.ProcessResponseHeaders(onResponseHeaders),
		wrapper.ProcessStreamingResponseBody(onStreamingResponseBody),
	)
}

// config is the plugin's configuration: find becomes replace. The defaults are "old" and "new".
type config struct {
	find, replace []byte
	// checkCluster is the cluster of a service that checks responses; "" for none.
	checkCluster string
}

func parseConfig(json gjson.Result, c *config) error {
	*c = config{find: []byte("old"), replace: []byte("new")}
	c.checkCluster = json.Get("check_cluster").String()
	if v := json.Get("find"); v.Exists() {
		c.find = []byte(v.String())
	}
	if v := json.Get("replace"); v.Exists() {
		c.replace = []byte(v.String())
	}
	if len(c.find) == 0 {
		return errors.New("find must not be empty")
	}
	return nil
}

func onRequestHeaders(ctx wrapper.HttpContext, c config) types.Action {
	// A compressed answer cannot be searched: have the upstream send it plain.
	if err := proxywasm.RemoveHttpRequestHeader("accept-encoding"); err != nil {
		log.Warnf("removing accept-encoding: %v", err)
	}
	return types.HeaderContinue
}

func onStreamingRequestBody(ctx wrapper.HttpContext, c config, chunk []byte, isLastChunk bool) []byte {
	return replacerOf(ctx, "request", c).next(chunk, isLastChunk)
}

func onResponseHeaders(ctx wrapper.HttpContext, c config) types.Action {
	if c.checkCluster != "" {
		// From now on the plugin sends the response's body itself: what the body function returns is dropped.
		ctx.NeedPauseStreamingResponse()
	}
	return types.HeaderContinue
}

func onStreamingResponseBody(ctx wrapper.HttpContext, c config, chunk []byte, isLastChunk bool) []byte {
	chunk = replacerOf(ctx, "response", c).next(chunk, isLastChunk)
	if c.checkCluster != "" {
		checkerOf(ctx, c).take(ctx, chunk, isLastChunk)
		return nil
	}
	return chunk
}

// replacerOf returns the replacer of one direction of a stream, a new one for its first chunk.
func replacerOf(ctx wrapper.HttpContext, direction string, c config) *replacer {
	if r, ok := ctx.GetContext(direction).(*replacer); ok {
		return r
	}
	r := &replacer{find: c.find, replace: c.replace}
	ctx.SetContext(direction, r)
	return r
}
