package gateway

import (
	"sync"
	"sync/atomic"

	"github.com/sluice-gateway/sluice/message"
)

// tcpPipe is one direction of a connection: bytes are read from one socket into held, go through the filters to out, and
// are written from there to the other socket.
//
// held is what filters hold back, Envoy's read buffer. It is moved on the connection's turn, under its lock, under which
// plugins change it too. out has a lock of its own, since writing takes its time: on the turn it is filled, and whoever
// calls drain writes it.
type tcpPipe struct {
	from, to tcpSocket

	// Of the turn.

	held message.Buffer
	// lent: held may still be the memory that the pump reads into.
	lent bool
	// ended: the end was read. It stays with what is held.
	ended bool
	// passed: the end went through the filters.
	passed bool

	received, sent atomic.Int64 // bytes read; bytes handed over to be written

	mu      sync.Mutex // guards the rest
	drained sync.Cond
	out     message.Buffer
	// outEnd: after out comes the end. endSent: it is written.
	outEnd, endSent bool
	// draining: somebody is writing.
	draining bool
	err      error
}

// maxWrite bounds what is written at once, so that the idle timeout sees a slow receiver as one that is there.
const maxWrite = 256 << 10

func (p *tcpPipe) init(from, to tcpSocket) {
	p.from, p.to = from, to
	p.drained.L = &p.mu
}

// put hands data over to be written, and with endStream the end. Data that is the pump's own memory may be handed over by
// the pump alone, which calls drain before it uses that memory again.
func (p *tcpPipe) put(data message.Buffer, endStream bool) {
	p.sent.Add(int64(data.Len()))
	p.mu.Lock()
	if p.out.Len() == 0 {
		p.out = data
	} else {
		p.out.Append(data.Bytes())
	}
	p.outEnd = p.outEnd || endStream
	p.mu.Unlock()
}

// idle reports that there is nothing that drain should be called for: nothing to write, or somebody who writes it.
func (p *tcpPipe) idle() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.draining || p.err != nil || !p.pending()
}

func (p *tcpPipe) pending() bool { return p.out.Len() > 0 || p.outEnd && !p.endSent }

// drain writes what was put, however long the receiver takes. When it returns nothing of it is left, also if another
// goroutine was writing. The first error stays.
func (p *tcpPipe) drain(moved func()) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.draining {
		p.drained.Wait()
	}
	p.draining = true
	for p.err == nil && p.pending() {
		data, end := p.out.Take(), p.outEnd
		p.mu.Unlock()
		var err error
		for rest := data.Bytes(); len(rest) > 0 && err == nil; {
			n := min(len(rest), maxWrite)
			_, err = p.to.Write(rest[:n])
			rest = rest[n:]
			moved()
		}
		if err == nil && end {
			err = p.to.CloseWrite()
		}
		p.mu.Lock()
		p.err, p.endSent = err, end
	}
	p.draining = false
	p.drained.Broadcast()
	return p.err
}
