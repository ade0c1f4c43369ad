//go:build !wasip1

package wrapper_test

import (
	"bytes"
	"errors"

	"github.com/tidwall/gjson"

	"github.com/sluice-gateway/sluice/sdk/log"
	"github.com/sluice-gateway/sluice/sdk/proxywasm"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
	"github.com/sluice-gateway/sluice/sdk/wrapper"
)

// A plugin that refuses requests without a key, and rewrites what comes back piece by piece.
func ExampleSetCtx() {
	type keyConfig struct{ key string }

	parse := func(json gjson.Result, config *keyConfig) error {
		config.key = json.Get("key").String()
		if config.key == "" {
			return errors.New("key is missing")
		}
		return nil
	}
	onRequestHeaders := func(ctx wrapper.HttpContext, config keyConfig) types.Action {
		if key, err := proxywasm.GetHttpRequestHeader("x-key"); err != nil || key != config.key {
			_ = proxywasm.SendHttpResponse(403, nil, []byte("no key for "+ctx.Path()), -1)
			return types.ActionPause
		}
		return types.HeaderContinue
	}
	onResponseBody := func(ctx wrapper.HttpContext, config keyConfig, chunk []byte, isLastChunk bool) []byte {
		return bytes.ReplaceAll(chunk, []byte("old"), []byte("new"))
	}

	wrapper.SetCtx(
		"key-check",
		wrapper.ParseConfig(parse),
		wrapper.ProcessRequestHeaders(onRequestHeaders),
		wrapper.ProcessStreamingResponseBody(onResponseBody),
	)
}

// A plugin that asks another service before a request goes on.
func ExampleHttpClient() {
	type authConfig struct{ client wrapper.HttpClient }

	parse := func(json gjson.Result, config *authConfig) error {
		config.client = wrapper.NewClusterClient(wrapper.FQDNCluster{FQDN: json.Get("service").String(), Port: 80})
		return nil
	}
	onRequestHeaders := func(ctx wrapper.HttpContext, config authConfig) types.Action {
		err := config.client.Get("/auth", nil, func(statusCode int, responseHeaders wrapper.Header, responseBody []byte) {
			if statusCode != 200 {
				_ = proxywasm.SendHttpResponse(403, nil, responseBody, -1)
				return
			}
			_ = proxywasm.ReplaceHttpRequestHeader("x-user", responseHeaders.Get("x-user"))
			_ = proxywasm.ResumeHttpRequest()
		}, 200)
		if err != nil { // there will be no callback
			_ = proxywasm.SendHttpResponse(503, nil, nil, -1)
		}
		return types.HeaderStopAllIterationAndWatermark
	}

	wrapper.SetCtx("auth", wrapper.ParseConfig(parse), wrapper.ProcessRequestHeaders(onRequestHeaders))
}

// A plugin that counts requests.
func ExampleRedisClient() {
	type countConfig struct{ client wrapper.RedisClient }

	parse := func(json gjson.Result, config *countConfig) error {
		config.client = wrapper.NewRedisClusterClient(wrapper.FQDNCluster{FQDN: "redis.static", Port: 6379})
		return config.client.Init("", json.Get("password").String(), 500, wrapper.WithDataBase(1))
	}
	onRequestHeaders := func(ctx wrapper.HttpContext, config countConfig) types.Action {
		err := config.client.Incr("requests:"+ctx.Host(), func(response wrapper.RedisValue) {
			if err := response.Error(); errors.Is(err, wrapper.ErrRedisTimeout) {
				log.Warn("redis is slow")
			} else if err == nil {
				_ = proxywasm.ReplaceHttpRequestHeader("x-count", response.String())
			}
			_ = proxywasm.ResumeHttpRequest()
		})
		if err != nil { // there will be no callback
			return types.HeaderContinue
		}
		return types.HeaderStopAllIterationAndWatermark
	}

	wrapper.SetCtx("count", wrapper.ParseConfig(parse), wrapper.ProcessRequestHeaders(onRequestHeaders))
}
