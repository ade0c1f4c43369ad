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
	cutting error // becomes failed when what is queued is written

	// Owned by the writer.
	moved    *deadlines // told of each piece that was written
	trailers bool       // trailers pass
	chunks   bool       // the client takes chunks
	lengths  bool       // and is told the length of a message without a body, as in HTTP/1 but in answer to HEAD
	noBody   bool       // the status allows no body
	length   int64      // declared content length, -1 for none
	wrote    int64
	pending  bool // written, not flushed
	began    bool
}

// responsePart is headers, data or trailers on their way to the client.
type responsePart struct {
	headers  *message.Headers
	data     message.Buffer
	trailers *message.Headers
	end      bool
}

func (c *clientWriter) init(w http.ResponseWriter, r *http.Request, moved *deadlines) {
	c.w, c.moved, c.length = w, moved, -1
	c.chunks = r.ProtoMajor == 1 && r.ProtoMinor >= 1
	c.lengths = r.ProtoMajor == 1 && r.Method != http.MethodHead
	c.changed.L = &c.mu
	c.queue = c.first[:0]
}

// controller is for what net/http offers beside writing.
func (c *clientWriter) controller() *http.ResponseController { return http.NewResponseController(c.w) }

// maxQueued is how many bytes may wait for a client that does not read. Only a plugin that injects data can queue more
// than one piece: the pumps wait.
const maxQueued = 64 << 20

var (
	errClientTooSlow = errors.New("client does not read what is sent to it")
	errStreamReset   = errors.New("stream was reset")
)

// writeSize is how much is written at once: that it was is a sign of life.
const writeSize = 256 << 10

// put adds a part. Borrowed data must stay as it is until drain has returned.
func (c *clientWriter) put(p responsePart) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.failed != nil || c.cutting != nil:
		return
	case c.queued > 0 && c.queued+p.data.Len() > maxQueued:
		c.fail(errClientTooSlow)
		return
	}
	c.queued += p.data.Len()
	c.queue = append(c.queue, p)
}

// abort drops what was put and ends a write that the client does not take. Any goroutine may call it.
func (c *clientWriter) abort(err error) {
	c.mu.Lock()
	c.fail(err)
	c.mu.Unlock()
}

// cut ends the response behind what was put, which is still sent if the client takes it now. Any goroutine may call it.
func (c *clientWriter) cut(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.writing {
		c.fail(err)
		return
	}
	c.cutting = err
}

// fail is abort under the lock.
func (c *clientWriter) fail(err error) {
	if c.failed != nil {
		return
	}
	c.failed, c.queue, c.queued = err, nil, 0
	if c.writing {
		_ = c.controller().SetWriteDeadline(time.Unix(1, 0))
	}
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
	if len(c.queue) == 0 && (c.cutting == nil || c.failed != nil) {
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
			c.fail(err)
		}
		if c.failed == nil && c.queue == nil {
			clear(parts)
			c.queue = parts[:0]
		}
	}
	if c.failed == nil && c.pending && (c.cutting != nil || !ended && c.wrote != c.length) {
		// Nothing more is known to be on its way: what there is must not wait for it. Headers with a declared length go
		// with the first piece of the body.
		if c.wrote > 0 || c.length < 0 || c.cutting != nil {
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
	if c.cutting != nil {
		c.fail(c.cutting)
	}
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
		status := applyResponseHeaders(c.w, p.headers)
		c.noBody = status == http.StatusNoContent || status == http.StatusNotModified
		// Else net/http counts a short body itself and declares its length, or what is flushed before the end is chunks.
		switch {
		case c.length >= 0 || c.noBody:
		case p.end && c.lengths:
			c.w.Header()["Content-Length"] = []string{"0"}
		case !p.end && c.chunks:
			c.w.Header()["Transfer-Encoding"] = []string{"chunked"}
		}
		c.w.WriteHeader(status)
	case p.trailers != nil && !c.trailers:
	case p.trailers != nil:
		for k, v := range p.trailers.All() {
			c.w.Header().Add(http.TrailerPrefix+http.CanonicalHeaderKey(k), v)
		}
	case !c.noBody:
		for data := p.data.Bytes(); len(data) > 0; {
			n, err := c.w.Write(data[:min(len(data), writeSize)])
			c.wrote += int64(n)
			c.pending = c.pending || n > 0
			if err != nil {
				return err
			}
			data = data[n:]
			c.moved.move()
		}
	}
	p.data.Reset()
	return nil
}
