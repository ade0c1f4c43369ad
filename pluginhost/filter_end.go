package pluginhost

import (
	"github.com/sluice-gateway/sluice/message"
	"github.com/sluice-gateway/sluice/sdk/abi"
)

// Response code details of what this package does to streams, as Envoy names them.
const (
	detailsFailed = "wasm_fail_stream"
	detailsClosed = "wasm_close_stream"
)

// grpcUnavailable is the gRPC status of a stream whose plugin is dead.
const grpcUnavailable = 14

// OnLog tells the plugin that the stream is complete. A plugin that never saw the stream is told of it now.
func (f *Filter) OnLog() {
	if f.absent || f.gone {
		return
	}
	var err error
	if f.created {
		if !f.lock() {
			return
		}
		f.vm.begin(f.root, f)
	} else {
		if !f.attach() {
			f.absent = true
			return
		}
		f.vm.begin(f.root, f)
		if f.vm.observer != nil {
			f.vm.observer.StreamBegun(f.vm.observed(f.root, f), f.cb)
		}
		f.over = true
		err = f.vm.plugin.OnContextCreate(f.id, f.root.id)
	}
	f.over = true
	if err == nil {
		f.vm.SetEffectiveContext(0)
		f.logging = true
		err = f.vm.plugin.OnLog(f.id)
		f.logging = false
	}
	f.vm.finish("proxy_on_log", err)
	f.vm.unlock()
}

// OnDestroy ends the stream context. What on_done answers is not asked: as in Envoy, a stream does not wait for its
// plugin (root contexts do, see [Plugin.Close]).
func (f *Filter) OnDestroy() {
	if f.gone || !f.created {
		return
	}
	f.gone = true
	if !f.lock() {
		return
	}
	v := f.vm
	v.begin(f.root, f)
	f.over = true
	_, err := v.plugin.OnDone(f.id)
	v.finish("proxy_on_done", err)
	if err == nil {
		v.begin(f.root, f)
		err = v.plugin.OnDelete(f.id)
		v.finish("proxy_on_delete", err)
	}
	if err == nil {
		delete(v.streams, f.id)
		f.root.left()
		v.watchMemory()
	}
	v.unlock()
}

// fail does what the failure policy says of a stream whose plugin is dead, and returns what the chain is to do: stop,
// or go on without the plugin.
func (f *Filter) fail(stop abi.Action) abi.Action {
	if f.plugin.cfg.FailurePolicy == FailOpen {
		return abi.ActionContinue
	}
	if !f.failed {
		f.failed = true
		f.cb.SendLocalReply(LocalReply{Code: 503, Details: detailsFailed, GRPCStatus: grpcUnavailable})
	}
	return stop
}

// failPaused is fail for a stream that is paused, which only a dead plugin could have resumed.
func (f *Filter) failPaused() {
	if f.tcp != nil {
		f.tcp.failPaused()
		return
	}
	if f.gone || f.fail(abi.ActionPause) != abi.ActionContinue {
		return
	}
	f.resumeStopped(&f.request)
	if !f.gone {
		f.resumeStopped(&f.response)
	}
}

// resumeStopped lets the message of d go on if the plugin, which is dead, holds it back.
func (f *Filter) resumeStopped(d *direction) {
	if !d.stopped {
		return
	}
	d.stopped, d.buffering = false, false
	switch {
	case d == &f.response:
		f.cb.ContinueEncoding()
	case !f.replied:
		f.cb.ContinueDecoding()
	}
}

// action is something that a plugin asked to be done to a stream.
type action struct {
	kind actionKind
	// reply is for sendReply.
	reply *LocalReply
	// data and end are for the others.
	data *message.Buffer
	end  bool
	// cost is what it takes of [maxHeld].
	cost int
}

type actionKind uint8

const (
	sendReply actionKind = iota
	continueRequest
	continueResponse
	resetStream
	addRequestData
	addResponseData
	injectResponseData
	// injectLater is injectResponseData after the callback's answer has taken effect.
	injectLater

	// Of TCP connections.
	continueDownstream
	closeDownstream
	closeUpstream
)

// later has actions, which the plugin asked for in a callback that is not the stream's, done by whoever has the stream's
// turn next. The VM's lock is held.
func (f *Filter) later(actions []action) {
	if f.tcp != nil {
		f.vm.left.posts = append(f.vm.left.posts, post{f.cb, func() { f.tcp.perform(actions) }})
		return
	}
	f.release(actions)
	f.pendingMu.Lock()
	f.pending = append(f.pending, actions...)
	f.pendingMu.Unlock()
	f.vm.left.posts = append(f.vm.left.posts, post{f.cb, func() { f.catchUp(nil) }})
}

// release takes from the plugin the maps that actions let go on. The VM's lock is held.
func (f *Filter) release(actions []action) {
	for i := range actions {
		switch actions[i].kind {
		case continueRequest:
			f.request.headers, f.request.trailers = nil, nil
		case continueResponse:
			f.response.headers, f.response.trailers = nil, nil
		case injectResponseData, injectLater:
			f.response.headers = nil // the headers go before the data
		}
	}
}

// forget drops actions of a callback in which the plugin died. The VM's lock is held.
func (f *Filter) forget(actions []action) {
	for i := range actions {
		if actions[i].kind == sendReply {
			f.replied = false
		}
	}
}

// settle takes actions that were done, or dropped, from what the plugin has asked for.
func (f *Filter) settle(actions []action) {
	cost := 0
	for i := range actions {
		cost += actions[i].cost
	}
	f.holding.asked.Add(int64(-cost))
}

// perform does what the plugin asked for, in that order, on the stream's turn. It reports whether the stream goes on, as
// far as the plugin can move it. d is the direction of the callback that begins, nil if none does.
func (f *Filter) perform(actions []action, d *direction) bool {
	defer f.settle(actions)
	for i := range actions {
		if f.gone {
			return false
		}
		a := &actions[i]
		switch a.kind {
		case sendReply:
			f.cb.SendLocalReply(*a.reply)
			return false
		case continueRequest:
			f.request.flushed = true
			if d == &f.request {
				f.cb.ReleaseDecoding()
			} else {
				f.cb.ContinueDecoding()
			}
		case continueResponse:
			f.response.flushed = true
			if d == &f.response {
				f.cb.ReleaseEncoding()
			} else {
				f.cb.ContinueEncoding()
			}
		case resetStream:
			f.cb.ResetStream(detailsClosed)
			return false
		case addRequestData:
			if !f.cb.AddDecodedData(a.data, false) {
				return false
			}
		case addResponseData:
			if !f.cb.AddEncodedData(a.data, false) {
				return false
			}
		case injectResponseData:
			f.cb.InjectEncodedData(a.data, a.end)
		case injectLater:
			f.cb.Post(func() { f.cb.InjectEncodedData(a.data, a.end) })
		}
	}
	return !f.gone
}
