//go:build !wasip1

package wrapper_test

import (
	"bytes"
	"errors"

	"github.com/tidwall/gjson"

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
