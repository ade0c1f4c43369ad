package proxytest

import (
	"slices"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

// buffer returns the buffer that a host call names, nil if there is none now.
func (e *emulator) buffer(b abi.BufferType) *[]byte {
	switch b {
	case abi.BufferVMConfiguration:
		return &e.vmConfiguration
	case abi.BufferPluginConfiguration:
		return &e.pluginConfiguration
	case abi.BufferHTTPCallResponseBody:
		if r := e.httpCalls.answer; r != nil {
			return &r.body
		}
	case abi.BufferRedisCallResponse:
		return e.redisCalls.answer
	case abi.BufferHTTPRequestBody:
		if s := e.streams[e.active]; s != nil {
			return &s.request.body
		}
	case abi.BufferHTTPResponseBody:
		if s := e.streams[e.active]; s != nil {
			return &s.response.body
		}
	case abi.BufferDownstreamData:
		if c := e.connections[e.active]; c != nil {
			return &c.downstream
		}
	case abi.BufferUpstreamData:
		if c := e.connections[e.active]; c != nil {
			return &c.upstream
		}
	}
	return nil
}

// GetBufferBytes implements [abi.Host]. An empty buffer is none.
func (e *emulator) GetBufferBytes(dst []byte, b abi.BufferType, start, size uint32) ([]byte, abi.Status) {
	buf := e.buffer(b)
	if buf == nil || len(*buf) == 0 {
		return dst, abi.StatusNotFound
	}
	if uint64(start) >= uint64(len(*buf)) {
		return dst, abi.StatusBadArgument
	}
	rest := (*buf)[start:]
	return append(dst, rest[:min(uint64(size), uint64(len(rest)))]...), abi.StatusOK
}

// GetBufferStatus implements [abi.Host].
func (e *emulator) GetBufferStatus(b abi.BufferType) (size, flags uint32, status abi.Status) {
	buf := e.buffer(b)
	if buf == nil {
		return 0, 0, abi.StatusNotFound
	}
	return uint32(len(*buf)), 0, abi.StatusOK
}

// SetBufferBytes implements [abi.Host], for bodies and TCP data.
func (e *emulator) SetBufferBytes(b abi.BufferType, start, size uint32, data []byte) abi.Status {
	if b > abi.BufferUpstreamData {
		return abi.StatusBadArgument
	}
	buf := e.buffer(b)
	if buf == nil {
		return abi.StatusBadArgument
	}
	// What a test got from the emulator before stays as it was: no array is written to again.
	switch n := uint64(len(*buf)); {
	case start == 0 && size == 0:
		*buf = slices.Concat(data, *buf)
	case start == 0 && uint64(size) >= n:
		*buf = append([]byte(nil), data...) // nil if empty
	case start > 0 && uint64(start) >= n:
		*buf = slices.Concat(*buf, data)
	default:
		return abi.StatusBadArgument
	}
	return abi.StatusOK
}
