package gateway

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-gateway/sluice/message"
)

// stream is one request and its response on their way through the gateway.
//
// The goroutine that net/http gives a request serves the stream: it pushes the request's headers into the filter chain
// and writes what comes out towards the client. Where there are filters, a request's body is pumped by a second
// goroutine, and the upstream's response by a third, so that the chain can move (a filter resumes the stream) while the
// other side is silent; serveHTTP waits for both. Without filters the serving goroutine does all of it.
type stream struct {
	filterChain
	l    *listener
	r    *http.Request
	info streamInfo
	up   upstreamRequest
	out  clientWriter

	requestHead  message.Headers
	responseHead message.Headers

	// wakes tells the serving goroutine that there is something to do.
	wakes chan struct{}
	// over: the stream is complete and its filters are destroyed.
	over atomic.Bool
	// aborted: the client gets no (whole) response.
	aborted bool
	// replaced: the gateway answered in place of a response that cannot be sent; the rest of that is dropped.
	replaced bool
	// replyContext is what local replies must know of the request as the client sent it.
	replyContext localReplyContext
	// requestEnded: the request was received whole.
	requestEnded atomic.Bool
	// reading: the pump is reading the request, so that it will see why that broke off.
	reading atomic.Bool
	// requestError is why the request could not be read to its end, where the transport reads it.
	requestError atomic.Pointer[error]

	pumps     sync.WaitGroup
	deadlines deadlines
}

// bodyChunkSize is how much of a body is read at once.
const bodyChunkSize = 32 << 10

// bodyChunk is memory that one piece of a body is read into.
type bodyChunk [bodyChunkSize]byte

// chunkPool keeps body chunks from one stream for the next.
type chunkPool struct{ pool sync.Pool }

func (p *chunkPool) get() *bodyChunk {
	if c, ok := p.pool.Get().(*bodyChunk); ok {
		return c
	}
	return new(bodyChunk)
}

func (p *chunkPool) put(c *bodyChunk) { p.pool.Put(c) }

// serveHTTP serves one request.
func (l *listener) serveHTTP(w http.ResponseWriter, r *http.Request) {
	s := &stream{l: l, r: r, wakes: make(chan struct{}, 1)}
	s.info.init(r)
	s.out.init(w, r, &s.deadlines)
	s.out.trailers = l.trailers(r)
	plugins := l.chain()
	s.init(s, len(plugins), l.config.BufferLimit)
	if len(plugins) > 0 {
		worker := l.pickWorker()
		for i, p := range plugins {
			s.filters[i].filter = p.NewFilter(worker, &s.filters[i].callbacks)
		}
	}
	endStream := r.ContentLength == 0 // -1 is a body of unknown length
	s.requestEnded.Store(endStream)
	if !endStream {
		// The response may begin while the request is still being read. HTTP/2 always lets it.
		_ = s.out.controller().EnableFullDuplex()
	}
	s.replyContext = localReplyContext{head: r.Method == http.MethodHead, grpc: isGRPC(r.Header.Get("Content-Type"))}
	s.requestHead.Grow(len(r.Header) + addedHeaders)
	requestHeaders(&s.requestHead, r, &l.config.HTTP)
	s.deadlines.begin(&l.gateway.clock, s.info.connectionID, l.config.HTTP.StreamIdleTimeout, s.deadlineEnded)

	s.acquire()
	if status, flag, details, body := refusedRequest(r); status != 0 {
		s.decode.aborted = true
		s.fail(uint32(status), flag, details, body)
	} else {
		if len(s.filters) > 0 {
			s.chooseRoute()
		}
		s.decode.start(&s.requestHead, endStream)
	}
	s.release()
	if !endStream && len(s.filters) > 0 {
		s.pumps.Go(s.pumpRequest)
	}
	s.serve()
	s.end()
}

// addedHeaders is room for what the gateway adds to a message's headers, and a plugin or two.
const addedHeaders = 10

// serve carries out what the chain has made ready until the stream is over.
func (s *stream) serve() {
	gone := s.r.Context().Done()
	for {
		if err := s.out.drain(); err != nil {
			s.clientGone()
		}
		if s.over.Load() {
			if err := s.out.drain(); err != nil {
				s.aborted = true
			}
			return
		}
		if s.takeUpstream() {
			if len(s.filters) > 0 {
				s.pumps.Go(s.serveUpstream)
			} else {
				s.serveUpstream()
			}
			continue
		}
		select {
		case <-s.wakes:
		case <-gone:
			if s.reading.Load() {
				gone = nil // net/http ends the context also for a request that is late or malformed: the pump answers that
				continue
			}
			s.clientGone()
		}
	}
}

// end releases what the stream holds, once it is over.
func (s *stream) end() {
	s.deadlines.stop()
	if !s.requestEnded.Load() {
		s.dropRequest()
	}
	s.pumps.Wait()
	if s.up.direct != nil {
		s.up.direct.end()
	}
	if s.aborted {
		panic(http.ErrAbortHandler) // net/http closes the connection, or resets the HTTP/2 stream, without a word
	}
}

// closeLinger is how long a client that was answered before its request ended may go on sending: closing at once could
// take the answer from it again (source: Envoy's delayed_close_timeout, which is longer; net/http adds as much).
const closeLinger = 500 * time.Millisecond

// dropRequest interrupts the pump that still reads the request.
func (s *stream) dropRequest() {
	deadline := time.Unix(1, 0)
	if !s.aborted && s.r.ProtoMajor == 1 {
		_ = s.out.controller().Flush()
		deadline = time.Now().Add(closeLinger)
	}
	_ = s.out.controller().SetReadDeadline(deadline)
}

// takeUpstream reports, once, that the upstream request is ready to be sent.
func (s *stream) takeUpstream() bool {
	s.acquire()
	defer s.release()
	ready := s.up.request != nil && !s.up.sent && !s.complete
	s.up.sent = s.up.sent || ready
	return ready
}

// wake has the serving goroutine look again.
func (s *stream) wake() {
	select {
	case s.wakes <- struct{}{}:
	default:
	}
}

// clientGone ends the stream because its client has.
func (s *stream) clientGone() {
	s.acquire()
	s.downstreamReset()
	s.release()
}

// downstreamReset is clientGone on the stream's turn.
func (s *stream) downstreamReset() {
	if s.complete {
		return
	}
	s.mu.Lock()
	s.info.flag("DC")
	s.mu.Unlock()
	s.resetStream("downstream_remote_disconnect")
}

// serveUpstream sends the request to the upstream and pumps the response into the chain.
func (s *stream) serveUpstream() {
	resp, err := s.up.cluster.transport().RoundTrip(s.up.request)
	elapsed := s.deadlines.move()
	if err != nil {
		s.acquire()
		s.upstreamFailed(err)
		s.release()
		return
	}
	defer resp.Body.Close()
	endStream := resp.Body == http.NoBody || resp.ContentLength == 0 || s.r.Method == http.MethodHead
	s.acquire()
	if s.complete || s.encode.headers != nil {
		s.release() // answered already
		return
	}
	s.mu.Lock()
	s.info.upstreamReply = true
	s.info.upstreamFirstByte = elapsed
	s.responseHead.Grow(len(resp.Header) + addedHeaders)
	responseHeaders(&s.responseHead, resp)
	setServiceTime(&s.responseHead, s.info.upstreamFirstByte)
	s.info.responseDetails = "via_upstream"
	s.mu.Unlock()
	s.encode.start(&s.responseHead, endStream)
	s.release()
	if !endStream {
		s.pumpResponse(resp)
	} else if s.out.drain() != nil {
		s.clientGone()
	}
}

// pumpResponse reads the upstream's body into the chain.
func (s *stream) pumpResponse(resp *http.Response) {
	chunk := s.l.gateway.chunks.get()
	defer s.l.gateway.chunks.put(chunk)
	for err := error(nil); err == nil && s.mayRead(&s.encode); {
		// What was put is written before the chunk is used again.
		if s.out.drain() != nil {
			s.clientGone()
			return
		}
		var n int
		n, err = resp.Body.Read(chunk[:])
		s.deadlines.move()
		s.acquire()
		if n > 0 {
			d := message.Borrow(chunk[:n])
			s.encode.data(&d, false)
		}
		switch {
		case errors.Is(err, io.EOF) && len(resp.Trailer) > 0 && s.up.cluster.trailers(resp.ProtoMajor):
			t := &message.Headers{}
			trailers(t, resp.Trailer)
			s.encode.finish(t)
		case errors.Is(err, io.EOF):
			s.encode.data(&message.Buffer{}, true)
		case err != nil:
			s.upstreamFailed(err)
		}
		s.release()
	}
	if s.out.drain() != nil {
		s.clientGone()
	}
}

// pumpRequest reads the client's body into the chain.
func (s *stream) pumpRequest() {
	chunk := s.l.gateway.chunks.get()
	defer s.l.gateway.chunks.put(chunk)
	for err := error(nil); err == nil && s.mayRead(&s.decode); {
		var n int
		s.reading.Store(true)
		n, err = s.r.Body.Read(chunk[:])
		s.info.received.Add(int64(n))
		s.deadlines.move()
		s.acquire()
		if n > 0 {
			d := message.Borrow(chunk[:n])
			s.decode.data(&d, false)
		}
		switch {
		case errors.Is(err, io.EOF):
			s.requestReceived()
			if len(s.r.Trailer) > 0 && s.l.trailers(s.r) {
				t := &message.Headers{}
				trailers(t, s.r.Trailer)
				s.decode.finish(t)
			} else {
				s.decode.data(&message.Buffer{}, true)
			}
		case err != nil:
			s.requestFailed(err)
		}
		body := s.up.body
		s.release()
		s.posted()
		s.reading.Store(false)
		if s.r.Context().Err() != nil {
			s.clientGone() // seen while nobody looked
		}
		if body != nil {
			body.waitDrained() // the chunk is used again
		}
	}
}

// requestReceived notes that the request was received whole. Any goroutine may call it.
func (s *stream) requestReceived() {
	s.mu.Lock()
	s.info.requestEnd = time.Since(s.info.start)
	s.mu.Unlock()
	s.requestEnded.Store(true)
}

// requestFailed ends the stream because its request cannot be read to its end. It runs on the stream's turn.
func (s *stream) requestFailed(err error) {
	var ne net.Error
	switch isNet := errors.As(err, &ne); {
	case isNet && ne.Timeout():
		s.fail(http.StatusRequestTimeout, "", "request_overall_timeout", "request timeout")
	case isNet, errors.Is(err, io.ErrUnexpectedEOF), s.r.Context().Err() != nil:
		s.downstreamReset()
	default:
		s.fail(http.StatusBadRequest, "DPE", "http1.codec_error", "")
	}
}

// upstreamFailed ends the stream, or answers it, because its upstream failed. It runs on the stream's turn.
func (s *stream) upstreamFailed(err error) {
	switch {
	case s.complete:
		return
	case s.encode.headers != nil && !s.info.upstreamReply:
		return // a local reply is on its way
	}
	if request := s.requestError.Load(); request != nil {
		s.requestFailed(*request) // the upstream saw a request that broke off
		return
	}
	if s.r.Context().Err() != nil {
		s.downstreamReset()
		return
	}
	if errors.Is(context.Cause(s.up.request.Context()), errRouteTimeout) {
		err = errRouteTimeout
	}
	if s.encode.headers == nil {
		s.failUpstream(err)
		return
	}
	flag, details := upstreamBodyFailure(err)
	if s.encode.headersDone {
		s.mu.Lock()
		s.info.flag(flag)
		s.mu.Unlock()
		s.resetStream(details)
		return
	}
	code, _, _, body := upstreamFailure(err) // the filters hold the headers still
	s.fail(uint32(max(code, http.StatusBadGateway)), flag, details, body)
}
