package abi

// Host is the gateway's side of the contract: one method for each call that a plugin may make.
//
// A Host belongs to one VM and is called only while that VM runs a callback, from the goroutine that runs it; which
// context a call is about is the callback's, or the one last set by SetEffectiveContext. Byte slices passed in are the
// plugin's memory: a Host must not keep or change them. Methods with a dst append their result to dst and return it;
// nothing appended with StatusOK is an empty result. On any other status the returned slice is dst unchanged.
//
// No method blocks on the network: what takes time is noted and done once the callback has returned.
type Host interface {
	// Log writes a line to the plugin's log.
	Log(level LogLevel, message []byte) Status
	// GetLogLevel answers the lowest level that is written.
	GetLogLevel() (LogLevel, Status)

	// SendLocalResponse answers the request without the upstream. headers are Pairs; grpcStatus -1 is unset. The first
	// on a stream counts; a second answers StatusBadArgument.
	SendLocalResponse(code uint32, details, body []byte, headers Pairs, grpcStatus int32) Status
	// ContinueStream resumes a paused stream. It does nothing to one that is not paused.
	ContinueStream(stream StreamType) Status
	// CloseStream resets the stream.
	CloseStream(stream StreamType) Status

	// GetHeaderMapPairs appends the map's encoding, nothing for an empty map.
	GetHeaderMapPairs(dst []byte, m MapType) ([]byte, Status)
	// SetHeaderMapPairs replaces the whole map.
	SetHeaderMapPairs(m MapType, pairs Pairs) Status
	// GetHeaderMapSize answers the size of the map's keys and values in bytes.
	GetHeaderMapSize(m MapType) (uint32, Status)
	// GetHeaderMapValue appends the first value of key.
	GetHeaderMapValue(dst []byte, m MapType, key []byte) ([]byte, Status)
	// AddHeaderMapValue adds an entry.
	AddHeaderMapValue(m MapType, key, value []byte) Status
	// ReplaceHeaderMapValue makes value the only one of key.
	ReplaceHeaderMapValue(m MapType, key, value []byte) Status
	// RemoveHeaderMapValue removes every value of key.
	RemoveHeaderMapValue(m MapType, key []byte) Status

	// GetBufferBytes appends at most size bytes of the buffer from start.
	GetBufferBytes(dst []byte, b BufferType, start, size uint32) ([]byte, Status)
	// GetBufferStatus answers the buffer's length and flags.
	GetBufferStatus(b BufferType) (size, flags uint32, status Status)
	// SetBufferBytes replaces size bytes from start by data. start 0 replaces (or with size 0 prepends); a start at or
	// past the end appends; anything between answers StatusBadArgument.
	SetBufferBytes(b BufferType, start, size uint32, data []byte) Status

	// GetProperty appends the value of a property.
	GetProperty(dst []byte, path Path) ([]byte, Status)
	// SetProperty sets a property of the stream.
	SetProperty(path Path, value []byte) Status

	// GetSharedData appends the value of key and answers its compare-and-swap number.
	GetSharedData(dst, key []byte) (value []byte, cas uint32, status Status)
	// SetSharedData sets key; a cas other than 0 must be the current number, if there is a value: a key without one takes
	// any. Numbers are never 0.
	SetSharedData(key, value []byte, cas uint32) Status
	// RegisterSharedQueue makes a queue, or finds it, and has its readiness told to this root context.
	RegisterSharedQueue(name []byte) (queue uint32, status Status)
	// ResolveSharedQueue finds a queue of the VM vmID, of this one if that is empty.
	ResolveSharedQueue(vmID, name []byte) (queue uint32, status Status)
	// DequeueSharedQueue appends the queue's first element.
	DequeueSharedQueue(dst []byte, queue uint32) ([]byte, Status)
	// EnqueueSharedQueue adds an element.
	EnqueueSharedQueue(queue uint32, value []byte) Status

	// DefineMetric makes a metric, or finds it by its name.
	DefineMetric(kind MetricType, name []byte) (metric uint32, status Status)
	// IncrementMetric adds delta.
	IncrementMetric(metric uint32, delta int64) Status
	// RecordMetric records value.
	RecordMetric(metric uint32, value uint64) Status
	// GetMetric answers the metric's value.
	GetMetric(metric uint32) (value uint64, status Status)

	// HTTPCall dispatches a request to a cluster; [Plugin.OnHTTPCallResponse] answers it.
	HTTPCall(cluster []byte, headers Pairs, body []byte, trailers Pairs, timeoutMillis uint32) (call uint32, status Status)
	// GRPCCall dispatches a unary gRPC call. service is a serialized envoy GrpcService.
	GRPCCall(service, serviceName, method []byte, metadata Pairs, message []byte, timeoutMillis uint32) (call uint32, status Status)
	// GRPCStream opens a gRPC stream.
	GRPCStream(service, serviceName, method []byte, metadata Pairs) (call uint32, status Status)
	// GRPCSend sends a message on a gRPC stream.
	GRPCSend(call uint32, message []byte, endStream bool) Status
	// GRPCCancel ends a gRPC call or stream, dropping what is to come.
	GRPCCancel(call uint32) Status
	// GRPCClose closes the plugin's side of a gRPC stream.
	GRPCClose(call uint32) Status
	// GetStatus appends the message of the last gRPC close and answers its code.
	GetStatus(dst []byte) (message []byte, code uint32, status Status)
	// RedisInit sets up a Redis cluster's connection (Higress).
	RedisInit(cluster, username, password []byte, timeoutMillis uint32) Status
	// RedisCall dispatches a query in RESP (Higress); [Plugin.OnRedisCallResponse] answers it.
	RedisCall(cluster, query []byte) (call uint32, status Status)
	// CallForeignFunction calls a function by name and appends what it answers.
	CallForeignFunction(dst, name, argument []byte) ([]byte, Status)

	// SetTickPeriod sets the root context's timer; 0 stops it.
	SetTickPeriod(millis uint32) Status
	// SetEffectiveContext makes the calls that follow, until the callback returns, be about context id.
	SetEffectiveContext(id uint32) Status
	// Done ends a context whose OnDone answered false.
	Done() Status
	// CurrentTimeNanoseconds answers the wall clock.
	CurrentTimeNanoseconds() (nanos uint64, status Status)

	// InjectEncodedData hands body bytes to the encoder filters after this one (Higress).
	InjectEncodedData(data []byte, endStream bool) Status
	// GetUpstreamHosts appends the hosts of the route's cluster as Pairs: address, metrics text (Higress).
	GetUpstreamHosts(dst []byte) ([]byte, Status)
	// SetUpstreamOverrideHost makes the router prefer the host with this address (Higress).
	SetUpstreamOverrideHost(address []byte) Status
}
