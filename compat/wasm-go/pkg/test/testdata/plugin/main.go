// A plugin whose tests are tests of package test.
package main

import (
	"strings"

	"github.com/higress-group/proxy-wasm-go-sdk/proxywasm"
	"github.com/higress-group/proxy-wasm-go-sdk/proxywasm/types"
)

func main() {}

func init() {
	proxywasm.SetPluginContext(func(uint32) types.PluginContext { return &plugin{} })
}

type plugin struct {
	types.DefaultPluginContext
	config string
}

func (p *plugin) OnPluginStart(int) types.OnPluginStartStatus {
	config, err := proxywasm.GetPluginConfiguration()
	if err != nil {
		return types.OnPluginStartStatusOK
	}
	p.config = string(config)
	if answer, err := proxywasm.CallForeignFunction("hello", []byte(p.config)); err == nil {
		proxywasm.LogInfo(string(answer))
	}
	if _, err := proxywasm.GetProperty([]string{"route_name"}); err == nil {
		return types.OnPluginStartStatusFailed // a route before there is a stream
	}
	return types.OnPluginStartStatus(p.config != "refuse")
}

func (p *plugin) NewHttpContext(uint32) types.HttpContext { return &stream{config: p.config} }

type stream struct {
	types.DefaultHttpContext
	config string
}

// GetMatchConfig is what package wrapper's contexts have.
func (s *stream) GetMatchConfig() (*string, error) {
	host, err := proxywasm.GetHttpRequestHeader(":authority")
	config := s.config + " of " + host
	return &config, err
}

func (s *stream) OnHttpRequestHeaders(_ int, endOfStream bool) types.Action {
	path, _ := proxywasm.GetHttpRequestHeader(":path")
	switch {
	case path == "/call":
		_, _ = proxywasm.DispatchHttpCall("a", nil, nil, nil, 100, func(_, size, _ int) {
			body, _ := proxywasm.GetHttpCallResponseBody(0, size)
			_ = proxywasm.AddHttpRequestHeader("x-answer", string(body))
			_, _ = proxywasm.DispatchRedisCall("r", []byte("*0\r\n"), func(status, size int) {
				answer, _ := proxywasm.GetRedisCallResponse(0, size)
				_ = proxywasm.AddHttpRequestHeader("x-redis", strings.TrimSpace(string(answer)))
				_ = proxywasm.ResumeHttpRequest()
			})
		})
		return types.HeaderStopAllIterationAndWatermark
	case path == "/denied":
		_ = proxywasm.SendHttpResponse(403, nil, []byte("no"), -1)
		return types.ActionPause
	case s.config == "hold":
		return types.ActionPause
	case endOfStream:
		_ = proxywasm.AddHttpRequestHeader("x-end", "1")
	}
	return types.ActionContinue
}

func (s *stream) OnHttpRequestBody(int, bool) types.Action {
	_ = proxywasm.AppendHttpRequestBody([]byte("!"))
	return types.ActionPause
}

func (s *stream) OnHttpResponseHeaders(int, bool) types.Action {
	route, _ := proxywasm.GetProperty([]string{"route_name"})
	_ = proxywasm.AddHttpResponseHeader("x-route", string(route))
	return types.ActionContinue
}

func (s *stream) OnHttpResponseBody(int, bool) types.Action {
	_ = proxywasm.PrependHttpResponseBody([]byte("?"))
	return types.ActionContinue
}
