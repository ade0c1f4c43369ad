package hostcall

import (
	"unsafe"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

// Native says that the plugin runs in the gateway's own process.
const Native = false

// Instance counts the plugins of a process: a module is one.
const Instance = 0

// Log writes a line to the plugin's log.
func Log(level abi.LogLevel, message string) abi.Status {
	return abi.Status(proxyLog(uint32(level), message))
}

// LogLevel answers the lowest level that is written.
func LogLevel() (abi.LogLevel, abi.Status) {
	st := proxyGetLogLevel(word())
	return abi.LogLevel(outWord), abi.Status(st)
}

// SendLocalResponse answers the request without the upstream.
func SendLocalResponse(code uint32, details string, body []byte, headers abi.Pairs, grpcStatus int32) abi.Status {
	return abi.Status(proxySendLocalResponse(code, details, view(body), view(headers), grpcStatus))
}

// ContinueStream resumes a paused stream.
func ContinueStream(stream abi.StreamType) abi.Status {
	return abi.Status(proxyContinueStream(uint32(stream)))
}

// CloseStream resets the stream.
func CloseStream(stream abi.StreamType) abi.Status {
	return abi.Status(proxyCloseStream(uint32(stream)))
}

// GetHeaderMapPairs returns a whole map. It borrows.
func GetHeaderMapPairs(m abi.MapType) (abi.Pairs, abi.Status) {
	data, size := prepare()
	borrow = true
	st := proxyGetHeaderMapPairs(uint32(m), data, size)
	borrow = false
	return take(), abi.Status(st)
}

// SetHeaderMapPairs replaces a whole map.
func SetHeaderMapPairs(m abi.MapType, pairs abi.Pairs) abi.Status {
	return abi.Status(proxySetHeaderMapPairs(uint32(m), view(pairs)))
}

// GetHeaderMapValue returns the first value of key.
func GetHeaderMapValue(m abi.MapType, key string) ([]byte, abi.Status) {
	data, size := prepare()
	st := proxyGetHeaderMapValue(uint32(m), key, data, size)
	return take(), abi.Status(st)
}

// AddHeaderMapValue adds an entry.
func AddHeaderMapValue(m abi.MapType, key, value string) abi.Status {
	return abi.Status(proxyAddHeaderMapValue(uint32(m), key, value))
}

// ReplaceHeaderMapValue makes value the only one of key.
func ReplaceHeaderMapValue(m abi.MapType, key, value string) abi.Status {
	return abi.Status(proxyReplaceHeaderMapValue(uint32(m), key, value))
}

// RemoveHeaderMapValue removes every value of key.
func RemoveHeaderMapValue(m abi.MapType, key string) abi.Status {
	return abi.Status(proxyRemoveHeaderMapValue(uint32(m), key))
}

// GetBuffer returns at most size bytes of a buffer from start.
func GetBuffer(b abi.BufferType, start, size uint32) ([]byte, abi.Status) {
	data, n := prepare()
	st := proxyGetBufferBytes(uint32(b), start, size, data, n)
	return take(), abi.Status(st)
}

// SetBuffer replaces size bytes of a buffer from start.
func SetBuffer(b abi.BufferType, start, size uint32, data []byte) abi.Status {
	return abi.Status(proxySetBufferBytes(uint32(b), start, size, view(data)))
}

// GetProperty returns the value of a property.
func GetProperty(path abi.Path) ([]byte, abi.Status) {
	data, size := prepare()
	st := proxyGetProperty(view(path), data, size)
	return take(), abi.Status(st)
}

// BorrowProperty is GetProperty, but it borrows.
func BorrowProperty(path string) ([]byte, abi.Status) {
	data, size := prepare()
	borrow = true
	st := proxyGetProperty(path, data, size)
	borrow = false
	return take(), abi.Status(st)
}

// SetProperty sets a property of the stream.
func SetProperty(path abi.Path, value []byte) abi.Status {
	return abi.Status(proxySetProperty(view(path), view(value)))
}

// SetTickPeriod sets the root context's timer.
func SetTickPeriod(millis uint32) abi.Status { return abi.Status(proxySetTickPeriod(millis)) }

// SetEffectiveContext makes the calls that follow be about context id.
func SetEffectiveContext(id uint32) abi.Status {
	Epoch++
	return abi.Status(proxySetEffectiveContext(id))
}

// Done ends a context whose OnDone answered false.
func Done() abi.Status { return abi.Status(proxyDone()) }

// CallForeignFunction calls a function by name.
func CallForeignFunction(name string, argument []byte) ([]byte, abi.Status) {
	data, size := prepare()
	st := proxyCallForeignFunction(name, view(argument), data, size)
	return take(), abi.Status(st)
}

// GetSharedData returns the value of key and its compare-and-swap number.
func GetSharedData(key string) ([]byte, uint32, abi.Status) {
	data, size := prepare()
	st := proxyGetSharedData(key, data, size, word())
	return take(), outWord, abi.Status(st)
}

// SetSharedData sets key.
func SetSharedData(key string, value []byte, cas uint32) abi.Status {
	return abi.Status(proxySetSharedData(key, view(value), cas))
}

// RegisterSharedQueue makes a queue, or finds it.
func RegisterSharedQueue(name string) (uint32, abi.Status) {
	st := proxyRegisterSharedQueue(name, word())
	return outWord, abi.Status(st)
}

// ResolveSharedQueue finds a queue of a VM.
func ResolveSharedQueue(vm, name string) (uint32, abi.Status) {
	st := proxyResolveSharedQueue(vm, name, word())
	return outWord, abi.Status(st)
}

// DequeueSharedQueue takes the first element.
func DequeueSharedQueue(queue uint32) ([]byte, abi.Status) {
	data, size := prepare()
	st := proxyDequeueSharedQueue(queue, data, size)
	return take(), abi.Status(st)
}

// EnqueueSharedQueue adds an element.
func EnqueueSharedQueue(queue uint32, value []byte) abi.Status {
	return abi.Status(proxyEnqueueSharedQueue(queue, view(value)))
}

// DefineMetric makes a metric, or finds it.
func DefineMetric(kind abi.MetricType, name string) (uint32, abi.Status) {
	st := proxyDefineMetric(uint32(kind), name, word())
	return outWord, abi.Status(st)
}

// IncrementMetric adds delta.
func IncrementMetric(metric uint32, delta int64) abi.Status {
	return abi.Status(proxyIncrementMetric(metric, delta))
}

// RecordMetric records value.
func RecordMetric(metric uint32, value uint64) abi.Status {
	return abi.Status(proxyRecordMetric(metric, value))
}

// GetMetric answers a metric's value.
func GetMetric(metric uint32) (uint64, abi.Status) {
	outLong = 0
	st := proxyGetMetric(metric, unsafe.Pointer(&outLong))
	return outLong, abi.Status(st)
}

// HTTPCall dispatches a request to a cluster.
func HTTPCall(cluster string, headers abi.Pairs, body []byte, trailers abi.Pairs, timeoutMillis uint32) (uint32, abi.Status) {
	st := proxyHTTPCall(cluster, view(headers), view(body), view(trailers), timeoutMillis, word())
	return outWord, abi.Status(st)
}

// RedisInit sets up a Redis cluster's connection.
func RedisInit(cluster, username, password string, timeoutMillis uint32) abi.Status {
	return abi.Status(proxyRedisInit(cluster, username, password, timeoutMillis))
}

// RedisCall dispatches a query.
func RedisCall(cluster string, query []byte) (uint32, abi.Status) {
	st := proxyRedisCall(cluster, view(query), word())
	return outWord, abi.Status(st)
}

// InjectEncodedData hands body bytes to the encoder filters after this one.
func InjectEncodedData(data []byte, endStream bool) abi.Status {
	end := uint32(0)
	if endStream {
		end = 1
	}
	return abi.Status(proxyInjectEncodedData(view(data), end))
}

// GetUpstreamHosts returns the hosts of the route's cluster. It borrows.
func GetUpstreamHosts() (abi.Pairs, abi.Status) {
	data, size := prepare()
	borrow = true
	st := proxyGetUpstreamHosts(data, size)
	borrow = false
	return take(), abi.Status(st)
}

// SetUpstreamOverrideHost makes the router prefer a host.
func SetUpstreamOverrideHost(address []byte) abi.Status {
	return abi.Status(proxySetUpstreamOverrideHost(view(address)))
}
