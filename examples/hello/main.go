// Command hello is a gateway plugin that greets: it puts a header on each request and on each response.
package main

import (
	"github.com/sluice-gateway/sluice/sdk/log"
	"github.com/sluice-gateway/sluice/sdk/proxywasm"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
	"github.com/sluice-gateway/sluice/sdk/wrapper"
	"github.com/tidwall/gjson"
)

func main() {}

func init() {
	wrapper.SetCtx(
		"hello",
		wrapper.ParseConfig(parseConfig),
		wrapper.ProcessRequestHeaders(onRequestHeaders),
		wrapper.ProcessResponseHeaders(onResponseHeaders),
	)
}

// config is the plugin's configuration. Every member has a default, so the plugin runs without any.
type config struct {
	// header is the name of the header that carries the greeting.
	header string
	// greeting is its value.
	greeting string
}

func parseConfig(json gjson.Result, c *config) error {
	*c = config{header: "x-hello", greeting: "hello from sluice"}
	if v := json.Get("header"); v.Exists() {
		c.header = v.String()
	}
	if v := json.Get("greeting"); v.Exists() {
		c.greeting = v.String()
	}
	return nil
}

func onRequestHeaders(ctx wrapper.HttpContext, c config) types.Action {
	if err := proxywasm.ReplaceHttpRequestHeader(c.header, c.greeting); err != nil {
		log.Errorf("setting %s on the request: %v", c.header, err)
	}
	return types.HeaderContinue
}

func onResponseHeaders(ctx wrapper.HttpContext, c config) types.Action {
	if err := proxywasm.ReplaceHttpResponseHeader(c.header, c.greeting); err != nil {
		log.Errorf("setting %s on the response: %v", c.header, err)
	}
	return types.HeaderContinue
}
