// Package probe is a plugin for the kit's own tests: each request says in the header x-do what is to be done.
package probe

import (
	"errors"

	"github.com/sluice-gateway/sluice/sdk/log"
	"github.com/sluice-gateway/sluice/sdk/proxywasm"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
	"github.com/sluice-gateway/sluice/sdk/wrapper"
	"github.com/tidwall/gjson"
)

// Release ends the requests whose callback blocks.
var Release = make(chan struct{})

// Register makes the probe the plugin of this process or module.
func Register() {
	wrapper.SetCtx("probe", wrapper.ParseConfig(parseConfig), wrapper.ProcessRequestHeaders(onRequestHeaders),
		wrapper.ProcessResponseHeaders(onResponseHeaders))
}

type config struct{ text string }

func parseConfig(json gjson.Result, c *config) error {
	c.text = json.Get("text").String()
	if c.text == "refuse" {
		return errors.New("told to refuse")
	}
	return nil
}

func onRequestHeaders(ctx wrapper.HttpContext, c config) types.Action {
	do, err := proxywasm.GetHttpRequestHeader("x-do")
	if err != nil {
		return types.HeaderContinue
	}
	arg, _ := proxywasm.GetHttpRequestHeader("x-arg")
	switch do {
	case "call":
		if err = call(arg); err == nil {
			return types.HeaderStopAllIterationAndWatermark
		}
	case "write":
		err = write()
	case "log":
		log.Debug("debugging " + c.text)
		log.Warn("warning " + c.text)
	case "panic":
		panicHere()
	case "forget":
		err = proxywasm.RemoveHttpRequestHeader("x-request-id")
	case "reply":
		err = proxywasm.SendHttpResponse(418, [][2]string{{"x-probe", c.text}}, []byte("no tea"), -1)
	case "hold":
		return types.HeaderStopAllIterationAndWatermark
	case "block":
		<-Release
	case "loop":
		for { //nolint:staticcheck // to spin is what it is asked for
		}
	}
	if err != nil {
		log.Error(err.Error())
	}
	return types.HeaderContinue
}

func onResponseHeaders(ctx wrapper.HttpContext, c config) types.Action {
	if err := proxywasm.AddHttpResponseHeader("x-probe", c.text); err != nil {
		log.Error(err.Error())
	}
	return types.HeaderContinue
}

func panicHere() { panic("told to panic") }
