package pluginhost

import (
	"math"

	"github.com/sluice-gateway/sluice/message"
	"github.com/sluice-gateway/sluice/sdk/abi"
)

// TCPFilter is a plugin in one connection's chain of network filters: the stream context of a TCP connection. It has the
// semantics of Envoy's wasm Context as a network filter (source/extensions/common/wasm/context.cc). All methods are
// called on the connection's turn with no lock held, OnNewConnection first and OnClose last. Those that answer an action
// answer [abi.ActionContinue] or [abi.ActionPause].
type TCPFilter struct {
	// stream is what the VM knows the context by.
	stream Filter
	conn   Connection

	// Written on the turn under the VM's lock, so either is enough to read.

	// downstream and upstream are the data that the plugin may use: from their callback until it lets them go on.
	downstream, upstream *message.Buffer
	// held: the plugin holds back new connection or client's data; heldUp: the upstream's data.
	held, heldUp bool
}

// NewTCPFilter makes the plugin's filter for a new connection, on the worker that [Host.PickWorker] chose for it. It
// never fails: the filter of a dead plugin follows the failure policy. The filter lives until its OnClose.
func (p *Plugin) NewTCPFilter(worker int, conn Connection) *TCPFilter {
	t := &TCPFilter{conn: conn}
	t.stream = Filter{plugin: p, cb: connectionCallbacks{conn}, worker: worker % len(p.roots), tcp: t}
	return t
}

// OnNewConnection begins the connection. Pause holds it back: the filters after this one, and so the proxy, hear of it
// when the plugin continues it.
func (t *TCPFilter) OnNewConnection() abi.Action {
	f := &t.stream
	if !f.attach() {
		f.absent = true
		return t.fail()
	}
	v := f.vm
	v.begin(f.root, f)
	err := v.plugin.OnContextCreate(f.id, f.root.id)
	a := abi.ActionContinue
	if err == nil {
		v.SetEffectiveContext(0)
		a, err = v.plugin.OnNewConnection(f.id)
	}
	if err == nil {
		t.held = a != abi.ActionContinue
	}
	return t.conclude("proxy_on_new_connection", a, err)
}

// OnData hands over all of the client's data that has not gone on yet: what the plugin held back, and what came now.
// Pause keeps it in data, which must stay where it is until the connection's end; the plugin may change it meanwhile,
// under the connection's lock.
func (t *TCPFilter) OnData(data *message.Buffer, endStream bool) abi.Action {
	f := &t.stream
	if !f.created {
		return abi.ActionContinue
	}
	if !t.enter() {
		return t.fail()
	}
	t.downstream = data
	a, err := f.vm.plugin.OnDownstreamData(f.id, dataSize(data), endStream)
	if err == nil {
		t.held = a != abi.ActionContinue
	}
	if err != nil || a == abi.ActionContinue {
		t.downstream = nil
	}
	return t.conclude("proxy_on_downstream_data", a, err)
}

// OnWrite is OnData for the upstream's data. With its end the plugin is told that the upstream's connection closed, by
// whom is not known: as in Envoy, where the filter does not see that connection.
func (t *TCPFilter) OnWrite(data *message.Buffer, endStream bool) abi.Action {
	f := &t.stream
	if !f.created {
		return abi.ActionContinue
	}
	if !t.enter() {
		return t.fail()
	}
	t.upstream = data
	a, err := f.vm.plugin.OnUpstreamData(f.id, dataSize(data), endStream)
	if err == nil {
		t.heldUp = a != abi.ActionContinue
	}
	if err != nil || a == abi.ActionContinue {
		t.upstream = nil
	}
	a = t.conclude("proxy_on_upstream_data", a, err)
	if !endStream || f.gone || err != nil {
		return a
	}
	if !t.enter() {
		return t.fail()
	}
	err = f.vm.plugin.OnUpstreamConnectionClose(f.id, abi.PeerUnknown)
	if failed := t.conclude("proxy_on_upstream_connection_close", abi.ActionContinue, err); failed != abi.ActionContinue {
		a = failed
	}
	return a
}

// OnClose tells that the client's connection closed, and ends the context: on_downstream_connection_close, on_done,
// on_log, on_delete, in Envoy's order for connections. What on_done answers is not asked.
func (t *TCPFilter) OnClose(peer abi.PeerType) {
	f := &t.stream
	if f.gone || !f.created {
		return
	}
	f.gone = true
	if !t.enter() {
		return
	}
	v := f.vm
	t.downstream, t.upstream, t.held, t.heldUp = nil, nil, false, false
	f.over = true
	err := v.plugin.OnDownstreamConnectionClose(f.id, peer)
	v.finish("proxy_on_downstream_connection_close", err)
	for _, c := range [...]struct {
		name string
		call func(id uint32) error
	}{
		{"proxy_on_done", func(id uint32) error { _, err := v.plugin.OnDone(id); return err }},
		{"proxy_on_log", v.plugin.OnLog},
		{"proxy_on_delete", v.plugin.OnDelete},
	} {
		if err != nil {
			break
		}
		v.begin(f.root, f)
		err = c.call(f.id)
		v.finish(c.name, err)
	}
	if err == nil {
		delete(v.streams, f.id)
		f.root.left()
	}
	f.settle(f.actions)
	f.actions = nil
	v.unlock()
}

// enter takes the VM for a callback, unless it is dead.
func (t *TCPFilter) enter() bool {
	f := &t.stream
	f.vm.lock.Lock()
	if f.vm.dead != nil {
		f.vm.unlock()
		return false
	}
	f.vm.begin(f.root, f)
	return true
}

// conclude ends a callback that answered a, or err, and returns what the chain is to do.
func (t *TCPFilter) conclude(callback string, a abi.Action, err error) abi.Action {
	f := &t.stream
	v := f.vm
	v.finish(callback, err)
	actions := f.actions
	f.actions = nil
	v.unlock()
	if err != nil {
		return t.fail()
	}
	t.perform(actions)
	if a != abi.ActionContinue {
		return abi.ActionPause
	}
	return abi.ActionContinue
}

// perform does what the plugin asked for, in that order, on the connection's turn.
func (t *TCPFilter) perform(actions []action) {
	defer t.stream.settle(actions)
	for _, a := range actions {
		if t.stream.gone {
			return
		}
		switch a.kind {
		case continueDownstream:
			t.conn.ContinueReading()
		case closeDownstream:
			t.conn.CloseConnection("wasm_downstream_close")
		case closeUpstream:
			t.conn.CloseConnection("wasm_upstream_close")
		}
	}
}

// fail does what the failure policy says of a connection whose plugin is dead, and returns what the chain is to do.
func (t *TCPFilter) fail() abi.Action {
	f := &t.stream
	if f.plugin.cfg.FailurePolicy == FailOpen {
		return abi.ActionContinue
	}
	if !f.failed {
		f.failed = true
		t.conn.CloseConnection(detailsFailed)
	}
	return abi.ActionPause
}

// failPaused is fail for a connection that is paused, which only a dead plugin could have resumed.
func (t *TCPFilter) failPaused() {
	if t.stream.gone || t.fail() != abi.ActionContinue {
		return
	}
	if t.held {
		t.conn.ContinueReading()
	}
	if t.heldUp {
		t.conn.ContinueWriting()
	}
}

// networkData returns the data of the effective connection that b is, nil if the plugin has none such now.
func (v *vm) networkData(b abi.BufferType) *message.Buffer {
	f := v.stream
	if f == nil || f.tcp == nil || f.over {
		return nil
	}
	if b == abi.BufferDownstreamData {
		return f.tcp.downstream
	}
	return f.tcp.upstream
}

// maxHeldData bounds what a plugin can make of a connection's data, tick by tick, while it holds it back.
const maxHeldData = maxSpent

func dataSize(data *message.Buffer) uint32 { return uint32(min(data.Len(), math.MaxUint32)) }

// continueConnection is [vm.ContinueStream] for a TCP connection. The plugin keeps the data until its next callback.
func (v *vm) continueConnection(f *Filter, stream abi.StreamType) abi.Status {
	switch stream {
	case abi.StreamDownstream:
		if !v.note(action{kind: continueDownstream}) {
			return abi.StatusInternalFailure
		}
		f.tcp.held = false
	case abi.StreamUpstream:
		return abi.StatusUnimplemented
	}
	return abi.StatusOK // an HTTP stream's request and response are not there to continue
}

// closeConnection is [vm.CloseStream] for a TCP connection.
func (v *vm) closeConnection(stream abi.StreamType) abi.Status {
	kind := closeDownstream
	switch stream {
	case abi.StreamDownstream:
	case abi.StreamUpstream:
		kind = closeUpstream
	default:
		return abi.StatusOK
	}
	if !v.note(action{kind: kind}) {
		return abi.StatusInternalFailure
	}
	return abi.StatusOK
}
