package pluginhost

import (
	"sync"

	"github.com/sluice-gateway/sluice/message"
	"github.com/sluice-gateway/sluice/sdk/abi"
)

// Filter is a plugin in one stream's filter chain: the stream context. It has the semantics of Envoy's wasm Context as
// a stream filter (source/extensions/common/wasm/context.cc). All methods are called on the stream's turn with no lock
// held, and end with OnLog and OnDestroy; what they answer is legal in their phase.
type Filter struct {
	plugin *Plugin
	cb     Callbacks
	worker int
	// tcp is set if the stream is a TCP connection.
	tcp *TCPFilter

	// Of the turn: only the Filter's own methods use them.

	created bool // the plugin has a context for the stream
	absent  bool // there was no plugin to make one
	failed  bool // the stream was answered because the plugin is dead
	gone    bool // OnDestroy was called
	// running counts the callbacks whose answers the chain does not have yet.
	running int

	// Written on the turn under the VM's lock, so either is enough to read.

	vm      *vm
	root    *root
	id      uint32
	request direction
	// response is the other direction.
	response direction

	// Guarded by the VM's lock.

	over      bool // the stream is complete; nothing moves it any more
	logging   bool // on_log is running
	replied   bool // the plugin sent a local reply
	keepRoute bool // header edits leave the route alone
	actions   []action
	holding   holding

	// pending is what the plugin asked for in callbacks that are not this stream's, in order, until it is done on the
	// stream's turn. Its lock is the last to be taken.
	pendingMu sync.Mutex
	pending   []action
}

// direction is the request or the response as the plugin has it before it.
type direction struct {
	// headers and trailers are the maps that the plugin may use: from their callback until it lets them go on.
	headers, trailers *message.Headers
	// chunk is the piece of body that the running callback is about.
	chunk *message.Buffer
	// spare takes what the plugin writes to a buffer that does not exist yet.
	spare *message.Buffer
	// last: chunk ends the message.
	last bool
	// buffering: the plugin has the body collected, and sees all of it.
	buffering bool
	// flushed, of the turn: what was collected has gone on since.
	flushed bool
	// stopped: the plugin holds the message back.
	stopped bool
	// wasStopped is stopped as it was when the callback began.
	wasStopped bool
	// resumed: the running callback asked for the message to go on.
	resumed bool
	// added is how many bytes the plugin has added to the body that is held, addedBefore the same as the callback began.
	added, addedBefore int
}

// attach finds a living VM and gives the stream a context id in it. The VM's lock is held if it succeeds.
func (f *Filter) attach() bool {
	r := f.plugin.root(f.worker)
	if r == nil {
		return false
	}
	v := r.vm
	v.lock.Lock()
	for r.ended || r.closing {
		v.unlock()
		// Its VM may have been replaced in between, or the plugin.
		next := f.plugin.roots[f.worker].Load()
		if next == r {
			if !f.follow() {
				return false
			}
			next = f.plugin.root(f.worker)
		}
		r, v = next, next.vm
		v.lock.Lock()
	}
	f.vm, f.root, f.id = v, r, v.newID()
	v.streams[f.id] = f
	r.streams++
	f.running++
	f.created = true
	return true
}

// follow makes f the filter of the plugin that has taken its plugin's place, if one has.
func (f *Filter) follow() bool {
	next := f.plugin.next.Load()
	if next == nil {
		return false
	}
	f.plugin, f.worker = next, f.worker%len(next.roots)
	return true
}

// paused reports that the stream waits for the plugin. The VM's lock is held, or the VM is dead.
func (f *Filter) paused() bool {
	if t := f.tcp; t != nil {
		return t.held || t.heldUp
	}
	return f.request.stopped && !f.replied || f.response.stopped
}

// lock takes the VM's lock, unless the VM is dead.
func (f *Filter) lock() bool {
	v := f.vm
	v.lock.Lock()
	if v.dead != nil {
		v.unlock()
		return false
	}
	return true
}

// enter takes the VM's lock for a callback of direction d that moves the stream. What the plugin asked for elsewhere is done first: in
// Envoy it would have been done at once, and a pause that the callback answers must not be ended by an older resume. If
// there is to be no callback, enter answers for it; stop is the phase's answer that stops everything.
func (f *Filter) enter(d *direction, stop abi.Action) (a abi.Action, ok bool) {
	f.vm.lock.Lock()
	// While another callback's answer is on its way to the chain, a resume of what it pauses would come too early.
	for f.running == 0 && f.late() {
		f.vm.unlock()
		if !f.catchUp(d) {
			return stop, false
		}
		f.vm.lock.Lock()
	}
	if f.vm.dead != nil {
		f.vm.unlock()
		return f.fail(stop), false
	}
	f.running++
	return 0, true
}

// late reports whether the plugin asked for something that is not done yet.
func (f *Filter) late() bool {
	f.pendingMu.Lock()
	defer f.pendingMu.Unlock()
	return len(f.pending) > 0
}

// catchUp does what the plugin asked for elsewhere, as a callback of direction d begins, or d is nil. It reports whether the stream goes on.
func (f *Filter) catchUp(d *direction) bool {
	f.pendingMu.Lock()
	actions := f.pending
	f.pending = nil
	f.pendingMu.Unlock()
	return f.perform(actions, d)
}

// begin makes d the direction of the callback that begins.
func (d *direction) begin() {
	d.wasStopped, d.resumed, d.spare, d.addedBefore = d.stopped, false, nil, d.added
}

// pass takes from the plugin what has gone on to the next filter.
func (d *direction) pass() { d.headers, d.trailers, d.added = nil, nil, 0 }

// unpaused reports that the callback resumed a message that was not paused. If it then pauses it, the resume wins: the
// chain had nothing to resume, so the pause would last. (Envoy asserts that this does not happen, and lets headers go.)
func (d *direction) unpaused() bool { return d.resumed && !d.wasStopped }

// conclude ends a callback of direction d that returned an action, which is a once made legal in its phase, or err; stop is the phase's answer that
// stops everything. It returns what the chain is to do.
func (f *Filter) conclude(d *direction, callback string, returned, a, stop abi.Action, err error) abi.Action {
	defer func() { f.running-- }()
	v := f.vm
	if v.stopNext {
		a = stop
	}
	if v.observer != nil {
		v.answered = verdict{err == nil, returned, a}
	}
	if err == nil {
		if d.stopped = a != abi.ActionContinue; !d.stopped {
			d.pass()
		}
		f.release(f.actions)
	} else {
		f.forget(f.actions)
	}
	actions := f.actions
	f.actions = nil
	v.finish(callback, err)
	v.unlock()
	if err != nil {
		a = f.fail(stop)
		if a == abi.ActionContinue {
			f.resumeStopped(f.other(d)) // d's message goes on by the answer
		}
		return a
	}
	f.perform(actions, nil)
	d.flushed = false
	return a
}

// other returns the direction that is not d.
func (f *Filter) other(d *direction) *direction {
	if d == &f.request {
		return &f.response
	}
	return &f.request
}

// DecodeHeaders begins the stream.
func (f *Filter) DecodeHeaders(h *message.Headers, endStream bool) abi.Action {
	if !f.attach() {
		f.absent = true
		return f.fail(abi.HeaderStopAllIterationAndWatermark)
	}
	v, d := f.vm, &f.request
	v.begin(f.root, f)
	if v.observer != nil {
		v.observer.StreamBegun(v.observed(f.root, f), f.cb)
	}
	d.begin()
	err := v.plugin.OnContextCreate(f.id, f.root.id)
	a := abi.HeaderContinue
	if err == nil {
		v.SetEffectiveContext(0)
		d.headers = h
		a, err = v.plugin.OnRequestHeaders(f.id, uint32(h.Len()), endStream)
	}
	return f.concludeHeaders(d, "proxy_on_request_headers", a, err)
}

// EncodeHeaders begins the response.
func (f *Filter) EncodeHeaders(h *message.Headers, endStream bool) abi.Action {
	if !f.created || f.failed {
		return abi.HeaderContinue
	}
	if a, ok := f.enter(&f.response, abi.HeaderStopAllIterationAndWatermark); !ok {
		return a
	}
	f.vm.begin(f.root, f)
	d := &f.response
	d.begin()
	d.headers = h
	a, err := f.vm.plugin.OnResponseHeaders(f.id, uint32(h.Len()), endStream)
	return f.concludeHeaders(d, "proxy_on_response_headers", a, err)
}

func (f *Filter) concludeHeaders(d *direction, callback string, a abi.Action, err error) abi.Action {
	returned := a
	switch {
	case a == abi.HeaderContinueAndEndStream:
		a = abi.HeaderContinue
	case a > abi.HeaderStopAllIterationAndWatermark,
		a == abi.HeaderStopIteration && !f.plugin.keepStopIteration:
		a = abi.HeaderStopAllIterationAndWatermark
	}
	if d.unpaused() {
		a = abi.HeaderContinue
	}
	return f.conclude(d, callback, returned, a, abi.HeaderStopAllIterationAndWatermark, err)
}

// DecodeData hands over a piece of the request's body.
func (f *Filter) DecodeData(data *message.Buffer, endStream bool) abi.Action {
	if !f.created {
		return abi.DataContinue
	}
	return f.data(&f.request, "proxy_on_request_body", data, endStream)
}

// EncodeData hands over a piece of the response's body.
func (f *Filter) EncodeData(data *message.Buffer, endStream bool) abi.Action {
	if !f.created || f.failed {
		return abi.DataContinue
	}
	return f.data(&f.response, "proxy_on_response_body", data, endStream)
}

func (f *Filter) data(d *direction, callback string, data *message.Buffer, endStream bool) abi.Action {
	a, ok := f.enter(d, abi.DataStopIterationNoBuffer)
	if !ok {
		d.buffering = false
		return a
	}
	v := f.vm
	d.buffering = d.buffering && !d.flushed
	// The piece joins what is collected under the VM's lock: a resume in between would let it go unseen.
	if d.buffering && !f.add(d, data) || f.gone {
		f.running--
		v.unlock()
		return abi.DataStopIterationAndBuffer
	}
	v.begin(f.root, f)
	d.begin()
	d.chunk, d.last = data, endStream
	on := v.plugin.OnRequestBody
	if d == &f.response {
		on = v.plugin.OnResponseBody
	}
	a, err := on(f.id, f.bodySize(d), endStream)
	return f.concludeData(d, callback, a, err)
}

// add adds data to what is collected of d's body. It reports whether the stream goes on.
func (f *Filter) add(d *direction, data *message.Buffer) bool {
	if d == &f.request {
		return f.cb.AddDecodedData(data, false)
	}
	return f.cb.AddEncodedData(data, false)
}

func (f *Filter) concludeData(d *direction, callback string, a abi.Action, err error) abi.Action {
	returned := a
	a = min(a, abi.DataStopIterationNoBuffer)
	if d.unpaused() && a != abi.DataStopIterationNoBuffer { // what the plugin withholds stays withheld
		a = abi.DataContinue
	}
	if a == abi.DataStopIterationNoBuffer && !d.buffering {
		d.added = min(d.added, d.addedBefore) // the piece is dropped
	}
	d.chunk = nil
	d.buffering = a == abi.DataStopIterationAndBuffer && !f.vm.stopNext && err == nil
	return f.conclude(d, callback, returned, a, abi.DataStopIterationNoBuffer, err)
}

// DecodeTrailers ends a request that has trailers.
func (f *Filter) DecodeTrailers(h *message.Headers) abi.Action {
	if !f.created {
		return abi.TrailerContinue
	}
	if a, ok := f.enter(&f.request, abi.TrailerStopIteration); !ok {
		return a
	}
	f.vm.begin(f.root, f)
	d := &f.request
	d.begin()
	d.trailers = h
	a, err := f.vm.plugin.OnRequestTrailers(f.id, uint32(h.Len()))
	return f.concludeTrailers(d, "proxy_on_request_trailers", a, err)
}

// EncodeTrailers ends a response that has trailers.
func (f *Filter) EncodeTrailers(h *message.Headers) abi.Action {
	if !f.created || f.failed {
		return abi.TrailerContinue
	}
	if a, ok := f.enter(&f.response, abi.TrailerStopIteration); !ok {
		return a
	}
	f.vm.begin(f.root, f)
	d := &f.response
	d.begin()
	d.trailers = h
	a, err := f.vm.plugin.OnResponseTrailers(f.id, uint32(h.Len()))
	return f.concludeTrailers(d, "proxy_on_response_trailers", a, err)
}

func (f *Filter) concludeTrailers(d *direction, callback string, a abi.Action, err error) abi.Action {
	returned := a
	a = min(a, abi.TrailerStopIteration)
	if d.unpaused() {
		a = abi.TrailerContinue
	}
	return f.conclude(d, callback, returned, a, abi.TrailerStopIteration, err)
}
