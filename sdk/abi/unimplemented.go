package abi

// UnimplementedHost answers StatusUnimplemented to every call. Embed it to implement a part of [Host].
type UnimplementedHost struct{}

var _ Host = UnimplementedHost{}

// Log implements [Host].
func (UnimplementedHost) Log(_ LogLevel, _ []byte) Status { return StatusUnimplemented }

// GetLogLevel implements [Host].
func (UnimplementedHost) GetLogLevel() (LogLevel, Status) { return 0, StatusUnimplemented }

// SendLocalResponse implements [Host].
func (UnimplementedHost) SendLocalResponse(_ uint32, _ []byte, _ []byte, _ Pairs, _ int32) Status {
	return StatusUnimplemented
}

// ContinueStream implements [Host].
func (UnimplementedHost) ContinueStream(_ StreamType) Status { return StatusUnimplemented }

// CloseStream implements [Host].
func (UnimplementedHost) CloseStream(_ StreamType) Status { return StatusUnimplemented }

// GetHeaderMapPairs implements [Host].
func (UnimplementedHost) GetHeaderMapPairs(dst []byte, _ MapType) ([]byte, Status) {
	return dst, StatusUnimplemented
}

// SetHeaderMapPairs implements [Host].
func (UnimplementedHost) SetHeaderMapPairs(_ MapType, _ Pairs) Status { return StatusUnimplemented }

// GetHeaderMapSize implements [Host].
func (UnimplementedHost) GetHeaderMapSize(_ MapType) (uint32, Status) { return 0, StatusUnimplemented }

// GetHeaderMapValue implements [Host].
func (UnimplementedHost) GetHeaderMapValue(dst []byte, _ MapType, _ []byte) ([]byte, Status) {
	return dst, StatusUnimplemented
}

// AddHeaderMapValue implements [Host].
func (UnimplementedHost) AddHeaderMapValue(_ MapType, _ []byte, _ []byte) Status {
	return StatusUnimplemented
}

// ReplaceHeaderMapValue implements [Host].
func (UnimplementedHost) ReplaceHeaderMapValue(_ MapType, _ []byte, _ []byte) Status {
	return StatusUnimplemented
}

// RemoveHeaderMapValue implements [Host].
func (UnimplementedHost) RemoveHeaderMapValue(_ MapType, _ []byte) Status { return StatusUnimplemented }

// GetBufferBytes implements [Host].
func (UnimplementedHost) GetBufferBytes(dst []byte, _ BufferType, _ uint32, _ uint32) ([]byte, Status) {
	return dst, StatusUnimplemented
}

// GetBufferStatus implements [Host].
func (UnimplementedHost) GetBufferStatus(_ BufferType) (uint32, uint32, Status) {
	return 0, 0, StatusUnimplemented
}

// SetBufferBytes implements [Host].
func (UnimplementedHost) SetBufferBytes(_ BufferType, _ uint32, _ uint32, _ []byte) Status {
	return StatusUnimplemented
}

// GetProperty implements [Host].
func (UnimplementedHost) GetProperty(dst []byte, _ Path) ([]byte, Status) {
	return dst, StatusUnimplemented
}

// SetProperty implements [Host].
func (UnimplementedHost) SetProperty(_ Path, _ []byte) Status { return StatusUnimplemented }

// GetSharedData implements [Host].
func (UnimplementedHost) GetSharedData(dst []byte, _ []byte) ([]byte, uint32, Status) {
	return dst, 0, StatusUnimplemented
}

// SetSharedData implements [Host].
func (UnimplementedHost) SetSharedData(_ []byte, _ []byte, _ uint32) Status {
	return StatusUnimplemented
}

// RegisterSharedQueue implements [Host].
func (UnimplementedHost) RegisterSharedQueue(_ []byte) (uint32, Status) {
	return 0, StatusUnimplemented
}

// ResolveSharedQueue implements [Host].
func (UnimplementedHost) ResolveSharedQueue(_ []byte, _ []byte) (uint32, Status) {
	return 0, StatusUnimplemented
}

// DequeueSharedQueue implements [Host].
func (UnimplementedHost) DequeueSharedQueue(dst []byte, _ uint32) ([]byte, Status) {
	return dst, StatusUnimplemented
}

// EnqueueSharedQueue implements [Host].
func (UnimplementedHost) EnqueueSharedQueue(_ uint32, _ []byte) Status { return StatusUnimplemented }

// DefineMetric implements [Host].
func (UnimplementedHost) DefineMetric(_ MetricType, _ []byte) (uint32, Status) {
	return 0, StatusUnimplemented
}

// IncrementMetric implements [Host].
func (UnimplementedHost) IncrementMetric(_ uint32, _ int64) Status { return StatusUnimplemented }

// RecordMetric implements [Host].
func (UnimplementedHost) RecordMetric(_ uint32, _ uint64) Status { return StatusUnimplemented }

// GetMetric implements [Host].
func (UnimplementedHost) GetMetric(_ uint32) (uint64, Status) { return 0, StatusUnimplemented }

// HTTPCall implements [Host].
func (UnimplementedHost) HTTPCall(_ []byte, _ Pairs, _ []byte, _ Pairs, _ uint32) (uint32, Status) {
	return 0, StatusUnimplemented
}

// GRPCCall implements [Host].
func (UnimplementedHost) GRPCCall(_ []byte, _ []byte, _ []byte, _ Pairs, _ []byte, _ uint32) (uint32, Status) {
	return 0, StatusUnimplemented
}

// GRPCStream implements [Host].
func (UnimplementedHost) GRPCStream(_ []byte, _ []byte, _ []byte, _ Pairs) (uint32, Status) {
	return 0, StatusUnimplemented
}

// GRPCSend implements [Host].
func (UnimplementedHost) GRPCSend(_ uint32, _ []byte, _ bool) Status { return StatusUnimplemented }

// GRPCCancel implements [Host].
func (UnimplementedHost) GRPCCancel(_ uint32) Status { return StatusUnimplemented }

// GRPCClose implements [Host].
func (UnimplementedHost) GRPCClose(_ uint32) Status { return StatusUnimplemented }

// GetStatus implements [Host].
func (UnimplementedHost) GetStatus(dst []byte) ([]byte, uint32, Status) {
	return dst, 0, StatusUnimplemented
}

// RedisInit implements [Host].
func (UnimplementedHost) RedisInit(_ []byte, _ []byte, _ []byte, _ uint32) Status {
	return StatusUnimplemented
}

// RedisCall implements [Host].
func (UnimplementedHost) RedisCall(_ []byte, _ []byte) (uint32, Status) {
	return 0, StatusUnimplemented
}

// CallForeignFunction implements [Host].
func (UnimplementedHost) CallForeignFunction(dst []byte, _ []byte, _ []byte) ([]byte, Status) {
	return dst, StatusUnimplemented
}

// SetTickPeriod implements [Host].
func (UnimplementedHost) SetTickPeriod(_ uint32) Status { return StatusUnimplemented }

// SetEffectiveContext implements [Host].
func (UnimplementedHost) SetEffectiveContext(_ uint32) Status { return StatusUnimplemented }

// Done implements [Host].
func (UnimplementedHost) Done() Status { return StatusUnimplemented }

// CurrentTimeNanoseconds implements [Host].
func (UnimplementedHost) CurrentTimeNanoseconds() (uint64, Status) { return 0, StatusUnimplemented }

// InjectEncodedData implements [Host].
func (UnimplementedHost) InjectEncodedData(_ []byte, _ bool) Status { return StatusUnimplemented }

// GetUpstreamHosts implements [Host].
func (UnimplementedHost) GetUpstreamHosts(dst []byte) ([]byte, Status) {
	return dst, StatusUnimplemented
}

// SetUpstreamOverrideHost implements [Host].
func (UnimplementedHost) SetUpstreamOverrideHost(_ []byte) Status { return StatusUnimplemented }
