package main

import (
	"encoding/binary"
	"errors"
	"math"

	"github.com/sluice-gateway/sluice/bench/guests/count"
	"github.com/sluice-gateway/sluice/message"
	"github.com/sluice-gateway/sluice/sdk/abi"
)

// host is a gateway that holds one request in memory. It answers what the guests ask for and counts the calls.
type host struct {
	abi.UnimplementedHost
	calls   int
	extra   [][2]string // headers that requests have besides requestFields
	config  []byte
	maps    [abi.MapHTTPCallResponseTrailers + 1]*message.Headers
	body    []byte // the one that the running callback is about
	sent    int    // bytes of the pieces of a body
	call    uint32 // the last call-out, which is not answered yet
	calling uint32 // its number, counted up
	resumed bool
	metrics [count.Collections + 1]uint64
	logged  []string
}

var requestFields = message.NewHeaders(
	":method", "POST", ":scheme", "https", ":authority", "api.example.com:8443", ":path", "/v1/chat/completions?stream=false",
	"user-agent", "Mozilla/5.0 (X11; Linux x86_64) bench/1.0", "accept", "application/json, text/plain, */*",
	"accept-encoding", "gzip, deflate, br", "accept-language", "en-GB,en;q=0.9",
	"content-type", "application/json", "content-length", "2048",
	"x-request-id", "5f0c3a52-7a2c-4d39-9a6b-3b1f0e5c2d11", "x-forwarded-for", "203.0.113.7",
	"x-forwarded-proto", "https", "cookie", "session=0123456789abcdef0123456789abcdef",
)

var responseFields = message.NewHeaders(
	":status", "200", "content-type", "application/json", "content-length", "512", "date", "Sun, 22 Nov 2026 20:00:00 GMT",
	"server", "upstream", "cache-control", "no-store", "x-envoy-upstream-service-time", "12",
)

// callFields are the headers of a call-out's answer.
var callFields = message.NewHeaders(
	":status", "200", "content-type", "text/plain", "content-length", "7", "date", "Sun, 22 Nov 2026 20:00:00 GMT", "x-user", "someone",
)

// reset readies the host for a request.
func (h *host) reset() {
	h.fill(abi.MapHTTPRequestHeaders, requestFields)
	h.fill(abi.MapHTTPResponseHeaders, responseFields)
	for _, kv := range h.extra {
		h.maps[abi.MapHTTPRequestHeaders].Append(kv[0], kv[1])
	}
	if h.maps[abi.MapHTTPCallResponseHeaders] == nil {
		h.fill(abi.MapHTTPCallResponseHeaders, callFields)
	}
}

func (h *host) fill(m abi.MapType, fields *message.Headers) {
	if h.maps[m] == nil {
		h.maps[m] = &message.Headers{}
	}
	h.maps[m].Reset()
	for _, f := range fields.Fields() {
		h.maps[m].AppendField(f)
	}
}

func (h *host) headers(m abi.MapType) *message.Headers {
	h.calls++
	if m < abi.MapType(len(h.maps)) {
		return h.maps[m]
	}
	return nil
}

func (h *host) Log(level abi.LogLevel, text []byte) abi.Status {
	h.calls++
	if level >= abi.LogWarn {
		h.logged = append(h.logged, string(text))
	}
	return abi.StatusOK
}

func (h *host) GetLogLevel() (abi.LogLevel, abi.Status) { h.calls++; return abi.LogInfo, abi.StatusOK }

func (h *host) SendLocalResponse(uint32, []byte, []byte, abi.Pairs, int32) abi.Status {
	h.calls++
	h.logged = append(h.logged, "local response")
	return abi.StatusOK
}

func (h *host) GetHeaderMapPairs(dst []byte, m abi.MapType) ([]byte, abi.Status) {
	headers := h.headers(m)
	if headers == nil {
		return dst, abi.StatusOK
	}
	return headers.AppendPairs(dst), abi.StatusOK
}

func (h *host) GetHeaderMapValue(dst []byte, m abi.MapType, key []byte) ([]byte, abi.Status) {
	headers := h.headers(m)
	if headers == nil {
		return dst, abi.StatusBadArgument
	}
	v, ok := headers.GetBytes(key)
	if !ok {
		return dst, abi.StatusNotFound
	}
	return append(dst, v...), abi.StatusOK
}

// names keeps the host from making a string of each name that a guest adds: that is the gateway's business.
var names = map[string]string{}

func intern(b []byte) string {
	if s, ok := names[string(b)]; ok {
		return s
	}
	names[string(b)] = string(b)
	return string(b)
}

func (h *host) AddHeaderMapValue(m abi.MapType, key, value []byte) abi.Status {
	headers := h.headers(m)
	if headers == nil {
		return abi.StatusBadArgument
	}
	headers.Add(intern(key), intern(value))
	return abi.StatusOK
}

func (h *host) RemoveHeaderMapValue(m abi.MapType, key []byte) abi.Status {
	headers := h.headers(m)
	if headers == nil {
		return abi.StatusBadArgument
	}
	headers.Del(intern(key))
	return abi.StatusOK
}

func (h *host) GetBufferBytes(dst []byte, b abi.BufferType, start, size uint32) ([]byte, abi.Status) {
	h.calls++
	data := h.body
	switch b {
	case abi.BufferPluginConfiguration:
		data = h.config
	case abi.BufferHTTPRequestBody, abi.BufferHTTPResponseBody, abi.BufferHTTPCallResponseBody:
	default:
		return dst, abi.StatusNotFound
	}
	from := min(uint64(start), uint64(len(data)))
	return append(dst, data[from:min(from+uint64(size), uint64(len(data)))]...), abi.StatusOK
}

func (h *host) SetBufferBytes(b abi.BufferType, start, size uint32, data []byte) abi.Status {
	h.calls++
	if b != abi.BufferHTTPRequestBody && b != abi.BufferHTTPResponseBody || start != 0 || uint64(size) < uint64(len(h.body)) {
		return abi.StatusBadArgument
	}
	h.body = append(h.body[:0], data...)
	return abi.StatusOK
}

func (h *host) GetProperty(dst []byte, path abi.Path) ([]byte, abi.Status) {
	h.calls++
	switch string(path) {
	case abi.PropertyRouteName:
		return append(dst, "chat"...), abi.StatusOK
	case abi.PropertyClusterName:
		return append(dst, "outbound|443||llm.example.dns"...), abi.StatusOK
	case abi.PropertyPluginVMMemory:
		return binary.LittleEndian.AppendUint64(dst, math.MaxInt32), abi.StatusOK
	}
	return dst, abi.StatusNotFound
}

func (h *host) SetProperty(abi.Path, []byte) abi.Status { h.calls++; return abi.StatusOK }
func (h *host) SetTickPeriod(uint32) abi.Status         { h.calls++; return abi.StatusOK }

func (h *host) CallForeignFunction(dst, name, _ []byte) ([]byte, abi.Status) {
	h.calls++
	if string(name) == abi.FunctionGetLogLevel {
		return binary.LittleEndian.AppendUint32(dst, uint32(abi.LogInfo)), abi.StatusOK
	}
	return dst, abi.StatusNotFound
}

func (h *host) HTTPCall(_ []byte, _ abi.Pairs, _ []byte, _ abi.Pairs, _ uint32) (uint32, abi.Status) {
	h.calls++
	h.calling++
	h.call = h.calling
	return h.call, abi.StatusOK
}

func (h *host) ContinueStream(abi.StreamType) abi.Status {
	h.calls++
	h.resumed = true
	return abi.StatusOK
}

func (h *host) SetEffectiveContext(uint32) abi.Status { h.calls++; return abi.StatusOK }

func (h *host) RecordMetric(metric uint32, value uint64) abi.Status {
	if metric < uint32(len(h.metrics)) {
		h.metrics[metric] = value
	}
	return abi.StatusOK
}

var errConfigure = errors.New("the guest refused its configuration")
