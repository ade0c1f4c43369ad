package gateway

import (
	"errors"
	"io"
	"net/http"
	"sync"

	"github.com/sluice-gateway/sluice/message"
)

// errBodyClosed is what a reader of a request body gets once the stream is over.
var errBodyClosed = errors.New("stream is over")

// requestBody is the way from the end of the filter chain to the upstream connection: the chain pushes, the transport
// reads. It holds what was pushed and not read; whoever pumps the request waits for it to be drained before reading
// more, so it never holds more than filters released at once.
type requestBody struct {
	mu      sync.Mutex
	changed sync.Cond
	queue   []message.Buffer
	end     bool
	closed  bool
	// trailers is the transport's trailer map. The transport looks at it before it calls Read and when Read has answered
	// io.EOF, so it is filled in there; until then the trailers are in pushed.
	trailers http.Header
	pushed   *message.Headers
}

func newRequestBody() *requestBody {
	b := &requestBody{trailers: http.Header{}}
	b.changed.L = &b.mu
	return b
}

// push adds d, taking its contents.
func (b *requestBody) push(d *message.Buffer, end bool) {
	b.mu.Lock()
	if d.Len() > 0 && !b.closed {
		b.queue = append(b.queue, d.Take())
	}
	b.end = b.end || end
	b.mu.Unlock()
	b.changed.Broadcast()
}

// pushTrailers ends the body with trailers.
func (b *requestBody) pushTrailers(h *message.Headers) {
	b.mu.Lock()
	if !b.end {
		b.end, b.pushed = true, h
	}
	b.mu.Unlock()
	b.changed.Broadcast()
}

// waitDrained waits until all that was pushed is read, or nobody will read it.
func (b *requestBody) waitDrained() {
	b.mu.Lock()
	for len(b.queue) > 0 && !b.closed {
		b.changed.Wait()
	}
	b.mu.Unlock()
}

// Read implements io.Reader for the transport.
func (b *requestBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.queue) == 0 && !b.end && !b.closed {
		b.changed.Wait()
	}
	if b.closed {
		return 0, errBodyClosed
	}
	if len(b.queue) == 0 {
		if b.pushed != nil {
			for k, v := range b.pushed.All() {
				b.trailers[http.CanonicalHeaderKey(k)] = append(b.trailers[http.CanonicalHeaderKey(k)], v)
			}
			b.pushed = nil
		}
		return 0, io.EOF
	}
	d := &b.queue[0]
	n := copy(p, d.Bytes())
	d.ReplaceFront(n, nil)
	if d.Len() == 0 {
		b.queue[0] = message.Buffer{}
		b.queue = b.queue[1:]
		if len(b.queue) == 0 {
			b.queue = nil
			b.changed.Broadcast()
		}
	}
	return n, nil
}

// Close drops what is not read. The transport calls it when it will read no more, the stream when it is over.
func (b *requestBody) Close() error {
	b.mu.Lock()
	b.closed = true
	b.queue = nil
	b.mu.Unlock()
	b.changed.Broadcast()
	return nil
}
