package plugintest

import (
	"errors"
	"net/http"
	"testing"
	"time"
)

// Stream is a request that a test sends step by step: the client's end of it. [Stream.Upstream] is the other one. The
// methods belong to the test's goroutine.
type Stream struct {
	incoming
	p       *Plugin
	t       testing.TB
	client  client
	request *Request
	sent    bool
	up      *UpstreamStream
	x       *exchange

	head     *http.Response
	response *Response
}

// Stream begins a request: its headers are sent, its body is not, whatever the request says of one. Further steps are
// the test's. The body is in chunks unless the request has a header Content-Length. A request without a body is begun
// with method GET or HEAD and no such header: there is nothing to send then.
func (p *Plugin) Stream(r *Request) *Stream {
	p.t.Helper()
	c, err := dial(p.address, r, p.timeout)
	if err != nil {
		p.t.Fatalf("plugintest: connecting to the gateway: %v", err)
	}
	p.t.Cleanup(c.close)
	begun := *r
	begun.pieces = nil
	withBody := r.method != http.MethodGet && r.method != http.MethodHead || r.isChunked()
	s := &Stream{p: p, t: p.t, client: c, request: &begun, sent: !withBody && r.get("Content-Length") == ""}
	s.x = newExchange(p.requestID(r))
	s.up = &UpstreamStream{t: p.t, finish: make(chan func(), 1), ready: make(chan struct{})}
	s.up.incoming = incoming{t: p.t, timeout: p.timeout, whose: "the request's body at the upstream"}
	s.incoming = incoming{t: p.t, timeout: p.timeout, whose: "the answer's body at the client"}
	s.x.serve = s.up.serve
	p.upstream.expect(s.x)
	p.t.Cleanup(func() {
		s.up.Reset() // of no effect where the test has ended it
		p.upstream.forget(s.x)
		if s.response == nil {
			c.close()
			p.settle(c.address(), &Response{})
		}
	})
	p.ends.watch(c.address())
	p.watch.expect(c.address())
	s.within(func() error { return c.begin(&begun, s.x.id, withBody) })
	return s
}

// Send sends part of the body. It returns when the bytes are on their way: what the gateway has done with them, the
// upstream's end shows. A gateway that reads no further holds it up.
func (s *Stream) Send(data string) {
	s.t.Helper()
	if s.sent {
		s.t.Fatalf("plugintest: the request's body has ended already")
	}
	s.within(func() error { return s.client.write(data) })
}

// CloseSend ends the request, with its trailers if it has any.
func (s *Stream) CloseSend() {
	s.t.Helper()
	if !s.sent {
		s.sent = true
		s.within(func() error { return s.client.end(s.request.trailers) })
	}
}

// within sends something, and fails the test if the gateway does not take it in time.
func (s *Stream) within(send func() error) {
	s.t.Helper()
	sent := make(chan error, 1)
	go func() { sent <- send() }()
	err := errTimeout
	select {
	case err = <-sent:
	case <-time.After(s.timeout):
	}
	if err != nil {
		s.t.Fatalf("plugintest: sending the request: %v%s", err, s.p.watch.explain(s.client.address()))
	}
}

// Upstream waits until the request's headers are at the upstream, and returns its end of the stream.
func (s *Stream) Upstream() *UpstreamStream {
	s.t.Helper()
	select {
	case <-s.up.ready:
	case <-time.After(s.timeout):
		s.t.Fatalf("plugintest: the request has not reached the upstream in %v%s", s.timeout, s.p.watch.explain(s.client.address()))
	}
	return s.up
}

// Reached reports whether the request's headers are at the upstream by now.
func (s *Stream) Reached() bool {
	select {
	case <-s.up.ready:
		return true
	default:
		return false
	}
}

// Head waits for the answer's head. The body is read by the other methods, until [Stream.Response] takes the rest.
func (s *Stream) Head() *Response {
	s.t.Helper()
	if s.head == nil {
		type result struct {
			resp *http.Response
			err  error
		}
		ch := make(chan result, 1)
		go func() {
			resp, err := s.client.head(s.request.method) //nolint:bodyclose // the test reads it; closing the connection ends it
			ch <- result{resp, err}
		}()
		select {
		case got := <-ch:
			if got.err != nil {
				s.t.Fatalf("plugintest: the client: %v", got.err)
			}
			s.head, s.incoming.r = got.resp, got.resp.Body
		case <-time.After(s.timeout):
			s.t.Fatalf("plugintest: no answer has reached the client in %v%s", s.timeout, s.p.watch.explain(s.client.address()))
		}
	}
	return &Response{Status: s.head.StatusCode, Header: s.head.Header, Worker: -1}
}

// Receive waits for bytes of the answer's body and returns those that have come, at least one; at the end it returns nil.
func (s *Stream) Receive() []byte { s.t.Helper(); s.Head(); return s.incoming.Receive() }

// Expect waits for as many bytes of the answer's body as want has, and fails the test unless they are want.
func (s *Stream) Expect(want string) { s.t.Helper(); s.Head(); s.incoming.Expect(want) }

// ExpectEnd fails the test unless the answer's body ends here, whole.
func (s *Stream) ExpectEnd() { s.t.Helper(); s.Head(); s.incoming.ExpectEnd() }

// ReceiveAll waits for the answer's end and returns what of its body came until then.
func (s *Stream) ReceiveAll() []byte { s.t.Helper(); s.Head(); return s.incoming.ReceiveAll() }

// Response waits for the answer and for the gateway to let go of the stream. Its body is what no other method has read
// before. An answer that is broken off has Err set, and fails nothing. Upstream is the head of what the upstream got.
func (s *Stream) Response() *Response {
	s.t.Helper()
	if s.response != nil {
		return s.response
	}
	got := s.Head()
	body, err := s.drain()
	if errors.Is(err, errTimeout) {
		s.t.Fatalf("plugintest: %s: got %d bytes and then %v", s.whose, len(body), s.explain(err))
	}
	got.Body, got.Err, got.Trailer = string(body), err, s.head.Trailer
	s.client.close()
	got.request = s.request
	s.p.settle(s.client.address(), got)
	if s.Reached() {
		got.Upstream = s.up.Request
	}
	s.p.upstream.forget(s.x)
	s.response = got
	return got
}

// Cancel breaks the connection off, as a client that goes away does.
func (s *Stream) Cancel() {
	s.client.close()
	s.p.upstream.forget(s.x)
}
