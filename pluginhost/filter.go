package pluginhost

import (
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
}

// attach finds a living VM and gives the stream a context id in it. The VM's lock is held if it succeeds.
func (f *Filter) attach() bool {
	r := f.plugin.root(f.worker)
	if r == nil {
		return false
	}
	v := r.vm
	v.lock.Lock()
	if r.ended || r.closing {
		v.unlock()
		return false
	}
	f.vm, f.root, f.id = v, r, v.newID()
	v.streams[f.id] = f
	r.streams++
	f.created = true
	return true
}

// paused reports that the stream waits for the plugin. The VM's lock is held, or the VM is dead.
func (f *Filter) paused() bool {
	if t := f.tcp; t != nil {
		return t.held || t.heldUp
	}
	return f.request.stopped && !f.replied || f.response.stopped
}

// enter begins a callback, unless the VM is dead.
func (f *Filter) enter() bool {
	v := f.vm
	v.lock.Lock()
	if v.dead != nil {
		v.unlock()
		return false
	}
	v.begin(f.root, f)
	return true
}

// begin makes d the direction of the callback that begins.
func (d *direction) begin() { d.wasStopped, d.resumed, d.spare = d.stopped, false, nil }

// unpaused reports that the callback resumed a message that was not paused. If it then pauses it, the resume wins: the
// chain had nothing to resume, so the pause would last. (Envoy asserts that this does not happen, and lets headers go.)
func (d *direction) unpaused() bool { return d.resumed && !d.wasStopped }

// conclude ends a callback of direction d that answered a, legal in its phase, or err; stop is the phase's answer that
// stops everything. It returns what the chain is to do.
func (f *Filter) conclude(d *direction, callback string, a, stop abi.Action, err error) abi.Action {
	v := f.vm
	if v.stopNext {
		a = stop
	}
	if err == nil {
		d.stopped = a != abi.ActionContinue
	}
	v.finish(callback, err)
	actions := f.actions
	f.actions = nil
	v.unlock()
	if err != nil {
		a = f.fail(stop)
		if a == abi.ActionContinue {
			f.resumeStopped(f.other(d)) // d's message goes on by the answer
		}
		return a
	}
	f.perform(actions)
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
	if !f.enter() {
		return f.fail(abi.HeaderStopAllIterationAndWatermark)
	}
	d := &f.response
	d.begin()
	d.headers = h
	a, err := f.vm.plugin.OnResponseHeaders(f.id, uint32(h.Len()), endStream)
	return f.concludeHeaders(d, "proxy_on_response_headers", a, err)
}

func (f *Filter) concludeHeaders(d *direction, callback string, a abi.Action, err error) abi.Action {
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
	if a == abi.HeaderContinue && !f.vm.stopNext {
		d.headers = nil
	}
	return f.conclude(d, callback, a, abi.HeaderStopAllIterationAndWatermark, err)
}

// DecodeData hands over a piece of the request's body.
func (f *Filter) DecodeData(data *message.Buffer, endStream bool) abi.Action {
	if !f.created {
		return abi.DataContinue
	}
	d := &f.request
	buffering := d.buffering && !d.flushed
	if buffering && !f.cb.AddDecodedData(data, false) || f.gone {
		return abi.DataStopIterationAndBuffer
	}
	if !f.enter() {
		d.buffering = false
		return f.fail(abi.DataStopIterationNoBuffer)
	}
	d.begin()
	d.buffering = buffering
	d.chunk, d.last = data, endStream
	size := bodySize(d, f.cb.DecodingBuffer)
	a, err := f.vm.plugin.OnRequestBody(f.id, size, endStream)
	return f.concludeData(d, "proxy_on_request_body", a, err)
}

// EncodeData hands over a piece of the response's body.
func (f *Filter) EncodeData(data *message.Buffer, endStream bool) abi.Action {
	if !f.created || f.failed {
		return abi.DataContinue
	}
	d := &f.response
	buffering := d.buffering && !d.flushed
	if buffering && !f.cb.AddEncodedData(data, false) || f.gone {
		return abi.DataStopIterationAndBuffer
	}
	if !f.enter() {
		d.buffering = false
		return f.fail(abi.DataStopIterationNoBuffer)
	}
	d.begin()
	d.buffering = buffering
	d.chunk, d.last = data, endStream
	size := bodySize(d, f.cb.EncodingBuffer)
	a, err := f.vm.plugin.OnResponseBody(f.id, size, endStream)
	return f.concludeData(d, "proxy_on_response_body", a, err)
}

func (f *Filter) concludeData(d *direction, callback string, a abi.Action, err error) abi.Action {
	a = min(a, abi.DataStopIterationNoBuffer)
	if d.unpaused() && a != abi.DataStopIterationNoBuffer { // what the plugin withholds stays withheld
		a = abi.DataContinue
	}
	d.chunk = nil
	d.buffering = a == abi.DataStopIterationAndBuffer && !f.vm.stopNext && err == nil
	return f.conclude(d, callback, a, abi.DataStopIterationNoBuffer, err)
}

// DecodeTrailers ends a request that has trailers.
func (f *Filter) DecodeTrailers(h *message.Headers) abi.Action {
	if !f.created {
		return abi.TrailerContinue
	}
	if !f.enter() {
		return f.fail(abi.TrailerStopIteration)
	}
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
	if !f.enter() {
		return f.fail(abi.TrailerStopIteration)
	}
	d := &f.response
	d.begin()
	d.trailers = h
	a, err := f.vm.plugin.OnResponseTrailers(f.id, uint32(h.Len()))
	return f.concludeTrailers(d, "proxy_on_response_trailers", a, err)
}

func (f *Filter) concludeTrailers(d *direction, callback string, a abi.Action, err error) abi.Action {
	a = min(a, abi.TrailerStopIteration)
	if d.unpaused() {
		a = abi.TrailerContinue
	}
	if a == abi.TrailerContinue && !f.vm.stopNext {
		d.trailers = nil
	}
	return f.conclude(d, callback, a, abi.TrailerStopIteration, err)
}
