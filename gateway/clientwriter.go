package gateway

import (
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/sluice-gateway/sluice/message"
)

// clientWriter is the way from the end of the filter chain to the client: the chain puts, and one goroutine at a time
// writes. Putting never blocks; whoever pumps the response writes, or waits for the writer, before reading more.
type clientWriter struct {
	w http.ResponseWriter

	mu      sync.Mutex
	changed sync.Cond
	queue   []responsePart
	first   [3]responsePart // memory for queue, enough for most responses
	queued  int             // bytes of data in queue
	writing bool
	failed  error

	// Owned by the writer.
	length  int64 // declared content length, -1 for none
	wrote   int64
	pending bool // written, not flushed
	began   bool
}

// responsePart is headers, data or trailers on their way to the client.
type responsePart struct {
	headers  *message.Headers
	data     message.Buffer
	trailers *message.Headers
	end      bool
}

func (c *clientWriter) init(w http.ResponseWriter) {
	c.w, c.length = w, -1
	c.changed.L = &c.mu
	c.queue = c.first[:0]
}

// controller is for what net/http offers beside writing.
func (c *clientWriter) controller() *http.ResponseController { return http.NewResponseController(c.w) }

// maxQueued is how many bytes may wait for a client that does not read. Only a plugin that injects data can queue more
// than one piece: the pumps wait.
const maxQueued = 64 << 20

var errClientTooSlow = errors.New("client does not read what plugins send it")

// put adds a part. Borrowed data must stay as it is until drain has returned.
func (c *clientWriter) put(p responsePart) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.failed != nil:
		return
	case c.queued > 0 && c.queued+p.data.Len() > maxQueued:
		c.failed, c.queue, c.queued = errClientTooSlow, nil, 0
		// The writer is stuck in a write to this client.
		_ = c.controller().SetWriteDeadline(time.Unix(1, 0))
		return
	}
	c.queued += p.data.Len()
	c.queue = append(c.queue, p)
}

// waiting reports whether there is something to write.
func (c *clientWriter) waiting() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.queue) > 0
}

// drain writes all that was put, or waits until another goroutine has. It answers the error that ended writing.
func (c *clientWriter) drain() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.writing {
		c.changed.Wait()
	}
	if len(c.queue) == 0 {
		return c.failed
	}
	c.writing = true
	ended := false
	for len(c.queue) > 0 {
		parts := c.queue
		c.queue, c.queued = nil, 0
		c.mu.Unlock()
		var err error
		for i := range parts {
			if err = c.write(&parts[i]); err != nil {
				break
			}
			ended = ended || parts[i].end
		}
		c.mu.Lock()
		if err != nil {
			c.failed, c.queue, c.queued = err, nil, 0
		} else if c.queue == nil {
			clear(parts)
			c.queue = parts[:0]
		}
	}
	if c.failed == nil && c.pending && !ended && c.wrote != c.length {
		// Nothing more is known to be on its way: what there is must not wait for it. Headers with a declared length go
		// with the first piece of the body.
		if c.wrote > 0 || c.length < 0 {
			c.mu.Unlock()
			err := c.controller().Flush()
			c.mu.Lock()
			c.pending = false
			if err != nil {
				c.failed = err
			}
		}
	}
	c.writing = false
	c.changed.Broadcast()
	return c.failed
}

func (c *clientWriter) write(p *responsePart) error {
	switch {
	case p.headers != nil:
		c.began, c.pending = true, true
		if n, err := strconv.ParseInt(p.headers.Value("content-length"), 10, 64); err == nil && n >= 0 {
			c.length = n
		}
		c.w.WriteHeader(applyResponseHeaders(c.w, p.headers))
	case p.trailers != nil:
		for k, v := range p.trailers.All() {
			c.w.Header().Add(http.TrailerPrefix+http.CanonicalHeaderKey(k), v)
		}
	default:
		n, err := c.w.Write(p.data.Bytes())
		c.wrote += int64(n)
		c.pending = c.pending || n > 0
		p.data.Reset()
		return err
	}
	return nil
}
