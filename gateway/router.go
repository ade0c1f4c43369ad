package gateway

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-gateway/sluice/message"
	"github.com/sluice-gateway/sluice/pluginhost"
)

// errRouteTimeout is the cause with which a route's timeout ends the upstream request.
var errRouteTimeout = errors.New("route timeout")

// upstreamRequest is a stream's request to its upstream: made on the stream's turn by the router, carried out by the
// goroutine that serves the stream.
type upstreamRequest struct {
	request *http.Request // nil until the router has the request's headers
	cluster *cluster
	host    *endpoint
	body    *requestBody // nil if there is none, or the client's body goes straight through
	direct  *countedBody // the client's body going straight through
	cancel  context.CancelCauseFunc
	timeout time.Duration
	timed   bool // the timeout counts
	sent    bool // RoundTrip was called
}

// requestHeaders is the router: it chooses where the request goes. It runs on the stream's turn.
func (s *stream) requestHeaders(h *message.Headers, endStream bool) {
	s.mu.Lock()
	s.resolveRoute()
	route := s.info.route
	s.mu.Unlock()
	switch {
	case route == nil:
		s.failUpstream(errNoRoute)
		return
	case route.DirectResponse != nil:
		s.respondDirectly(h, route.DirectResponse)
		return
	}
	c := s.l.cluster(route.Cluster)
	if c == nil {
		s.failUpstream(errClusterNotFound)
		return
	}
	host, ok := s.pickHost(c)
	if !ok {
		s.failUpstream(errNoHealthyHost)
		return
	}
	s.mu.Lock()
	s.info.upstream, s.info.hostMetadata = host.address(), host.metadata
	s.info.upstreamPicked = time.Since(s.info.start)
	s.finalizeRequestHeaders(h, route, host)
	s.mu.Unlock()
	s.startUpstream(h, route, c, host, endStream)
}

// respondDirectly answers as the route says. A 201 names what was made (source: Envoy's Router::decodeHeaders).
func (s *stream) respondDirectly(h *message.Headers, d *DirectResponse) {
	r := pluginhost.LocalReply{Code: uint32(d.Status), Body: d.Body, Details: "direct_response", GRPCStatus: -1}
	if d.Status == http.StatusCreated {
		r.Headers = message.NewHeaders("location", h.Value(":scheme")+"://"+h.Value(":authority")+h.Value(":path"))
	}
	s.sendLocalReply(r)
}

// finalizeRequestHeaders makes the changes that the route asks for. It is called under the lock.
func (s *stream) finalizeRequestHeaders(h *message.Headers, route *Route, host *endpoint) {
	// Clients may not choose the router's behaviour; that they may where they are trusted is a later part of the router.
	h.Del("x-envoy-upstream-rq-timeout-ms")
	if route.Timeout > 0 {
		h.Set("x-envoy-expected-rq-timeout-ms", strconv.FormatInt(route.Timeout.Milliseconds(), 10))
	}
	if route.PrefixRewrite != "" {
		path := h.Value(":path")
		if rewritten, ok := rewritePath(path, route); ok {
			if !h.Has("x-envoy-original-path") {
				h.Append("x-envoy-original-path", path)
			}
			setPseudo(h, ":path", rewritten)
		}
	}
	switch {
	case route.HostRewrite != "":
		setPseudo(h, ":authority", route.HostRewrite)
	case route.AutoHostRewrite && host.hostname() != "":
		setPseudo(h, ":authority", host.hostname())
	}
}

// setPseudo changes a pseudo header where it stands: pseudo headers come first.
func setPseudo(h *message.Headers, name, value string) {
	for i := range h.Fields() {
		if f := &h.Fields()[i]; f.Name == name {
			f.Value = value
			return
		}
	}
	h.Set(name, value)
}

// rewritePath replaces what the route's match took of path by its prefix rewrite.
func rewritePath(path string, route *Route) (string, bool) {
	matched := route.Match.Prefix
	switch {
	case route.Match.Path != "":
		matched = route.Match.Path
	case route.Match.PathSeparatedPrefix != "":
		matched = route.Match.PathSeparatedPrefix
	}
	if len(path) < len(matched) || !strings.EqualFold(path[:len(matched)], matched) {
		return "", false // a filter changed the path after the route was chosen
	}
	return route.PrefixRewrite + path[len(matched):], true
}

// startUpstream makes the upstream request and wakes the goroutine that will carry it out.
func (s *stream) startUpstream(h *message.Headers, route *Route, c *cluster, host *endpoint, endStream bool) {
	ctx, cancel := context.WithCancelCause(s.r.Context())
	if len(s.filters) > 0 {
		ctx = s.traceConnection(ctx) // for plugins to read
	}
	out := (&http.Request{Header: make(http.Header, h.Len())}).WithContext(ctx)
	s.up.cancel = cancel
	s.mu.Lock()
	err := applyRequestHeaders(out, h, len(s.filters) == 0)
	s.mu.Unlock()
	if err != nil {
		s.failUpstream(err)
		return
	}
	out.URL.Host = host.address()
	switch {
	case endStream:
		out.Body, out.ContentLength = nil, 0
	case len(s.filters) == 0:
		body := &countedBody{s: s}
		if s.l.trailers(s.r) && c.sendsTrailers() {
			body.trailers = http.Header{}
			for name := range s.r.Trailer {
				body.trailers[name] = nil // announced
			}
			out.Trailer = body.trailers
		}
		out.Body, s.up.direct = body, body
	default:
		s.up.body = newRequestBody()
		out.Body = s.up.body
		if c.sendsTrailers() {
			out.Trailer = s.up.body.trailers
		}
	}
	s.up.request, s.up.cluster, s.up.host, s.up.timeout = out, c, host, route.Timeout
	if endStream {
		s.requestSent()
	}
	s.wake()
}

// requestData implements terminus.
func (s *stream) requestData(d *message.Buffer, endStream bool) {
	if s.up.body == nil {
		return
	}
	if endStream {
		s.requestSent()
	}
	s.up.body.push(d, endStream)
}

// requestTrailers implements terminus.
func (s *stream) requestTrailers(h *message.Headers) {
	if s.up.body == nil {
		return
	}
	s.requestSent()
	s.mu.Lock()
	h = h.Clone()
	s.mu.Unlock()
	s.up.body.pushTrailers(h)
}

// fail answers the client with a failure of the gateway's own. It runs on the stream's turn.
func (s *stream) fail(code uint32, flag, details, body string) {
	s.mu.Lock()
	if flag != "" {
		s.info.flag(flag)
	}
	s.mu.Unlock()
	s.sendLocalReply(pluginhost.LocalReply{Code: code, Body: []byte(body), Details: details, GRPCStatus: -1})
}

// failUpstream answers a request that could not be sent, or got no response. It runs on the stream's turn.
func (s *stream) failUpstream(err error) {
	code, flag, details, body := upstreamFailure(err)
	if code == 0 {
		s.downstreamReset()
		return
	}
	s.fail(uint32(code), flag, details, body)
}

// chooseRoute chooses the route by the request as it came, before any filter has seen it: a filter that changes the
// request and keeps the route cache keeps that one (source: Envoy's ActiveStream::decodeHeaders).
func (s *stream) chooseRoute() {
	s.mu.Lock()
	s.decode.headers = &s.requestHead
	s.resolveRoute()
	s.mu.Unlock()
}

// resolveRoute fills in the route, if it is not known. It is called under the lock.
func (s *stream) resolveRoute() {
	if s.info.routed || s.decode.headers == nil {
		return
	}
	if !s.decode.headers.Has("x-forwarded-proto") {
		// A plugin took it away. Envoy has no route then: it cannot tell whether the virtual host requires TLS.
		s.info.route, s.info.virtualHost = nil, nil
		return
	}
	s.info.route, s.info.virtualHost = s.l.routes.match(s.decode.headers)
	s.info.routed = true
	s.info.clusterName = ""
	if s.info.route != nil {
		s.info.clusterName = s.info.route.Cluster
	}
}

// clearRouteCache implements terminus.
func (s *stream) clearRouteCache() { s.info.routed = false }
