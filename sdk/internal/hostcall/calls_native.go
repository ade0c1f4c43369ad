//go:build !wasip1

package hostcall

import "github.com/sluice-gateway/sluice/sdk/abi"

// Native says that the plugin runs in the gateway's own process.
const Native = true

// Instance counts the plugins of this process, and their ends: what package variables have of the VM is another's where it
// has changed. 0 before the first.
var Instance uint32

var host abi.Host = abi.UnimplementedHost{}

// Install makes h what the calls go to; nil is nobody, who answers [abi.StatusUnimplemented].
func Install(h abi.Host) {
	if h == nil {
		h = abi.UnimplementedHost{}
	}
	host = h
	depth = 0
	Instance++
	Epoch++
}

// On this transport borrowed memory is ordinary memory.
func resetBorrowed() {}

// Log writes a line to the plugin's log.
func Log(level abi.LogLevel, message string) abi.Status {
	return host.Log(level, bytes(message))
}

// LogLevel answers the lowest level that is written.
func LogLevel() (abi.LogLevel, abi.Status) {
	return host.GetLogLevel()
}

// SendLocalResponse answers the request without the upstream.
func SendLocalResponse(code uint32, details string, body []byte, headers abi.Pairs, grpcStatus int32) abi.Status {
	return host.SendLocalResponse(code, bytes(details), body, headers, grpcStatus)
}

// ContinueStream resumes a paused stream.
func ContinueStream(stream abi.StreamType) abi.Status {
	return host.ContinueStream(stream)
}

// CloseStream resets the stream.
func CloseStream(stream abi.StreamType) abi.Status {
	return host.CloseStream(stream)
}

// GetHeaderMapPairs returns a whole map. It borrows.
func GetHeaderMapPairs(m abi.MapType) (abi.Pairs, abi.Status) {
	b, st := host.GetHeaderMapPairs(nil, m)
	return b, st
}

// SetHeaderMapPairs replaces a whole map.
func SetHeaderMapPairs(m abi.MapType, pairs abi.Pairs) abi.Status {
	return host.SetHeaderMapPairs(m, pairs)
}

// GetHeaderMapValue returns the first value of key.
func GetHeaderMapValue(m abi.MapType, key string) ([]byte, abi.Status) {
	return host.GetHeaderMapValue(nil, m, bytes(key))
}

// AddHeaderMapValue adds an entry.
func AddHeaderMapValue(m abi.MapType, key, value string) abi.Status {
	return host.AddHeaderMapValue(m, bytes(key), bytes(value))
}

// ReplaceHeaderMapValue makes value the only one of key.
func ReplaceHeaderMapValue(m abi.MapType, key, value string) abi.Status {
	return host.ReplaceHeaderMapValue(m, bytes(key), bytes(value))
}

// RemoveHeaderMapValue removes every value of key.
func RemoveHeaderMapValue(m abi.MapType, key string) abi.Status {
	return host.RemoveHeaderMapValue(m, bytes(key))
}

// GetBuffer returns at most size bytes of a buffer from start.
func GetBuffer(b abi.BufferType, start, size uint32) ([]byte, abi.Status) {
	return host.GetBufferBytes(nil, b, start, size)
}

// SetBuffer replaces size bytes of a buffer from start.
func SetBuffer(b abi.BufferType, start, size uint32, data []byte) abi.Status {
	return host.SetBufferBytes(b, start, size, data)
}

// GetProperty returns the value of a property.
func GetProperty(path abi.Path) ([]byte, abi.Status) {
	return host.GetProperty(nil, path)
}

// BorrowProperty is GetProperty, but it borrows.
func BorrowProperty(path string) ([]byte, abi.Status) {
	return host.GetProperty(nil, bytes(path))
}

// SetProperty sets a property of the stream.
func SetProperty(path abi.Path, value []byte) abi.Status {
	return host.SetProperty(path, value)
}

// SetTickPeriod sets the root context's timer.
func SetTickPeriod(millis uint32) abi.Status {
	return host.SetTickPeriod(millis)
}

// SetEffectiveContext makes the calls that follow be about context id.
func SetEffectiveContext(id uint32) abi.Status {
	Epoch++
	return host.SetEffectiveContext(id)
}

// Done ends a context whose OnDone answered false.
func Done() abi.Status {
	return host.Done()
}

// CallForeignFunction calls a function by name.
func CallForeignFunction(name string, argument []byte) ([]byte, abi.Status) {
	return host.CallForeignFunction(nil, bytes(name), argument)
}

// GetSharedData returns the value of key and its compare-and-swap number.
func GetSharedData(key string) ([]byte, uint32, abi.Status) {
	return host.GetSharedData(nil, bytes(key))
}

// SetSharedData sets key.
func SetSharedData(key string, value []byte, cas uint32) abi.Status {
	return host.SetSharedData(bytes(key), value, cas)
}

// RegisterSharedQueue makes a queue, or finds it.
func RegisterSharedQueue(name string) (uint32, abi.Status) {
	return host.RegisterSharedQueue(bytes(name))
}

// ResolveSharedQueue finds a queue of a VM.
func ResolveSharedQueue(vm, name string) (uint32, abi.Status) {
	return host.ResolveSharedQueue(bytes(vm), bytes(name))
}

// DequeueSharedQueue takes the first element.
func DequeueSharedQueue(queue uint32) ([]byte, abi.Status) {
	return host.DequeueSharedQueue(nil, queue)
}

// EnqueueSharedQueue adds an element.
func EnqueueSharedQueue(queue uint32, value []byte) abi.Status {
	return host.EnqueueSharedQueue(queue, value)
}

// DefineMetric makes a metric, or finds it.
func DefineMetric(kind abi.MetricType, name string) (uint32, abi.Status) {
	return host.DefineMetric(kind, bytes(name))
}

// IncrementMetric adds delta.
func IncrementMetric(metric uint32, delta int64) abi.Status {
	return host.IncrementMetric(metric, delta)
}

// RecordMetric records value.
func RecordMetric(metric uint32, value uint64) abi.Status {
	return host.RecordMetric(metric, value)
}

// GetMetric answers a metric's value.
func GetMetric(metric uint32) (uint64, abi.Status) {
	return host.GetMetric(metric)
}

// HTTPCall dispatches a request to a cluster.
func HTTPCall(cluster string, headers abi.Pairs, body []byte, trailers abi.Pairs, timeoutMillis uint32) (uint32, abi.Status) {
	return host.HTTPCall(bytes(cluster), headers, body, trailers, timeoutMillis)
}

// RedisInit sets up a Redis cluster's connection.
func RedisInit(cluster, username, password string, timeoutMillis uint32) abi.Status {
	return host.RedisInit(bytes(cluster), bytes(username), bytes(password), timeoutMillis)
}

// RedisCall dispatches a query.
func RedisCall(cluster string, query []byte) (uint32, abi.Status) {
	return host.RedisCall(bytes(cluster), query)
}

// InjectEncodedData hands body bytes to the encoder filters after this one.
func InjectEncodedData(data []byte, endStream bool) abi.Status {
	return host.InjectEncodedData(data, endStream)
}

// GetUpstreamHosts returns the hosts of the route's cluster. It borrows.
func GetUpstreamHosts() (abi.Pairs, abi.Status) {
	b, st := host.GetUpstreamHosts(nil)
	return b, st
}

// SetUpstreamOverrideHost makes the router prefer a host.
func SetUpstreamOverrideHost(address []byte) abi.Status {
	return host.SetUpstreamOverrideHost(address)
}
