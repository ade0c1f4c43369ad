package proxywasm

import "github.com/sluice-gateway/sluice/sdk/abi"

// A change to trailers in a message's last body callback makes the trailers, if it has none.

// GetHttpRequestTrailers returns the request trailers in order.
func GetHttpRequestTrailers() ([][2]string, error) { return getPairs(abi.MapHTTPRequestTrailers) }

// ReplaceHttpRequestTrailers replaces all request trailers.
func ReplaceHttpRequestTrailers(trailers [][2]string) error {
	return setPairs(abi.MapHTTPRequestTrailers, trailers)
}

// GetHttpRequestTrailer returns the first value of key among the request trailers.
func GetHttpRequestTrailer(key string) (string, error) {
	return getHeader(abi.MapHTTPRequestTrailers, key)
}

// AddHttpRequestTrailer adds an entry to the request trailers.
func AddHttpRequestTrailer(key, value string) error {
	return addHeader(abi.MapHTTPRequestTrailers, key, value)
}

// ReplaceHttpRequestTrailer makes value the only one of key among the request trailers.
func ReplaceHttpRequestTrailer(key, value string) error {
	return replaceHeader(abi.MapHTTPRequestTrailers, key, value)
}

// RemoveHttpRequestTrailer removes every value of key from the request trailers.
func RemoveHttpRequestTrailer(key string) error { return removeHeader(abi.MapHTTPRequestTrailers, key) }

// GetHttpResponseTrailers returns the response trailers in order.
func GetHttpResponseTrailers() ([][2]string, error) { return getPairs(abi.MapHTTPResponseTrailers) }

// ReplaceHttpResponseTrailers replaces all response trailers.
func ReplaceHttpResponseTrailers(trailers [][2]string) error {
	return setPairs(abi.MapHTTPResponseTrailers, trailers)
}

// GetHttpResponseTrailer returns the first value of key among the response trailers.
func GetHttpResponseTrailer(key string) (string, error) {
	return getHeader(abi.MapHTTPResponseTrailers, key)
}

// AddHttpResponseTrailer adds an entry to the response trailers.
func AddHttpResponseTrailer(key, value string) error {
	return addHeader(abi.MapHTTPResponseTrailers, key, value)
}

// ReplaceHttpResponseTrailer makes value the only one of key among the response trailers.
func ReplaceHttpResponseTrailer(key, value string) error {
	return replaceHeader(abi.MapHTTPResponseTrailers, key, value)
}

// RemoveHttpResponseTrailer removes every value of key from the response trailers.
func RemoveHttpResponseTrailer(key string) error {
	return removeHeader(abi.MapHTTPResponseTrailers, key)
}
