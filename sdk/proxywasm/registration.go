package proxywasm

import "github.com/sluice-gateway/sluice/sdk/proxywasm/types"

const nothingRegistered = "nothing is registered: call wrapper.SetCtx (or proxywasm.SetVMContext) in an init function; " +
	"main is not run in a plugin"

// registration is what the plugin registered.
type registration struct {
	context types.VMContext // nil: nothing
	by      string          // the call that registered it
	// used says that a native plugin was made of it: another registration does not drop it unseen. Never set in a module.
	used bool
}

func (r *registration) register(function string, ctx types.VMContext) {
	by := "proxywasm." + function
	// What registers on behalf of others says how it was called.
	if c, ok := ctx.(interface{ RegisteredBy() string }); ok {
		by = c.RegisteredBy()
	}
	if r.context != nil && !r.used {
		panic("proxywasm: " + by + " after " + r.by + ": registered twice, a module is one plugin")
	}
	*r = registration{context: ctx, by: by}
}

// newPluginContext makes a root's context. Where nothing is registered it does nothing and refuses its configuration.
func (r *registration) newPluginContext(id uint32) types.PluginContext {
	if r.context == nil {
		return &unregisteredPlugin{}
	}
	return r.context.NewPluginContext(id)
}

// unregisteredPlugin is the root context of a module in which nothing is registered. The root is created before the
// start, which can answer that; a host that goes on all the same is refused here.
type unregisteredPlugin struct{ types.DefaultPluginContext }

func (*unregisteredPlugin) OnPluginStart(int) types.OnPluginStartStatus {
	return types.OnPluginStartStatusFailed
}
