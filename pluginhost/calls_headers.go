package pluginhost

import (
	"bytes"

	"github.com/sluice-gateway/sluice/message"
	"github.com/sluice-gateway/sluice/sdk/abi"
)

// usable reports whether the plugin may touch f's message in direction d now: always in f's own callbacks, which run on
// the stream's turn; from elsewhere only while the plugin holds the message back, since nobody else uses it then.
func (v *vm) usable(f *Filter, d *direction) bool { return f == v.callStream || d.stopped }

// headerMap returns a map for reading, nil if the plugin has none such now.
func (v *vm) headerMap(m abi.MapType) *message.Headers {
	if m >= abi.MapGRPCReceiveInitialMetadata {
		return v.replyMap(m)
	}
	f := v.stream
	if f == nil {
		return nil
	}
	if f.logging {
		switch m {
		case abi.MapHTTPRequestHeaders:
			return f.cb.RequestHeaders()
		case abi.MapHTTPResponseHeaders:
			return f.cb.ResponseHeaders()
		case abi.MapHTTPResponseTrailers:
			return f.cb.ResponseTrailers()
		}
		return nil
	}
	switch m {
	case abi.MapHTTPRequestHeaders:
		if v.usable(f, &f.request) {
			return f.request.headers
		}
	case abi.MapHTTPRequestTrailers:
		if v.usable(f, &f.request) {
			return f.request.trailers
		}
	case abi.MapHTTPResponseHeaders:
		if v.usable(f, &f.response) {
			return f.response.headers
		}
	case abi.MapHTTPResponseTrailers:
		if v.usable(f, &f.response) {
			return f.response.trailers
		}
	}
	return nil
}

// writableMap returns a map for writing, nil if the plugin has none such now. Trailers are made while the last piece of
// a body is handled.
func (v *vm) writableMap(m abi.MapType) *message.Headers {
	f := v.stream
	if f == nil || f.logging || m >= abi.MapGRPCReceiveInitialMetadata {
		return nil
	}
	if h := v.headerMap(m); h != nil {
		return h
	}
	if f != v.callStream {
		return nil
	}
	switch {
	case m == abi.MapHTTPRequestTrailers && f.request.chunk != nil && f.request.last:
		f.request.trailers = f.cb.AddRequestTrailers()
		return f.request.trailers
	case m == abi.MapHTTPResponseTrailers && f.response.chunk != nil && f.response.last:
		f.response.trailers = f.cb.AddResponseTrailers()
		return f.response.trailers
	}
	return nil
}

// edited is to be called when map m was changed: routes are chosen by request headers.
func (v *vm) edited(m abi.MapType) abi.Status {
	if m == abi.MapHTTPRequestHeaders {
		v.clearRouteCache()
	}
	return abi.StatusOK
}

func (v *vm) clearRouteCache() {
	if v.stream != nil && !v.stream.keepRoute {
		v.stream.cb.ClearRouteCache()
	}
}

// legal reports whether a header may be written: nothing that would end its line, and not without a name. Envoy leaves
// that to the plugin.
func legal(name, value []byte) bool {
	return len(name) > 0 && oneLine(name) && oneLine(value)
}

func oneLine(b []byte) bool {
	if len(b) <= 32 { // faster in one go
		for _, c := range b {
			if c == '\r' || c == '\n' || c == 0 {
				return false
			}
		}
		return true
	}
	return bytes.IndexByte(b, '\r') < 0 && bytes.IndexByte(b, '\n') < 0 && bytes.IndexByte(b, 0) < 0
}

// legalPairs reports whether pairs are well formed, not too many, and legal headers.
func legalPairs(pairs abi.Pairs) bool {
	if pairs.Validate() != nil || len(pairs) > abi.MaxPairsBytes || pairs.Len() > abi.MaxPairs {
		return false
	}
	for name, value := range pairs.All() {
		if !legal(name, value) {
			return false
		}
	}
	return true
}

// GetHeaderMapPairs implements [abi.Host]. A map that is not there is an empty one, as in Envoy.
func (v *vm) GetHeaderMapPairs(dst []byte, m abi.MapType) ([]byte, abi.Status) {
	if h := v.headerMap(m); h != nil {
		dst = h.AppendPairs(dst)
	}
	return dst, abi.StatusOK
}

// SetHeaderMapPairs implements [abi.Host]. Malformed, illegal or too many pairs change nothing; Envoy would empty the map.
func (v *vm) SetHeaderMapPairs(m abi.MapType, pairs abi.Pairs) abi.Status {
	h := v.writableMap(m)
	if h == nil || !legalPairs(pairs) {
		return abi.StatusBadArgument
	}
	if !v.allow(len(pairs) + 64*pairs.Len()) {
		return abi.StatusInternalFailure
	}
	h.Reset()
	for name, value := range pairs.All() {
		h.Add(v.internName(name), v.text(value))
	}
	return v.edited(m)
}

// GetHeaderMapSize implements [abi.Host].
func (v *vm) GetHeaderMapSize(m abi.MapType) (uint32, abi.Status) {
	h := v.headerMap(m)
	if h == nil {
		return 0, abi.StatusBadArgument
	}
	return uint32(h.Bytes()), abi.StatusOK
}

// GetHeaderMapValue implements [abi.Host].
func (v *vm) GetHeaderMapValue(dst []byte, m abi.MapType, key []byte) ([]byte, abi.Status) {
	h := v.headerMap(m)
	if h == nil {
		if v.stream != nil && v.stream.logging {
			return dst, abi.StatusNotFound // a stream may end without having had it
		}
		return dst, abi.StatusBadArgument
	}
	value, ok := h.GetBytes(key)
	if !ok {
		return dst, abi.StatusNotFound
	}
	return append(dst, value...), abi.StatusOK
}

// AddHeaderMapValue implements [abi.Host].
func (v *vm) AddHeaderMapValue(m abi.MapType, key, value []byte) abi.Status {
	h := v.writableMap(m)
	if h == nil || !legal(key, value) {
		return abi.StatusBadArgument
	}
	if !v.allow(len(key) + len(value)) {
		return abi.StatusInternalFailure
	}
	if !roomFor(h, len(key)+len(value), "") {
		return v.refuseMore("headers")
	}
	h.Add(v.internName(key), v.text(value))
	return v.edited(m)
}

// ReplaceHeaderMapValue implements [abi.Host].
func (v *vm) ReplaceHeaderMapValue(m abi.MapType, key, value []byte) abi.Status {
	h := v.writableMap(m)
	if h == nil || !legal(key, value) {
		return abi.StatusBadArgument
	}
	if !v.allow(len(key) + len(value)) {
		return abi.StatusInternalFailure
	}
	name := v.internName(key)
	if !roomFor(h, len(key)+len(value), name) {
		return v.refuseMore("headers")
	}
	h.SetField(message.Field{Name: name, Value: v.text(value)})
	return v.edited(m)
}

// RemoveHeaderMapValue implements [abi.Host].
func (v *vm) RemoveHeaderMapValue(m abi.MapType, key []byte) abi.Status {
	h := v.writableMap(m)
	if h == nil {
		return abi.StatusBadArgument
	}
	h.Del(v.internName(key))
	return v.edited(m)
}
