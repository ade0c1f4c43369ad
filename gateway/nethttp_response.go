package gateway

import (
	"net/http"
	"strconv"
	"time"

	"github.com/sluice-gateway/sluice/message"
)

// responseHeaders appends resp's headers to dst as Envoy shows them to filters (observed with Envoy 1.40): :status
// first, what belongs to the connection as it came (it is removed on the way to the client; net/http has removed a
// "connection: close"), a content-length that means something, transfer-encoding where the response is chunked.
func responseHeaders(dst *message.Headers, resp *http.Response) {
	dst.Append(":status", strconv.Itoa(resp.StatusCode))
	noBody := resp.StatusCode < 200 || resp.StatusCode == http.StatusNoContent
	appendHeaders(dst, resp.Header, func(lower string) bool {
		return lower == "keep-alive" || lower == "content-length" && noBody
	})
	if len(resp.TransferEncoding) > 0 {
		dst.Append("transfer-encoding", resp.TransferEncoding[0])
	}
	if len(resp.Trailer) > 0 {
		dst.Append("trailer", announcedTrailers(resp.Trailer))
	}
}

// setServiceTime adds how long the upstream took, as Envoy's router does.
func setServiceTime(h *message.Headers, d time.Duration) {
	h.Set("x-envoy-upstream-service-time", strconv.FormatInt(d.Milliseconds(), 10))
}

// finalizeResponseHeaders makes the connection manager's changes to a response that leaves for the client (source:
// Envoy's ConnectionManagerImpl::encodeHeaders): what belongs to the upstream's connection goes, date is added where
// there is none, server is set as configured.
func finalizeResponseHeaders(h *message.Headers, cfg *HTTPConnectionManager, now time.Time) {
	for _, name := range [...]string{
		"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "http2-settings",
	} {
		h.Del(name)
	}
	if !h.Has("date") {
		h.Append("date", now.UTC().Format(http.TimeFormat))
	}
	if cfg.ServerHeaderPassThrough || cfg.ServerHeaderIfAbsent && h.Has("server") {
		return
	}
	name := cfg.ServerName
	if name == "" {
		name = "envoy"
	}
	h.Set("server", name)
}

// applyResponseHeaders sets h on w and returns the status, which the caller writes: 502 if h has none from 200 to 999.
// Names are sent in lower case on HTTP/1 too, but for content-length and connection, which net/http must understand.
// finalizeResponseHeaders comes before.
//
// It is stricter than Envoy 1.40, which lets a filter write line breaks into a response's head, and which sends a status
// below 200 as if it were final: fields that cannot be sent are left out.
func applyResponseHeaders(w http.ResponseWriter, h *message.Headers) int {
	status := http.StatusBadGateway
	if n, err := strconv.Atoi(h.Value(":status")); err == nil && 200 <= n && n <= 999 {
		status = n
	}
	dst := w.Header()
	values := make([]string, h.Len()) // one allocation for all fields
	for _, f := range h.Fields() {
		if f.Name == "" || f.Name[0] == ':' || isHopByHop(f.Name) && f.Name != "connection" || !validToken(f.Name) ||
			!validValue(f.Value) {
			continue
		}
		name := f.Name
		switch name {
		case "content-length":
			if _, err := strconv.ParseUint(f.Value, 10, 63); err != nil || dst["Content-Length"] != nil {
				continue
			}
			if status != http.StatusNotModified {
				name = "Content-Length" // net/http removes it from a 304, where it may stand
			}
		case "connection":
			name = "Connection" // the gateway's own: "close"
		}
		if have, ok := dst[name]; ok {
			dst[name] = append(have, f.Value)
			continue
		}
		values[0] = f.Value
		dst[name], values = values[:1:1], values[1:]
	}
	// net/http must not add what it does not see.
	if h.Has("date") {
		dst["Date"] = nil
	}
	dst["Content-Type"] = nil
	return status
}
