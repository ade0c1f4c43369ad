// Command route-call is a gateway plugin that sends requests to their route's upstream in another form, and answers the
// client itself with what the upstream said: an endpoint of yesterday, served by the API of today.
package main

import (
	"errors"
	"strconv"

	"github.com/sluice-gateway/sluice/sdk/log"
	"github.com/sluice-gateway/sluice/sdk/proxywasm"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
	"github.com/sluice-gateway/sluice/sdk/wrapper"
	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"
)

func main() {}

// There is no function for request headers: the SDK holds them until the body is there.
func init() {
	wrapper.SetCtx(
		"route-call",
		wrapper.ParseConfig(parseConfig),
		wrapper.ProcessRequestBody(onRequestBody),
	)
}

// config is the plugin's configuration.
type config struct {
	// path is where requests go: "/modified-path" by default.
	path string
	// unwrap is the member of the upstream's JSON that becomes the answer; "" answers with all of it.
	unwrap string
	// reroute lets the new path choose the route; by default the upstream is that of the path as it came.
	reroute bool
}

func parseConfig(json gjson.Result, c *config) error {
	*c = config{path: "/modified-path", unwrap: json.Get("unwrap").String(), reroute: json.Get("reroute").Bool()}
	if path := json.Get("path"); path.Exists() {
		c.path = path.String()
	}
	if c.path == "" || c.path[0] != '/' {
		return errors.New("path must begin with /")
	}
	return nil
}

func onRequestBody(ctx wrapper.HttpContext, c config, body []byte) types.Action {
	request, err := sjson.SetBytes([]byte(`{}`), "input", string(body))
	if err != nil {
		return fail(err)
	}
	if !c.reroute {
		ctx.DisableReroute() // a changed path would have the route chosen again
	}
	err = ctx.RouteCall("POST", c.path, [][2]string{
		{"Content-Type", "application/json"},
		{"X-Custom", "header"},
	}, request, func(statusCode int, headers [][2]string, body []byte) {
		switch {
		case statusCode == 204:
			// Where the callback does nothing, the response goes on as it is.
			return
		case statusCode >= 500:
			// Published plugins resume here. It is not needed, and does no harm.
			if err := proxywasm.ResumeHttpResponse(); err != nil {
				log.Errorf("resuming: %v", err)
			}
			return
		}
		if c.unwrap != "" && statusCode < 300 {
			value := gjson.GetBytes(body, c.unwrap)
			if !value.Exists() {
				headers, statusCode, body = nil, 502, []byte("the upstream's answer has no member "+strconv.Quote(c.unwrap))
			} else {
				body = []byte(value.String())
			}
		}
		if err := proxywasm.SendHttpResponse(statusCode, headers, body, -1); err != nil {
			log.Errorf("answering %d: %v", statusCode, err)
		}
	})
	if err != nil {
		return fail(err)
	}
	// The changed request goes on; the callback comes with the response.
	return types.ActionContinue
}

// fail answers a request that could not be changed.
func fail(err error) types.Action {
	log.Errorf("%v", err)
	if err := proxywasm.SendHttpResponse(500, nil, []byte("Route call failed"), -1); err != nil {
		log.Errorf("answering 500: %v", err)
	}
	return types.ActionPause
}
