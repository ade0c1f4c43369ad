package gateway

import (
	"net/http"
	"slices"
	"strings"

	"github.com/sluice-gateway/sluice/message"
)

// appendHeaders appends src to dst as Envoy shows headers to filters: names in lower case, several values of a header
// that Envoy keeps as one joined, cookies as they came. skip says which names are left out. net/http has lost the order
// of the fields, so they come in the order of their names.
func appendHeaders(dst *message.Headers, src http.Header, skip func(lower string) bool) {
	var array [32]string
	names := array[:0]
	for name := range src {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		lower := lowerName(name)
		if skip(lower) {
			continue
		}
		for i, v := range src[name] {
			if i > 0 && lower != "cookie" {
				dst.Add(lower, v)
			} else {
				dst.AppendField(message.Field{Name: lower, Value: v})
			}
		}
	}
}

// trailers appends the trailers src to dst.
func trailers(dst *message.Headers, src http.Header) {
	appendHeaders(dst, src, func(string) bool { return false })
}

// isHopByHop reports whether a header belongs to one connection and never passes the gateway.
func isHopByHop(lower string) bool {
	switch lower {
	case "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "http2-settings":
		return true
	}
	return false
}

// tokens calls yield with each element, in lower case, of the comma-separated lists in values.
func tokens(values []string, yield func(lower string) bool) {
	for _, v := range values {
		for t := range strings.SplitSeq(v, ",") {
			if t = strings.ToLower(strings.Trim(t, " \t")); t != "" && !yield(t) {
				return
			}
		}
	}
}

// hasToken reports whether the comma-separated lists in values have token, which must be in lower case.
func hasToken(values []string, token string) bool {
	found := false
	tokens(values, func(t string) bool {
		found = t == token
		return !found
	})
	return found
}

// announcedTrailers is the trailer header that net/http took away: the names in t.
func announcedTrailers(t http.Header) string {
	names := make([]string, 0, len(t))
	for name := range t {
		names = append(names, lowerName(name))
	}
	slices.Sort(names)
	return strings.Join(names, ",")
}

// lowerName is strings.ToLower without an allocation for the names that most messages have.
func lowerName(name string) string {
	switch name {
	case "Accept":
		return "accept"
	case "Accept-Encoding":
		return "accept-encoding"
	case "Accept-Language":
		return "accept-language"
	case "Accept-Ranges":
		return "accept-ranges"
	case "Access-Control-Allow-Origin":
		return "access-control-allow-origin"
	case "Age":
		return "age"
	case "Authorization":
		return "authorization"
	case "Cache-Control":
		return "cache-control"
	case "Connection":
		return "connection"
	case "Content-Disposition":
		return "content-disposition"
	case "Content-Encoding":
		return "content-encoding"
	case "Content-Length":
		return "content-length"
	case "Content-Type":
		return "content-type"
	case "Cookie":
		return "cookie"
	case "Date":
		return "date"
	case "Etag":
		return "etag"
	case "Expect":
		return "expect"
	case "Expires":
		return "expires"
	case "If-Modified-Since":
		return "if-modified-since"
	case "If-None-Match":
		return "if-none-match"
	case "Keep-Alive":
		return "keep-alive"
	case "Last-Modified":
		return "last-modified"
	case "Location":
		return "location"
	case "Origin":
		return "origin"
	case "Pragma":
		return "pragma"
	case "Range":
		return "range"
	case "Referer":
		return "referer"
	case "Server":
		return "server"
	case "Set-Cookie":
		return "set-cookie"
	case "Strict-Transport-Security":
		return "strict-transport-security"
	case "Te":
		return "te"
	case "Traceparent":
		return "traceparent"
	case "Transfer-Encoding":
		return "transfer-encoding"
	case "Upgrade":
		return "upgrade"
	case "User-Agent":
		return "user-agent"
	case "Vary":
		return "vary"
	case "Via":
		return "via"
	case "X-Envoy-Upstream-Service-Time":
		return "x-envoy-upstream-service-time"
	case "X-Forwarded-For":
		return "x-forwarded-for"
	case "X-Forwarded-Host":
		return "x-forwarded-host"
	case "X-Forwarded-Proto":
		return "x-forwarded-proto"
	case "X-Request-Id":
		return "x-request-id"
	}
	return strings.ToLower(name)
}
