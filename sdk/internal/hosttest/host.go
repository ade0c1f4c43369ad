// Package hosttest has a gateway for the tests of the SDK: one stream in memory, and a record of the calls.
package hosttest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

// Host is an [abi.Host] for tests. Set its fields, make callbacks, look at its fields.
type Host struct {
	abi.UnimplementedHost

	// Headers are the maps there are; a map that is not here answers BadArgument.
	Headers map[abi.MapType][][2]string
	// NoPairs has whole maps answer empty, as hosts do where they cannot be had.
	NoPairs bool
	// Buffers are the buffers there are; nil is an empty one.
	Buffers map[abi.BufferType][]byte
	// Properties by their path, segments joined by dots.
	Properties map[string]string
	Level      abi.LogLevel
	// Refuse has a call, by its name in Calls, answer a status.
	Refuse map[string]abi.Status
	// Foreign are the foreign functions.
	Foreign map[string]func(argument []byte) ([]byte, abi.Status)

	Calls   []string // name and arguments of each
	Logs    []string // level: line
	Replies []Reply
	Tick    uint32
	// LeastTick is the shortest timer that the host sets.
	LeastTick uint32
	// Now is the host's time. The zero value refuses to tell it.
	Now    time.Time
	Active uint32 // what SetEffectiveContext set last
	Shared map[string]SharedValue
	// HTTPCalls and RedisCalls are the call-outs that were begun.
	HTTPCalls  []HTTPCall
	RedisCalls []RedisCall
	lastCall   uint32
}

// HTTPCall is an HTTP call-out.
type HTTPCall struct {
	ID      uint32
	Cluster string
	Headers [][2]string
	Body    string
	Millis  uint32
}

// RedisCall is a Redis call-out.
type RedisCall struct {
	ID             uint32
	Cluster, Query string
}

// Reply is a local response.
type Reply struct {
	Code    uint32
	Details string
	Headers [][2]string
	Body    string
	GRPC    int32
}

// SharedValue is shared data.
type SharedValue struct {
	Value string
	CAS   uint32
}

// New returns a host with a request and a response.
func New() *Host {
	return &Host{
		Headers: map[abi.MapType][][2]string{
			abi.MapHTTPRequestHeaders: {
				{":method", "POST"}, {":scheme", "https"}, {":authority", "example.com:8443"}, {":path", "/a?b=c"},
				{"content-type", "application/json"}, {"content-length", "4"}, {"x-a", "1"}, {"x-a", "2"},
			},
			abi.MapHTTPResponseHeaders: {{":status", "200"}, {"content-type", "text/plain"}, {"content-length", "4"}},
		},
		Buffers:    map[abi.BufferType][]byte{},
		Properties: map[string]string{},
		Refuse:     map[string]abi.Status{},
		Foreign:    map[string]func([]byte) ([]byte, abi.Status){},
		Shared:     map[string]SharedValue{},
		Level:      abi.LogInfo,
	}
}

// call records a call and answers how it is refused, StatusOK if it is not.
func (h *Host) call(name string, args ...any) abi.Status {
	text := name
	for _, a := range args {
		switch a := a.(type) {
		case []byte:
			text += fmt.Sprintf(" %q", a)
		default:
			text += fmt.Sprintf(" %v", a)
		}
	}
	h.Calls = append(h.Calls, text)
	return h.Refuse[name]
}

// Count returns how many of the recorded calls begin with prefix.
func (h *Host) Count(prefix string) int {
	n := 0
	for _, c := range h.Calls {
		if strings.HasPrefix(c, prefix) {
			n++
		}
	}
	return n
}

// Header returns all values of a header, joined by "|".
func (h *Host) Header(m abi.MapType, key string) string {
	var values []string
	for _, kv := range h.Headers[m] {
		if kv[0] == key {
			values = append(values, kv[1])
		}
	}
	return strings.Join(values, "|")
}

// Log implements [abi.Host].
func (h *Host) Log(level abi.LogLevel, message []byte) abi.Status {
	h.Logs = append(h.Logs, level.String()+": "+string(message))
	return h.call("Log", level)
}

// GetLogLevel implements [abi.Host].
func (h *Host) GetLogLevel() (abi.LogLevel, abi.Status) { return h.Level, h.call("GetLogLevel") }

// SendLocalResponse implements [abi.Host].
func (h *Host) SendLocalResponse(code uint32, details, body []byte, headers abi.Pairs, grpc int32) abi.Status {
	st := h.call("SendLocalResponse", code)
	if st == abi.StatusOK {
		r := Reply{Code: code, Details: string(details), Body: string(body), GRPC: grpc}
		for k, v := range headers.All() {
			r.Headers = append(r.Headers, [2]string{string(k), string(v)})
		}
		h.Replies = append(h.Replies, r)
	}
	return st
}

// ContinueStream implements [abi.Host].
func (h *Host) ContinueStream(s abi.StreamType) abi.Status { return h.call("ContinueStream", s) }

// CloseStream implements [abi.Host].
func (h *Host) CloseStream(s abi.StreamType) abi.Status { return h.call("CloseStream", s) }

// GetHeaderMapPairs implements [abi.Host].
func (h *Host) GetHeaderMapPairs(dst []byte, m abi.MapType) ([]byte, abi.Status) {
	st := h.call("GetHeaderMapPairs", m)
	if list := h.Headers[m]; st == abi.StatusOK && len(list) > 0 && !h.NoPairs {
		dst = abi.AppendPairs(dst, list)
	}
	return dst, st
}

// SetHeaderMapPairs implements [abi.Host].
func (h *Host) SetHeaderMapPairs(m abi.MapType, pairs abi.Pairs) abi.Status {
	st := h.call("SetHeaderMapPairs", m)
	if st == abi.StatusOK {
		h.Headers[m] = nil
		for k, v := range pairs.All() {
			h.Headers[m] = append(h.Headers[m], [2]string{string(k), string(v)})
		}
	}
	return st
}

// GetHeaderMapValue implements [abi.Host].
func (h *Host) GetHeaderMapValue(dst []byte, m abi.MapType, key []byte) ([]byte, abi.Status) {
	if st := h.call("GetHeaderMapValue", m, key); st != abi.StatusOK {
		return dst, st
	}
	list, ok := h.Headers[m]
	if !ok {
		return dst, abi.StatusBadArgument
	}
	for _, kv := range list {
		if strings.EqualFold(kv[0], string(key)) {
			return append(dst, kv[1]...), abi.StatusOK
		}
	}
	return dst, abi.StatusNotFound
}

func (h *Host) change(name string, m abi.MapType, key, value []byte, remove, add bool) abi.Status {
	if st := h.call(name, m, key, value); st != abi.StatusOK {
		return st
	}
	list, ok := h.Headers[m]
	if !ok {
		return abi.StatusBadArgument
	}
	k := strings.ToLower(string(key))
	if remove {
		list = slices.DeleteFunc(slices.Clone(list), func(kv [2]string) bool { return kv[0] == k })
	}
	if add {
		list = append(list, [2]string{k, string(value)})
	}
	h.Headers[m] = list
	return abi.StatusOK
}

// AddHeaderMapValue implements [abi.Host].
func (h *Host) AddHeaderMapValue(m abi.MapType, key, value []byte) abi.Status {
	return h.change("AddHeaderMapValue", m, key, value, false, true)
}

// ReplaceHeaderMapValue implements [abi.Host].
func (h *Host) ReplaceHeaderMapValue(m abi.MapType, key, value []byte) abi.Status {
	return h.change("ReplaceHeaderMapValue", m, key, value, true, true)
}

// RemoveHeaderMapValue implements [abi.Host].
func (h *Host) RemoveHeaderMapValue(m abi.MapType, key []byte) abi.Status {
	return h.change("RemoveHeaderMapValue", m, key, nil, true, false)
}

// GetBufferBytes implements [abi.Host].
func (h *Host) GetBufferBytes(dst []byte, b abi.BufferType, start, size uint32) ([]byte, abi.Status) {
	if st := h.call("GetBufferBytes", b, start, size); st != abi.StatusOK {
		return dst, st
	}
	data, ok := h.Buffers[b]
	if !ok {
		return dst, abi.StatusNotFound
	}
	from := min(uint64(start), uint64(len(data)))
	return append(dst, data[from:min(from+uint64(size), uint64(len(data)))]...), abi.StatusOK
}

// SetBufferBytes implements [abi.Host].
func (h *Host) SetBufferBytes(b abi.BufferType, start, size uint32, data []byte) abi.Status {
	if st := h.call("SetBufferBytes", b, start, size, data); st != abi.StatusOK {
		return st
	}
	old := h.Buffers[b]
	switch {
	case start == 0:
		h.Buffers[b] = append(slices.Clone(data), old[min(uint64(size), uint64(len(old))):]...)
	case uint64(start) >= uint64(len(old)):
		h.Buffers[b] = append(slices.Clone(old), data...)
	default:
		return abi.StatusBadArgument
	}
	return abi.StatusOK
}

func dotted(path abi.Path) string { return strings.ReplaceAll(string(path), "\x00", ".") }

// GetProperty implements [abi.Host].
func (h *Host) GetProperty(dst []byte, path abi.Path) ([]byte, abi.Status) {
	if st := h.call("GetProperty", dotted(path)); st != abi.StatusOK {
		return dst, st
	}
	v, ok := h.Properties[dotted(path)]
	if !ok {
		return dst, abi.StatusNotFound
	}
	return append(dst, v...), abi.StatusOK
}

// SetProperty implements [abi.Host].
func (h *Host) SetProperty(path abi.Path, value []byte) abi.Status {
	st := h.call("SetProperty", dotted(path), value)
	if st == abi.StatusOK {
		h.Properties[dotted(path)] = string(value)
	}
	return st
}

// SetTickPeriod implements [abi.Host].
func (h *Host) SetTickPeriod(millis uint32) abi.Status {
	if st := h.call("SetTickPeriod", millis); st != abi.StatusOK {
		return st
	}
	if millis != 0 && millis < h.LeastTick {
		return abi.StatusInternalFailure
	}
	h.Tick = millis
	return abi.StatusOK
}

// CurrentTimeNanoseconds implements [abi.Host].
func (h *Host) CurrentTimeNanoseconds() (uint64, abi.Status) {
	if h.Now.IsZero() {
		return 0, abi.StatusUnimplemented
	}
	return uint64(h.Now.UnixNano()), abi.StatusOK
}

// SetEffectiveContext implements [abi.Host].
func (h *Host) SetEffectiveContext(id uint32) abi.Status {
	h.Active = id
	return h.call("SetEffectiveContext", id)
}

// Done implements [abi.Host].
func (h *Host) Done() abi.Status { return h.call("Done") }

// CallForeignFunction implements [abi.Host].
func (h *Host) CallForeignFunction(dst, name, argument []byte) ([]byte, abi.Status) {
	if st := h.call("CallForeignFunction", name, argument); st != abi.StatusOK {
		return dst, st
	}
	f := h.Foreign[string(name)]
	if f == nil {
		return dst, abi.StatusNotFound
	}
	out, st := f(argument)
	return append(dst, out...), st
}

// GetSharedData implements [abi.Host].
func (h *Host) GetSharedData(dst, key []byte) ([]byte, uint32, abi.Status) {
	if st := h.call("GetSharedData", key); st != abi.StatusOK {
		return dst, 0, st
	}
	v, ok := h.Shared[string(key)]
	if !ok {
		return dst, 0, abi.StatusNotFound
	}
	return append(dst, v.Value...), v.CAS, abi.StatusOK
}

// SetSharedData implements [abi.Host].
func (h *Host) SetSharedData(key, value []byte, cas uint32) abi.Status {
	if st := h.call("SetSharedData", key, value, cas); st != abi.StatusOK {
		return st
	}
	v, ok := h.Shared[string(key)]
	if ok && cas != 0 && cas != v.CAS {
		return abi.StatusCasMismatch
	}
	h.Shared[string(key)] = SharedValue{string(value), v.CAS + 1}
	return abi.StatusOK
}

// HTTPCall implements [abi.Host]. Calls are numbered from 1.
func (h *Host) HTTPCall(cluster []byte, headers abi.Pairs, body []byte, trailers abi.Pairs, millis uint32) (uint32, abi.Status) {
	st := h.call("HTTPCall", cluster, headers.Len(), body, trailers.Len(), millis)
	h.lastCall++
	if st == abi.StatusOK {
		c := HTTPCall{ID: h.lastCall, Cluster: string(cluster), Body: string(body), Millis: millis}
		for k, v := range headers.All() {
			c.Headers = append(c.Headers, [2]string{string(k), string(v)})
		}
		h.HTTPCalls = append(h.HTTPCalls, c)
	}
	return h.lastCall, st
}

// RedisInit implements [abi.Host].
func (h *Host) RedisInit(cluster, username, password []byte, millis uint32) abi.Status {
	return h.call("RedisInit", cluster, username, password, millis)
}

// RedisCall implements [abi.Host].
func (h *Host) RedisCall(cluster, query []byte) (uint32, abi.Status) {
	st := h.call("RedisCall", cluster, query)
	h.lastCall++
	if st == abi.StatusOK {
		h.RedisCalls = append(h.RedisCalls, RedisCall{h.lastCall, string(cluster), string(query)})
	}
	return h.lastCall, st
}

// InjectEncodedData implements [abi.Host].
func (h *Host) InjectEncodedData(data []byte, endStream bool) abi.Status {
	return h.call("InjectEncodedData", data, endStream)
}

// GetUpstreamHosts implements [abi.Host].
func (h *Host) GetUpstreamHosts(dst []byte) ([]byte, abi.Status) {
	st := h.call("GetUpstreamHosts")
	return abi.AppendPairs(dst, [][2]string{{"10.0.0.1:80", ""}, {"10.0.0.2:80", "m 1"}}), st
}

// SetUpstreamOverrideHost implements [abi.Host].
func (h *Host) SetUpstreamOverrideHost(address []byte) abi.Status {
	return h.call("SetUpstreamOverrideHost", address)
}

// RegisterSharedQueue implements [abi.Host].
func (h *Host) RegisterSharedQueue(name []byte) (uint32, abi.Status) {
	return 3, h.call("RegisterSharedQueue", name)
}

// ResolveSharedQueue implements [abi.Host].
func (h *Host) ResolveSharedQueue(vm, name []byte) (uint32, abi.Status) {
	return 3, h.call("ResolveSharedQueue", vm, name)
}

// DequeueSharedQueue implements [abi.Host].
func (h *Host) DequeueSharedQueue(dst []byte, queue uint32) ([]byte, abi.Status) {
	return append(dst, "element"...), h.call("DequeueSharedQueue", queue)
}

// EnqueueSharedQueue implements [abi.Host].
func (h *Host) EnqueueSharedQueue(queue uint32, value []byte) abi.Status {
	return h.call("EnqueueSharedQueue", queue, value)
}

// DefineMetric implements [abi.Host].
func (h *Host) DefineMetric(kind abi.MetricType, name []byte) (uint32, abi.Status) {
	return 4, h.call("DefineMetric", uint32(kind), name)
}

// IncrementMetric implements [abi.Host].
func (h *Host) IncrementMetric(metric uint32, delta int64) abi.Status {
	return h.call("IncrementMetric", metric, delta)
}

// RecordMetric implements [abi.Host].
func (h *Host) RecordMetric(metric uint32, value uint64) abi.Status {
	return h.call("RecordMetric", metric, value)
}

// GetMetric implements [abi.Host].
func (h *Host) GetMetric(metric uint32) (uint64, abi.Status) {
	return 7, h.call("GetMetric", metric)
}
