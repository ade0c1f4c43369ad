package gateway

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sluice-gateway/sluice/message"
	"github.com/sluice-gateway/sluice/pluginhost"
)

// responseHeaders implements terminus: the response's headers leave for the client.
func (s *stream) responseHeaders(h *message.Headers, endStream bool) {
	s.mu.Lock()
	code, err := strconv.Atoi(h.Value(":status"))
	if err != nil || code < 100 || code > 999 {
		s.mu.Unlock()
		s.replaceResponse()
		return
	}
	s.info.responseCode = code
	head := s.responseHeadFor(h)
	s.mu.Unlock()
	s.out.put(responsePart{headers: head, end: endStream})
}

// responseHeadFor makes the last changes to h and returns what the writer is to send: a copy, where a plugin may go on
// changing h. It is called under the lock.
func (s *stream) responseHeadFor(h *message.Headers) *message.Headers {
	finalizeResponseHeaders(h, &s.l.config.HTTP, time.Now())
	if !s.requestEnded.Load() && s.r.ProtoMajor == 1 {
		// HTTP/1 cannot go on to a next request before the rest of this one, which nobody waits for. What still came would be
		// taken for a request.
		h.Set("connection", "close")
	}
	if len(s.filters) > 0 {
		h = h.Clone()
	}
	return h
}

// replaceResponse answers in place of a response from which a filter took its status, or gave it none that can be sent
// (source: Envoy's checkRequiredResponseHeaders).
func (s *stream) replaceResponse() {
	h, body := localReplyMessage(pluginhost.LocalReply{Code: http.StatusBadGateway, GRPCStatus: -1,
		Body: []byte("missing required header: :status")}, s.replyContext)
	s.mu.Lock()
	s.info.responseCode = http.StatusBadGateway
	s.info.responseDetails = "filter_removed_required_response_headers{missing_required_header:_:status}"
	s.info.upstreamReply = false
	head := s.responseHeadFor(h)
	s.mu.Unlock()
	s.encode.aborted, s.replaced = true, true
	s.finishResponse()
	s.out.put(responsePart{headers: head, end: len(body) == 0})
	if len(body) > 0 {
		s.info.sent.Add(int64(len(body)))
		s.out.put(responsePart{data: message.Own(body), end: true})
	}
}

// responseData implements terminus.
func (s *stream) responseData(d *message.Buffer, endStream bool) {
	if s.replaced {
		return
	}
	s.info.sent.Add(int64(d.Len()))
	s.out.put(responsePart{data: d.Take(), end: endStream})
}

// responseTrailers implements terminus.
func (s *stream) responseTrailers(h *message.Headers) {
	if s.replaced {
		return
	}
	s.mu.Lock()
	h = h.Clone()
	s.mu.Unlock()
	s.out.put(responsePart{trailers: h, end: true})
}

// posted implements terminus: somebody who does not write to the client had the turn.
func (s *stream) posted() {
	if s.out.waiting() {
		s.wake()
	}
}

// reset implements terminus.
func (s *stream) reset(details string) {
	s.mu.Lock()
	s.info.responseDetails, s.info.replied = details, true
	s.mu.Unlock()
	s.aborted = true
	s.out.cut(errStreamReset)
}

// ended implements terminus.
func (s *stream) ended() {
	s.mu.Lock()
	s.info.responseEnd = time.Since(s.info.start)
	s.mu.Unlock()
}

// finished implements terminus: the filters are destroyed, nothing moves any more.
func (s *stream) finished() {
	if s.up.cancel != nil {
		s.up.cancel(errBodyClosed)
	}
	if s.up.body != nil {
		_ = s.up.body.Close()
	}
	s.l.logAccess(s)
	s.over.Store(true)
	s.wake()
}

// localReply implements terminus.
func (s *stream) localReply(r *pluginhost.LocalReply) localReplyContext {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.info.upstreamReply = false
	s.info.responseDetails, s.info.replied = r.Details, true
	return s.replyContext
}

// isGRPC reports whether a request's content type is gRPC's.
func isGRPC(contentType string) bool {
	rest, ok := strings.CutPrefix(contentType, "application/grpc")
	return ok && (rest == "" || rest[0] == '+' || rest[0] == ';')
}

// countedBody is a request body that goes to the upstream without filters between.
type countedBody struct {
	s *stream
	// reading is held while the transport reads. It may go on doing so after the response, but not after the request's
	// handler has returned, when the connection is net/http's again.
	reading sync.Mutex
	shut    bool
	// trailers is the transport's trailer map, nil if trailers do not pass.
	trailers http.Header
}

func (b *countedBody) Read(p []byte) (int, error) {
	b.reading.Lock()
	defer b.reading.Unlock()
	if b.shut {
		return 0, errBodyClosed
	}
	n, err := b.s.r.Body.Read(p)
	b.s.info.received.Add(int64(n))
	b.s.deadlines.move()
	switch {
	case errors.Is(err, io.EOF):
		if b.trailers != nil {
			maps.Copy(b.trailers, b.s.r.Trailer)
		}
		b.s.requestReceived()
		b.s.post(b.s.requestSent)
	case err != nil:
		b.s.requestError.CompareAndSwap(nil, &err)
	}
	return n, err
}

// Close leaves the client's body open: net/http owns it, and the response may still be on its way.
func (b *countedBody) Close() error { return nil }

// end waits for the transport and lets it read no more.
func (b *countedBody) end() {
	b.reading.Lock()
	b.shut = true
	b.reading.Unlock()
}
