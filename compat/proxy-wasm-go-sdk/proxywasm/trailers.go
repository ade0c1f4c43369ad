package proxywasm

import sdk "github.com/sluice-gateway/sluice/sdk/proxywasm"

// GetHttpRequestTrailers returns the request trailers in order.
func GetHttpRequestTrailers() ([][2]string, error) { return sdk.GetHttpRequestTrailers() }

// ReplaceHttpRequestTrailers replaces all request trailers.
func ReplaceHttpRequestTrailers(trailers [][2]string) error {
	return sdk.ReplaceHttpRequestTrailers(trailers)
}

// GetHttpRequestTrailer returns the first value of key among the request trailers.
func GetHttpRequestTrailer(key string) (string, error) { return sdk.GetHttpRequestTrailer(key) }

// AddHttpRequestTrailer adds an entry to the request trailers.
func AddHttpRequestTrailer(key, value string) error { return sdk.AddHttpRequestTrailer(key, value) }

// ReplaceHttpRequestTrailer makes value the only one of key among the request trailers.
func ReplaceHttpRequestTrailer(key, value string) error {
	return sdk.ReplaceHttpRequestTrailer(key, value)
}

// RemoveHttpRequestTrailer removes key from the request trailers.
func RemoveHttpRequestTrailer(key string) error { return sdk.RemoveHttpRequestTrailer(key) }

// GetHttpResponseTrailers returns the response trailers in order.
func GetHttpResponseTrailers() ([][2]string, error) { return sdk.GetHttpResponseTrailers() }

// ReplaceHttpResponseTrailers replaces all response trailers.
func ReplaceHttpResponseTrailers(trailers [][2]string) error {
	return sdk.ReplaceHttpResponseTrailers(trailers)
}

// GetHttpResponseTrailer returns the first value of key among the response trailers.
func GetHttpResponseTrailer(key string) (string, error) { return sdk.GetHttpResponseTrailer(key) }

// AddHttpResponseTrailer adds an entry to the response trailers.
func AddHttpResponseTrailer(key, value string) error { return sdk.AddHttpResponseTrailer(key, value) }

// ReplaceHttpResponseTrailer makes value the only one of key among the response trailers.
func ReplaceHttpResponseTrailer(key, value string) error {
	return sdk.ReplaceHttpResponseTrailer(key, value)
}

// RemoveHttpResponseTrailer removes key from the response trailers.
func RemoveHttpResponseTrailer(key string) error { return sdk.RemoveHttpResponseTrailer(key) }
