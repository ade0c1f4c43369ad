package proxywasm

import (
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

// Recycler is implemented by a PluginContext that uses its HttpContexts again.
type Recycler interface {
	// RecycleHttpContext takes back a context whose stream has ended: no callback of it follows.
	RecycleHttpContext(types.HttpContext)
}

// begin starts a callback of context id; every callback begins with it and ends with hostcall.End.
func (m *machine) begin(id uint32) {
	hostcall.Begin()
	m.active = id
}

// stream finds a live stream. A gateway that calls for one which is not there is out of step with the plugin: what is
// let through then is nobody's decision, so the VM stops.
func (m *machine) stream(id uint32) *stream {
	if s := m.streams.get(id); s != nil {
		return s
	}
	panic("proxywasm: callback for an unknown stream context")
}

func (m *machine) httpStream(id uint32) types.HttpContext {
	if s := m.stream(id); s.http != nil {
		return s.http
	}
	panic("proxywasm: http callback for a tcp context")
}

func (m *machine) tcpStream(id uint32) types.TcpContext {
	if s := m.stream(id); s.tcp != nil {
		return s.tcp
	}
	panic("proxywasm: tcp callback for an http context")
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

func (m *machine) onContextCreate(id, parent uint32) {
	m.begin(id)
	hostcall.Generation++
	if parent == 0 {
		if m.findRoot(id) != nil {
			panic("proxywasm: root context created twice")
		}
		r := &root{id: id, plugin: m.newPluginContext(id)}
		r.recycler, _ = r.plugin.(Recycler)
		m.roots = append(m.roots, r)
		hostcall.End()
		return
	}
	if m.streams.get(id) != nil {
		panic("proxywasm: stream context created twice")
	}
	r := m.root(parent)
	var s *stream
	if n := len(m.spare); n > 0 {
		s = m.spare[n-1]
		m.spare = m.spare[:n-1]
	} else {
		s = new(stream)
	}
	s.id, s.root = id, r
	if s.tcp = r.plugin.NewTcpContext(id); s.tcp == nil {
		if s.http = r.plugin.NewHttpContext(id); s.http == nil {
			panic("proxywasm: the plugin has no stream contexts")
		}
	}
	m.streams.put(s)
	hostcall.End()
}

func (m *machine) onVMStart(id, size uint32) bool {
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

func (m *machine) onConfigure(id, size uint32) bool {
	m.begin(id)
	hostcall.Generation++
	ok := m.root(id).plugin.OnPluginStart(int(size))
	hostcall.End()
	return bool(ok)
}

func (m *machine) onTick(id uint32) {
	m.begin(id)
	hostcall.Generation++
	m.root(id).plugin.OnTick()
	hostcall.End()
}

func (m *machine) onQueueReady(id, queue uint32) {
	m.begin(id)
	m.root(id).plugin.OnQueueReady(queue)
	hostcall.End()
}

func (m *machine) onNewConnection(id uint32) abi.Action {
	m.begin(id)
	a := m.tcpStream(id).OnNewConnection()
	hostcall.End()
	return abi.Action(a)
}

func (m *machine) onDownstreamData(id, size uint32, endOfStream bool) abi.Action {
	m.begin(id)
	a := m.tcpStream(id).OnDownstreamData(int(size), endOfStream)
	hostcall.End()
	return abi.Action(a)
}

func (m *machine) onUpstreamData(id, size uint32, endOfStream bool) abi.Action {
	m.begin(id)
	a := m.tcpStream(id).OnUpstreamData(int(size), endOfStream)
	hostcall.End()
	return abi.Action(a)
}

func (m *machine) onDownstreamClose(id, peer uint32) {
	m.begin(id)
	m.tcpStream(id).OnDownstreamClose(types.PeerType(peer))
	hostcall.End()
}

func (m *machine) onUpstreamClose(id, peer uint32) {
	m.begin(id)
	m.tcpStream(id).OnUpstreamClose(types.PeerType(peer))
	hostcall.End()
}

func (m *machine) onRequestHeaders(id, count uint32, endOfStream bool) abi.Action {
	m.begin(id)
	a := m.httpStream(id).OnHttpRequestHeaders(int(count), endOfStream)
	hostcall.End()
	return abi.Action(a)
}

func (m *machine) onRequestBody(id, size uint32, endOfStream bool) abi.Action {
	m.begin(id)
	a := m.httpStream(id).OnHttpRequestBody(int(size), endOfStream)
	hostcall.End()
	return abi.Action(a)
}

func (m *machine) onRequestTrailers(id, count uint32) abi.Action {
	m.begin(id)
	a := m.httpStream(id).OnHttpRequestTrailers(int(count))
	hostcall.End()
	return abi.Action(a)
}

func (m *machine) onResponseHeaders(id, count uint32, endOfStream bool) abi.Action {
	m.begin(id)
	a := m.httpStream(id).OnHttpResponseHeaders(int(count), endOfStream)
	hostcall.End()
	return abi.Action(a)
}

func (m *machine) onResponseBody(id, size uint32, endOfStream bool) abi.Action {
	m.begin(id)
	a := m.httpStream(id).OnHttpResponseBody(int(size), endOfStream)
	hostcall.End()
	return abi.Action(a)
}

func (m *machine) onResponseTrailers(id, count uint32) abi.Action {
	m.begin(id)
	a := m.httpStream(id).OnHttpResponseTrailers(int(count))
	hostcall.End()
	return abi.Action(a)
}

func (m *machine) onHTTPCallResponse(id, call, headers, body, trailers uint32) {
	m.begin(id)
	if m.httpCallResponse != nil {
		m.httpCallResponse(call, headers, body, trailers)
	}
	hostcall.End()
}

func (m *machine) onRedisCallResponse(id, call, status, size uint32) {
	m.begin(id)
	if m.redisCallResponse != nil {
		m.redisCallResponse(call, status, size)
	}
	hostcall.End()
}

func (m *machine) onDone(id uint32) bool {
	m.begin(id)
	done := true
	if r := m.findRoot(id); r != nil {
		done = r.plugin.OnPluginDone()
	}
	hostcall.End()
	return done
}

func (m *machine) onLog(id uint32) {
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

func (m *machine) onDelete(id uint32) {
	m.begin(id)
	if s := m.streams.remove(id); s != nil {
		if s.http != nil && s.root.recycler != nil {
			s.root.recycler.RecycleHttpContext(s.http)
		}
		*s = stream{}
		m.spare = append(m.spare, s)
	} else {
		for i, r := range m.roots {
			if r.id == id {
				m.roots = append(m.roots[:i], m.roots[i+1:]...)
				break
			}
		}
	}
	hostcall.End()
}
