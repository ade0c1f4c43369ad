package proxywasm

import "github.com/sluice-gateway/sluice/sdk/proxywasm/types"

// SetVMContext registers the plugin. Call it, or one of its three siblings, once, in an init function: main is not run in
// a plugin, because a module is built as a library (-buildmode=c-shared). A module in which nothing is registered, which
// nil leaves so, refuses to start.
//
// A second registration panics, whichever of the four it is made with: the first plugin would never be called. Outside
// a module a registration may follow once [NewPlugin] was called, so that a test can try one plugin after another.
func SetVMContext(ctx types.VMContext) { vm.register("SetVMContext", ctx) }

// SetPluginContext registers a plugin that needs no VM context of its own, as [SetVMContext] does.
func SetPluginContext(newPluginContext func(contextID uint32) types.PluginContext) {
	vm.register("SetPluginContext", &simpleVM{plugin: newPluginContext})
}

// SetHttpContext registers an HTTP plugin that needs no VM or plugin context of its own, as [SetVMContext] does.
func SetHttpContext(newHttpContext func(contextID uint32) types.HttpContext) {
	vm.register("SetHttpContext", &simpleVM{http: newHttpContext})
}

// SetTcpContext registers a TCP plugin that needs no VM or plugin context of its own, as [SetVMContext] does.
func SetTcpContext(newTcpContext func(contextID uint32) types.TcpContext) {
	vm.register("SetTcpContext", &simpleVM{tcp: newTcpContext})
}

// GetVMContext returns what is registered, nil if nothing is, for tests.
func GetVMContext() types.VMContext { return vm.context }

// GetHttpContext returns the context of a live HTTP stream, nil if there is none, for tests.
func GetHttpContext(contextID uint32) types.HttpContext {
	if s := vm.streams.get(contextID); s != nil {
		return s.http
	}
	return nil
}

// simpleVM makes contexts from factories.
type simpleVM struct {
	types.DefaultVMContext
	plugin types.PluginContextFactory
	http   types.HttpContextFactory
	tcp    types.TcpContextFactory
}

func (v *simpleVM) NewPluginContext(id uint32) types.PluginContext {
	if v.plugin != nil {
		return v.plugin(id)
	}
	return &simplePlugin{vm: v}
}

type simplePlugin struct {
	types.DefaultPluginContext
	vm *simpleVM
}

func (p *simplePlugin) NewHttpContext(id uint32) types.HttpContext {
	if p.vm.http == nil {
		return nil
	}
	return p.vm.http(id)
}

func (p *simplePlugin) NewTcpContext(id uint32) types.TcpContext {
	if p.vm.tcp == nil {
		return nil
	}
	return p.vm.tcp(id)
}
