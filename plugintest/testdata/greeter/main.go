// Command greeter is the plugin that the examples of docs/testing.md test: it greets, asks an auth service and a cache, and
// keeps account.
package main

import (
	"errors"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/sluice-gateway/sluice/sdk/log"
	"github.com/sluice-gateway/sluice/sdk/proxywasm"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
	"github.com/sluice-gateway/sluice/sdk/wrapper"
)

func main() {}

func init() {
	wrapper.SetCtx("greeter", wrapper.ParseConfig(parseConfig), wrapper.ProcessRequestHeaders(onRequestHeaders),
		wrapper.ProcessStreamingRequestBody(onRequestBody))
}

// Config is the plugin's configuration. Auth and Cache are names of clusters, "" for none.
type Config struct {
	Greeting, Auth, Cache string
}

func parseConfig(json gjson.Result, c *Config) error {
	c.Greeting, c.Auth, c.Cache = json.Get("greeting").String(), json.Get("auth").String(), json.Get("cache").String()
	if json.Get("greeting").Exists() && c.Greeting == "" {
		return errors.New("greeting must not be empty")
	}
	if every := json.Get("report_every_ms").Int(); every > 0 {
		wrapper.RegisterTickFunc(every, func() { proxywasm.DefineCounterMetric("reports").Increment(1) })
	}
	return nil
}

func onRequestHeaders(ctx wrapper.HttpContext, c Config) types.Action {
	if ctx.Path() == "/panic" {
		panic("no greeting for this path")
	}
	if err := errors.Join(proxywasm.AddHttpRequestHeader("x-hello", c.Greeting), keepAccount(c)); err != nil {
		log.Error(err.Error())
	}
	switch {
	case c.Auth != "":
		return answerBy(askAuth(c.Auth))
	case c.Cache != "" && strings.HasPrefix(ctx.Path(), "/cached/"):
		return answerBy(askCache(c.Cache, ctx.Path()))
	}
	return types.HeaderContinue
}

// answerBy holds the request for the answer to a call.
func answerBy(err error) types.Action {
	if err == nil {
		return types.HeaderStopAllIterationAndWatermark
	}
	log.Error(err.Error())
	return types.HeaderContinue
}

func askAuth(cluster string) error {
	_, err := proxywasm.DispatchHttpCall(cluster, [][2]string{{":method", "GET"}, {":path", "/check"}, {":authority", "auth"}}, nil,
		nil, 1000, func(int, int, int) {
			headers, _ := proxywasm.GetHttpCallResponseHeaders()
			for _, h := range headers {
				if h[0] == ":status" && h[1] == "200" {
					logError(proxywasm.ResumeHttpRequest())
					return
				}
			}
			logError(proxywasm.SendHttpResponse(403, nil, []byte("go away"), -1))
		})
	return err
}

func askCache(cluster, key string) error {
	if err := proxywasm.RedisInit(cluster, "", "", 1000); err != nil {
		return err
	}
	query := "*2\r\n$3\r\nGET\r\n$" + strconv.Itoa(len(key)) + "\r\n" + key + "\r\n"
	_, err := proxywasm.DispatchRedisCall(cluster, []byte(query), func(status, size int) {
		reply, _ := proxywasm.GetRedisCallResponse(0, size)
		if parts := strings.SplitN(string(reply), "\r\n", 3); status == 0 && len(parts) == 3 && parts[0] != "$-1" {
			logError(proxywasm.SendHttpResponse(200, nil, []byte(parts[1]), -1))
			return
		}
		logError(proxywasm.ResumeHttpRequest())
	})
	return err
}

// keepAccount writes to the access log and the trace, and counts the requests of all VMs.
func keepAccount(c Config) error {
	return errors.Join(
		proxywasm.SetProperty([]string{"custom_log"}, []byte(`{\"greeting\":\"`+c.Greeting+`\"}`)),
		proxywasm.SetProperty([]string{"trace_span_tag.greeting"}, []byte(c.Greeting)),
		count("requests"))
}

func count(key string) error {
	for {
		value, cas, _ := proxywasm.GetSharedData(key)
		n, _ := strconv.Atoi(string(value))
		if err := proxywasm.SetSharedData(key, []byte(strconv.Itoa(n+1)), cas); !errors.Is(err, types.ErrorStatusCasMismatch) {
			return err
		}
	}
}

func onRequestBody(ctx wrapper.HttpContext, _ Config, chunk []byte, _ bool) []byte {
	return []byte(strings.ToUpper(string(chunk)))
}

func logError(err error) {
	if err != nil {
		log.Error(err.Error())
	}
}
