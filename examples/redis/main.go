// Command redis is a gateway plugin that limits how many requests each caller makes in a window of time. The counts are in
// Redis, so that all workers of all gateways share them.
package main

import (
	"errors"
	"strconv"
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
		"redis",
		wrapper.ParseConfig(parseConfig),
		wrapper.ProcessRequestHeaders(onRequestHeaders),
		wrapper.ProcessResponseHeaders(onResponseHeaders),
	)
}

// config is the plugin's configuration.
type config struct {
	client wrapper.RedisClient
	limit  int
	window int64  // seconds
	header string // who calls; "" is the client's address
	closed bool   // requests are refused if Redis does not count
}

func parseConfig(json gjson.Result, c *config) error {
	c.limit, c.window, c.header = 10, 60, json.Get("header").String()
	if v := json.Get("limit"); v.Exists() {
		c.limit = int(v.Int())
	}
	if v := json.Get("window"); v.Exists() {
		c.window = v.Int()
	}
	if c.limit < 1 || c.window < 1 {
		return errors.New("limit and window must be at least 1")
	}
	switch v := json.Get("failure").String(); v {
	case "", "open":
	case "closed":
		c.closed = true
	default:
		return errors.New(`failure must be "open" or "closed"`)
	}
	name, timeout := "redis", int64(200)
	if v := json.Get("cluster"); v.Exists() {
		name = v.String()
	}
	if v := json.Get("timeout"); v.Exists() {
		timeout = v.Int()
	}
	c.client = wrapper.NewRedisClusterClient(wrapper.TargetCluster{Cluster: name})
	return c.client.Init(json.Get("username").String(), json.Get("password").String(), timeout,
		wrapper.WithDataBase(int(json.Get("database").Int())))
}

// remainingKey is the key of what is left to the caller, in the request's context.
const remainingKey = "remaining"

func onRequestHeaders(ctx wrapper.HttpContext, c config) types.Action {
	// Every window has a key of its own, so no counter is ever set back. The time to live, said each time, is what removes it.
	now := time.Now().Unix()
	key := "limit:" + strconv.FormatInt(now/c.window, 10) + ":" + caller(c)
	err := c.client.Incr(key, func(response wrapper.RedisValue) {
		onCount(ctx, c, response, c.window-now%c.window)
	})
	if err != nil {
		// Nothing was sent and onCount will not be called: the request must not wait for it.
		log.Error(err.Error())
		return uncounted(c)
	}
	// The gateway sends both commands together. Nobody waits for the reply to this one.
	if err := c.client.Expire(key, int(2*c.window), nil); err != nil {
		log.Error(err.Error())
	}
	return types.HeaderStopAllIterationAndWatermark
}

// caller says who makes the request.
func caller(c config) string {
	if c.header != "" {
		who, err := proxywasm.GetHttpRequestHeader(c.header)
		if err != nil {
			return "nobody" // they share a limit
		}
		return "header:" + who
	}
	address, err := proxywasm.GetProperty([]string{"source", "address"})
	if err != nil {
		return "nobody"
	}
	host := string(address)
	if colon := strings.LastIndexByte(host, ':'); colon > strings.LastIndexByte(host, ']') {
		host = host[:colon] // another port is another connection, not another caller
	}
	return "address:" + host
}

// onCount decides about the request, which is stopped.
func onCount(ctx wrapper.HttpContext, c config, response wrapper.RedisValue, left int64) {
	if err := response.Error(); err != nil {
		switch {
		case errors.Is(err, wrapper.ErrRedisAuth):
			log.Error("the credentials for redis are wrong: " + err.Error())
		case errors.Is(err, wrapper.ErrRedisNoReply):
			log.Warn("not counted: " + err.Error())
		default:
			log.Error("redis refuses to count: " + err.Error())
		}
		if uncounted(c) == types.HeaderContinue {
			resume()
		}
		return
	}
	if n := response.Integer(); n <= c.limit {
		ctx.SetContext(remainingKey, strconv.Itoa(c.limit-n))
		resume()
		return
	}
	reply(429, [][2]string{{"retry-after", strconv.FormatInt(left, 10)}}, "too many requests\n")
}

// uncounted does what is to be done with a request that Redis did not count, and returns what a header phase answers then.
func uncounted(c config) types.Action {
	if !c.closed {
		return types.HeaderContinue
	}
	reply(503, nil, "requests cannot be counted\n")
	return types.HeaderStopAllIterationAndWatermark
}

func onResponseHeaders(ctx wrapper.HttpContext, c config) types.Action {
	if remaining := ctx.GetStringContext(remainingKey, ""); remaining != "" {
		if err := proxywasm.ReplaceHttpResponseHeader("x-ratelimit-remaining", remaining); err != nil {
			log.Errorf("setting x-ratelimit-remaining: %v", err)
		}
	}
	return types.HeaderContinue
}

func reply(status int, headers [][2]string, body string) {
	if err := proxywasm.SendHttpResponse(status, headers, []byte(body), -1); err != nil {
		log.Errorf("answering %d: %v", status, err)
	}
}

func resume() {
	if err := proxywasm.ResumeHttpRequest(); err != nil {
		log.Errorf("resuming the request: %v", err)
	}
}
