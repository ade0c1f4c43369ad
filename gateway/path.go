package gateway

import (
	"github.com/sluice-gateway/sluice/message"
	"github.com/sluice-gateway/sluice/pluginhost"
	"github.com/sluice-gateway/sluice/sdk/abi"
)

// iteration says whether a filter lets its direction of the stream go on.
type iteration uint8

const (
	iterating        iteration = iota
	stoppedSingle              // held here; callbacks for data and trailers are still made
	stoppedBuffer              // held here; no callbacks, an overflow is an error
	stoppedWatermark           // held here; no callbacks, an overflow is back-pressure
)

// filterState is one filter's place in one direction.
type filterState struct {
	iteration iteration
	// headersContinued: the headers have gone on to the next filter.
	headersContinued bool
	// ended: the filter has seen the end of the message.
	ended bool
	// sawTrailers: the filter has been given the trailers.
	sawTrailers bool
}

func (s *filterState) stoppedAll() bool {
	return s.iteration == stoppedBuffer || s.iteration == stoppedWatermark
}

// callback is the kind of filter callback that is running in a direction.
type callback uint8

const (
	callNone callback = iota
	callHeaders
	callData
	callLastData
	callTrailers
)

// path is one direction of a stream through its filters.
type path struct {
	chain    *filterChain
	encoding bool

	headers  *message.Headers
	trailers *message.Headers
	// buffered is what filters hold back of the body: one buffer for all of them, nil for nothing.
	buffered *message.Buffer
	// streaming: what is buffered now is buffered with back-pressure.
	streaming bool
	// above: more is buffered than the limit allows.
	above bool
	// observedEnd: the sender has ended the message.
	observedEnd bool
	// call is the callback that runs now, callAt the place of its filter, piece the data that it is about.
	call   callback
	callAt int
	piece  *message.Buffer
	// aborted: a local reply was sent from inside a callback of this direction.
	aborted bool
	// headersDone, trailersDone: handed over at the end of the chain.
	headersDone  bool
	trailersDone bool
}

// at returns the filter at place i of this direction and its state.
func (p *path) at(i int) (filter, *filterState) {
	if p.encoding {
		f := &p.chain.filters[len(p.chain.filters)-1-i]
		return f.filter, &f.encode
	}
	f := &p.chain.filters[i]
	return f.filter, &f.decode
}

// stopped reports that nothing moves in this direction any more.
func (p *path) stopped() bool { return p.aborted || p.chain.complete }

// start begins the message with its headers. Like all methods that follow, it is called on the stream's turn.
func (p *path) start(h *message.Headers, endStream bool) {
	p.chain.mu.Lock()
	p.headers, p.observedEnd = h, endStream
	p.chain.mu.Unlock()
	p.iterateHeaders(0, endStream)
}

// data hands over a piece of the body.
func (p *path) data(d *message.Buffer, endStream bool) {
	p.observedEnd = endStream
	p.iterateData(0, d, endStream)
}

// finish ends a message with trailers.
func (p *path) finish(trailers *message.Headers) {
	p.chain.mu.Lock()
	p.trailers, p.observedEnd = trailers, true
	p.chain.mu.Unlock()
	p.iterateTrailers(0)
}

// iterateHeaders gives the headers to the filters from place start on, and to the end of the chain.
func (p *path) iterateHeaders(start int, endStream bool) {
	if p.stopped() {
		return
	}
	for i := start; i < len(p.chain.filters); i++ {
		f, st := p.at(i)
		st.ended = endStream
		p.call, p.callAt = callHeaders, i
		var action abi.Action
		if p.encoding {
			action = f.EncodeHeaders(p.headers, endStream)
		} else {
			action = f.DecodeHeaders(p.headers, endStream)
		}
		p.call = callNone
		if p.abort() {
			return
		}
		switch action {
		case abi.HeaderStopIteration:
			st.iteration = stoppedSingle
			return
		case abi.HeaderStopAllIterationAndBuffer:
			st.iteration = stoppedBuffer
			return
		case abi.HeaderStopAllIterationAndWatermark:
			st.iteration = stoppedWatermark
			return
		}
		if st.headersContinued {
			if endStream {
				p.iterateData(i+1, &message.Buffer{}, true)
			}
			return // the filter injected data, and the headers went before it
		}
		st.headersContinued = true
	}
	p.headersDone = true
	if !p.encoding {
		p.chain.end.requestHeaders(p.headers, endStream)
		return
	}
	if endStream {
		p.chain.finishResponse()
	}
	p.chain.end.responseHeaders(p.headers, endStream)
}

// iterateData gives d to the filters from place start on, and what they let through to the end of the chain.
func (p *path) iterateData(start int, d *message.Buffer, endStream bool) {
	if p.stopped() {
		return
	}
	hadTrailers := p.trailers != nil
	trailersFrom := -1
	passed := true
	for i := start; i < len(p.chain.filters); i++ {
		f, st := p.at(i)
		if st.stoppedAll() {
			p.buffer(d, st.iteration == stoppedWatermark)
			return
		}
		if st.ended {
			return
		}
		st.ended = endStream && p.trailers == nil
		p.call, p.callAt, p.piece = callData, i, d
		if endStream {
			p.call = callLastData
		}
		var action abi.Action
		if p.encoding {
			action = f.EncodeData(d, st.ended)
		} else {
			action = f.DecodeData(d, st.ended)
		}
		p.call = callNone
		if p.abort() {
			return
		}
		added := !hadTrailers && p.trailers != nil && trailersFrom < 0
		if added {
			endStream = false // the filter added trailers, so the data no longer ends the message
		}
		if passed = p.afterData(i, st, action, d); !passed {
			break // trailers that the filter added just now wait with the data, or went on with it
		}
		if added {
			trailersFrom = i + 1
		}
	}
	if passed {
		p.deliverData(d, endStream)
	}
	if trailersFrom >= 0 {
		p.iterateTrailers(trailersFrom)
	}
}

// afterData does what a filter answered to data, and reports whether the data goes on to the next filter.
func (p *path) afterData(i int, st *filterState, action abi.Action, d *message.Buffer) bool {
	switch action {
	case abi.DataContinue:
		if st.iteration != stoppedSingle {
			return true
		}
		// What this filter held back goes on, with this piece at its end.
		p.buffer(d, p.streaming)
		p.resume(i)
	case abi.DataStopIterationAndBuffer, abi.DataStopIterationAndWatermark:
		st.iteration = stoppedSingle
		p.buffer(d, action == abi.DataStopIterationAndWatermark)
	default: // DataStopIterationNoBuffer: the filter has taken the data, also where it was the buffer
		st.iteration = stoppedSingle
		p.chain.mu.Lock()
		if d == p.buffered {
			p.buffered = nil
		}
		if p.observedEnd && p.trailers == nil && p.buffered == nil {
			// Keep an empty frame, so that a later continue still ends the message.
			p.buffered = &message.Buffer{}
		}
		p.bufferChanged()
		p.chain.mu.Unlock()
	}
	return false
}

// iterateTrailers gives the trailers to the filters from place start on, and to the end of the chain.
func (p *path) iterateTrailers(start int) {
	if p.stopped() {
		return
	}
	for i := start; i < len(p.chain.filters); i++ {
		f, st := p.at(i)
		if st.stoppedAll() || st.sawTrailers {
			return
		}
		st.sawTrailers, st.ended = true, true
		p.call, p.callAt, p.piece = callTrailers, i, nil
		var action abi.Action
		if p.encoding {
			action = f.EncodeTrailers(p.trailers)
		} else {
			action = f.DecodeTrailers(p.trailers)
		}
		p.call = callNone
		if p.abort() {
			return
		}
		if action != abi.TrailerContinue {
			if st.iteration == iterating {
				st.iteration = stoppedSingle
			}
			return
		}
		if st.iteration == stoppedSingle {
			p.resume(i)
			return
		}
	}
	if p.trailersDone {
		return
	}
	p.trailersDone = true
	if !p.encoding {
		p.chain.end.requestTrailers(p.trailers)
		return
	}
	p.chain.finishResponse()
	p.chain.end.responseTrailers(p.trailers)
}

// resume lets the message go on at the filter at place i. It does nothing where the filter is not stopped.
func (p *path) resume(i int) {
	_, st := p.at(i)
	if p.stopped() || st.iteration == iterating {
		return
	}
	if p.call != callNone && p.callAt == i {
		p.release(i) // asked for in a callback of the filter, which has yet to answer for what that is about
		return
	}
	next := i + 1
	if st.stoppedAll() {
		// The filter has not been given the data and trailers that came after its headers: it is now.
		next = i
	}
	st.iteration = iterating
	if !st.headersContinued {
		st.headersContinued = true
		p.iterateHeaders(i+1, p.observedEnd && p.buffered == nil && p.trailers == nil)
	}
	hadTrailers := p.trailers != nil
	if p.buffered != nil {
		p.iterateData(next, p.buffered, p.observedEnd && !hadTrailers)
	}
	if hadTrailers {
		p.iterateTrailers(next)
	}
}

// release lets go what the filter at place i holds as a callback for data or trailers begins there. What the callback is
// about, and with it the end of the message, stays behind.
func (p *path) release(i int) {
	_, st := p.at(i)
	if p.stopped() || st.iteration != stoppedSingle {
		return
	}
	call, at, piece := p.call, p.callAt, p.piece
	st.iteration = iterating
	if !st.headersContinued {
		st.headersContinued = true
		p.iterateHeaders(i+1, false)
	}
	if p.buffered != nil && p.buffered != piece {
		p.iterateData(i+1, p.buffered, false)
	}
	p.call, p.callAt, p.piece = call, at, piece
}

// buffer holds d back in the direction's buffer, unless it is that buffer.
func (p *path) buffer(d *message.Buffer, streaming bool) {
	p.chain.mu.Lock()
	p.streaming = streaming
	if p.buffered != d {
		if p.buffered == nil {
			p.buffered = &message.Buffer{}
		}
		p.buffered.Move(d)
	}
	p.bufferChanged()
	tooLarge := p.above && !streaming && !p.stopped()
	p.chain.mu.Unlock()
	if tooLarge {
		p.tooLarge()
	}
}

// bufferChanged works out what follows from a change of what is buffered, how, or of the limit: whether the sender is to
// be held back. It is called under the lock after each such change.
func (p *path) bufferChanged() {
	limit := p.chain.bufferLimit
	p.above = limit > 0 && p.buffered != nil && int64(p.buffered.Len()) > int64(limit)
	p.chain.room.Broadcast()
}

// tooLarge answers a message of which more had to be buffered than may be.
func (p *path) tooLarge() {
	defer func() { p.aborted = true }()
	if p.encoding {
		p.chain.sendLocalReply(pluginhost.LocalReply{
			Code: 500, Body: []byte("Internal Server Error"), Details: "response_payload_too_large", GRPCStatus: -1,
		})
		return
	}
	p.chain.sendLocalReply(pluginhost.LocalReply{
		Code: 413, Body: []byte("Payload Too Large"), Details: "request_payload_too_large", GRPCStatus: -1,
	})
}

// deliverData hands d over at the end of the chain.
func (p *path) deliverData(d *message.Buffer, endStream bool) {
	if p.stopped() {
		return
	}
	out := d
	if d == p.buffered {
		p.chain.mu.Lock()
		out, p.buffered = p.buffered, nil
		p.bufferChanged()
		p.chain.mu.Unlock()
	}
	if !p.encoding {
		p.chain.end.requestData(out, endStream)
		return
	}
	if endStream {
		p.chain.finishResponse()
	}
	p.chain.end.responseData(out, endStream)
}

// inject hands data to the filters after place i, with the headers first where this filter holds them.
func (p *path) inject(i int, d *message.Buffer, endStream bool) {
	_, st := p.at(i)
	if p.stopped() || p.headers == nil {
		return
	}
	if !st.headersContinued {
		st.headersContinued = true
		p.iterateHeaders(i+1, false)
	}
	p.observedEnd = p.observedEnd || endStream
	p.iterateData(i+1, d, endStream)
}

// abort sends the local reply that a callback asked for, and reports whether this direction is over.
func (p *path) abort() bool {
	if !p.encoding {
		if r := p.chain.prepared; r != nil {
			p.chain.prepared = nil
			p.chain.replyThroughChain(*r)
		}
	}
	return p.stopped()
}
