// Command buffer-limits is a gateway plugin that reads whole bodies and says for itself, request by request, how large they
// may be.
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
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
		"buffer-limits",
		wrapper.ParseConfig(parseConfig),
		wrapper.ProcessRequestHeaders(onRequestHeaders),
		wrapper.ProcessRequestBody(onRequestBody),
		wrapper.ProcessResponseHeaders(onResponseHeaders),
		wrapper.ProcessResponseBody(onResponseBody),
	)
}

// config is the plugin's configuration: limits in bytes.
type config struct {
	// uploads is the limit of requests below /upload/, all others keep the gateway's; 10 MiB by default.
	uploads uint32
	// responses is the limit of all responses; 50 MiB by default.
	responses uint32
}

func parseConfig(json gjson.Result, c *config) error {
	*c = config{uploads: limit(json.Get("uploads"), 10<<20), responses: limit(json.Get("responses"), 50<<20)}
	return nil
}

// limit never returns 0, which would be no limit at all.
func limit(v gjson.Result, otherwise uint32) uint32 {
	n := v.Uint()
	if !v.Exists() || n == 0 {
		return otherwise
	}
	return uint32(min(n, math.MaxUint32))
}

func onRequestHeaders(ctx wrapper.HttpContext, c config) types.Action {
	if strings.HasPrefix(ctx.Path(), "/upload/") {
		ctx.SetRequestBodyBufferLimit(c.uploads)
	}
	return types.HeaderContinue
}

// onRequestBody tells the upstream the body's digest, for which it must have come whole: that is why it is buffered.
func onRequestBody(ctx wrapper.HttpContext, c config, body []byte) types.Action {
	if err := proxywasm.ReplaceHttpRequestHeader("x-body-sha256", digest(body)); err != nil {
		log.Errorf("setting the digest: %v", err)
	}
	return types.ActionContinue
}

func onResponseHeaders(ctx wrapper.HttpContext, c config) types.Action {
	// One limit holds for both directions, and the last one set counts: a response needs its own.
	ctx.SetResponseBodyBufferLimit(c.responses)
	return types.HeaderContinue
}

func onResponseBody(ctx wrapper.HttpContext, c config, body []byte) types.Action {
	if err := proxywasm.ReplaceHttpResponseHeader("x-body-sha256", digest(body)); err != nil {
		log.Errorf("setting the digest: %v", err)
	}
	return types.ActionContinue
}

func digest(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}
