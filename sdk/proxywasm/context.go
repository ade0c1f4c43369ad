package proxywasm

import "github.com/sluice-gateway/sluice/sdk/proxywasm/types"

// SetVMContext registers the plugin. Call it, or one of its three siblings, once, in init or main.
func SetVMContext(ctx types.VMContext) { vm.context = ctx }

// SetPluginContext registers a plugin that needs no VM context of its own.
func SetPluginContext(newPluginContext func(contextID uint32) types.PluginContext) {
	vm.context = &simpleVM{plugin: newPluginContext}
}

// SetHttpContext registers an HTTP plugin that needs no VM or plugin context of its own.
func SetHttpContext(newHttpContext func(contextID uint32) types.HttpContext) {
	vm.context = &simpleVM{http: newHttpContext}
}

// SetTcpContext registers a TCP plugin that needs no VM or plugin context of its own.
func SetTcpContext(newTcpContext func(contextID uint32) types.TcpContext) {
	vm.context = &simpleVM{tcp: newTcpContext}
}

// GetVMContext returns what is registered, for tests.
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
