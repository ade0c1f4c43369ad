package pluginhost

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"strings"

	"github.com/sluice-gateway/sluice/message"
	"github.com/sluice-gateway/sluice/sdk/abi"
)

// What request.* and response.* say of a message comes, as in Envoy, from the header maps that the plugin has at the time:
// request.path is not found once the plugin has let the request's headers go, until on_log. The rest of request.* and
// response.* is the gateway's to know. (Source: Envoy's attributes, and seen with a plugin in Envoy 1.40.)

// propertyMaps are the properties that are maps of named values, not data: asked for as a whole they have no encoding.
var propertyMaps = map[string]bool{
	"request": true, "response": true, "connection": true, "source": true, "destination": true, "upstream": true,
	"xds": true, "filter_state": true,
}

// messageProperty answers request.* and response.*; known is false for what it leaves to the gateway.
func (v *vm) messageProperty(dst []byte, path abi.Path) (_ []byte, status abi.Status, known bool) {
	root, rest, _ := path.Next()
	var name []byte
	switch string(root) {
	case "request":
		name, rest, _ = rest.Next()
		return v.requestProperty(dst, string(name), rest)
	case "response":
		name, rest, _ = rest.Next()
		return v.responseProperty(dst, string(name), rest)
	}
	return dst, 0, false
}

func (v *vm) requestProperty(dst []byte, name string, rest abi.Path) ([]byte, abi.Status, bool) {
	h := v.headerMap(abi.MapHTTPRequestHeaders)
	var header string
	switch name {
	case "headers":
		dst, status := headersProperty(dst, h, rest)
		return dst, status, true
	case "headers_bytes":
		return appendInt(dst, headerBytes(h)), leaf(rest), true
	case "total_size":
		received, _ := v.number("request\x00size")
		return appendInt(dst, received+headerBytes(h)), leaf(rest), true
	case "size":
		if h != nil && h.Has("content-length") {
			n, err := strconv.ParseInt(h.Value("content-length"), 10, 64)
			if err != nil {
				return dst, abi.StatusNotFound, true
			}
			return appendInt(dst, n), leaf(rest), true
		}
		return dst, 0, false
	case "path", "url_path", "query":
		header = ":path"
	case "host":
		header = ":authority"
	case "scheme", "method":
		header = ":" + name
	case "referer":
		header = "referer"
	case "useragent":
		header = "user-agent"
	case "id":
		header = "x-request-id"
	default:
		return dst, 0, false
	}
	if h == nil || len(rest) > 0 {
		return dst, abi.StatusNotFound, true
	}
	value, ok := h.Get(header)
	switch name {
	case "url_path":
		value, _, _ = strings.Cut(value, "?")
		ok = true
	case "query":
		_, value, _ = strings.Cut(value, "?")
		value, _, _ = strings.Cut(value, "#")
		ok = true
	}
	if !ok {
		return dst, abi.StatusNotFound, true
	}
	return append(dst, value...), abi.StatusOK, true
}

func (v *vm) responseProperty(dst []byte, name string, rest abi.Path) ([]byte, abi.Status, bool) {
	switch name {
	case "headers", "headers_bytes", "trailers", "total_size", "grpc_status":
	default:
		return dst, 0, false
	}
	h, trailers := v.headerMap(abi.MapHTTPResponseHeaders), v.headerMap(abi.MapHTTPResponseTrailers)
	switch name {
	case "headers":
		dst, status := headersProperty(dst, h, rest)
		return dst, status, true
	case "trailers":
		dst, status := headersProperty(dst, trailers, rest)
		return dst, status, true
	case "headers_bytes":
		return appendInt(dst, headerBytes(h)), leaf(rest), true
	case "total_size":
		sent, _ := v.number("response\x00size")
		return appendInt(dst, sent+headerBytes(h)+headerBytes(trailers)), leaf(rest), true
	}
	for _, m := range [2]*message.Headers{trailers, h} {
		if m == nil {
			continue
		}
		if text, ok := m.Get("grpc-status"); ok {
			code, err := strconv.ParseUint(text, 10, 31)
			if err != nil {
				return appendInt(dst, -1), leaf(rest), true
			}
			return appendInt(dst, int64(code)), leaf(rest), true
		}
	}
	code, ok := v.number("response\x00code")
	if !ok {
		return dst, abi.StatusNotFound, true
	}
	return appendInt(dst, statusOfHTTP(code)), leaf(rest), true
}

// statusOfHTTP is the gRPC status that stands for an HTTP one (source: gRPC's http-grpc-status-mapping).
func statusOfHTTP(code int64) int64 {
	switch code {
	case 400:
		return 13
	case 401:
		return 16
	case 403:
		return 7
	case 404:
		return 12
	case 429, 502, 503, 504:
		return 14
	}
	return 2
}

// leaf is the status of a value that has no parts.
func leaf(rest abi.Path) abi.Status {
	if len(rest) > 0 {
		return abi.StatusNotFound
	}
	return abi.StatusOK
}

// number asks the gateway for a property of 8 bytes.
func (v *vm) number(path string) (int64, bool) {
	var b [8]byte
	value, ok := v.stream.cb.AppendProperty(b[:0], abi.Path(path))
	if !ok || len(value) != 8 {
		return 0, false
	}
	return int64(binary.LittleEndian.Uint64(value)), true
}

func headerBytes(h *message.Headers) int64 {
	if h == nil {
		return 0
	}
	return int64(h.Bytes())
}

func appendInt(dst []byte, n int64) []byte { return binary.LittleEndian.AppendUint64(dst, uint64(n)) }

// headersProperty is a header map, a pair for each name with its values joined, or one header of it.
func headersProperty(dst []byte, h *message.Headers, rest abi.Path) ([]byte, abi.Status) {
	name, more, one := rest.Next()
	if one {
		if h == nil || len(more) > 0 {
			return dst, abi.StatusNotFound
		}
		value, ok := joined(h, string(bytes.ToLower(name)))
		if !ok {
			return dst, abi.StatusNotFound
		}
		return append(dst, value...), abi.StatusOK
	}
	if h == nil {
		return append(dst, 0, 0, 0, 0), abi.StatusOK
	}
	pairs := make([][2]string, 0, h.Len())
	seen := map[string]bool{}
	for _, f := range h.Fields() {
		if name := strings.ToLower(f.Name); !seen[name] {
			seen[name] = true
			value, _ := joined(h, name)
			pairs = append(pairs, [2]string{name, value})
		}
	}
	return abi.AppendPairs(dst, pairs), abi.StatusOK
}

// joined returns a header's values, divided by commas.
func joined(h *message.Headers, name string) (string, bool) {
	value, found := "", false
	for _, f := range h.Fields() {
		switch {
		case !strings.EqualFold(f.Name, name):
		case found:
			value += "," + f.Value
		default:
			value, found = f.Value, true
		}
	}
	return value, found
}
