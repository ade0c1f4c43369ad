package gateway

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/sluice-gateway/sluice/message"
)

// requestHeaders appends r's headers to dst as Envoy's connection manager shows them to filters (observed with Envoy
// 1.40): the pseudo headers; the fields without what belongs to the connection (transfer-encoding among it; a chunked
// request is one without content-length), expect, which the gateway answers itself, and te but for "trailers";
// x-forwarded-proto and x-request-id.
//
// :authority and :path are the client's, byte for byte. A request in absolute form has the authority and the path of its
// URL.
func requestHeaders(dst *message.Headers, r *http.Request, cfg *HTTPConnectionManager) {
	dst.Append(":authority", r.Host)
	if r.Method != http.MethodConnect {
		dst.Append(":path", requestPath(r.RequestURI))
	}
	dst.Append(":method", r.Method)
	scheme := requestScheme(r, cfg)
	if cfg.SchemeOverwrite != "" {
		dst.Append(":scheme", cfg.SchemeOverwrite)
	} else {
		dst.Append(":scheme", scheme)
	}

	connection := r.Header["Connection"]
	if len(connection) == 1 && (connection[0] == "keep-alive" || connection[0] == "close") {
		connection = nil // names no header
	}
	appendHeaders(dst, r.Header, func(lower string) bool {
		switch lower {
		case "expect", "te", "host", "x-forwarded-proto", "x-envoy-internal":
			return true
		case "x-request-id":
			// An outsider's id is not trusted; one from further inside is what joins logs.
			return cfg.UseRemoteAddress && cfg.GenerateRequestID
		case "content-length":
			return false
		case "x-envoy-external-address", "x-envoy-original-path", "x-envoy-original-host":
			return cfg.UseRemoteAddress
		}
		return isHopByHop(lower) || len(connection) > 0 && hasToken(connection, lower)
	})
	if !dst.Has("content-length") && r.ContentLength > 0 {
		dst.Append("content-length", strconv.FormatInt(r.ContentLength, 10))
	}
	if hasToken(r.Header["Te"], "trailers") {
		dst.Append("te", "trailers")
	}
	if len(r.Trailer) > 0 {
		dst.Append("trailer", announcedTrailers(r.Trailer))
	}
	if cfg.UseRemoteAddress {
		addRemoteAddress(dst, r.RemoteAddr)
	}
	dst.Append("x-forwarded-proto", scheme)
	if cfg.GenerateRequestID && !dst.Has("x-request-id") {
		dst.Append("x-request-id", newRequestID())
	}
}

// requestPath returns the path and query of a request target: all of one in origin form.
func requestPath(target string) string {
	if target == "" || target[0] == '/' || target == "*" {
		return target
	}
	_, rest, ok := strings.Cut(target, "://")
	if !ok {
		return target
	}
	i := strings.IndexAny(rest, "/?#")
	switch {
	case i < 0:
		return "/"
	case rest[i] != '/':
		return "/" + rest[i:]
	}
	return rest[i:]
}

// requestScheme is how the client reached the first proxy: what a proxy in front of this one says, unless nobody may
// speak for the client (UseRemoteAddress).
func requestScheme(r *http.Request, cfg *HTTPConnectionManager) string {
	if v := r.Header["X-Forwarded-Proto"]; !cfg.UseRemoteAddress && len(v) == 1 {
		switch strings.ToLower(v[0]) {
		case "http":
			return "http"
		case "https":
			return "https"
		}
	}
	if r.TLS != nil {
		return "https"
	}
	return "http"
}

// addRemoteAddress adds the client's address to x-forwarded-for, and x-envoy-external-address. Where the client is on
// the same machine Envoy adds an address of the machine; here it is the one that the connection came from.
func addRemoteAddress(dst *message.Headers, remote string) {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		return
	}
	dst.Add("x-forwarded-for", host)
	dst.Append("x-envoy-external-address", host)
}

// newRequestID returns a random UUID (version 4). It must be unique, not secret.
func newRequestID() string {
	var id [16]byte
	binary.BigEndian.PutUint64(id[:8], rand.Uint64())
	binary.BigEndian.PutUint64(id[8:], rand.Uint64())
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	var text [36]byte
	hex.Encode(text[:8], id[:4])
	text[8] = '-'
	hex.Encode(text[9:13], id[4:6])
	text[13] = '-'
	hex.Encode(text[14:18], id[6:8])
	text[18] = '-'
	hex.Encode(text[19:23], id[8:10])
	text[23] = '-'
	hex.Encode(text[24:], id[10:])
	return string(text[:])
}

// refusedRequest says how the connection manager answers a request that it does not give to filters, status 0 for one
// that it does (observed with Envoy 1.40). What net/http cannot read it has answered 400 by itself before.
func refusedRequest(r *http.Request) (status int, flag, details, body string) {
	switch {
	case r.ProtoMajor == 1 && r.ProtoMinor == 0:
		return http.StatusUpgradeRequired, "DPE", "low_version", "Upgrade Required"
	case strings.HasPrefix(r.RequestURI, "https://") && r.TLS == nil:
		return http.StatusForbidden, "DPE", "http1.https_url_on_plaintext_connection", "Forbidden"
	case hasToken(r.Header["Connection"], "host"):
		return http.StatusBadRequest, "", "missing_host_header", ""
	case namesProtected(r.Header["Connection"]):
		return http.StatusBadRequest, "DPE", "http1.connection_header_rejected", "Bad Request"
	case fieldCount(r.Header) > maxRequestFields:
		return http.StatusRequestHeaderFieldsTooLarge, "DPE", "http1.too_many_headers", "Request Header Fields Too Large"
	case r.Method == http.MethodConnect:
		return 0, "", "", "" // has no path, so no route
	case len(r.Header["Upgrade"]) > 0 && hasToken(r.Header["Connection"], "upgrade") && !hasToken(r.Header["Upgrade"], "h2c"):
		return http.StatusForbidden, "", "upgrade_failed", ""
	}
	path := requestPath(r.RequestURI)
	for i := range len(path) {
		switch c := path[i]; {
		case c == '#':
			return http.StatusBadRequest, "", "path_normalization_failed", ""
		case c <= ' ' || c >= 0x7f:
			return http.StatusBadRequest, "DPE", "http1.codec_error", "Bad Request"
		}
	}
	if path == "" || path[0] != '/' {
		return http.StatusNotFound, "", "absolute_path_rejected", ""
	}
	return 0, "", "", ""
}

// maxRequestFields is how many header fields a request may have (source: Envoy's max_headers_count).
const maxRequestFields = 100

func fieldCount(h http.Header) int {
	n := 0
	for _, values := range h {
		n += len(values)
	}
	return n
}

// namesProtected reports whether a connection header asks for headers to be removed that others decide by.
func namesProtected(connection []string) bool {
	found := false
	tokens(connection, func(t string) bool {
		switch t {
		case "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto":
			found = true
		}
		found = found || t[0] == ':'
		return !found
	})
	return found
}

// applyRequestHeaders makes h the head of the upstream request dst, whose Header must be empty and not nil. The URL's
// host, which says where the request goes, and the body are set afterwards. The content length is that of h, or unknown (chunked) without one; a
// request without a body must have its ContentLength set to 0.
//
// It refuses, with an error for upstreamFailure, whatever could make the request another one than h says.
//
// asRead says that the fields are as net/http read them, and so checked already, but for the pseudo headers.
func applyRequestHeaders(dst *http.Request, h *message.Headers, asRead bool) error {
	if err := checkRequestHeaders(h, asRead); err != nil {
		return err
	}
	dst.URL = &url.URL{Scheme: "http"}
	dst.ContentLength = -1
	values := make([]string, h.Len()) // one allocation for all fields
	var path, length string
	for _, f := range h.Fields() {
		switch f.Name {
		case ":method":
			dst.Method = f.Value
		case ":authority":
			dst.Host = f.Value
		case ":path":
			path = f.Value
		case "content-length":
			if length != "" && length != f.Value {
				return &headerError{"invalid header value for: content-length"}
			}
			length = f.Value
		case "host":
			// Beside :authority it would make a second Host.
		default:
			if f.Name[0] == ':' || isHopByHop(f.Name) || f.Name == "te" && f.Value != "trailers" {
				continue
			}
			if have, ok := dst.Header[f.Name]; ok {
				dst.Header[f.Name] = append(have, f.Value)
				continue
			}
			values[0] = f.Value
			dst.Header[f.Name], values = values[:1:1], values[1:]
		}
	}
	dst.Header["User-Agent"] = nil // net/http adds none of its own
	if length != "" {
		n, err := strconv.ParseUint(length, 10, 63)
		if err != nil {
			return &headerError{"invalid header value for: content-length"}
		}
		if n > 0 {
			dst.ContentLength = int64(n)
		}
	}
	if dst.ContentLength < 0 {
		// Said here, or net/http waits for the first byte of a GET's body before it decides.
		dst.TransferEncoding = []string{"chunked"}
	}
	setPath(dst, path)
	return nil
}

// setPath has net/http send path byte for byte. It writes an opaque URL as it is, unless that begins with two slashes;
// such a path is given decoded and encoded, which it writes as it is where it would decode and encode in the same way.
// Where it would not, the target is sent in absolute form, which means the same and which every server must take.
func setPath(dst *http.Request, path string) {
	if !strings.HasPrefix(path, "//") {
		dst.URL.Opaque = path
		return
	}
	p, query, hasQuery := strings.Cut(path, "?")
	if decoded, err := url.PathUnescape(p); err == nil {
		u := url.URL{Scheme: dst.URL.Scheme, Path: decoded, RawPath: p, RawQuery: query, ForceQuery: hasQuery && query == ""}
		if u.RequestURI() == path {
			*dst.URL = u
			return
		}
	}
	dst.URL.Opaque = "http://" + dst.Host + path
}
