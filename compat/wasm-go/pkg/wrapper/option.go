package wrapper

import (
	"github.com/tidwall/gjson"

	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
	"github.com/sluice-gateway/sluice/sdk/wrapper"

	"github.com/higress-group/wasm-go/pkg/log"
)

// CtxOption is a part of a plugin: one of its functions, or a setting.
type CtxOption[PluginConfig any] interface {
	Apply(*CommonVmCtx[PluginConfig])
}

// option is a CtxOption.
type option[PluginConfig any] func(*CommonVmCtx[PluginConfig])

// Apply implements [CtxOption].
func (o option[PluginConfig]) Apply(ctx *CommonVmCtx[PluginConfig]) { o(ctx) }

// The functions of a plugin.
type (
	ParseConfigFunc[PluginConfig any]                   func(json gjson.Result, config *PluginConfig) error
	ParseConfigWithContextFunc[PluginConfig any]        func(context PluginContext, json gjson.Result, config *PluginConfig) error
	ParseRawConfigFunc[PluginConfig any]                func(configBytes []byte, config *PluginConfig) error
	ParseRawConfigWithContextFunc[PluginConfig any]     func(context PluginContext, configBytes []byte, config *PluginConfig) error
	ParseRuleConfigFunc[PluginConfig any]               func(json gjson.Result, global PluginConfig, config *PluginConfig) error
	ParseRawRuleConfigFunc[PluginConfig any]            func(configBytes []byte, global PluginConfig, config *PluginConfig) error
	ParseRawRuleConfigWithContextFunc[PluginConfig any] func(context PluginContext, configBytes []byte, global PluginConfig, config *PluginConfig) error
)

type (
	onHttpHeadersFunc[PluginConfig any]       func(context HttpContext, config PluginConfig) types.Action
	onHttpBodyFunc[PluginConfig any]          func(context HttpContext, config PluginConfig, body []byte) types.Action
	onHttpStreamingBodyFunc[PluginConfig any] func(context HttpContext, config PluginConfig, chunk []byte, isLastChunk bool) []byte
	onHttpStreamDoneFunc[PluginConfig any]    func(context HttpContext, config PluginConfig)
	onPluginStartOrReload                     func(context PluginContext) error
)

// ParseConfig registers what parses the configuration, global or of a rule.
func ParseConfig[PluginConfig any](f ParseConfigFunc[PluginConfig]) CtxOption[PluginConfig] {
	return option[PluginConfig](func(ctx *CommonVmCtx[PluginConfig]) {
		ctx.parseConfig = func(_ PluginContext, json []byte, config *PluginConfig) error {
			return f(gjson.ParseBytes(json), config)
		}
	})
}

// ParseConfigWithContext is [ParseConfig] for a function that uses the plugin's context.
func ParseConfigWithContext[PluginConfig any](f ParseConfigWithContextFunc[PluginConfig]) CtxOption[PluginConfig] {
	return option[PluginConfig](func(ctx *CommonVmCtx[PluginConfig]) {
		ctx.parseConfig = func(c PluginContext, json []byte, config *PluginConfig) error {
			return f(c, gjson.ParseBytes(json), config)
		}
	})
}

// ParseRawConfig is [ParseConfig] for a function that takes the JSON as it is.
func ParseRawConfig[PluginConfig any](f ParseRawConfigFunc[PluginConfig]) CtxOption[PluginConfig] {
	return option[PluginConfig](func(ctx *CommonVmCtx[PluginConfig]) {
		ctx.parseConfig = func(_ PluginContext, json []byte, config *PluginConfig) error { return f(json, config) }
	})
}

// ParseOverrideConfig registers what parses the global configuration, and what parses a rule given the global one.
func ParseOverrideConfig[PluginConfig any](f ParseConfigFunc[PluginConfig], g ParseRuleConfigFunc[PluginConfig]) CtxOption[PluginConfig] {
	return option[PluginConfig](func(ctx *CommonVmCtx[PluginConfig]) {
		ParseConfig(f).Apply(ctx)
		ctx.parseRuleConfig = func(_ PluginContext, json []byte, global PluginConfig, config *PluginConfig) error {
			return g(gjson.ParseBytes(json), global, config)
		}
	})
}

// ParseOverrideRawConfig is [ParseOverrideConfig] for functions that take the JSON as it is.
func ParseOverrideRawConfig[PluginConfig any](f ParseRawConfigFunc[PluginConfig], g ParseRawRuleConfigFunc[PluginConfig]) CtxOption[PluginConfig] {
	return option[PluginConfig](func(ctx *CommonVmCtx[PluginConfig]) {
		ParseRawConfig(f).Apply(ctx)
		ctx.parseRuleConfig = func(_ PluginContext, json []byte, global PluginConfig, config *PluginConfig) error {
			return g(json, global, config)
		}
	})
}

// PrePluginStartOrReload registers what runs before a configuration is parsed. An error refuses the configuration.
func PrePluginStartOrReload[PluginConfig any](f onPluginStartOrReload) CtxOption[PluginConfig] {
	return option[PluginConfig](func(ctx *CommonVmCtx[PluginConfig]) {
		ctx.parts[beforeStart] = func(failMode) wrapper.Option {
			return wrapper.PrePluginStartOrReload(func(c wrapper.PluginContext) error { return f(c.(*wrapper.ConfigurationHandle)) })
		}
	})
}

// ProcessRequestHeaders registers the function for a request's headers.
func ProcessRequestHeaders[PluginConfig any](f onHttpHeadersFunc[PluginConfig]) CtxOption[PluginConfig] {
	return option[PluginConfig](func(ctx *CommonVmCtx[PluginConfig]) {
		ctx.parts[onRequestHeaders] = func(mode failMode) wrapper.Option { return wrapper.ProcessRequestHeaders(guardHeaders(f, mode)) }
	})
}

// ProcessRequestBody registers the function for a request's whole body.
func ProcessRequestBody[PluginConfig any](f onHttpBodyFunc[PluginConfig]) CtxOption[PluginConfig] {
	return option[PluginConfig](func(ctx *CommonVmCtx[PluginConfig]) {
		ctx.parts[onRequestBody] = func(mode failMode) wrapper.Option { return wrapper.ProcessRequestBody(guardBody(f, mode)) }
	})
}

// ProcessStreamingRequestBody registers the function for each piece of a request's body.
func ProcessStreamingRequestBody[PluginConfig any](f onHttpStreamingBodyFunc[PluginConfig]) CtxOption[PluginConfig] {
	return option[PluginConfig](func(ctx *CommonVmCtx[PluginConfig]) {
		ctx.parts[onStreamingRequestBody] = func(mode failMode) wrapper.Option {
			return wrapper.ProcessStreamingRequestBody(guardStreaming(f, mode))
		}
	})
}

// ProcessResponseHeaders registers the function for a response's headers.
func ProcessResponseHeaders[PluginConfig any](f onHttpHeadersFunc[PluginConfig]) CtxOption[PluginConfig] {
	return option[PluginConfig](func(ctx *CommonVmCtx[PluginConfig]) {
		ctx.parts[onResponseHeaders] = func(mode failMode) wrapper.Option { return wrapper.ProcessResponseHeaders(guardHeaders(f, mode)) }
	})
}

// ProcessResponseBody registers the function for a response's whole body.
func ProcessResponseBody[PluginConfig any](f onHttpBodyFunc[PluginConfig]) CtxOption[PluginConfig] {
	return option[PluginConfig](func(ctx *CommonVmCtx[PluginConfig]) {
		ctx.parts[onResponseBody] = func(mode failMode) wrapper.Option { return wrapper.ProcessResponseBody(guardBody(f, mode)) }
	})
}

// ProcessStreamingResponseBody registers the function for each piece of a response's body.
func ProcessStreamingResponseBody[PluginConfig any](f onHttpStreamingBodyFunc[PluginConfig]) CtxOption[PluginConfig] {
	return option[PluginConfig](func(ctx *CommonVmCtx[PluginConfig]) {
		ctx.parts[onStreamingResponseBody] = func(mode failMode) wrapper.Option {
			return wrapper.ProcessStreamingResponseBody(guardStreaming(f, mode))
		}
	})
}

// ProcessStreamDone registers the function for a stream's end.
func ProcessStreamDone[PluginConfig any](f onHttpStreamDoneFunc[PluginConfig]) CtxOption[PluginConfig] {
	return option[PluginConfig](func(ctx *CommonVmCtx[PluginConfig]) {
		ctx.parts[onStreamDone] = func(mode failMode) wrapper.Option { return wrapper.ProcessStreamDone(guardDone(f, mode)) }
	})
}

// WithLogger has the plugin log to logger, and package log from now on.
func WithLogger[PluginConfig any](logger log.Log) CtxOption[PluginConfig] {
	return option[PluginConfig](func(ctx *CommonVmCtx[PluginConfig]) {
		log.SetPluginLog(logger)
		ctx.log = logger
	})
}

// EnableSafeLog holds back to level debug what may hold secrets, from now on and for the whole process.
func EnableSafeLog[PluginConfig any]() CtxOption[PluginConfig] {
	return option[PluginConfig](func(ctx *CommonVmCtx[PluginConfig]) {
		log.SetSafeLogEnabled(true)
		ctx.parts[safeLog] = func(failMode) wrapper.Option { return wrapper.EnableSafeLog() }
	})
}

// WithRebuildAfterRequests asks the gateway for a new VM after so many requests. 0 never asks.
func WithRebuildAfterRequests[PluginConfig any](requestCount uint64) CtxOption[PluginConfig] {
	return option[PluginConfig](func(ctx *CommonVmCtx[PluginConfig]) {
		ctx.parts[rebuildAfter] = func(failMode) wrapper.Option { return wrapper.WithRebuildAfterRequests(requestCount) }
	})
}

// WithRebuildMaxMemBytes asks the gateway for a new VM when this one's memory is larger. 0 never asks.
func WithRebuildMaxMemBytes[PluginConfig any](memSizeBytes uint64) CtxOption[PluginConfig] {
	return option[PluginConfig](func(ctx *CommonVmCtx[PluginConfig]) {
		ctx.parts[rebuildMemory] = func(failMode) wrapper.Option { return wrapper.WithRebuildMaxMemBytes(memSizeBytes) }
	})
}

// WithMaxRequestsPerIoCycle has the gateway begin at most so many requests before it serves what completes other ones.
// 0 asks for nothing.
func WithMaxRequestsPerIoCycle[PluginConfig any](maxRequests uint64) CtxOption[PluginConfig] {
	return option[PluginConfig](func(ctx *CommonVmCtx[PluginConfig]) {
		if ctx.parts[requestsPerCycle] = nil; maxRequests == 0 {
			return
		}
		ctx.parts[requestsPerCycle] = func(failMode) wrapper.Option { return wrapper.WithMaxRequestsPerIoCycle(maxRequests) }
	})
}
