// Package probe is a plugin for the kit's own tests: each request says in the header x-do what is to be done.
package probe

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"time"

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
		wrapper.ProcessResponseHeaders(onResponseHeaders), wrapper.ProcessStreamDone(onDone))
}

type config struct {
	text string
	done string // what is done when a stream ends
}

func parseConfig(json gjson.Result, c *config) error {
	c.text, c.done = json.Get("text").String(), json.Get("done").String()
	if period := json.Get("tick").Int(); period > 0 {
		wrapper.RegisterTickFunc(period, func() {
			log.Info("tick of " + c.text)
			proxywasm.DefineCounterMetric("probe_ticks").Increment(1)
		})
	}
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
	case "redis":
		if err = ask("redis", arg); err == nil {
			return types.HeaderStopAllIterationAndWatermark
		}
	case "misuse":
		err = misuse(arg)
	case "count":
		served++
		err = proxywasm.AddHttpRequestHeader("x-served", strconv.Itoa(served))
	case "add":
		err = add(arg)
	case "rebuild":
		err = proxywasm.SetProperty([]string{"wasm_need_rebuild"}, []byte("true"))
	case "time":
		err = proxywasm.AddHttpRequestHeader("x-time", time.Now().UTC().Format(time.RFC3339))
	case "hold body":
		return types.HeaderStopIteration
	case "property":
		var value []byte
		if value, err = proxywasm.GetProperty(strings.Split(arg, "/")); err == nil {
			err = proxywasm.AddHttpRequestHeader("x-property", string(value))
		}
	case "env":
		err = proxywasm.AddHttpRequestHeader("x-env", os.Getenv(arg))
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

func onDone(ctx wrapper.HttpContext, c config) {
	if c.done == "reply" {
		if err := proxywasm.SendHttpResponse(500, nil, nil, -1); err != nil {
			log.Error(err.Error())
		}
	}
}

func panicHere() { panic("told to panic") }
