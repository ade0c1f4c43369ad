package wrapper

import (
	"github.com/tidwall/gjson"

	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
	"github.com/sluice-gateway/sluice/sdk/wrapper"

	"github.com/higress-group/wasm-go/pkg/iface"
	"github.com/higress-group/wasm-go/pkg/log"
	"github.com/higress-group/wasm-go/pkg/matcher"
)

// Log is where a plugin's lines go.
type Log = log.Log

// PluginContext is the plugin with one configuration.
type PluginContext = iface.PluginContext

// HttpContext is one HTTP stream.
type HttpContext = iface.HttpContext

// Names that the published SDK exports.
const (
	CustomLogKey         = "custom_log"
	AILogKey             = "ai_log"
	TraceSpanTagPrefix   = "trace_span_tag."
	PluginIDKey          = wrapper.PluginIDKey
	VMLeaseKeyPrefix     = "higress_wasm_vm_lease"
	ConfigStoreLeaderKey = "config_store"
)

// Lease is the published form of a leader's lease. Leases are in the SDK's own form.
type Lease struct {
	VMID      string `json:"vmID"`
	Timestamp int64  `json:"timestamp"`
}

// TickFuncEntry has nothing that is exported, as published.
type TickFuncEntry struct{}

// CommonPluginCtx is the plugin with one configuration, for code that makes it with [CommonVmCtx.NewPluginContext].
type CommonPluginCtx[PluginConfig any] struct {
	types.DefaultPluginContext
	matcher.RuleMatcher[PluginConfig]
	pluginContext

	plugin types.PluginContext
	parsed bool // with ParseRuleConfig
}

type pluginContext = wrapper.PluginContext

// ParseRuleConfig parses a configuration other than the plugin's, for GetMatchConfig.
func (ctx *CommonPluginCtx[PluginConfig]) ParseRuleConfig(context iface.PluginContext, config gjson.Result,
	parsePluginConfig func(gjson.Result, *PluginConfig) error,
	parseOverrideConfig func(gjson.Result, PluginConfig, *PluginConfig) error,
) error {
	ctx.parsed = true
	return ctx.RuleMatcher.ParseRuleConfig(context, config, parsePluginConfig, parseOverrideConfig)
}

// GetMatchConfig returns a copy of the configuration for the stream whose callback runs, nil if there is none.
func (ctx *CommonPluginCtx[PluginConfig]) GetMatchConfig() (*PluginConfig, error) {
	if ctx.parsed {
		return ctx.RuleMatcher.GetMatchConfig()
	}
	return matchConfig[PluginConfig](ctx.plugin.NewHttpContext(0))
}

// OnPluginStart implements [types.PluginContext].
func (ctx *CommonPluginCtx[PluginConfig]) OnPluginStart(size int) types.OnPluginStartStatus {
	return ctx.plugin.OnPluginStart(size)
}

// OnPluginDone implements [types.PluginContext].
func (ctx *CommonPluginCtx[PluginConfig]) OnPluginDone() bool { return ctx.plugin.OnPluginDone() }

// OnQueueReady implements [types.PluginContext].
func (ctx *CommonPluginCtx[PluginConfig]) OnQueueReady(queueID uint32) {
	ctx.plugin.OnQueueReady(queueID)
}

// OnTick implements [types.PluginContext].
func (ctx *CommonPluginCtx[PluginConfig]) OnTick() { ctx.plugin.OnTick() }

// NewHttpContext implements [types.PluginContext]. The result is a *CommonHttpCtx.
func (ctx *CommonPluginCtx[PluginConfig]) NewHttpContext(contextID uint32) types.HttpContext {
	stream := ctx.plugin.NewHttpContext(contextID)
	return &CommonHttpCtx[PluginConfig]{httpContext: wrapper.ContextOf(stream), stream: stream}
}

// CommonHttpCtx is one HTTP stream, for code that makes it with [CommonPluginCtx.NewHttpContext].
type CommonHttpCtx[PluginConfig any] struct {
	types.DefaultHttpContext
	httpContext

	stream types.HttpContext
}

type httpContext = wrapper.HttpContext

// GetMatchConfig returns a copy of the configuration that the rules choose for the stream, nil if there is none.
func (ctx *CommonHttpCtx[PluginConfig]) GetMatchConfig() (*PluginConfig, error) {
	return matchConfig[PluginConfig](ctx.stream)
}

// MatchConfig is GetMatchConfig for code that does not know the type.
func (ctx *CommonHttpCtx[PluginConfig]) MatchConfig() (any, error) {
	config, err := ctx.GetMatchConfig()
	if config == nil {
		return nil, err
	}
	return config, err
}

func matchConfig[PluginConfig any](stream types.HttpContext) (*PluginConfig, error) {
	config, err := stream.(interface{ MatchConfig() (any, error) }).MatchConfig()
	if err != nil || config == nil {
		return nil, err
	}
	c := *config.(*PluginConfig)
	return &c, nil
}

// OnHttpRequestHeaders implements [types.HttpContext].
func (ctx *CommonHttpCtx[PluginConfig]) OnHttpRequestHeaders(numHeaders int, endOfStream bool) types.Action {
	return ctx.stream.OnHttpRequestHeaders(numHeaders, endOfStream)
}

// OnHttpRequestBody implements [types.HttpContext].
func (ctx *CommonHttpCtx[PluginConfig]) OnHttpRequestBody(bodySize int, endOfStream bool) types.Action {
	return ctx.stream.OnHttpRequestBody(bodySize, endOfStream)
}

// OnHttpRequestTrailers implements [types.HttpContext].
func (ctx *CommonHttpCtx[PluginConfig]) OnHttpRequestTrailers(numTrailers int) types.Action {
	return ctx.stream.OnHttpRequestTrailers(numTrailers)
}

// OnHttpResponseHeaders implements [types.HttpContext].
func (ctx *CommonHttpCtx[PluginConfig]) OnHttpResponseHeaders(numHeaders int, endOfStream bool) types.Action {
	return ctx.stream.OnHttpResponseHeaders(numHeaders, endOfStream)
}

// OnHttpResponseBody implements [types.HttpContext].
func (ctx *CommonHttpCtx[PluginConfig]) OnHttpResponseBody(bodySize int, endOfStream bool) types.Action {
	return ctx.stream.OnHttpResponseBody(bodySize, endOfStream)
}

// OnHttpResponseTrailers implements [types.HttpContext].
func (ctx *CommonHttpCtx[PluginConfig]) OnHttpResponseTrailers(numTrailers int) types.Action {
	return ctx.stream.OnHttpResponseTrailers(numTrailers)
}

// OnHttpStreamDone implements [types.HttpContext].
func (ctx *CommonHttpCtx[PluginConfig]) OnHttpStreamDone() { ctx.stream.OnHttpStreamDone() }
