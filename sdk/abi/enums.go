package abi

import "strconv"

// Version is a revision of the proxy-wasm ABI, named by the export that a module declares it with.
type Version uint8

// The versions that Sluice loads. They differ in one rule that matters to filters: up to 0.2.1 a header callback
// that answers [HeaderStopIteration] is taken to mean [HeaderStopAllIterationAndWatermark]; 0.2.100 (Higress) takes
// it as it is.
const (
	VersionUnknown Version = iota
	Version0_1_0
	Version0_2_0
	Version0_2_1
	Version0_2_100
)

// Export returns the name of the function by which a module declares v, or "" for an unknown version.
func (v Version) Export() string {
	switch v {
	case Version0_1_0:
		return "proxy_abi_version_0_1_0"
	case Version0_2_0:
		return "proxy_abi_version_0_2_0"
	case Version0_2_1:
		return "proxy_abi_version_0_2_1"
	case Version0_2_100:
		return "proxy_abi_version_0_2_100"
	}
	return ""
}

// String returns the version in its dotted form.
func (v Version) String() string {
	switch v {
	case Version0_1_0:
		return "0.1.0"
	case Version0_2_0:
		return "0.2.0"
	case Version0_2_1:
		return "0.2.1"
	case Version0_2_100:
		return "0.2.100"
	}
	return "unknown"
}

// Status is the result of a host call.
type Status uint32

// The statuses of the proxy-wasm specification.
const (
	StatusOK Status = iota
	StatusNotFound
	StatusBadArgument
	StatusSerializationFailure
	StatusParseFailure
	StatusBadExpression
	StatusInvalidMemoryAccess
	StatusEmpty
	StatusCasMismatch
	StatusResultMismatch
	StatusInternalFailure
	StatusBrokenConnection
	StatusUnimplemented
)

var statusNames = [...]string{
	"ok", "not found", "bad argument", "serialization failure", "parse failure", "bad expression",
	"invalid memory access", "empty", "cas mismatch", "result mismatch", "internal failure", "broken connection",
	"unimplemented",
}

// String returns the status in words.
func (s Status) String() string { return name(statusNames[:], uint32(s), "status") }

// LogLevel is the severity of a log line.
type LogLevel uint32

// The log levels, from the most talkative.
const (
	LogTrace LogLevel = iota
	LogDebug
	LogInfo
	LogWarn
	LogError
	LogCritical
)

var logNames = [...]string{"trace", "debug", "info", "warn", "error", "critical"}

// String returns the level in lower case.
func (l LogLevel) String() string { return name(logNames[:], uint32(l), "level") }

// BufferType names a buffer that a plugin may read or write.
type BufferType uint32

// The buffers. BufferRedisCallResponse is a Higress extension.
const (
	BufferHTTPRequestBody BufferType = iota
	BufferHTTPResponseBody
	BufferDownstreamData
	BufferUpstreamData
	BufferHTTPCallResponseBody
	BufferGRPCReceive
	BufferVMConfiguration
	BufferPluginConfiguration
	BufferCallData
	BufferRedisCallResponse
)

var bufferNames = [...]string{
	"http request body", "http response body", "downstream data", "upstream data", "http call response body",
	"grpc receive buffer", "vm configuration", "plugin configuration", "call data", "redis call response",
}

// String returns the buffer's name in words.
func (b BufferType) String() string { return name(bufferNames[:], uint32(b), "buffer") }

// MapType names a header map that a plugin may read or write.
type MapType uint32

// The header maps.
const (
	MapHTTPRequestHeaders MapType = iota
	MapHTTPRequestTrailers
	MapHTTPResponseHeaders
	MapHTTPResponseTrailers
	MapGRPCReceiveInitialMetadata
	MapGRPCReceiveTrailingMetadata
	MapHTTPCallResponseHeaders
	MapHTTPCallResponseTrailers
)

var mapNames = [...]string{
	"http request headers", "http request trailers", "http response headers", "http response trailers",
	"grpc receive initial metadata", "grpc receive trailing metadata", "http call response headers",
	"http call response trailers",
}

// String returns the map's name in words.
func (m MapType) String() string { return name(mapNames[:], uint32(m), "map") }

// StreamType names one direction of a stream.
type StreamType uint32

// The stream types.
const (
	StreamHTTPRequest StreamType = iota
	StreamHTTPResponse
	StreamDownstream
	StreamUpstream
)

var streamNames = [...]string{"http request", "http response", "downstream", "upstream"}

// String returns the stream type in words.
func (s StreamType) String() string { return name(streamNames[:], uint32(s), "stream") }

// PeerType says which side closed a connection.
type PeerType uint32

// The peers.
const (
	PeerUnknown PeerType = iota
	PeerLocal
	PeerRemote
)

// MetricType is the kind of a metric.
type MetricType uint32

// The metric kinds.
const (
	MetricCounter MetricType = iota
	MetricGauge
	MetricHistogram
)

// Action is what a stream callback answers. The same number means different things in different callbacks: read it as
// a HeaderAction in header callbacks, a DataAction in body callbacks and a TrailerAction in trailer callbacks.
type Action uint32

// The answers of TCP callbacks, and the two that every callback knows.
const (
	ActionContinue Action = 0
	ActionPause    Action = 1
)

// The answers of header callbacks. Numbers past the last one are taken as the last one.
// HeaderContinueAndEndStream is not implemented by Envoy, which takes it as HeaderContinue; so does Sluice.
const (
	HeaderContinue                     Action = 0
	HeaderStopIteration                Action = 1
	HeaderContinueAndEndStream         Action = 2
	HeaderStopAllIterationAndBuffer    Action = 3
	HeaderStopAllIterationAndWatermark Action = 4
)

// The answers of body callbacks. Numbers past the last one are taken as the last one.
const (
	DataContinue                  Action = 0
	DataStopIterationAndBuffer    Action = 1
	DataStopIterationAndWatermark Action = 2
	DataStopIterationNoBuffer     Action = 3
)

// The answers of trailer callbacks. Numbers past the last one are taken as the last one.
const (
	TrailerContinue      Action = 0
	TrailerStopIteration Action = 1
)

// RedisStatus is how a Redis call ended. Higress has RedisOK, and other numbers without a documented meaning, which are to
// be read as RedisFailed; Sluice says which failure it was.
type RedisStatus uint32

// The ends of a Redis call. Only RedisOK comes with a reply.
const (
	RedisOK     RedisStatus = 0
	RedisFailed RedisStatus = 1
	// RedisDialFailed: there is no connection, so nothing was executed.
	RedisDialFailed RedisStatus = 101
	// RedisTimedOut: the reply did not come in time. The command may have been executed, or may be yet.
	RedisTimedOut RedisStatus = 102
	// RedisProtocolError: what the server sent is not RESP, or is no reply.
	RedisProtocolError RedisStatus = 103
	// RedisConnectionLost: the connection broke. The command may have been executed.
	RedisConnectionLost RedisStatus = 104
	// RedisLimit: the reply, or the number of connections, exceeds a limit of the host.
	RedisLimit RedisStatus = 105
)

func name(names []string, n uint32, kind string) string {
	if int64(n) < int64(len(names)) {
		return names[n]
	}
	return kind + " " + strconv.FormatUint(uint64(n), 10)
}
