package gateway

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/sluice-gateway/sluice/message"
	"github.com/sluice-gateway/sluice/pluginhost"
	"github.com/sluice-gateway/sluice/sdk/abi"
)

// tcpSocket is a connection of which each half can be closed.
type tcpSocket interface {
	net.Conn
	CloseWrite() error
	SetLinger(seconds int) error
}

// networkFilter is one filter of a connection, in both directions. Its methods are called on the connection's turn with
// no lock held.
type networkFilter interface {
	OnNewConnection() abi.Action
	OnData(data *message.Buffer, endStream bool) abi.Action
	OnWrite(data *message.Buffer, endStream bool) abi.Action
	// OnClose is the last call.
	OnClose(peer abi.PeerType)
}

var _ networkFilter = (*pluginhost.TCPFilter)(nil)

// tcpConnection is a client's connection, the filters it goes through, and the connection to the upstream.
//
// The goroutine that the listener gives it connects to the upstream and pumps what the client sends; a second one pumps
// what the upstream sends. Each reads a piece, takes the turn to push it through the filters, and writes what came out:
// it reads no more before that is written, which is the back-pressure. What a filter resumes from elsewhere (a tick) is
// written by a goroutine for the occasion.
type tcpConnection struct {
	s    *tcpServer
	turn turn
	down tcpSocket
	up   tcpSocket // nil until connected; set on the turn, under mu

	request, response tcpPipe

	// ctx ends when the connection is being closed.
	ctx    context.Context
	cancel context.CancelFunc
	// wanted is closed when the filters let the new connection through to the proxy.
	wanted chan struct{}

	// mu is the connection's lock towards plugins: it guards what is held and what properties show.
	mu sync.Mutex
	// room tells that held data may have become less, or that the connection is being closed. Its lock is mu.
	room sync.Cond

	// Of the turn.

	filters []activeNetworkFilter
	started bool // the proxy has heard of the connection
	closed  bool // nothing is read, filtered or handed over any more
	// final: no writer is started any more. ended: the filters were told, and posted functions are dropped.
	final, ended bool
	peer         abi.PeerType

	info    tcpInfo
	writers sync.WaitGroup

	idle     *time.Timer
	lastMove atomic.Int64 // nanoseconds since info.start
}

// activeNetworkFilter is a filter in its place.
type activeNetworkFilter struct {
	networkFilter
	initialized bool // it has heard of the connection
}

func newTCPConnection(s *tcpServer, down tcpSocket) *tcpConnection {
	c := &tcpConnection{s: s, down: down, wanted: make(chan struct{}), peer: abi.PeerLocal}
	c.room.L = &c.mu
	c.turn.init()
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.info.start = time.Now()
	c.info.connectionID = s.l.gateway.connections.Add(1)
	c.request.init(down, nil)
	c.response.init(nil, down)
	c.watchIdle()
	if plugins := s.l.chain(); len(plugins) > 0 {
		worker := s.l.pickWorker()
		c.filters = make([]activeNetworkFilter, len(plugins))
		for i, p := range plugins {
			c.filters[i].networkFilter = p.NewTCPFilter(worker, &connectionCallbacks{c, i})
		}
	}
	return c
}

// serve serves the connection to its end.
func (c *tcpConnection) serve() {
	c.turn.acquire()
	c.continueReading(0)
	c.turn.release()
	select {
	case <-c.wanted:
		if c.connect() {
			var response sync.WaitGroup
			response.Go(func() { c.pump(&c.response) })
			c.pump(&c.request)
			response.Wait()
		}
	case <-c.ctx.Done():
	}
	c.finish()
}

// connect connects to the cluster's next host, to another if that fails as often as is allowed, and reports whether
// there is an upstream now. If not, the client's connection is being closed.
func (c *tcpConnection) connect() bool {
	flags := []string{"UF", "URX"}
	for range c.s.config.MaxConnectAttempts {
		host, ok := c.s.cluster.pick()
		if !ok {
			flags = []string{"UH"}
			break
		}
		up, err := c.s.cluster.dial(c.ctx, host.address())
		if c.ctx.Err() != nil {
			if err == nil {
				_ = up.Close()
			}
			return false
		}
		c.mu.Lock()
		c.info.upstream, c.info.failure = host.address(), transportFailureReason(err)
		c.mu.Unlock()
		if err != nil {
			c.s.l.gateway.logger.Debug("upstream does not connect", "cluster", c.s.cluster.config.Name,
				"host", host.address(), "connection", c.info.connectionID, "error", err)
			continue
		}
		c.moved()
		c.turn.acquire()
		defer c.turn.release()
		if c.closed {
			_ = up.Close()
			return false
		}
		c.mu.Lock()
		c.up = up
		c.mu.Unlock()
		c.request.to, c.response.from = up, up
		return true
	}
	c.turn.acquire()
	c.mu.Lock()
	c.info.flags = flags
	c.mu.Unlock()
	c.close(abi.PeerLocal, closeNow)
	c.turn.release()
	return false
}

// pump reads one direction and pushes it through the filters, to its end.
func (c *tcpConnection) pump(p *tcpPipe) {
	chunk := c.s.l.gateway.chunks.get()
	defer c.s.l.gateway.chunks.put(chunk)
	for c.mayRead(p) {
		n, err := p.from.Read(chunk[:])
		if n > 0 {
			c.moved()
			p.received.Add(int64(n))
		}
		if err != nil && !errors.Is(err, io.EOF) {
			c.socketFailed(p.from, err)
			return
		}
		c.turn.acquire()
		c.arrived(p, chunk[:n], err != nil)
		c.keep(p)
		c.startWriter(c.other(p))
		c.turn.release()
		if failed := p.drain(c.moved); failed != nil {
			c.writeFailed(p, failed)
			return
		}
		if err != nil {
			return
		}
	}
}

func (c *tcpConnection) other(p *tcpPipe) *tcpPipe {
	if p == &c.request {
		return &c.response
	}
	return &c.request
}

// mayRead waits until more may be read in direction p. It reports false when the connection is being closed.
func (c *tcpConnection) mayRead(p *tcpPipe) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for uint64(p.held.Len()) > uint64(c.s.l.config.BufferLimit) && c.ctx.Err() == nil {
		c.room.Wait()
	}
	return c.ctx.Err() == nil
}

// arrived pushes a piece that was read through the filters.
func (c *tcpConnection) arrived(p *tcpPipe, piece []byte, end bool) {
	if c.closed {
		return
	}
	c.mu.Lock()
	if p.held.Len() > 0 {
		p.held.Append(piece)
	} else {
		p.held, p.lent = message.Borrow(piece), true
	}
	p.ended = p.ended || end
	c.mu.Unlock()
	if p == &c.request {
		if end && c.response.passed {
			c.peer = abi.PeerRemote // the client was the last to end
		}
		c.continueReading(0)
	} else {
		c.write(len(c.filters) - 1)
	}
}

// keep makes what filters hold back independent of the memory that it was read into.
func (c *tcpConnection) keep(p *tcpPipe) {
	c.mu.Lock()
	if p.lent && p.held.Len() > 0 {
		p.held = message.Own(append([]byte(nil), p.held.Bytes()...))
	}
	p.lent = false
	c.mu.Unlock()
}

// socketFailed closes the connection because one of its sockets failed. The other one is reset if that was.
func (c *tcpConnection) socketFailed(socket tcpSocket, err error) {
	c.turn.acquire()
	defer c.turn.release()
	if c.closed {
		return
	}
	how := closeFlushed
	if errors.Is(err, syscall.ECONNRESET) {
		how = closeReset
	}
	if socket == c.down {
		c.close(abi.PeerRemote, max(how, closeNow))
		return
	}
	c.close(abi.PeerLocal, how)
}

// writeFailed is socketFailed for the receiving side of p. An upstream that takes no more may have answered already: what
// it sent is still read, and the end of that is the connection's.
func (c *tcpConnection) writeFailed(p *tcpPipe, err error) {
	if p == &c.response {
		c.socketFailed(p.to, err)
	}
}

// closeKind is how a connection is closed, the later the ruder.
type closeKind uint8

const (
	closeFlushed closeKind = iota // when the client has what was handed over for it
	closeNow
	closeReset
)

// close begins the connection's end. It is called on the turn; finish does the rest.
func (c *tcpConnection) close(peer abi.PeerType, how closeKind) {
	if c.closed {
		return
	}
	c.closed, c.peer = true, peer
	if how == closeReset {
		_ = c.down.SetLinger(0)
	}
	if how == closeFlushed {
		_ = c.down.SetReadDeadline(time.Unix(1, 0))
	} else {
		_ = c.down.Close()
	}
	if c.up != nil {
		if how == closeReset {
			_ = c.up.SetLinger(0)
		}
		_ = c.up.Close()
	}
	c.mu.Lock()
	c.cancel()
	c.room.Broadcast()
	c.mu.Unlock()
}

// cutOff closes the connection at once. Any goroutine may call it.
func (c *tcpConnection) cutOff() {
	c.turn.post(func() {
		c.close(abi.PeerLocal, closeNow)
		// It may have been closing, and waited for a slow receiver.
		_ = c.down.Close()
		if c.up != nil {
			_ = c.up.Close()
		}
	})
}

// finish ends a connection whose pumps have ended.
func (c *tcpConnection) finish() {
	c.turn.acquire()
	c.closed, c.final = true, true
	c.turn.release()
	c.writers.Wait()
	_ = c.response.drain(c.moved)
	c.cancel()
	c.idle.Stop()
	_ = c.down.Close()
	if c.up != nil {
		_ = c.up.Close()
	}
	c.turn.acquire()
	for i := range c.filters {
		c.filters[i].OnClose(c.peer)
	}
	c.ended = true
	c.turn.release()
}

// startWriter has what was handed over in direction p written, if nobody does it yet. It is called on the turn.
func (c *tcpConnection) startWriter(p *tcpPipe) {
	if c.final || p.to == nil || p.idle() {
		return
	}
	c.writers.Go(func() {
		if err := p.drain(c.moved); err != nil {
			c.writeFailed(p, err)
		}
	})
}

// watchIdle closes the connection when nothing has moved for the idle timeout.
func (c *tcpConnection) watchIdle() {
	limit := c.s.config.IdleTimeout
	if limit < 0 {
		c.idle = time.NewTimer(0)
		c.idle.Stop()
		return
	}
	c.idle = time.AfterFunc(limit, func() {
		if left := limit - (time.Since(c.info.start) - time.Duration(c.lastMove.Load())); left > 0 {
			c.idle.Reset(left)
			return
		}
		c.cutOff()
	})
}

// moved notes activity for the idle timeout.
func (c *tcpConnection) moved() { c.lastMove.Store(int64(time.Since(c.info.start))) }
