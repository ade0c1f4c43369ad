package gateway

import (
	"sync"

	"github.com/sluice-gateway/sluice/message"
	"github.com/sluice-gateway/sluice/pluginhost"
	"github.com/sluice-gateway/sluice/sdk/abi"
)

// filter is one filter of a stream, in both directions. Its methods are called on the stream's turn with no lock held,
// and answer actions that are legal in their phase.
type filter interface {
	DecodeHeaders(h *message.Headers, endStream bool) abi.Action
	DecodeData(d *message.Buffer, endStream bool) abi.Action
	DecodeTrailers(h *message.Headers) abi.Action
	EncodeHeaders(h *message.Headers, endStream bool) abi.Action
	EncodeData(d *message.Buffer, endStream bool) abi.Action
	EncodeTrailers(h *message.Headers) abi.Action
	// OnLog is called once, when the stream is complete.
	OnLog()
	// OnDestroy is the last call.
	OnDestroy()
}

var _ filter = (*pluginhost.Filter)(nil)

// terminus is what stands at the two ends of a filter chain: the router towards the upstream, the codec towards the
// client. Its methods are called on the stream's turn with no lock held, and must not block. Data handed over is
// emptied by the callee, which may keep what it took until the pump that delivered it goes on. Header maps stay the
// stream's: who reads them later than in the call, or without the lock, makes a copy.
type terminus interface {
	requestHeaders(h *message.Headers, endStream bool)
	requestData(d *message.Buffer, endStream bool)
	requestTrailers(h *message.Headers)
	responseHeaders(h *message.Headers, endStream bool)
	responseData(d *message.Buffer, endStream bool)
	responseTrailers(h *message.Headers)
	// reset ends the stream without a (whole) response.
	reset(details string)
	// ended tells that the stream is complete; the filters log it next.
	ended()
	// finished tells that the filters are destroyed.
	finished()
	// posted tells, off the turn, that posted functions ran, which may have moved the stream.
	posted()
	// clearRouteCache is called under the lock.
	clearRouteCache()
	// appendProperty is called under the lock.
	appendProperty(dst []byte, path abi.Path) ([]byte, bool)
	// setFilterState is called under the lock.
	setFilterState(name string, value []byte)
	// upstreamHosts and setOverrideHost are called under the lock.
	upstreamHosts() []pluginhost.UpstreamHost
	setOverrideHost(address string)
	// localReply tells of a local reply before it is sent; it decides what only the stream knows about it.
	localReply(r *pluginhost.LocalReply) localReplyContext
}

// filterChain moves one stream through its filters: requests in the configured order, responses in reverse. It has the
// semantics of Envoy's FilterManager (source/common/http/filter_manager.cc).
//
// Everything that moves the stream happens on its turn, which one goroutine has at a time: a pump takes it by acquire
// and release; everyone else posts a function, which runs on the turn of whoever has it. The lock mu guards the
// stream's data against plugins that work on it from elsewhere (a tick, the reply to a call-out) and is held for the
// length of a plugin's callback, never across the taking of a VM's lock.
type filterChain struct {
	mu sync.Mutex

	turnMu  sync.Mutex
	turnEnd sync.Cond // a turn ended and nobody has it
	running bool
	queue   []func()

	// room tells that a buffer was handed on, or the stream destroyed. Its lock is mu.
	room sync.Cond

	end     terminus
	filters []activeFilter
	decode  path
	encode  path

	// bufferLimit is what each direction may buffer, 0 for no limit. One variable for both directions, as in Envoy.
	bufferLimit uint32
	// prepared is a local reply asked for inside a decode callback; it is sent once the filter has returned.
	prepared *pluginhost.LocalReply
	// complete: the response was handed over whole, or the stream was reset. Nothing moves any more.
	complete bool
	// destroyed: the filters have been told, and posted functions are dropped. It is written on the turn under mu.
	destroyed bool
}

// activeFilter is a filter in its place.
type activeFilter struct {
	filter
	callbacks filterCallbacks
	decode    filterState
	encode    filterState
}

// init prepares a chain of n filters, which the caller then fills in.
func (c *filterChain) init(end terminus, n int, bufferLimit uint32) {
	c.end, c.bufferLimit = end, bufferLimit
	c.turnEnd.L, c.room.L = &c.turnMu, &c.mu
	c.filters = make([]activeFilter, n)
	c.decode.chain, c.encode.chain, c.encode.encoding = c, c, true
	for i := range c.filters {
		c.filters[i].callbacks = filterCallbacks{c, i}
	}
}

// acquire takes the stream's turn, waiting for it.
func (c *filterChain) acquire() {
	c.turnMu.Lock()
	for c.running {
		c.turnEnd.Wait()
	}
	c.running = true
	c.turnMu.Unlock()
}

// release gives the turn back, after what was posted meanwhile. finish, if the stream is complete, runs once.
func (c *filterChain) release() {
	posted := false
	for {
		c.turnMu.Lock()
		if len(c.queue) == 0 {
			if c.complete && !c.destroyed {
				c.turnMu.Unlock()
				c.destroy()
				continue
			}
			c.running = false
			c.turnEnd.Signal()
			c.turnMu.Unlock()
			if posted {
				c.end.posted()
			}
			return
		}
		f := c.queue[0]
		c.queue[0] = nil
		c.queue = c.queue[1:]
		c.turnMu.Unlock()
		if !c.destroyed {
			posted = true
			f()
		}
	}
}

// post has f run on the stream's turn: now, if nobody has it.
func (c *filterChain) post(f func()) {
	c.turnMu.Lock()
	c.queue = append(c.queue, f)
	if c.running {
		c.turnMu.Unlock()
		return
	}
	c.running = true
	c.turnMu.Unlock()
	c.release()
}

// destroy tells the filters that the stream is over: all log, then all end, in the order of the chain.
func (c *filterChain) destroy() {
	c.end.ended()
	for i := range c.filters {
		c.filters[i].OnLog()
	}
	for i := range c.filters {
		c.filters[i].OnDestroy()
	}
	c.mu.Lock()
	c.destroyed = true
	c.mu.Unlock()
	c.room.Broadcast()
	c.end.finished()
}

// mayRead waits until more of the message in direction p may be read. It reports false when the stream is over.
func (c *filterChain) mayRead(p *path) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for p.above && p.streaming && !c.destroyed {
		c.room.Wait()
	}
	return !c.destroyed
}

// resetStream ends the stream without a (whole) response.
func (c *filterChain) resetStream(details string) {
	if c.complete {
		return
	}
	c.complete = true
	c.end.reset(details)
}

// finishResponse marks the response as handed over whole.
func (c *filterChain) finishResponse() { c.complete = true }
