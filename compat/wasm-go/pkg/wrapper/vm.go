package wrapper

import (
	"strconv"
	"unsafe"

	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
	"github.com/sluice-gateway/sluice/sdk/wrapper"

	"github.com/higress-group/proxy-wasm-go-sdk/proxywasm"
	"github.com/higress-group/wasm-go/pkg/log"
)

// SetCtx registers the plugin, in an init function. The last registration counts.
func SetCtx[PluginConfig any](pluginName string, options ...CtxOption[PluginConfig]) {
	register(NewCommonVmCtx(pluginName, options...))
}

// SetCtxWithOptions is [SetCtx]: a plugin that gives no logger gets the default one here too.
func SetCtxWithOptions[PluginConfig any](pluginName string, options ...CtxOption[PluginConfig]) {
	register(NewCommonVmCtxWithOptions(pluginName, options...))
}

func register[PluginConfig any](ctx *CommonVmCtx[PluginConfig]) {
	log.SetPluginLog(ctx.log)
	proxywasm.SetVMContext(&registeredVM[PluginConfig]{ctx})
}

// registeredVM is a CommonVmCtx whose contexts are the SDK's own, for nobody sees them: nothing stands between the host
// and them.
type registeredVM[PluginConfig any] struct{ *CommonVmCtx[PluginConfig] }

// NewPluginContext implements [types.VMContext].
func (r *registeredVM[PluginConfig]) NewPluginContext(contextID uint32) types.PluginContext {
	return r.vmContext().NewPluginContext(contextID)
}

// The parts of a plugin of which there is one: of two options for it the last one counts.
const (
	beforeStart = iota
	safeLog
	rebuildAfter
	rebuildMemory
	requestsPerCycle
	onRequestHeaders
	onRequestBody
	onStreamingRequestBody
	onResponseHeaders
	onResponseBody
	onStreamingResponseBody
	onStreamDone
	numParts
)

// CommonVmCtx is a plugin's VM. Options fill it in.
type CommonVmCtx[PluginConfig any] struct {
	types.DefaultVMContext
	name string
	log  log.Log

	// parts are the SDK's options, made when the VM starts: reached only through here, so that a module carries what its
	// plugin uses.
	parts [numParts]func(failMode) wrapper.Option

	parseConfig     ParseRawConfigWithContextFunc[PluginConfig]
	parseRuleConfig ParseRawRuleConfigWithContextFunc[PluginConfig]

	sdk types.VMContext // nil before it is needed
}

// NewCommonVmCtx makes a plugin's VM. Options that are nil count for nothing. It panics if no option parses the
// configuration, unless that is an empty struct.
func NewCommonVmCtx[PluginConfig any](pluginName string, options ...CtxOption[PluginConfig]) *CommonVmCtx[PluginConfig] {
	return NewCommonVmCtxWithOptions(pluginName, options...)
}

// NewCommonVmCtxWithOptions is [NewCommonVmCtx].
func NewCommonVmCtxWithOptions[PluginConfig any](pluginName string, options ...CtxOption[PluginConfig]) *CommonVmCtx[PluginConfig] {
	ctx := &CommonVmCtx[PluginConfig]{name: pluginName, log: newDefaultLog(pluginName)}
	for _, o := range options {
		if o != nil {
			o.Apply(ctx)
		}
	}
	var config PluginConfig
	if ctx.parseConfig == nil {
		if unsafe.Sizeof(config) != 0 {
			panic("wrapper: plugin " + strconv.Quote(pluginName) + ": no option parses the configuration")
		}
		ctx.parseConfig = func(PluginContext, []byte, *PluginConfig) error { return nil }
	}
	return ctx
}

// OnVMStart implements [types.VMContext].
func (ctx *CommonVmCtx[PluginConfig]) OnVMStart(size int) types.OnVMStartStatus {
	return ctx.vmContext().OnVMStart(size)
}

// NewPluginContext implements [types.VMContext]. The result is a *CommonPluginCtx.
func (ctx *CommonVmCtx[PluginConfig]) NewPluginContext(contextID uint32) types.PluginContext {
	p := ctx.vmContext().NewPluginContext(contextID)
	return &CommonPluginCtx[PluginConfig]{pluginContext: p.(wrapper.PluginContext), plugin: p}
}

// vmContext returns the SDK's VM context. It is made when the VM starts, for what it is depends on the VM's environment.
func (ctx *CommonVmCtx[PluginConfig]) vmContext() types.VMContext {
	if ctx.sdk == nil {
		ctx.sdk = wrapper.NewVMContext(ctx.name, ctx.options(failModeFromEnvironment())...)
	}
	return ctx.sdk
}

func (ctx *CommonVmCtx[PluginConfig]) options(mode failMode) []wrapper.Option {
	options := []wrapper.Option{
		wrapper.WithLogger(ctx.log),
		wrapper.PrePluginStartOrReload(mode.announce()),
		wrapper.HeadersAsReturned(),
	}
	if mode.open {
		options = append(options, wrapper.FailOpen())
	}
	for _, part := range ctx.parts {
		if part != nil {
			options = append(options, part(mode))
		}
	}
	return append(options, ctx.parser())
}

func (ctx *CommonVmCtx[PluginConfig]) parser() wrapper.Option {
	parse := func(c wrapper.PluginContext, json []byte, config *PluginConfig) error {
		return ctx.parseConfig(c.(*wrapper.ConfigurationHandle), json, config)
	}
	if ctx.parseRuleConfig == nil {
		return wrapper.ParseRawConfigWithContext(parse)
	}
	return wrapper.ParseOverrideRawConfigWithContext(parse,
		func(c wrapper.PluginContext, json []byte, global PluginConfig, config *PluginConfig) error {
			return ctx.parseRuleConfig(c.(*wrapper.ConfigurationHandle), json, global, config)
		})
}
