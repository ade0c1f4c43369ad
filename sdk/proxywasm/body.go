package proxywasm

import (
	"math"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/internal/hostcall"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
)

// In a body callback the buffer is the piece that came, or all that is buffered with it if the callback before answered
// types.DataStopIterationAndBuffer. Gets clamp to what is there; nothing at all is types.ErrorStatusNotFound. No host
// corrects content-length: a plugin that changes a body's length removes it in the header callback (package wrapper does).

func getBuffer(b abi.BufferType, start, maxSize int) ([]byte, error) {
	if start < 0 || maxSize < 0 || start > math.MaxInt32 {
		return nil, types.ErrorStatusBadArgument
	}
	data, st := hostcall.GetBuffer(b, uint32(start), uint32(min(maxSize, math.MaxInt32)))
	if st != abi.StatusOK {
		return nil, statusError(st)
	}
	if len(data) == 0 {
		return nil, types.ErrorStatusNotFound
	}
	return data, nil
}

func replaceBuffer(b abi.BufferType, data []byte) error {
	return statusError(hostcall.SetBuffer(b, 0, math.MaxInt32, data))
}

func prependBuffer(b abi.BufferType, data []byte) error {
	return statusError(hostcall.SetBuffer(b, 0, 0, data))
}

func appendBuffer(b abi.BufferType, data []byte) error {
	return statusError(hostcall.SetBuffer(b, math.MaxInt32, 0, data))
}

// GetHttpRequestBody returns at most maxSize bytes of the request body from start.
func GetHttpRequestBody(start, maxSize int) ([]byte, error) {
	return getBuffer(abi.BufferHTTPRequestBody, start, maxSize)
}

// ReplaceHttpRequestBody replaces the request body; empty data drops it.
func ReplaceHttpRequestBody(data []byte) error { return replaceBuffer(abi.BufferHTTPRequestBody, data) }

// PrependHttpRequestBody puts data before the request body.
func PrependHttpRequestBody(data []byte) error { return prependBuffer(abi.BufferHTTPRequestBody, data) }

// AppendHttpRequestBody puts data after the request body.
func AppendHttpRequestBody(data []byte) error { return appendBuffer(abi.BufferHTTPRequestBody, data) }

// GetHttpResponseBody returns at most maxSize bytes of the response body from start.
func GetHttpResponseBody(start, maxSize int) ([]byte, error) {
	return getBuffer(abi.BufferHTTPResponseBody, start, maxSize)
}

// ReplaceHttpResponseBody replaces the response body; empty data drops it.
func ReplaceHttpResponseBody(data []byte) error {
	return replaceBuffer(abi.BufferHTTPResponseBody, data)
}

// PrependHttpResponseBody puts data before the response body.
func PrependHttpResponseBody(data []byte) error {
	return prependBuffer(abi.BufferHTTPResponseBody, data)
}

// AppendHttpResponseBody puts data after the response body.
func AppendHttpResponseBody(data []byte) error { return appendBuffer(abi.BufferHTTPResponseBody, data) }
