package proxywasm

import (
	"slices"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/internal/hostcall"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
)

// The one VM of this module or process. Below are its callbacks, as both transports make them.
var vm machine

type machine struct {
	registration
	roots   []*root // a VM has one, or a few
	streams table
	spare   []*stream

	// active is the context that host calls are about.
	active uint32

	// What delivers the answers of call-outs. Set by the calls themselves, so that a plugin which makes none neither
	// carries the code nor imports what it needs.
	httpCallResponse  func(call, headers, body, trailers uint32)
	redisCallResponse func(call, status, size uint32)
}

type root struct {
	id     uint32
	plugin types.PluginContext
	// recycler, where the plugin has one, takes back its HTTP contexts when their streams have ended.
	recycler Recycler
	kept     hostcall.Plugin
}

type stream struct {
	id   uint32
	root *root
	http types.HttpContext
	tcp  types.TcpContext
}

// Recycler is implemented by a PluginContext that uses its HttpContexts again. It has no other stream contexts: its
// NewTcpContext is not called.
type Recycler interface {
	// RecycleHttpContext takes back a context whose stream has ended: no callback of it follows.
	RecycleHttpContext(types.HttpContext)
}

// begin starts a callback of context id; every callback begins with it and ends with hostcall.End.
func (m *machine) begin(id uint32) {
	hostcall.Begin()
	m.active = id
}

// stray says what is wrong with a callback for s. A gateway that calls for a stream which is not there is out of step with
// the plugin: what is let through then is nobody's decision, so the VM stops.
func stray(s *stream) {
	if s == nil {
		panic("proxywasm: callback for an unknown stream context")
	}
	if s.http == nil {
		panic("proxywasm: http callback for a tcp context")
	}
	panic("proxywasm: tcp callback for an http context")
}

func (m *machine) tcpStream(id uint32) types.TcpContext {
	s := m.streams.get(id)
	if s == nil || s.tcp == nil {
		stray(s)
	}
	return s.tcp
}

func (m *machine) findRoot(id uint32) *root {
	for _, r := range m.roots {
		if r.id == id {
			return r
		}
	}
	return nil
}

func init() {
	hostcall.ActivePlugin = func() *hostcall.Plugin {
		if !hostcall.Running() {
			return nil
		}
		if s := vm.streams.get(vm.active); s != nil {
			return &s.root.kept
		}
		if r := vm.findRoot(vm.active); r != nil {
			return &r.kept
		}
		return nil
	}
}

func (m *machine) root(id uint32) *root {
	if r := m.findRoot(id); r != nil {
		return r
	}
	panic("proxywasm: callback for an unknown root context")
}

//go:wasmexport proxy_on_context_create
func proxyOnContextCreate(id, parent uint32) {
	m := &vm
	m.begin(id)
	hostcall.Generation++
	if parent == 0 {
		m.newRoot(id)
		hostcall.End()
		return
	}
	var r *root
	if len(m.roots) > 0 && m.roots[0].id == parent {
		r = m.roots[0]
	} else {
		r = m.root(parent)
	}
	var s *stream
	if n := len(m.spare); n > 0 {
		s = m.spare[n-1]
		m.spare = m.spare[:n-1]
	} else {
		s = new(stream)
	}
	s.id, s.root = id, r
	if !m.streams.put(s) {
		panic("proxywasm: stream context created twice")
	}
	if r.recycler == nil {
		s.tcp = r.plugin.NewTcpContext(id)
	}
	if s.tcp == nil {
		if s.http = r.plugin.NewHttpContext(id); s.http == nil {
			panic("proxywasm: the plugin has no stream contexts")
		}
	}
	hostcall.End()
}

func (m *machine) newRoot(id uint32) {
	if m.findRoot(id) != nil {
		panic("proxywasm: root context created twice")
	}
	r := &root{id: id, plugin: m.newPluginContext(id)}
	r.recycler, _ = r.plugin.(Recycler)
	m.roots = append(m.roots, r)
}

//go:wasmexport proxy_on_vm_start
func proxyOnVMStart(id, size uint32) bool {
	m := &vm
	m.begin(id)
	ok := types.OnVMStartStatusFailed
	if m.context != nil {
		ok = m.context.OnVMStart(int(size))
	} else {
		hostcall.Log(abi.LogError, nothingRegistered)
	}
	hostcall.End()
	return bool(ok)
}

//go:wasmexport proxy_on_configure
func proxyOnConfigure(id, size uint32) bool {
	m := &vm
	m.begin(id)
	hostcall.Generation++
	ok := m.root(id).plugin.OnPluginStart(int(size))
	hostcall.End()
	return bool(ok)
}

//go:wasmexport proxy_on_tick
func proxyOnTick(id uint32) {
	m := &vm
	m.begin(id)
	hostcall.Generation++
	m.root(id).plugin.OnTick()
	hostcall.End()
}

//go:wasmexport proxy_on_queue_ready
func proxyOnQueueReady(id, queue uint32) {
	m := &vm
	m.begin(id)
	m.root(id).plugin.OnQueueReady(queue)
	hostcall.End()
}

//go:wasmexport proxy_on_new_connection
func proxyOnNewConnection(id uint32) uint32 {
	m := &vm
	m.begin(id)
	a := m.tcpStream(id).OnNewConnection()
	hostcall.End()
	return uint32(a)
}

//go:wasmexport proxy_on_downstream_data
func proxyOnDownstreamData(id, size, endOfStream uint32) uint32 {
	m := &vm
	m.begin(id)
	a := m.tcpStream(id).OnDownstreamData(int(size), endOfStream != 0)
	hostcall.End()
	return uint32(a)
}

//go:wasmexport proxy_on_upstream_data
func proxyOnUpstreamData(id, size, endOfStream uint32) uint32 {
	m := &vm
	m.begin(id)
	a := m.tcpStream(id).OnUpstreamData(int(size), endOfStream != 0)
	hostcall.End()
	return uint32(a)
}

//go:wasmexport proxy_on_downstream_connection_close
func proxyOnDownstreamConnectionClose(id, peer uint32) {
	m := &vm
	m.begin(id)
	m.tcpStream(id).OnDownstreamClose(types.PeerType(peer))
	hostcall.End()
}

//go:wasmexport proxy_on_upstream_connection_close
func proxyOnUpstreamConnectionClose(id, peer uint32) {
	m := &vm
	m.begin(id)
	m.tcpStream(id).OnUpstreamClose(types.PeerType(peer))
	hostcall.End()
}

//go:wasmexport proxy_on_request_headers
func proxyOnRequestHeaders(id, count, endOfStream uint32) uint32 {
	m := &vm
	m.begin(id)
	s := m.streams.get(id)
	if s == nil || s.http == nil {
		stray(s)
	}
	a := s.http.OnHttpRequestHeaders(int(count), endOfStream != 0)
	hostcall.End()
	return uint32(a)
}

//go:wasmexport proxy_on_request_body
func proxyOnRequestBody(id, size, endOfStream uint32) uint32 {
	m := &vm
	m.begin(id)
	s := m.streams.get(id)
	if s == nil || s.http == nil {
		stray(s)
	}
	a := s.http.OnHttpRequestBody(int(size), endOfStream != 0)
	hostcall.End()
	return uint32(a)
}

//go:wasmexport proxy_on_request_trailers
func proxyOnRequestTrailers(id, count uint32) uint32 {
	m := &vm
	m.begin(id)
	s := m.streams.get(id)
	if s == nil || s.http == nil {
		stray(s)
	}
	a := s.http.OnHttpRequestTrailers(int(count))
	hostcall.End()
	return uint32(a)
}

//go:wasmexport proxy_on_response_headers
func proxyOnResponseHeaders(id, count, endOfStream uint32) uint32 {
	m := &vm
	m.begin(id)
	s := m.streams.get(id)
	if s == nil || s.http == nil {
		stray(s)
	}
	a := s.http.OnHttpResponseHeaders(int(count), endOfStream != 0)
	hostcall.End()
	return uint32(a)
}

//go:wasmexport proxy_on_response_body
func proxyOnResponseBody(id, size, endOfStream uint32) uint32 {
	m := &vm
	m.begin(id)
	s := m.streams.get(id)
	if s == nil || s.http == nil {
		stray(s)
	}
	a := s.http.OnHttpResponseBody(int(size), endOfStream != 0)
	hostcall.End()
	return uint32(a)
}

//go:wasmexport proxy_on_response_trailers
func proxyOnResponseTrailers(id, count uint32) uint32 {
	m := &vm
	m.begin(id)
	s := m.streams.get(id)
	if s == nil || s.http == nil {
		stray(s)
	}
	a := s.http.OnHttpResponseTrailers(int(count))
	hostcall.End()
	return uint32(a)
}

//go:wasmexport proxy_on_http_call_response
func proxyOnHTTPCallResponse(id, call, headers, body, trailers uint32) {
	m := &vm
	m.begin(id)
	if m.httpCallResponse != nil {
		m.httpCallResponse(call, headers, body, trailers)
	}
	hostcall.End()
}

//go:wasmexport proxy_on_redis_call_response
func proxyOnRedisCallResponse(id, call, status, size uint32) {
	m := &vm
	m.begin(id)
	if m.redisCallResponse != nil {
		m.redisCallResponse(call, status, size)
	}
	hostcall.End()
}

//go:wasmexport proxy_on_done
func proxyOnDone(id uint32) bool {
	m := &vm
	m.begin(id)
	done := true
	if m.streams.get(id) == nil {
		if r := m.findRoot(id); r != nil {
			done = r.plugin.OnPluginDone()
		}
	}
	hostcall.End()
	return done
}

//go:wasmexport proxy_on_log
func proxyOnLog(id uint32) {
	m := &vm
	m.begin(id)
	if s := m.streams.get(id); s != nil {
		if s.http != nil {
			s.http.OnHttpStreamDone()
		} else {
			s.tcp.OnStreamDone()
		}
	}
	hostcall.End()
}

//go:wasmexport proxy_on_delete
func proxyOnDelete(id uint32) {
	m := &vm
	m.begin(id)
	s := m.streams.remove(id)
	if s == nil {
		m.roots = slices.DeleteFunc(m.roots, func(r *root) bool { return r.id == id })
		hostcall.End()
		return
	}
	if r := s.root.recycler; r != nil {
		r.RecycleHttpContext(s.http)
	}
	*s = stream{}
	m.spare = append(m.spare, s)
	hostcall.End()
}
