package plugintest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// http2Client speaks HTTP/2 with prior knowledge, by net/http.
type http2Client struct {
	conn      net.Conn
	transport *http.Transport
	ctx       context.Context
	cancel    context.CancelFunc
	body      *io.PipeWriter // nil for a request without one
	request   *http.Request
	answered  chan struct{} // closed when the fields below are set
	resp      *http.Response
	err       error

	mu    sync.Mutex
	timer *time.Timer
	late  bool
}

var errOneConnection = errors.New("the client's connection is used up")

func newHTTP2Client(conn net.Conn) client {
	c := &http2Client{conn: conn, answered: make(chan struct{})}
	unused := make(chan net.Conn, 1)
	unused <- conn
	c.transport = &http.Transport{
		Protocols: new(http.Protocols), DisableCompression: true,
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			select {
			case conn := <-unused:
				return conn, nil
			default:
				return nil, errOneConnection
			}
		},
	}
	c.transport.Protocols.SetUnencryptedHTTP2(true)
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

func (c *http2Client) address() string { return c.conn.LocalAddr().String() }

func (c *http2Client) settled() { forget(c.conn) }

func (c *http2Client) close() {
	c.mu.Lock()
	if c.timer != nil {
		c.timer.Stop()
	}
	c.mu.Unlock()
	c.cancel()
	if c.body != nil {
		_ = c.body.CloseWithError(net.ErrClosed)
	}
	if c.request != nil {
		<-c.answered // soon, now
	}
	c.transport.CloseIdleConnections()
	_ = c.conn.Close()
}

func (c *http2Client) deadline(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timer != nil {
		c.timer.Stop()
	}
	c.timer = time.AfterFunc(time.Until(t), func() {
		c.mu.Lock()
		c.late = true
		c.mu.Unlock()
		c.cancel()
		if c.body != nil {
			_ = c.body.CloseWithError(errTimeout)
		}
	})
}

func (c *http2Client) begin(r *Request, id string, withBody bool) error {
	host := r.get("Host")
	if host == "" {
		host = "example.com"
	}
	out := (&http.Request{
		Method: r.method, URL: &url.URL{Scheme: "http", Host: host, Opaque: r.target}, Host: host,
		Header: http.Header{"User-Agent": nil}, // none, unless the test says one
	}).WithContext(c.ctx)
	for _, f := range r.fields {
		switch strings.ToLower(f.name) {
		case "host", "content-length", "transfer-encoding", "connection":
		default:
			out.Header.Add(f.name, f.value)
		}
	}
	if r.get("x-request-id") == "" {
		out.Header.Set("X-Request-Id", id)
	}
	if withBody || r.pieces != nil || r.isChunked() {
		out.ContentLength = -1
		if length, ok := r.length(); ok {
			out.ContentLength = length
		}
		if out.ContentLength != 0 {
			out.Body, c.body = io.Pipe()
		}
	}
	for _, f := range r.trailers {
		if out.Trailer == nil {
			out.Trailer = http.Header{}
		}
		out.Trailer[http.CanonicalHeaderKey(f.name)] = nil
	}
	c.request = out
	go func() {
		defer close(c.answered)
		c.resp, c.err = c.transport.RoundTrip(out) //nolint:bodyclose // whoever asks for the head closes it
	}()
	return nil
}

func (c *http2Client) write(data string) error {
	if c.body == nil || data == "" {
		return nil
	}
	_, err := io.WriteString(c.body, data)
	return err
}

func (c *http2Client) end(trailers []field) error {
	if c.body == nil {
		return nil
	}
	for _, f := range trailers {
		c.request.Trailer.Add(f.name, f.value)
	}
	return c.body.Close()
}

func (c *http2Client) head(string) (*http.Response, error) {
	<-c.answered
	if c.err == nil {
		return c.resp, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.late {
		return nil, fmt.Errorf("no answer: %w", timeoutError{})
	}
	return nil, fmt.Errorf("no answer: %w", c.err)
}

// timeoutError is errTimeout as a network says it.
type timeoutError struct{}

func (timeoutError) Error() string { return errTimeout.Error() }
func (timeoutError) Timeout() bool { return true }
