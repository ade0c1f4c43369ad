package gateway

import (
	"github.com/sluice-gateway/sluice/message"
	"github.com/sluice-gateway/sluice/pluginhost"
	"github.com/sluice-gateway/sluice/sdk/abi"
)

// filterCallbacks is the stream as the filter at place i of the request's order sees it.
type filterCallbacks struct {
	chain *filterChain
	i     int
}

var _ pluginhost.Callbacks = (*filterCallbacks)(nil)

// encodeAt is the filter's place in the response's order.
func (cb *filterCallbacks) encodeAt() int { return len(cb.chain.filters) - 1 - cb.i }

func (cb *filterCallbacks) Lock()         { cb.chain.mu.Lock() }
func (cb *filterCallbacks) Unlock()       { cb.chain.mu.Unlock() }
func (cb *filterCallbacks) Post(f func()) { cb.chain.post(f) }

func (cb *filterCallbacks) RequestHeaders() *message.Headers   { return cb.chain.decode.headers }
func (cb *filterCallbacks) RequestTrailers() *message.Headers  { return cb.chain.decode.trailers }
func (cb *filterCallbacks) ResponseHeaders() *message.Headers  { return cb.chain.encode.headers }
func (cb *filterCallbacks) ResponseTrailers() *message.Headers { return cb.chain.encode.trailers }

func (cb *filterCallbacks) AddRequestTrailers() *message.Headers {
	return cb.chain.decode.addTrailers()
}
func (cb *filterCallbacks) AddResponseTrailers() *message.Headers {
	return cb.chain.encode.addTrailers()
}

// addTrailers makes trailers while the last piece of data is with a filter. It is called under the lock.
func (p *path) addTrailers() *message.Headers {
	if p.call != callLastData || p.trailers != nil {
		return nil
	}
	p.trailers = &message.Headers{}
	return p.trailers
}

func (cb *filterCallbacks) DecodingBuffer() *message.Buffer { return cb.chain.decode.buffered }
func (cb *filterCallbacks) EncodingBuffer() *message.Buffer { return cb.chain.encode.buffered }

func (cb *filterCallbacks) AppendProperty(dst []byte, path abi.Path) ([]byte, bool) {
	return cb.chain.end.appendProperty(dst, path)
}

func (cb *filterCallbacks) SetFilterState(name string, value []byte) {
	cb.chain.end.setFilterState(name, value)
}

func (cb *filterCallbacks) UpstreamHosts() []pluginhost.UpstreamHost {
	return cb.chain.end.upstreamHosts()
}

func (cb *filterCallbacks) SetUpstreamOverrideHost(address string) {
	cb.chain.end.setOverrideHost(address)
}

func (cb *filterCallbacks) ClearRouteCache() { cb.chain.end.clearRouteCache() }

func (cb *filterCallbacks) SetBufferLimit(bytes uint32) {
	cb.chain.bufferLimit = bytes
	cb.chain.decode.bufferChanged()
	cb.chain.encode.bufferChanged()
}

func (cb *filterCallbacks) AddDecodedData(d *message.Buffer, streaming bool) bool {
	return cb.chain.decode.add(cb.i, d, streaming)
}

func (cb *filterCallbacks) AddEncodedData(d *message.Buffer, streaming bool) bool {
	return cb.chain.encode.add(cb.encodeAt(), d, streaming)
}

// add adds data at the filter at place i: buffered, or, from a trailers callback of a filter that lets the message go
// on, straight to the filters after it.
func (p *path) add(i int, d *message.Buffer, streaming bool) bool {
	if _, st := p.at(i); p.call == callTrailers && st.iteration == iterating {
		p.iterateData(i+1, d, false)
	} else {
		p.buffer(d, streaming)
	}
	return !p.stopped()
}

func (cb *filterCallbacks) ContinueDecoding() { cb.chain.decode.resume(cb.i) }
func (cb *filterCallbacks) ContinueEncoding() { cb.chain.encode.resume(cb.encodeAt()) }

func (cb *filterCallbacks) ReleaseDecoding() { cb.chain.decode.release(cb.i) }
func (cb *filterCallbacks) ReleaseEncoding() { cb.chain.encode.release(cb.encodeAt()) }

func (cb *filterCallbacks) SendLocalReply(r pluginhost.LocalReply) { cb.chain.sendLocalReply(r) }
func (cb *filterCallbacks) ResetStream(details string)             { cb.chain.resetStream(details) }

func (cb *filterCallbacks) InjectEncodedData(d *message.Buffer, endStream bool) {
	cb.chain.encode.inject(cb.encodeAt(), d, endStream)
}
