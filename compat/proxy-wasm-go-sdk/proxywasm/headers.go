package proxywasm

import sdk "github.com/sluice-gateway/sluice/sdk/proxywasm"

// GetHttpRequestHeaders returns the request headers in order.
func GetHttpRequestHeaders() ([][2]string, error) { return sdk.GetHttpRequestHeaders() }

// ReplaceHttpRequestHeaders replaces all request headers.
func ReplaceHttpRequestHeaders(headers [][2]string) error {
	return sdk.ReplaceHttpRequestHeaders(headers)
}

// GetHttpRequestHeader returns the first value of key among the request headers.
func GetHttpRequestHeader(key string) (string, error) { return sdk.GetHttpRequestHeader(key) }

// AddHttpRequestHeader adds an entry to the request headers.
func AddHttpRequestHeader(key, value string) error { return sdk.AddHttpRequestHeader(key, value) }

// ReplaceHttpRequestHeader makes value the only one of key among the request headers.
func ReplaceHttpRequestHeader(key, value string) error {
	return sdk.ReplaceHttpRequestHeader(key, value)
}

// RemoveHttpRequestHeader removes key from the request headers.
func RemoveHttpRequestHeader(key string) error { return sdk.RemoveHttpRequestHeader(key) }

// GetHttpResponseHeaders returns the response headers in order.
func GetHttpResponseHeaders() ([][2]string, error) { return sdk.GetHttpResponseHeaders() }

// ReplaceHttpResponseHeaders replaces all response headers.
func ReplaceHttpResponseHeaders(headers [][2]string) error {
	return sdk.ReplaceHttpResponseHeaders(headers)
}

// GetHttpResponseHeader returns the first value of key among the response headers.
func GetHttpResponseHeader(key string) (string, error) { return sdk.GetHttpResponseHeader(key) }

// AddHttpResponseHeader adds an entry to the response headers.
func AddHttpResponseHeader(key, value string) error { return sdk.AddHttpResponseHeader(key, value) }

// ReplaceHttpResponseHeader makes value the only one of key among the response headers.
func ReplaceHttpResponseHeader(key, value string) error {
	return sdk.ReplaceHttpResponseHeader(key, value)
}

// RemoveHttpResponseHeader removes key from the response headers.
func RemoveHttpResponseHeader(key string) error { return sdk.RemoveHttpResponseHeader(key) }
