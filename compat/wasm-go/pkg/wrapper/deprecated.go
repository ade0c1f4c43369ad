package wrapper

import (
	"github.com/tidwall/gjson"

	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"

	"github.com/higress-group/wasm-go/pkg/log"
)

// The functions of a plugin in the form that takes the logger.
type (
	oldParseConfigFunc[PluginConfig any]         func(json gjson.Result, config *PluginConfig, log log.Log) error
	oldParseRuleConfigFunc[PluginConfig any]     func(json gjson.Result, global PluginConfig, config *PluginConfig, log log.Log) error
	oldOnHttpHeadersFunc[PluginConfig any]       func(context HttpContext, config PluginConfig, log log.Log) types.Action
	oldOnHttpBodyFunc[PluginConfig any]          func(context HttpContext, config PluginConfig, body []byte, log log.Log) types.Action
	oldOnHttpStreamingBodyFunc[PluginConfig any] func(context HttpContext, config PluginConfig, chunk []byte, isLastChunk bool, log log.Log) []byte
	oldOnHttpStreamDoneFunc[PluginConfig any]    func(context HttpContext, config PluginConfig, log log.Log)
)

// The logger is read when the function is called: an option WithLogger may come after the one here.

// ParseConfigBy is ParseConfig for a function that takes the logger.
//
// Deprecated: use [ParseConfig].
func ParseConfigBy[PluginConfig any](f oldParseConfigFunc[PluginConfig]) CtxOption[PluginConfig] {
	return option[PluginConfig](func(ctx *CommonVmCtx[PluginConfig]) {
		ParseConfig(func(json gjson.Result, config *PluginConfig) error { return f(json, config, ctx.log) }).Apply(ctx)
	})
}

// ParseOverrideConfigBy is ParseOverrideConfig for functions that take the logger.
//
// Deprecated: use [ParseOverrideConfig].
func ParseOverrideConfigBy[PluginConfig any](f oldParseConfigFunc[PluginConfig], g oldParseRuleConfigFunc[PluginConfig]) CtxOption[PluginConfig] {
	return option[PluginConfig](func(ctx *CommonVmCtx[PluginConfig]) {
		ParseOverrideConfig(
			func(json gjson.Result, config *PluginConfig) error { return f(json, config, ctx.log) },
			func(json gjson.Result, global PluginConfig, config *PluginConfig) error {
				return g(json, global, config, ctx.log)
			},
		).Apply(ctx)
	})
}

// ProcessRequestHeadersBy is ProcessRequestHeaders for a function that takes the logger.
//
// Deprecated: use [ProcessRequestHeaders].
func ProcessRequestHeadersBy[PluginConfig any](f oldOnHttpHeadersFunc[PluginConfig]) CtxOption[PluginConfig] {
	return option[PluginConfig](func(ctx *CommonVmCtx[PluginConfig]) { ProcessRequestHeaders(headersBy(ctx, f)).Apply(ctx) })
}

// ProcessResponseHeadersBy is ProcessResponseHeaders for a function that takes the logger.
//
// Deprecated: use [ProcessResponseHeaders].
func ProcessResponseHeadersBy[PluginConfig any](f oldOnHttpHeadersFunc[PluginConfig]) CtxOption[PluginConfig] {
	return option[PluginConfig](func(ctx *CommonVmCtx[PluginConfig]) { ProcessResponseHeaders(headersBy(ctx, f)).Apply(ctx) })
}

// ProcessRequestBodyBy is ProcessRequestBody for a function that takes the logger.
//
// Deprecated: use [ProcessRequestBody].
func ProcessRequestBodyBy[PluginConfig any](f oldOnHttpBodyFunc[PluginConfig]) CtxOption[PluginConfig] {
	return option[PluginConfig](func(ctx *CommonVmCtx[PluginConfig]) { ProcessRequestBody(bodyBy(ctx, f)).Apply(ctx) })
}

// ProcessResponseBodyBy is ProcessResponseBody for a function that takes the logger.
//
// Deprecated: use [ProcessResponseBody].
func ProcessResponseBodyBy[PluginConfig any](f oldOnHttpBodyFunc[PluginConfig]) CtxOption[PluginConfig] {
	return option[PluginConfig](func(ctx *CommonVmCtx[PluginConfig]) { ProcessResponseBody(bodyBy(ctx, f)).Apply(ctx) })
}

// ProcessStreamingRequestBodyBy is ProcessStreamingRequestBody for a function that takes the logger.
//
// Deprecated: use [ProcessStreamingRequestBody].
func ProcessStreamingRequestBodyBy[PluginConfig any](f oldOnHttpStreamingBodyFunc[PluginConfig]) CtxOption[PluginConfig] {
	return option[PluginConfig](func(ctx *CommonVmCtx[PluginConfig]) { ProcessStreamingRequestBody(streamingBy(ctx, f)).Apply(ctx) })
}

// ProcessStreamingResponseBodyBy is ProcessStreamingResponseBody for a function that takes the logger.
//
// Deprecated: use [ProcessStreamingResponseBody].
func ProcessStreamingResponseBodyBy[PluginConfig any](f oldOnHttpStreamingBodyFunc[PluginConfig]) CtxOption[PluginConfig] {
	return option[PluginConfig](func(ctx *CommonVmCtx[PluginConfig]) { ProcessStreamingResponseBody(streamingBy(ctx, f)).Apply(ctx) })
}

// ProcessStreamDoneBy is ProcessStreamDone for a function that takes the logger.
//
// Deprecated: use [ProcessStreamDone].
func ProcessStreamDoneBy[PluginConfig any](f oldOnHttpStreamDoneFunc[PluginConfig]) CtxOption[PluginConfig] {
	return option[PluginConfig](func(ctx *CommonVmCtx[PluginConfig]) {
		ProcessStreamDone(func(c HttpContext, config PluginConfig) { f(c, config, ctx.log) }).Apply(ctx)
	})
}

func headersBy[C any](ctx *CommonVmCtx[C], f oldOnHttpHeadersFunc[C]) onHttpHeadersFunc[C] {
	return func(c HttpContext, config C) types.Action { return f(c, config, ctx.log) }
}

func bodyBy[C any](ctx *CommonVmCtx[C], f oldOnHttpBodyFunc[C]) onHttpBodyFunc[C] {
	return func(c HttpContext, config C, body []byte) types.Action { return f(c, config, body, ctx.log) }
}

func streamingBy[C any](ctx *CommonVmCtx[C], f oldOnHttpStreamingBodyFunc[C]) onHttpStreamingBodyFunc[C] {
	return func(c HttpContext, config C, chunk []byte, last bool) []byte {
		return f(c, config, chunk, last, ctx.log)
	}
}
