package wasmvm

import (
	"fmt"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

// recordingHost notes each call with its arguments, and answers all of them alike.
type recordingHost struct {
	calls  []string
	result string // appended to dst
	number uint32
	status abi.Status
}

var _ abi.Host = (*recordingHost)(nil)

// note writes a call down. Bytes are printed as text: they must not be kept.
func (h *recordingHost) note(name string, args ...any) {
	s := name
	for _, a := range args {
		switch a := a.(type) {
		case abi.Pairs:
			s += " {"
			for k, v := range a.All() {
				s += fmt.Sprintf("%s=%s;", k, v)
			}
			s += "}"
		case []byte, abi.Path:
			s += fmt.Sprintf(" %q", a)
		case fmt.Stringer:
			s += " " + a.String()
		default:
			s += fmt.Sprintf(" %v", a)
		}
	}
	h.calls = append(h.calls, s)
}

func (h *recordingHost) answer(dst []byte) []byte {
	if h.status != abi.StatusOK {
		return dst
	}
	return append(dst, h.result...)
}

func (h *recordingHost) Log(level abi.LogLevel, message []byte) abi.Status {
	h.note("Log", level, message)
	return h.status
}

func (h *recordingHost) GetLogLevel() (abi.LogLevel, abi.Status) {
	h.note("GetLogLevel")
	return abi.LogLevel(h.number), h.status
}

func (h *recordingHost) SendLocalResponse(code uint32, details []byte, body []byte, headers abi.Pairs, grpcStatus int32) abi.Status {
	h.note("SendLocalResponse", code, details, body, headers, grpcStatus)
	return h.status
}

func (h *recordingHost) ContinueStream(stream abi.StreamType) abi.Status {
	h.note("ContinueStream", stream)
	return h.status
}

func (h *recordingHost) CloseStream(stream abi.StreamType) abi.Status {
	h.note("CloseStream", stream)
	return h.status
}

func (h *recordingHost) GetHeaderMapPairs(dst []byte, m abi.MapType) ([]byte, abi.Status) {
	h.note("GetHeaderMapPairs", m)
	return h.answer(dst), h.status
}

func (h *recordingHost) SetHeaderMapPairs(m abi.MapType, pairs abi.Pairs) abi.Status {
	h.note("SetHeaderMapPairs", m, pairs)
	return h.status
}

func (h *recordingHost) GetHeaderMapSize(m abi.MapType) (uint32, abi.Status) {
	h.note("GetHeaderMapSize", m)
	return h.number, h.status
}

func (h *recordingHost) GetHeaderMapValue(dst []byte, m abi.MapType, key []byte) ([]byte, abi.Status) {
	h.note("GetHeaderMapValue", m, key)
	return h.answer(dst), h.status
}

func (h *recordingHost) AddHeaderMapValue(m abi.MapType, key []byte, value []byte) abi.Status {
	h.note("AddHeaderMapValue", m, key, value)
	return h.status
}

func (h *recordingHost) ReplaceHeaderMapValue(m abi.MapType, key []byte, value []byte) abi.Status {
	h.note("ReplaceHeaderMapValue", m, key, value)
	return h.status
}

func (h *recordingHost) RemoveHeaderMapValue(m abi.MapType, key []byte) abi.Status {
	h.note("RemoveHeaderMapValue", m, key)
	return h.status
}

func (h *recordingHost) GetBufferBytes(dst []byte, b abi.BufferType, start uint32, size uint32) ([]byte, abi.Status) {
	h.note("GetBufferBytes", b, start, size)
	return h.answer(dst), h.status
}

func (h *recordingHost) GetBufferStatus(b abi.BufferType) (uint32, uint32, abi.Status) {
	h.note("GetBufferStatus", b)
	return h.number, h.number, h.status
}

func (h *recordingHost) SetBufferBytes(b abi.BufferType, start uint32, size uint32, data []byte) abi.Status {
	h.note("SetBufferBytes", b, start, size, data)
	return h.status
}

func (h *recordingHost) GetProperty(dst []byte, path abi.Path) ([]byte, abi.Status) {
	h.note("GetProperty", path)
	return h.answer(dst), h.status
}

func (h *recordingHost) SetProperty(path abi.Path, value []byte) abi.Status {
	h.note("SetProperty", path, value)
	return h.status
}

func (h *recordingHost) GetSharedData(dst []byte, key []byte) ([]byte, uint32, abi.Status) {
	h.note("GetSharedData", key)
	return h.answer(dst), h.number, h.status
}

func (h *recordingHost) SetSharedData(key []byte, value []byte, cas uint32) abi.Status {
	h.note("SetSharedData", key, value, cas)
	return h.status
}

func (h *recordingHost) RegisterSharedQueue(name []byte) (uint32, abi.Status) {
	h.note("RegisterSharedQueue", name)
	return h.number, h.status
}

func (h *recordingHost) ResolveSharedQueue(vmID []byte, name []byte) (uint32, abi.Status) {
	h.note("ResolveSharedQueue", vmID, name)
	return h.number, h.status
}

func (h *recordingHost) DequeueSharedQueue(dst []byte, queue uint32) ([]byte, abi.Status) {
	h.note("DequeueSharedQueue", queue)
	return h.answer(dst), h.status
}

func (h *recordingHost) EnqueueSharedQueue(queue uint32, value []byte) abi.Status {
	h.note("EnqueueSharedQueue", queue, value)
	return h.status
}

func (h *recordingHost) DefineMetric(kind abi.MetricType, name []byte) (uint32, abi.Status) {
	h.note("DefineMetric", kind, name)
	return h.number, h.status
}

func (h *recordingHost) IncrementMetric(metric uint32, delta int64) abi.Status {
	h.note("IncrementMetric", metric, delta)
	return h.status
}

func (h *recordingHost) RecordMetric(metric uint32, value uint64) abi.Status {
	h.note("RecordMetric", metric, value)
	return h.status
}

func (h *recordingHost) GetMetric(metric uint32) (uint64, abi.Status) {
	h.note("GetMetric", metric)
	return uint64(h.number), h.status
}

func (h *recordingHost) HTTPCall(cluster []byte, headers abi.Pairs, body []byte, trailers abi.Pairs, timeoutMillis uint32) (uint32, abi.Status) {
	h.note("HTTPCall", cluster, headers, body, trailers, timeoutMillis)
	return h.number, h.status
}

func (h *recordingHost) GRPCCall(service []byte, serviceName []byte, method []byte, metadata abi.Pairs, message []byte, timeoutMillis uint32) (uint32, abi.Status) {
	h.note("GRPCCall", service, serviceName, method, metadata, message, timeoutMillis)
	return h.number, h.status
}

func (h *recordingHost) GRPCStream(service []byte, serviceName []byte, method []byte, metadata abi.Pairs) (uint32, abi.Status) {
	h.note("GRPCStream", service, serviceName, method, metadata)
	return h.number, h.status
}

func (h *recordingHost) GRPCSend(call uint32, message []byte, endStream bool) abi.Status {
	h.note("GRPCSend", call, message, endStream)
	return h.status
}

func (h *recordingHost) GRPCCancel(call uint32) abi.Status {
	h.note("GRPCCancel", call)
	return h.status
}

func (h *recordingHost) GRPCClose(call uint32) abi.Status {
	h.note("GRPCClose", call)
	return h.status
}

func (h *recordingHost) GetStatus(dst []byte) ([]byte, uint32, abi.Status) {
	h.note("GetStatus")
	return h.answer(dst), h.number, h.status
}

func (h *recordingHost) RedisInit(cluster []byte, username []byte, password []byte, timeoutMillis uint32) abi.Status {
	h.note("RedisInit", cluster, username, password, timeoutMillis)
	return h.status
}

func (h *recordingHost) RedisCall(cluster []byte, query []byte) (uint32, abi.Status) {
	h.note("RedisCall", cluster, query)
	return h.number, h.status
}

func (h *recordingHost) CallForeignFunction(dst []byte, name []byte, argument []byte) ([]byte, abi.Status) {
	h.note("CallForeignFunction", name, argument)
	return h.answer(dst), h.status
}

func (h *recordingHost) SetTickPeriod(millis uint32) abi.Status {
	h.note("SetTickPeriod", millis)
	return h.status
}

func (h *recordingHost) SetEffectiveContext(id uint32) abi.Status {
	h.note("SetEffectiveContext", id)
	return h.status
}

func (h *recordingHost) Done() abi.Status {
	h.note("Done")
	return h.status
}

func (h *recordingHost) CurrentTimeNanoseconds() (uint64, abi.Status) {
	h.note("CurrentTimeNanoseconds")
	return uint64(h.number), h.status
}

func (h *recordingHost) InjectEncodedData(data []byte, endStream bool) abi.Status {
	h.note("InjectEncodedData", data, endStream)
	return h.status
}

func (h *recordingHost) GetUpstreamHosts(dst []byte) ([]byte, abi.Status) {
	h.note("GetUpstreamHosts")
	return h.answer(dst), h.status
}

func (h *recordingHost) SetUpstreamOverrideHost(address []byte) abi.Status {
	h.note("SetUpstreamOverrideHost", address)
	return h.status
}
