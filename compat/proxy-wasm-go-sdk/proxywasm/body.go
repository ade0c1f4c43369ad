package proxywasm

import sdk "github.com/sluice-gateway/sluice/sdk/proxywasm"

// GetHttpRequestBody returns at most maxSize bytes of the request body from start.
func GetHttpRequestBody(start, maxSize int) ([]byte, error) {
	return sdk.GetHttpRequestBody(start, maxSize)
}

// ReplaceHttpRequestBody replaces the request body; empty data drops it.
func ReplaceHttpRequestBody(data []byte) error { return sdk.ReplaceHttpRequestBody(data) }

// PrependHttpRequestBody puts data before the request body.
func PrependHttpRequestBody(data []byte) error { return sdk.PrependHttpRequestBody(data) }

// AppendHttpRequestBody puts data after the request body.
func AppendHttpRequestBody(data []byte) error { return sdk.AppendHttpRequestBody(data) }

// GetHttpResponseBody returns at most maxSize bytes of the response body from start.
func GetHttpResponseBody(start, maxSize int) ([]byte, error) {
	return sdk.GetHttpResponseBody(start, maxSize)
}

// ReplaceHttpResponseBody replaces the response body; empty data drops it.
func ReplaceHttpResponseBody(data []byte) error { return sdk.ReplaceHttpResponseBody(data) }

// PrependHttpResponseBody puts data before the response body.
func PrependHttpResponseBody(data []byte) error { return sdk.PrependHttpResponseBody(data) }

// AppendHttpResponseBody puts data after the response body.
func AppendHttpResponseBody(data []byte) error { return sdk.AppendHttpResponseBody(data) }

// GetDownstreamData returns at most maxSize bytes of the client's data from start.
func GetDownstreamData(start, maxSize int) ([]byte, error) {
	return sdk.GetDownstreamData(start, maxSize)
}

// ReplaceDownstreamData replaces the client's data; empty data drops it.
func ReplaceDownstreamData(data []byte) error { return sdk.ReplaceDownstreamData(data) }

// PrependDownstreamData puts data before the client's data.
func PrependDownstreamData(data []byte) error { return sdk.PrependDownstreamData(data) }

// AppendDownstreamData puts data after the client's data.
func AppendDownstreamData(data []byte) error { return sdk.AppendDownstreamData(data) }

// GetUpstreamData returns at most maxSize bytes of the upstream's data from start.
func GetUpstreamData(start, maxSize int) ([]byte, error) { return sdk.GetUpstreamData(start, maxSize) }

// ReplaceUpstreamData replaces the upstream's data; empty data drops it.
func ReplaceUpstreamData(data []byte) error { return sdk.ReplaceUpstreamData(data) }

// PrependUpstreamData puts data before the upstream's data.
func PrependUpstreamData(data []byte) error { return sdk.PrependUpstreamData(data) }

// AppendUpstreamData puts data after the upstream's data.
func AppendUpstreamData(data []byte) error { return sdk.AppendUpstreamData(data) }
