// Command http-call is a gateway plugin that asks another service whether a request may pass: it stops the request, calls
// the service, and lets the request go on or answers it when the response is there.
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
		"http-call",
		wrapper.ParseConfig(parseConfig),
		wrapper.ProcessRequestHeaders(onRequestHeaders),
	)
}

// config is the plugin's configuration.
type config struct {
	client  wrapper.HttpClient
	path    string
	timeout uint32 // milliseconds
	open    bool   // requests pass if the service cannot be asked
}

// userHeader tells the upstream who the service says the user is.
const userHeader = "x-auth-user"

func parseConfig(json gjson.Result, c *config) error {
	// Without a cluster it is the one that the request goes to: then this can be tried without another server.
	c.client = wrapper.NewClusterClient(wrapper.RouteCluster{})
	if name := json.Get("cluster").String(); name != "" {
		c.client = wrapper.NewClusterClient(wrapper.TargetCluster{Cluster: name, Host: json.Get("host").String()})
	}
	c.path = "/auth"
	if v := json.Get("path"); v.Exists() {
		c.path = v.String()
	}
	c.timeout = 500
	if v := json.Get("timeout"); v.Exists() {
		if v.Int() <= 0 || v.Int() > 60_000 {
			return errors.New("timeout must be from 1 to 60000 ms")
		}
		c.timeout = uint32(v.Int())
	}
	switch v := json.Get("failure").String(); v {
	case "", "closed":
	case "open":
		c.open = true
	default:
		return errors.New(`failure must be "closed" or "open"`)
	}
	return nil
}

func onRequestHeaders(ctx wrapper.HttpContext, c config) types.Action {
	// Only the service says who the user is, whatever the client sent.
	if err := proxywasm.RemoveHttpRequestHeader(userHeader); err != nil {
		log.Errorf("removing %s: %v", userHeader, err)
		return unavailable(c)
	}
	headers := [][2]string{{"x-original-method", ctx.Method()}, {"x-original-path", ctx.Path()}}
	if v, err := proxywasm.GetHttpRequestHeader("authorization"); err == nil {
		headers = append(headers, [2]string{"authorization", v})
	}
	err := c.client.Get(c.path, headers, func(status int, headers wrapper.Header, body []byte) {
		onAnswer(c, status, headers, body)
	}, c.timeout)
	if err != nil {
		// Nothing was sent and onAnswer will not be called: stopping here would leave the request stopped for ever.
		log.Error(err.Error())
		return unavailable(c)
	}
	// The headers and all that follows stay here until onAnswer resumes the request or answers it. Of the body no more is
	// read than the gateway buffers.
	return types.HeaderStopAllIterationAndWatermark
}

// onAnswer decides about the request, which is stopped.
func onAnswer(c config, status int, headers wrapper.Header, body []byte) {
	switch {
	case status >= 200 && status <= 299:
		if user := headers.Get("x-user"); user != "" {
			if err := proxywasm.ReplaceHttpRequestHeader(userHeader, user); err != nil {
				log.Errorf("setting %s: %v", userHeader, err)
				unavailable(c)
				return
			}
		}
		resume()
	case status == 401 || status == 403:
		var h [][2]string
		if v := headers.Get("www-authenticate"); v != "" {
			h = append(h, [2]string{"www-authenticate", v})
		}
		reply(status, h, body)
	default:
		// The service failed, or there was none: 503 and 504 may be its own or the gateway's, and 502 with no headers says
		// that its answer broke off.
		log.Warnf("the auth service answers %d", status)
		if unavailable(c) == types.HeaderContinue {
			resume()
		}
	}
}

// unavailable does what is to be done where the service cannot be asked, and returns what a header phase answers then.
func unavailable(c config) types.Action {
	if c.open {
		return types.HeaderContinue
	}
	reply(503, nil, []byte("the auth service is not available\n"))
	return types.HeaderStopAllIterationAndWatermark
}

func reply(status int, headers [][2]string, body []byte) {
	if err := proxywasm.SendHttpResponse(status, headers, body, -1); err != nil {
		log.Errorf("answering %d: %v", status, err)
	}
}

func resume() {
	if err := proxywasm.ResumeHttpRequest(); err != nil {
		log.Errorf("resuming the request: %v", err)
	}
}
