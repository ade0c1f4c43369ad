// Command user-attributes is a gateway plugin that puts what it knows of a request into the access log and the trace.
package main

import (
	"strings"
	"time"

	"github.com/sluice-gateway/sluice/sdk/log"
	"github.com/sluice-gateway/sluice/sdk/proxywasm"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
	"github.com/sluice-gateway/sluice/sdk/wrapper"
	"github.com/tidwall/gjson"
)

func main() {}

func init() {
	wrapper.SetCtx(
		"user-attributes",
		wrapper.ParseConfig(parseConfig),
		wrapper.ProcessRequestHeaders(onRequestHeaders),
		wrapper.ProcessResponseHeaders(onResponseHeaders),
		wrapper.ProcessStreamDone(onStreamDone),
	)
}

// config is the plugin's configuration.
type config struct {
	// header is the request header that says who asks; "x-user-id" by default.
	header string
	// logKey is the property that the access log shows; custom_log by default.
	logKey string
}

func parseConfig(json gjson.Result, c *config) error {
	*c = config{header: "x-user-id", logKey: wrapper.CustomLogKey}
	if v := json.Get("header"); v.Exists() {
		c.header = v.String()
	}
	if v := json.Get("log_key"); v.Exists() {
		c.logKey = v.String()
	}
	return nil
}

func onRequestHeaders(ctx wrapper.HttpContext, c config) types.Action {
	if user, err := proxywasm.GetHttpRequestHeader(c.header); err == nil {
		ctx.SetUserAttribute("user_id", user)
	}
	kind := "page"
	if strings.HasPrefix(ctx.Path(), "/api/") {
		kind = "api"
	}
	ctx.SetUserAttribute("request_type", kind)
	ctx.SetContext("began", time.Now())
	return types.HeaderContinue
}

func onResponseHeaders(ctx wrapper.HttpContext, c config) types.Action {
	ctx.SetUserAttribute("from_upstream", wrapper.IsResponseFromUpstream())
	// The span's tags must be there before the span ends.
	if err := ctx.WriteUserAttributeToTrace(); err != nil {
		log.Warnf("span tags: %v", err)
	}
	return types.HeaderContinue
}

// onStreamDone runs just before the access log is written, so that what is known only at the end can be logged too.
func onStreamDone(ctx wrapper.HttpContext, c config) {
	if began, ok := ctx.GetContext("began").(time.Time); ok {
		ctx.SetUserAttribute("plugin_saw_ms", time.Since(began).Milliseconds())
	}
	if err := ctx.WriteUserAttributeToLogWithKey(c.logKey); err != nil {
		log.Warnf("access log: %v", err)
	}
}
