package proxywasm

import (
	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/internal/hostcall"
)

// GetDownstreamData returns at most maxSize bytes of the client's data from start.
func GetDownstreamData(start, maxSize int) ([]byte, error) {
	return getBuffer(abi.BufferDownstreamData, start, maxSize)
}

// ReplaceDownstreamData replaces the client's data; empty data drops it.
func ReplaceDownstreamData(data []byte) error { return replaceBuffer(abi.BufferDownstreamData, data) }

// PrependDownstreamData puts data before the client's data.
func PrependDownstreamData(data []byte) error { return prependBuffer(abi.BufferDownstreamData, data) }

// AppendDownstreamData puts data after the client's data.
func AppendDownstreamData(data []byte) error { return appendBuffer(abi.BufferDownstreamData, data) }

// GetUpstreamData returns at most maxSize bytes of the upstream's data from start.
func GetUpstreamData(start, maxSize int) ([]byte, error) {
	return getBuffer(abi.BufferUpstreamData, start, maxSize)
}

// ReplaceUpstreamData replaces the upstream's data; empty data drops it.
func ReplaceUpstreamData(data []byte) error { return replaceBuffer(abi.BufferUpstreamData, data) }

// PrependUpstreamData puts data before the upstream's data.
func PrependUpstreamData(data []byte) error { return prependBuffer(abi.BufferUpstreamData, data) }

// AppendUpstreamData puts data after the upstream's data.
func AppendUpstreamData(data []byte) error { return appendBuffer(abi.BufferUpstreamData, data) }

// ContinueTcpStream resumes a paused connection.
func ContinueTcpStream() error { return statusError(hostcall.ContinueStream(abi.StreamDownstream)) }

// CloseDownstream closes the client's connection.
func CloseDownstream() error { return statusError(hostcall.CloseStream(abi.StreamDownstream)) }

// CloseUpstream closes the upstream's connection.
func CloseUpstream() error { return statusError(hostcall.CloseStream(abi.StreamUpstream)) }
