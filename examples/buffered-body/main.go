// Command buffered-body is a gateway plugin that reads whole JSON bodies and adds members to them, requests and responses
// alike. A request that is not a JSON object is answered with 400 and does not reach the upstream.
package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/sluice-gateway/sluice/sdk/log"
	"github.com/sluice-gateway/sluice/sdk/proxywasm"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
	"github.com/sluice-gateway/sluice/sdk/wrapper"
	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"
)

func main() {}

func init() {
	wrapper.SetCtx(
		"buffered-body",
		wrapper.ParseConfig(parseConfig),
		wrapper.ProcessRequestHeaders(onRequestHeaders),
		wrapper.ProcessRequestBody(onRequestBody),
		wrapper.ProcessResponseHeaders(onResponseHeaders),
		wrapper.ProcessResponseBody(onResponseBody),
	)
}

// config is the plugin's configuration.
type config struct {
	// inject is what is added, in the order in which it was configured. The default is "injected": "value".
	inject []member
}

// member is a name and its value as JSON text.
type member struct{ path, value string }

func parseConfig(json gjson.Result, c *config) error {
	inject := json.Get("inject")
	if !inject.Exists() {
		c.inject = []member{{"injected", `"value"`}}
		return nil
	}
	if !inject.IsObject() {
		return errors.New("inject must be an object")
	}
	c.inject = nil
	inject.ForEach(func(name, value gjson.Result) bool {
		// Names are no paths: "a.b" is one member.
		c.inject = append(c.inject, member{gjson.Escape(name.String()), value.Raw})
		return true
	})
	return nil
}

func onRequestHeaders(ctx wrapper.HttpContext, c config) types.Action {
	// A compressed answer is no JSON: have the upstream send it plain.
	if err := proxywasm.RemoveHttpRequestHeader("accept-encoding"); err != nil {
		log.Warnf("removing accept-encoding: %v", err)
	}
	// Bodies that are announced as binary are handed over only on request. Without this, a false content type would lead
	// past the check below.
	ctx.BufferRequestBody()
	return types.HeaderContinue
}

func onRequestBody(ctx wrapper.HttpContext, c config, body []byte) types.Action {
	if len(body) == 0 {
		return types.ActionContinue // there is nothing to add to
	}
	changed, err := c.addTo(body)
	if err != nil {
		return refuse(400, fmt.Sprintf("the request's body is %v", err))
	}
	if err := proxywasm.ReplaceHttpRequestBody(changed); err != nil {
		log.Errorf("replacing the request's body: %v", err)
		return refuse(500, "the request's body could not be changed")
	}
	return types.ActionContinue
}

func onResponseHeaders(ctx wrapper.HttpContext, c config) types.Action {
	if contentType, err := proxywasm.GetHttpResponseHeader("content-type"); err != nil || !isJSON(contentType) {
		// Nothing of ours: let it stream.
		ctx.DontReadResponseBody()
		return types.HeaderContinue
	}
	return types.HeaderContinue
}

func onResponseBody(ctx wrapper.HttpContext, c config, body []byte) types.Action {
	if len(body) == 0 {
		return types.ActionContinue
	}
	changed, err := c.addTo(body)
	if err != nil {
		// The client asked the upstream, not us: it gets what the upstream said.
		log.Warnf("the response's body is %v", err)
		return types.ActionContinue
	}
	if err := proxywasm.ReplaceHttpResponseBody(changed); err != nil {
		log.Errorf("replacing the response's body: %v", err)
	}
	return types.ActionContinue
}

var (
	errNotJSON   = errors.New("not valid JSON")
	errNotObject = errors.New("not a JSON object")
)

// addTo returns body with the configured members. What was there keeps its order, its numbers their digits.
func (c *config) addTo(body []byte) ([]byte, error) {
	if !gjson.ValidBytes(body) {
		return nil, errNotJSON
	}
	if !gjson.ParseBytes(body).IsObject() {
		return nil, errNotObject
	}
	for _, m := range c.inject {
		changed, err := sjson.SetRawBytes(body, m.path, []byte(m.value))
		if err != nil {
			return nil, fmt.Errorf("not to be changed at %q: %w", m.path, err)
		}
		body = changed
	}
	return body, nil
}

func isJSON(contentType string) bool {
	mediaType, _, _ := strings.Cut(contentType, ";")
	mediaType = strings.ToLower(strings.TrimSpace(mediaType))
	return mediaType == "application/json" || strings.HasSuffix(mediaType, "+json")
}

// refuse answers the request with a message in JSON, in place of the upstream.
func refuse(status int, message string) types.Action {
	body, err := sjson.SetBytes(nil, "error", message)
	if err != nil {
		body = nil
	}
	headers := [][2]string{{"content-type", "application/json"}}
	if err := proxywasm.SendHttpResponse(status, headers, body, -1); err != nil {
		log.Errorf("answering %d: %v", status, err)
	}
	return types.ActionPause
}
