package gateway

import (
	"sync/atomic"

	"github.com/sluice-gateway/sluice/pluginhost"
	"github.com/sluice-gateway/sluice/sdk/abi"
)

// funcPlugin is a plugin made of functions; those that are nil do nothing.
type funcPlugin struct {
	host abi.Host

	start           func(h abi.Host, root uint32)
	tick            func(h abi.Host)
	requestHeaders  func(h abi.Host, id uint32, end bool) abi.Action
	requestBody     func(h abi.Host, id, size uint32, end bool) abi.Action
	requestTrailers func(h abi.Host, id uint32) abi.Action
	responseHeaders func(h abi.Host, id uint32, end bool) abi.Action
	responseBody    func(h abi.Host, id, size uint32, end bool) abi.Action
	log             func(h abi.Host, id uint32)
	// httpCall gets OnHTTPCallResponse; grpc gets the callbacks of gRPC calls, by the part of their names after OnGRPC.
	httpCall func(h abi.Host, call, headers, size, trailers uint32)
	grpc     func(h abi.Host, callback string, call, n uint32)
	logs     atomic.Int64
	deletes  atomic.Int64
}

var _ abi.Plugin = (*funcPlugin)(nil)

// config is a plugin configuration that runs p.
func (p *funcPlugin) config() *pluginhost.Config {
	return &pluginhost.Config{Name: "test", AllowOnHeadersStopIteration: true, Native: func(h abi.Host) abi.Plugin {
		p.host = h
		return p
	}}
}

func (p *funcPlugin) OnContextCreate(uint32, uint32) error { return nil }
func (p *funcPlugin) OnVMStart(uint32, uint32) (bool, error) {
	return true, nil
}

func (p *funcPlugin) OnConfigure(root, _ uint32) (bool, error) {
	if p.start != nil {
		p.start(p.host, root)
	}
	return true, nil
}

func (p *funcPlugin) OnTick(uint32) error {
	if p.tick != nil {
		p.tick(p.host)
	}
	return nil
}

func (p *funcPlugin) OnRequestHeaders(id, _ uint32, end bool) (abi.Action, error) {
	if p.requestHeaders == nil {
		return 0, nil
	}
	return p.requestHeaders(p.host, id, end), nil
}

func (p *funcPlugin) OnRequestBody(id, size uint32, end bool) (abi.Action, error) {
	if p.requestBody == nil {
		return 0, nil
	}
	return p.requestBody(p.host, id, size, end), nil
}

func (p *funcPlugin) OnRequestTrailers(id, _ uint32) (abi.Action, error) {
	if p.requestTrailers == nil {
		return 0, nil
	}
	return p.requestTrailers(p.host, id), nil
}

func (p *funcPlugin) OnResponseHeaders(id, _ uint32, end bool) (abi.Action, error) {
	if p.responseHeaders == nil {
		return 0, nil
	}
	return p.responseHeaders(p.host, id, end), nil
}

func (p *funcPlugin) OnResponseBody(id, size uint32, end bool) (abi.Action, error) {
	if p.responseBody == nil {
		return 0, nil
	}
	return p.responseBody(p.host, id, size, end), nil
}

func (p *funcPlugin) OnLog(id uint32) error {
	p.logs.Add(1)
	if p.log != nil {
		p.log(p.host, id)
	}
	return nil
}

func (p *funcPlugin) OnDelete(uint32) error {
	p.deletes.Add(1)
	return nil
}

func (p *funcPlugin) OnResponseTrailers(uint32, uint32) (abi.Action, error)     { return 0, nil }
func (p *funcPlugin) OnQueueReady(uint32, uint32) error                         { return nil }
func (p *funcPlugin) OnNewConnection(uint32) (abi.Action, error)                { return 0, nil }
func (p *funcPlugin) OnDownstreamData(uint32, uint32, bool) (abi.Action, error) { return 0, nil }
func (p *funcPlugin) OnUpstreamData(uint32, uint32, bool) (abi.Action, error)   { return 0, nil }
func (p *funcPlugin) OnDownstreamConnectionClose(uint32, abi.PeerType) error    { return nil }
func (p *funcPlugin) OnUpstreamConnectionClose(uint32, abi.PeerType) error      { return nil }
func (p *funcPlugin) OnRedisCallResponse(uint32, uint32, uint32, uint32) error  { return nil }
func (p *funcPlugin) OnForeignFunction(uint32, uint32, uint32) error            { return nil }
func (p *funcPlugin) OnDone(uint32) (bool, error)                               { return true, nil }

func (p *funcPlugin) OnHTTPCallResponse(_, call, headers, size, trailers uint32) error {
	if p.httpCall != nil {
		p.httpCall(p.host, call, headers, size, trailers)
	}
	return nil
}

func (p *funcPlugin) onGRPC(callback string, call, n uint32) error {
	if p.grpc != nil {
		p.grpc(p.host, callback, call, n)
	}
	return nil
}

func (p *funcPlugin) OnGRPCReceiveInitialMetadata(_, call, n uint32) error {
	return p.onGRPC("ReceiveInitialMetadata", call, n)
}
func (p *funcPlugin) OnGRPCReceive(_, call, n uint32) error { return p.onGRPC("Receive", call, n) }
func (p *funcPlugin) OnGRPCReceiveTrailingMetadata(_, call, n uint32) error {
	return p.onGRPC("ReceiveTrailingMetadata", call, n)
}
func (p *funcPlugin) OnGRPCClose(_, call, n uint32) error { return p.onGRPC("Close", call, n) }
