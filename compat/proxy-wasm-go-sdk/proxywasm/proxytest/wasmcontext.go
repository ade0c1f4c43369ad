package proxytest

import (
	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
)

// An emulator makes the callbacks of a module itself. What is below is for those who call an instance's contexts by
// hand, or wrap them in contexts of their own; it panics where the module traps.

func must[T any](answer T, err error) T {
	if err != nil {
		die(err)
	}
	return answer
}

func mustNot(err error) {
	if err != nil {
		die(err)
	}
}

// OnVMStart implements [types.VMContext].
func (c *wasmVMContext) OnVMStart(size int) types.OnVMStartStatus {
	return types.OnVMStartStatus(must(c.vm.OnVMStart(PluginContextID, uint32(size))))
}

// NewPluginContext implements [types.VMContext].
func (c *wasmVMContext) NewPluginContext(id uint32) types.PluginContext {
	mustNot(c.vm.OnContextCreate(id, 0))
	return &wasmPlugin{plugin: c.vm, id: id}
}

type wasmPlugin struct {
	plugin abi.Plugin
	id     uint32
}

// OnPluginStart implements [types.PluginContext].
func (p *wasmPlugin) OnPluginStart(size int) types.OnPluginStartStatus {
	return types.OnPluginStartStatus(must(p.plugin.OnConfigure(p.id, uint32(size))))
}

// OnPluginDone implements [types.PluginContext].
func (p *wasmPlugin) OnPluginDone() bool { return must(p.plugin.OnDone(p.id)) }

// OnQueueReady implements [types.PluginContext].
func (p *wasmPlugin) OnQueueReady(queue uint32) { mustNot(p.plugin.OnQueueReady(p.id, queue)) }

// OnTick implements [types.PluginContext].
func (p *wasmPlugin) OnTick() { mustNot(p.plugin.OnTick(p.id)) }

// NewTcpContext implements [types.PluginContext]: a module does not say which kind it has, so it is HTTP here.
func (p *wasmPlugin) NewTcpContext(uint32) types.TcpContext { return nil }

// NewHttpContext implements [types.PluginContext].
func (p *wasmPlugin) NewHttpContext(id uint32) types.HttpContext {
	mustNot(p.plugin.OnContextCreate(id, p.id))
	return &wasmHTTP{plugin: p.plugin, id: id}
}

type wasmHTTP struct {
	plugin abi.Plugin
	id     uint32
}

// OnHttpRequestHeaders implements [types.HttpContext].
func (h *wasmHTTP) OnHttpRequestHeaders(count int, endOfStream bool) types.Action {
	return types.Action(must(h.plugin.OnRequestHeaders(h.id, uint32(count), endOfStream)))
}

// OnHttpRequestBody implements [types.HttpContext].
func (h *wasmHTTP) OnHttpRequestBody(size int, endOfStream bool) types.Action {
	return types.Action(must(h.plugin.OnRequestBody(h.id, uint32(size), endOfStream)))
}

// OnHttpRequestTrailers implements [types.HttpContext].
func (h *wasmHTTP) OnHttpRequestTrailers(count int) types.Action {
	return types.Action(must(h.plugin.OnRequestTrailers(h.id, uint32(count))))
}

// OnHttpResponseHeaders implements [types.HttpContext].
func (h *wasmHTTP) OnHttpResponseHeaders(count int, endOfStream bool) types.Action {
	return types.Action(must(h.plugin.OnResponseHeaders(h.id, uint32(count), endOfStream)))
}

// OnHttpResponseBody implements [types.HttpContext].
func (h *wasmHTTP) OnHttpResponseBody(size int, endOfStream bool) types.Action {
	return types.Action(must(h.plugin.OnResponseBody(h.id, uint32(size), endOfStream)))
}

// OnHttpResponseTrailers implements [types.HttpContext].
func (h *wasmHTTP) OnHttpResponseTrailers(count int) types.Action {
	return types.Action(must(h.plugin.OnResponseTrailers(h.id, uint32(count))))
}

// OnHttpStreamDone implements [types.HttpContext].
func (h *wasmHTTP) OnHttpStreamDone() { mustNot(h.plugin.OnLog(h.id)) }
