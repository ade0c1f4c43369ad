package proxywasm

import (
	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/internal/hostcall"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
)

// Keys are matched without regard to case and read back in lower case. Which maps there are depends on the phase: a
// plugin reads and changes request headers from its request header callback until it lets the headers go, and so on;
// outside that time the host answers types.ErrorStatusBadArgument. An absent key is types.ErrorStatusNotFound, and so
// is an empty map where a whole one is asked for, of which a gateway gives nothing; a host that gives the encoding of no
// pairs, as test hosts do, is an empty list. Names may be in any case. A list of more than abi.MaxPairs entries, or
// abi.MaxPairsBytes when encoded, is types.ErrorStatusBadArgument and changes nothing.

func getPairs(m abi.MapType) ([][2]string, error) {
	pairs, st := hostcall.GetHeaderMapPairs(m)
	if st != abi.StatusOK {
		return nil, statusError(st)
	}
	if len(pairs) == 0 {
		return nil, types.ErrorStatusNotFound
	}
	list := pairList(pairs)
	if list == nil {
		list = [][2]string{}
	}
	return list, nil
}

// pairList copies pairs out, nil for none. All strings share one allocation.
func pairList(pairs abi.Pairs) [][2]string {
	n := pairs.Len()
	if n == 0 {
		return nil
	}
	text := string(pairs)
	list := make([][2]string, 0, n)
	off := 4 + 8*n
	for k, v := range pairs.All() {
		end := off + len(k)
		list = append(list, [2]string{text[off:end], text[end+1 : end+1+len(v)]})
		off = end + 1 + len(v) + 1
	}
	return list
}

// encodePairs encodes a list that a host will take. More than a host takes are types.ErrorStatusBadArgument: Envoy would
// take them for an empty list, and so wipe a message's headers.
func encodePairs(list [][2]string) (abi.Pairs, error) {
	if len(list) > abi.MaxPairs || abi.PairsSize(list) > abi.MaxPairsBytes {
		return nil, types.ErrorStatusBadArgument
	}
	return abi.AppendPairs(nil, list), nil
}

func setPairs(m abi.MapType, list [][2]string) error {
	pairs, err := encodePairs(list)
	if err != nil {
		return err
	}
	st := hostcall.SetHeaderMapPairs(m, pairs)
	hostcall.HeadersChanged(m)
	return statusError(st)
}

func getHeader(m abi.MapType, key string) (string, error) {
	v, st := hostcall.Header(m, key)
	if st != abi.StatusOK {
		return "", statusError(st)
	}
	return v, nil
}

func addHeader(m abi.MapType, key, value string) error {
	st := hostcall.AddHeaderMapValue(m, key, value)
	hostcall.HeadersChanged(m)
	return statusError(st)
}

func replaceHeader(m abi.MapType, key, value string) error {
	st := hostcall.ReplaceHeaderMapValue(m, key, value)
	hostcall.HeadersChanged(m)
	return statusError(st)
}

func removeHeader(m abi.MapType, key string) error {
	st := hostcall.RemoveHeaderMapValue(m, key)
	hostcall.HeadersChanged(m)
	return statusError(st)
}

// GetHttpRequestHeaders returns the request headers in order.
func GetHttpRequestHeaders() ([][2]string, error) { return getPairs(abi.MapHTTPRequestHeaders) }

// ReplaceHttpRequestHeaders replaces all request headers.
func ReplaceHttpRequestHeaders(headers [][2]string) error {
	return setPairs(abi.MapHTTPRequestHeaders, headers)
}

// GetHttpRequestHeader returns the first value of key among the request headers.
func GetHttpRequestHeader(key string) (string, error) {
	return getHeader(abi.MapHTTPRequestHeaders, key)
}

// AddHttpRequestHeader adds an entry to the request headers.
func AddHttpRequestHeader(key, value string) error {
	return addHeader(abi.MapHTTPRequestHeaders, key, value)
}

// ReplaceHttpRequestHeader makes value the only one of key among the request headers.
func ReplaceHttpRequestHeader(key, value string) error {
	return replaceHeader(abi.MapHTTPRequestHeaders, key, value)
}

// RemoveHttpRequestHeader removes every value of key from the request headers.
func RemoveHttpRequestHeader(key string) error { return removeHeader(abi.MapHTTPRequestHeaders, key) }

// GetHttpResponseHeaders returns the response headers in order.
func GetHttpResponseHeaders() ([][2]string, error) { return getPairs(abi.MapHTTPResponseHeaders) }

// ReplaceHttpResponseHeaders replaces all response headers.
func ReplaceHttpResponseHeaders(headers [][2]string) error {
	return setPairs(abi.MapHTTPResponseHeaders, headers)
}

// GetHttpResponseHeader returns the first value of key among the response headers.
func GetHttpResponseHeader(key string) (string, error) {
	return getHeader(abi.MapHTTPResponseHeaders, key)
}

// AddHttpResponseHeader adds an entry to the response headers.
func AddHttpResponseHeader(key, value string) error {
	return addHeader(abi.MapHTTPResponseHeaders, key, value)
}

// ReplaceHttpResponseHeader makes value the only one of key among the response headers.
func ReplaceHttpResponseHeader(key, value string) error {
	return replaceHeader(abi.MapHTTPResponseHeaders, key, value)
}

// RemoveHttpResponseHeader removes every value of key from the response headers.
func RemoveHttpResponseHeader(key string) error { return removeHeader(abi.MapHTTPResponseHeaders, key) }
