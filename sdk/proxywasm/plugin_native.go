//go:build !wasip1

package proxywasm

import (
	"errors"
	"fmt"
	"runtime/debug"
	"sync"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/internal/hostcall"
)

var (
	// ErrPluginLive is what every callback answers of a plugin made while another is live in this process.
	ErrPluginLive = errors.New("proxywasm: a native plugin is live in this process already")
	// ErrPluginDead is wrapped by what every callback answers after a panic, and after the plugin's end.
	ErrPluginDead = errors.New("proxywasm: the native plugin is dead")
)

// PanicError is what a callback of a native plugin answers that panicked.
type PanicError struct {
	// Callback is the method of [abi.Plugin].
	Callback string
	// Value is what the plugin panicked with, Stack where.
	Value any
	Stack []byte
}

// Error returns the callback and the value; the stack is for whoever logs it.
func (e *PanicError) Error() string { return fmt.Sprintf("panic in %s: %v", e.Callback, e.Value) }

// Unwrap returns Value if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

var (
	nativeMu   sync.Mutex
	nativeLive *nativePlugin
)

// NewPlugin returns the plugin that is registered in this process, talking to host. It is the native transport, in
// place of a WebAssembly VM: the plugin can be debugged, profiled and fuzzed as any Go code.
//
// A plugin's package variables exist once in a process, so there is one VM: while a plugin is live, another's callbacks
// all answer [ErrPluginLive]. It is live until Close (the result is an io.Closer), a panic, or the end of its last root
// context. Package variables keep their values from one plugin to the next.
//
// If nothing is registered, OnVMStart logs that and answers false.
//
// As with any [abi.Plugin], callbacks are made one at a time. A panic of the plugin comes back as a [*PanicError].
func NewPlugin(host abi.Host) abi.Plugin {
	nativeMu.Lock()
	defer nativeMu.Unlock()
	if nativeLive != nil {
		return &nativePlugin{err: ErrPluginLive}
	}
	p := &nativePlugin{}
	nativeLive = p
	vm = machine{registration: vm.registration}
	vm.used = true
	hostcall.Install(host)
	return p
}

type nativePlugin struct {
	err error // why it is dead
}

// Close ends the plugin without any callback. It may be called twice.
func (p *nativePlugin) Close() error {
	p.end(ErrPluginDead)
	return nil
}

func (p *nativePlugin) end(err error) {
	nativeMu.Lock()
	defer nativeMu.Unlock()
	if p.err == nil {
		p.err = err
	}
	if nativeLive == p {
		nativeLive = nil
		hostcall.Install(nil)
	}
}

// run makes a callback unless the plugin is dead, and ends the plugin if it panics.
func (p *nativePlugin) run(callback string, f func()) (err error) {
	if p.err != nil {
		return p.err
	}
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Callback: callback, Value: v, Stack: debug.Stack()}
			p.end(errors.Join(ErrPluginDead, err))
		}
	}()
	f()
	return nil
}

func (p *nativePlugin) OnContextCreate(id, parent uint32) error {
	return p.run("OnContextCreate", func() { proxyOnContextCreate(id, parent) })
}

func (p *nativePlugin) OnVMStart(root, size uint32) (ok bool, err error) {
	err = p.run("OnVMStart", func() { ok = proxyOnVMStart(root, size) })
	return ok, err
}

func (p *nativePlugin) OnConfigure(root, size uint32) (ok bool, err error) {
	err = p.run("OnConfigure", func() { ok = proxyOnConfigure(root, size) })
	return ok, err
}

func (p *nativePlugin) OnTick(root uint32) error {
	return p.run("OnTick", func() { proxyOnTick(root) })
}

func (p *nativePlugin) OnQueueReady(root, queue uint32) error {
	return p.run("OnQueueReady", func() { proxyOnQueueReady(root, queue) })
}

func (p *nativePlugin) OnNewConnection(id uint32) (a abi.Action, err error) {
	err = p.run("OnNewConnection", func() { a = abi.Action(proxyOnNewConnection(id)) })
	return a, err
}

func (p *nativePlugin) OnDownstreamData(id, size uint32, endOfStream bool) (a abi.Action, err error) {
	err = p.run("OnDownstreamData", func() { a = abi.Action(proxyOnDownstreamData(id, size, bit(endOfStream))) })
	return a, err
}

func (p *nativePlugin) OnUpstreamData(id, size uint32, endOfStream bool) (a abi.Action, err error) {
	err = p.run("OnUpstreamData", func() { a = abi.Action(proxyOnUpstreamData(id, size, bit(endOfStream))) })
	return a, err
}

func (p *nativePlugin) OnDownstreamConnectionClose(id uint32, peer abi.PeerType) error {
	return p.run("OnDownstreamConnectionClose", func() { proxyOnDownstreamConnectionClose(id, uint32(peer)) })
}

func (p *nativePlugin) OnUpstreamConnectionClose(id uint32, peer abi.PeerType) error {
	return p.run("OnUpstreamConnectionClose", func() { proxyOnUpstreamConnectionClose(id, uint32(peer)) })
}

func (p *nativePlugin) OnRequestHeaders(id, count uint32, endOfStream bool) (a abi.Action, err error) {
	err = p.run("OnRequestHeaders", func() { a = abi.Action(proxyOnRequestHeaders(id, count, bit(endOfStream))) })
	return a, err
}

func (p *nativePlugin) OnRequestBody(id, size uint32, endOfStream bool) (a abi.Action, err error) {
	err = p.run("OnRequestBody", func() { a = abi.Action(proxyOnRequestBody(id, size, bit(endOfStream))) })
	return a, err
}

func (p *nativePlugin) OnRequestTrailers(id, count uint32) (a abi.Action, err error) {
	err = p.run("OnRequestTrailers", func() { a = abi.Action(proxyOnRequestTrailers(id, count)) })
	return a, err
}

func (p *nativePlugin) OnResponseHeaders(id, count uint32, endOfStream bool) (a abi.Action, err error) {
	err = p.run("OnResponseHeaders", func() { a = abi.Action(proxyOnResponseHeaders(id, count, bit(endOfStream))) })
	return a, err
}

func (p *nativePlugin) OnResponseBody(id, size uint32, endOfStream bool) (a abi.Action, err error) {
	err = p.run("OnResponseBody", func() { a = abi.Action(proxyOnResponseBody(id, size, bit(endOfStream))) })
	return a, err
}

func (p *nativePlugin) OnResponseTrailers(id, count uint32) (a abi.Action, err error) {
	err = p.run("OnResponseTrailers", func() { a = abi.Action(proxyOnResponseTrailers(id, count)) })
	return a, err
}

func (p *nativePlugin) OnHTTPCallResponse(root, call, headers, bodySize, trailers uint32) error {
	return p.run("OnHTTPCallResponse", func() { proxyOnHTTPCallResponse(root, call, headers, bodySize, trailers) })
}

func (p *nativePlugin) OnRedisCallResponse(root, call, status, size uint32) error {
	return p.run("OnRedisCallResponse", func() { proxyOnRedisCallResponse(root, call, status, size) })
}

// The SDK has no gRPC call-outs and no foreign callbacks: such answers are for nobody.

func (p *nativePlugin) OnGRPCReceiveInitialMetadata(_, _, _ uint32) error  { return p.err }
func (p *nativePlugin) OnGRPCReceive(_, _, _ uint32) error                 { return p.err }
func (p *nativePlugin) OnGRPCReceiveTrailingMetadata(_, _, _ uint32) error { return p.err }
func (p *nativePlugin) OnGRPCClose(_, _, _ uint32) error                   { return p.err }
func (p *nativePlugin) OnForeignFunction(_, _, _ uint32) error             { return p.err }

func (p *nativePlugin) OnDone(id uint32) (done bool, err error) {
	err = p.run("OnDone", func() { done = proxyOnDone(id) })
	return done, err
}

func (p *nativePlugin) OnLog(id uint32) error {
	return p.run("OnLog", func() { proxyOnLog(id) })
}

func (p *nativePlugin) OnDelete(id uint32) error {
	err := p.run("OnDelete", func() { proxyOnDelete(id) })
	if err == nil && len(vm.roots) == 0 {
		p.end(ErrPluginDead)
	}
	return err
}

func bit(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}
