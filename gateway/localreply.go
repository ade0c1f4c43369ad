package gateway

import (
	"strconv"
	"strings"

	"github.com/sluice-gateway/sluice/message"
	"github.com/sluice-gateway/sluice/pluginhost"
)

// localReplyContext is what a local reply must know of the request it answers.
type localReplyContext struct {
	head bool // a HEAD request: no body is sent
	grpc bool // a gRPC request: answered by a status in the headers
}

// sendLocalReply answers the client without the upstream, as Envoy's sendLocalReply does it: through the encoder
// filters where no response has begun; straight to the client where one is with the filters but not sent; by a reset
// where its headers are out.
func (c *filterChain) sendLocalReply(r pluginhost.LocalReply) {
	if c.complete {
		return
	}
	r.Details = detailsToken(r.Details)
	inDecode := c.decode.call != callNone
	if inDecode {
		c.decode.aborted = true
	} else if c.encode.call != callNone {
		c.encode.aborted = true
	}
	switch {
	case c.encode.headers == nil && inDecode:
		if c.prepared == nil {
			c.prepared = &r
		}
	case c.encode.headers == nil:
		c.replyThroughChain(r)
	case !c.encode.headersDone:
		c.replyStraight(r)
	default:
		c.resetStream(r.Details)
	}
}

// replyThroughChain sends r through all encoder filters. The request goes no further, whoever resumes it while an
// encoder filter holds the reply.
func (c *filterChain) replyThroughChain(r pluginhost.LocalReply) {
	c.decode.aborted = true
	h, body := localReplyMessage(r, c.end.localReply(&r))
	c.encode.start(h, len(body) == 0)
	if len(body) > 0 && !c.complete {
		d := message.Own(body)
		c.encode.data(&d, true)
	}
}

// replyStraight sends r past the encoder filters, in place of the response that they hold.
func (c *filterChain) replyStraight(r pluginhost.LocalReply) {
	h, body := localReplyMessage(r, c.end.localReply(&r))
	c.mu.Lock()
	c.encode.headers, c.encode.trailers, c.encode.buffered = h, nil, nil
	c.encode.headersDone, c.encode.observedEnd = true, true
	c.mu.Unlock()
	c.finishResponse()
	c.end.responseHeaders(h, len(body) == 0)
	if len(body) > 0 {
		d := message.Own(body)
		c.end.responseData(&d, true)
	}
}

// localReplyMessage makes r's headers and body (source: Envoy's Utility::prepareLocalReply).
func localReplyMessage(r pluginhost.LocalReply, ctx localReplyContext) (*message.Headers, []byte) {
	h := message.NewHeaders(":status", strconv.FormatUint(uint64(r.Code), 10))
	if r.Headers != nil {
		for k, v := range r.Headers.All() {
			if k != ":status" {
				h.Append(k, v)
			}
		}
	}
	if ctx.grpc {
		h.Set(":status", "200")
		h.Set("content-type", "application/grpc")
		if h.Value("grpc-status") == "" {
			status := int64(r.GRPCStatus)
			if status < 0 {
				status = grpcStatus(r.Code)
			}
			h.Set("grpc-status", strconv.FormatInt(status, 10))
		}
		if len(r.Body) > 0 && !ctx.head {
			h.Set("grpc-message", percentEncode(r.Body))
		}
		h.Del("content-length")
		return h, nil
	}
	if len(r.Body) == 0 {
		h.Del("content-length")
		h.Del("content-type")
		return h, nil
	}
	h.Set("content-length", strconv.Itoa(len(r.Body)))
	if !h.Has("content-type") {
		h.Append("content-type", "text/plain")
	}
	if ctx.head {
		return h, nil
	}
	return h, r.Body
}

// grpcStatus is the gRPC status that an HTTP status stands for (source: gRPC's http-grpc-status-mapping, which Envoy
// follows).
func grpcStatus(code uint32) int64 {
	switch code {
	case 400:
		return 13 // internal
	case 401:
		return 16 // unauthenticated
	case 403:
		return 7 // permission denied
	case 404:
		return 12 // unimplemented
	case 429, 502, 503, 504:
		return 14 // unavailable
	}
	return 2 // unknown
}

// percentEncode encodes a grpc-message (source: the gRPC over HTTP/2 specification).
func percentEncode(b []byte) string {
	const hex = "0123456789ABCDEF"
	var s strings.Builder
	for _, c := range b {
		if c >= ' ' && c <= '~' && c != '%' {
			s.WriteByte(c)
			continue
		}
		s.Write([]byte{'%', hex[c>>4], hex[c&15]})
	}
	return s.String()
}

// detailsToken makes response code details one word, so that access logs keep their columns.
func detailsToken(s string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case ' ', '\t', '\n', '\v', '\f', '\r', 0:
			return '_'
		}
		return r
	}, s)
}
