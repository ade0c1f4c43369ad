package proxywasm

import (
	sdk "github.com/sluice-gateway/sluice/sdk/proxywasm"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
)

// registered is what the plugin registered last. The published functions let a later registration replace an earlier
// one; Sluice's refuse a second. So a relay is registered there, once, and what it relays to may change.
var registered types.VMContext

// relay is what Sluice's SDK has in place of registered.
type relay struct{}

func (relay) OnVMStart(size int) types.OnVMStartStatus       { return registered.OnVMStart(size) }
func (relay) NewPluginContext(id uint32) types.PluginContext { return registered.NewPluginContext(id) }

// SetVMContext registers the plugin. Call it, or one of its three siblings, in an init function. The last registration
// counts; nil panics.
func SetVMContext(ctx types.VMContext) {
	if ctx == nil {
		panic("proxywasm: SetVMContext(nil)")
	}
	registered = ctx
	if _, ok := sdk.GetVMContext().(relay); !ok {
		sdk.SetVMContext(relay{})
	}
}

// SetPluginContext registers a plugin that needs no VM context of its own, as [SetVMContext] does.
func SetPluginContext(newPluginContext func(contextID uint32) types.PluginContext) {
	SetVMContext(&factories{plugin: newPluginContext})
}

// SetHttpContext registers an HTTP plugin that needs no VM or plugin context of its own, as [SetVMContext] does.
func SetHttpContext(newHttpContext func(contextID uint32) types.HttpContext) {
	SetVMContext(&factories{http: newHttpContext})
}

// SetTcpContext registers a TCP plugin that needs no VM or plugin context of its own, as [SetVMContext] does.
func SetTcpContext(newTcpContext func(contextID uint32) types.TcpContext) {
	SetVMContext(&factories{tcp: newTcpContext})
}

// GetVMContext returns what is registered, nil if nothing is, for tests.
func GetVMContext() types.VMContext {
	ctx := sdk.GetVMContext()
	if _, ok := ctx.(relay); ok {
		return registered
	}
	return ctx
}

// GetHttpContext returns the context of a live HTTP stream, nil if there is none, for tests.
func GetHttpContext(contextID uint32) types.HttpContext { return sdk.GetHttpContext(contextID) }

// factories makes contexts from functions.
type factories struct {
	types.DefaultVMContext
	plugin types.PluginContextFactory
	http   types.HttpContextFactory
	tcp    types.TcpContextFactory
}

func (f *factories) NewPluginContext(id uint32) types.PluginContext {
	if f.plugin != nil {
		return f.plugin(id)
	}
	return &streamFactories{http: f.http, tcp: f.tcp}
}

type streamFactories struct {
	types.DefaultPluginContext
	http types.HttpContextFactory
	tcp  types.TcpContextFactory
}

func (f *streamFactories) NewHttpContext(id uint32) types.HttpContext {
	if f.http == nil {
		return nil
	}
	return f.http(id)
}

func (f *streamFactories) NewTcpContext(id uint32) types.TcpContext {
	if f.tcp == nil {
		return nil
	}
	return f.tcp(id)
}
