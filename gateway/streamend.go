package gateway

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-gateway/sluice/message"
	"github.com/sluice-gateway/sluice/pluginhost"
)

// responseHeaders implements terminus: the response's headers leave for the client.
func (s *stream) responseHeaders(h *message.Headers, endStream bool) {
	code, err := strconv.Atoi(h.Value(":status"))
	if err != nil || code < 100 || code > 999 {
		s.badResponseHeaders()
		return
	}
	s.mu.Lock()
	s.info.responseCode = code
	finalizeResponseHeaders(h, &s.l.config.HTTP, time.Now())
	if !s.requestEnded.Load() && s.r.ProtoMajor == 1 {
		// HTTP/1 cannot go on to a next request before the rest of this one; nobody waits for that.
		h.Set("connection", "close")
	}
	s.mu.Unlock()
	s.out.put(responsePart{headers: h, end: endStream})
}

// badResponseHeaders answers in place of a response from which a filter took its status (source: Envoy's
// checkRequiredResponseHeaders).
func (s *stream) badResponseHeaders() {
	h, body := localReplyMessage(pluginhost.LocalReply{Code: http.StatusBadGateway, GRPCStatus: -1,
		Body: []byte("missing required header: :status")}, s.localReplyContext())
	s.mu.Lock()
	s.info.responseCode, s.info.responseDetails = http.StatusBadGateway, "filter_removed_required_response_headers{missing_required_header:_:status}"
	s.info.upstreamReply = false
	s.encode.aborted = true
	finalizeResponseHeaders(h, &s.l.config.HTTP, time.Now())
	s.mu.Unlock()
	s.finishResponse()
	s.out.put(responsePart{headers: h, end: len(body) == 0})
	if len(body) > 0 {
		s.info.sent.Add(int64(len(body)))
		s.out.put(responsePart{data: message.Own(body), end: true})
	}
}

// responseData implements terminus.
func (s *stream) responseData(d *message.Buffer, endStream bool) {
	s.info.sent.Add(int64(d.Len()))
	s.out.put(responsePart{data: d.Take(), end: endStream})
}

// responseTrailers implements terminus.
func (s *stream) responseTrailers(h *message.Headers) {
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
	s.info.responseDetails = details
	s.mu.Unlock()
	s.aborted = true
}

// ended implements terminus.
func (s *stream) ended() {
	s.mu.Lock()
	s.info.responseEnd = time.Since(s.info.start)
	s.mu.Unlock()
}

// finished implements terminus: the filters are destroyed, nothing moves any more.
func (s *stream) finished() {
	if s.up.timer != nil {
		s.up.timer.Stop()
	}
	if s.up.cancel != nil {
		s.up.cancel(errBodyClosed)
	}
	if s.up.body != nil {
		_ = s.up.body.Close()
	}
	s.l.logAccess(s)
	close(s.over)
}

// localReply implements terminus.
func (s *stream) localReply(r *pluginhost.LocalReply) localReplyContext {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.info.upstreamReply = false
	s.info.responseDetails = r.Details
	return s.localReplyContext()
}

func (s *stream) localReplyContext() localReplyContext {
	return localReplyContext{
		head: s.requestHead.Value(":method") == http.MethodHead,
		grpc: isGRPC(s.requestHead.Value("content-type")),
	}
}

// isGRPC reports whether a request's content type is gRPC's.
func isGRPC(contentType string) bool {
	rest, ok := strings.CutPrefix(contentType, "application/grpc")
	return ok && (rest == "" || rest[0] == '+' || rest[0] == ';')
}

// countedBody is a request body that goes to the upstream without filters between.
type countedBody struct {
	io.ReadCloser
	s *stream
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.s.info.received.Add(int64(n))
	b.s.moved()
	if errors.Is(err, io.EOF) {
		b.s.requestReceived()
		b.s.post(b.s.requestSent)
	}
	return n, err
}

// Close leaves the client's body open: net/http owns it, and the response may still be on its way.
func (b *countedBody) Close() error { return nil }
