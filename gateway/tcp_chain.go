package gateway

import (
	"github.com/sluice-gateway/sluice/pluginhost"
	"github.com/sluice-gateway/sluice/sdk/abi"
)

// continueReading tells the filters from place i on of the connection, those that have not heard of it, and hands them
// what is held of the client's data; then the proxy. It has the semantics of onContinueReading of Envoy's network
// FilterManager (source/common/network/filter_manager_impl.cc): new data goes through all filters from the first one,
// together with what was held; a filter that pauses ends the round. It is called on the turn.
func (c *tcpConnection) continueReading(i int) {
	for ; i < len(c.filters); i++ {
		if c.closed {
			return
		}
		f := &c.filters[i]
		if !f.initialized {
			f.initialized = true
			if f.OnNewConnection() != abi.ActionContinue || c.closed {
				return
			}
		}
		if c.holds(&c.request) && f.OnData(&c.request.held, c.request.ended) != abi.ActionContinue {
			return
		}
	}
	if c.closed {
		return
	}
	if !c.started {
		c.started = true
		c.mu.Lock()
		c.info.cluster = c.s.config.Cluster
		c.mu.Unlock()
		close(c.wanted)
	}
	c.pass(&c.request)
}

// write hands what is held of the upstream's data to the filters from place i down to the first, and then to the
// client's socket: onWrite of Envoy's FilterManager. It is called on the turn.
func (c *tcpConnection) write(i int) {
	for ; i >= 0; i-- {
		if c.closed || c.response.passed || c.filters[i].OnWrite(&c.response.held, c.response.ended) != abi.ActionContinue {
			return
		}
	}
	if !c.closed {
		c.pass(&c.response)
	}
}

// holds reports whether there is something for filters to see in direction p.
func (c *tcpConnection) holds(p *tcpPipe) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return p.held.Len() > 0 || p.ended
}

// pass takes what is held to be written.
func (c *tcpConnection) pass(p *tcpPipe) {
	c.mu.Lock()
	data := p.held.Take()
	c.room.Broadcast()
	c.mu.Unlock()
	if p.passed {
		return // a plugin added to what had ended
	}
	p.passed = p.ended
	p.put(data, p.ended)
}

// connectionCallbacks is the connection as the filter at place i sees it.
type connectionCallbacks struct {
	c *tcpConnection
	i int
}

var _ pluginhost.Connection = (*connectionCallbacks)(nil)

func (cb *connectionCallbacks) Lock() { cb.c.mu.Lock() }

func (cb *connectionCallbacks) Unlock() {
	cb.c.room.Broadcast() // the plugin may have taken from what it holds
	cb.c.mu.Unlock()
}

func (cb *connectionCallbacks) Post(f func()) {
	c := cb.c
	c.turn.post(func() {
		if !c.ended {
			f()
			c.startWriter(&c.request)
			c.startWriter(&c.response)
		}
	})
}

func (cb *connectionCallbacks) AppendProperty(dst []byte, path abi.Path) ([]byte, bool) {
	return cb.c.appendProperty(dst, path)
}

func (cb *connectionCallbacks) SetFilterState(name string, value []byte) {
	cb.c.info.setFilterState(name, value)
}

func (cb *connectionCallbacks) ContinueReading() {
	if !cb.c.closed {
		cb.c.continueReading(cb.i + 1)
	}
}

func (cb *connectionCallbacks) ContinueWriting() {
	if !cb.c.closed && cb.c.holds(&cb.c.response) {
		cb.c.write(cb.i - 1)
	}
}

func (cb *connectionCallbacks) CloseConnection(string) { cb.c.close(abi.PeerLocal, closeFlushed) }
