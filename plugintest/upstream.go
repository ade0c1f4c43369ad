package plugintest

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// UpstreamRequest is a request as the upstream got it.
type UpstreamRequest struct {
	Method string
	// Path is the request target, query included.
	Path string
	// Host is the request's authority.
	Host   string
	Header http.Header
	// ContentLength is the length that was announced, -1 for a body in chunks.
	ContentLength int64
	// Body is what arrived of the body. Of a [Stream] it is empty: there the test reads it.
	Body string
	// Trailer has the trailers.
	Trailer http.Header
	// Err is why the body was cut short, nil if it is whole.
	Err error
}

func newUpstreamRequest(r *http.Request) *UpstreamRequest {
	return &UpstreamRequest{
		Method: r.Method, Path: r.RequestURI, Host: r.Host, Header: r.Header.Clone(), ContentLength: r.ContentLength,
	}
}

// upstream is the server behind the gateway. Each request that arrives is handed to the exchange it belongs to.
type upstream struct {
	mu   sync.Mutex
	open []*exchange // those whose request has not arrived yet
}

// exchange is a client's request, and what becomes of it at the upstream.
type exchange struct {
	id string // x-request-id
	// serve answers the request at the upstream.
	serve func(http.ResponseWriter, *http.Request, *UpstreamRequest)
	// arrived is closed when the upstream has the request's headers, served when its handler is done.
	arrived, served chan struct{}
	request         *UpstreamRequest // set before arrived is closed
}

func newExchange(id string) *exchange {
	return &exchange{id: id, arrived: make(chan struct{}), served: make(chan struct{})}
}

// expect registers an exchange before its request is sent.
func (u *upstream) expect(e *exchange) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.open = append(u.open, e)
}

// forget ends the wait for an exchange's request.
func (u *upstream) forget(e *exchange) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for i, have := range u.open {
		if have == e {
			u.open = append(u.open[:i], u.open[i+1:]...)
			return
		}
	}
}

// claim finds the exchange that an arriving request belongs to: the one of its id, or the only one there is.
func (u *upstream) claim(seen *UpstreamRequest) *exchange {
	u.mu.Lock()
	defer u.mu.Unlock()
	at, id := -1, seen.Header.Get("X-Request-Id")
	for i, e := range u.open {
		if e.id == id {
			at = i
		}
	}
	if at < 0 && len(u.open) == 1 {
		at = 0
	}
	if at < 0 {
		return nil
	}
	e := u.open[at]
	u.open = append(u.open[:at], u.open[at+1:]...)
	return e
}

// ServeHTTP implements [http.Handler].
func (u *upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	seen := newUpstreamRequest(r)
	e := u.claim(seen)
	if e == nil {
		http.Error(w, "plugintest: no test waits for this request", http.StatusInternalServerError)
		return
	}
	e.request = seen
	close(e.arrived)
	defer close(e.served)
	e.serve(w, r, seen)
}

// recorder is a request's body that keeps what is read of it.
type recorder struct {
	io.ReadCloser
	text strings.Builder
	err  error
}

// Read implements [io.Reader].
func (b *recorder) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.text.Write(p[:n])
	if err != nil && !errors.Is(err, io.EOF) {
		b.err = err
	}
	return n, err
}

// serveWith answers by a handler, and sees to it that the whole body is recorded.
func serveWith(h http.Handler) func(http.ResponseWriter, *http.Request, *UpstreamRequest) {
	return func(w http.ResponseWriter, r *http.Request, seen *UpstreamRequest) {
		body := &recorder{ReadCloser: r.Body}
		r.Body = body
		defer func() {
			_, _ = io.Copy(io.Discard, body) // the recorder keeps the error
			seen.Body, seen.Err, seen.Trailer = body.text.String(), body.err, r.Trailer.Clone()
		}()
		h.ServeHTTP(w, r)
	}
}

// echo is the upstream where a test names none: it answers 200 with the request's body and content type.
func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the gateway gave up
	}
	if ct := r.Header.Get("Content-Type"); ct != "" {
		w.Header().Set("Content-Type", ct)
	}
	w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	_, _ = w.Write(body) // an error is the gateway giving up
}

// UpstreamStream is the upstream's end of a [Stream]: the request as it arrives, and the answer as the test gives it.
// Its methods belong to the test's goroutine.
type UpstreamStream struct {
	incoming
	// Request is the request's head. Its body is read by the methods of the stream; Trailers has the trailers.
	Request *UpstreamRequest

	t       testing.TB
	r       *http.Request
	w       http.ResponseWriter
	control *http.ResponseController
	status  int
	// finish tells the handler how to end, once.
	finish chan func()
	ended  bool
	// ready is closed when the fields above are set.
	ready chan struct{}
}

// serve runs as the upstream's handler until the test ends the stream.
func (u *UpstreamStream) serve(w http.ResponseWriter, r *http.Request, seen *UpstreamRequest) {
	u.Request, u.r, u.w, u.control = seen, r, w, http.NewResponseController(w)
	u.incoming.r = r.Body
	// The answer may begin while the request is still arriving. Where it cannot be so, writing shows it.
	_ = u.control.EnableFullDuplex()
	close(u.ready)
	(<-u.finish)()
}

// Trailers returns the request's trailers. The body must have been read to its end.
func (u *UpstreamStream) Trailers() http.Header { return u.r.Trailer }

// Respond sends the answer's head: status and headers, which may be nil. Without a Content-Length among them, a body is
// sent in chunks.
func (u *UpstreamStream) Respond(status int, header http.Header) {
	u.t.Helper()
	u.mustBeOpen()
	for name, values := range header {
		u.w.Header()[http.CanonicalHeaderKey(name)] = values
	}
	u.w.WriteHeader(status)
	u.status = status
	u.flush()
}

// Send sends part of the answer's body, after a head of 200 if none was sent.
func (u *UpstreamStream) Send(data string) {
	u.t.Helper()
	u.mustBeOpen()
	if u.status == 0 {
		u.Respond(http.StatusOK, nil)
	}
	if err := u.control.SetWriteDeadline(time.Now().Add(u.timeout)); err != nil {
		u.t.Fatalf("plugintest: the upstream's answer: %v", err)
	}
	if _, err := io.WriteString(u.w, data); err != nil {
		u.t.Fatalf("plugintest: sending the upstream's answer: %v", err)
	}
	u.flush()
}

func (u *UpstreamStream) mustBeOpen() {
	u.t.Helper()
	if u.ended {
		u.t.Fatalf("plugintest: the upstream's answer has ended already")
	}
}

func (u *UpstreamStream) flush() {
	u.t.Helper()
	if err := u.control.Flush(); err != nil {
		u.t.Fatalf("plugintest: sending the upstream's answer: %v", err)
	}
}

// Trailer adds a trailer, which [UpstreamStream.Close] sends. The answer must be sent in chunks.
func (u *UpstreamStream) Trailer(name, value string) {
	u.t.Helper()
	u.mustBeOpen()
	u.w.Header().Add(http.TrailerPrefix+name, value)
}

// Close ends the answer, whole. Without one begun it is a 200 with no body.
func (u *UpstreamStream) Close() { u.end(func() {}) }

// Reset breaks the connection off, as an upstream that crashes does.
func (u *UpstreamStream) Reset() { u.end(func() { panic(http.ErrAbortHandler) }) }

// Serve has the rest done by a handler, nil for an echo. It returns at once.
func (u *UpstreamStream) Serve(h http.Handler) {
	if h == nil {
		h = http.HandlerFunc(echo)
	}
	u.end(func() { serveWith(h)(u.w, u.r, u.Request) })
}

// Gone waits until the gateway has given up the request (it reset the stream, or answered by itself), and fails the test
// if it does not.
func (u *UpstreamStream) Gone() {
	u.t.Helper()
	// net/http watches the connection only once the body has been read.
	_, err := u.drain()
	if err != nil && !errors.Is(err, errTimeout) {
		return
	}
	select {
	case <-u.r.Context().Done():
	case <-time.After(u.timeout):
		u.t.Fatalf("plugintest: the gateway has not given up the upstream request in %v", u.timeout)
	}
}

func (u *UpstreamStream) end(how func()) {
	if !u.ended {
		u.ended = true
		u.finish <- how
	}
}
