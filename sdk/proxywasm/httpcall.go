package proxywasm

import (
	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/internal/hostcall"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
)

var httpCalls map[uint32]callout[func(numHeaders, bodySize, numTrailers int)]

// DispatchHttpCall sends a request to a cluster. headers must have :method, :path and :authority. callBack is called once
// with the sizes of the response, all 0 if there was none; inside it GetHttpCallResponseHeaders and its siblings read the
// response, and the other calls are about the stream that dispatched the call. It is not called if that stream has ended
// by then, nor if DispatchHttpCall fails. A timeout of 0 is none. Without a callBack, or with more headers or trailers
// than a host takes, nothing is sent: types.ErrorStatusBadArgument.
func DispatchHttpCall(cluster string, headers [][2]string, body []byte, trailers [][2]string, timeoutMillisecond uint32,
	callBack func(numHeaders, bodySize, numTrailers int)) (calloutID uint32, err error) {
	if callBack == nil {
		return 0, types.ErrorStatusBadArgument
	}
	head, err := encodePairs(headers)
	if err != nil {
		return 0, err
	}
	tail, err := encodePairs(trailers)
	if err != nil {
		return 0, err
	}
	call, st := hostcall.HTTPCall(cluster, head, body, tail, timeoutMillisecond)
	if err := statusError(st); err != nil {
		return 0, err
	}
	if httpCalls == nil || vm.httpCallResponse == nil {
		httpCalls = map[uint32]callout[func(int, int, int)]{}
		vm.httpCallResponse = httpCallResponse
	}
	httpCalls[call] = callout[func(int, int, int)]{vm.active, callBack}
	return call, nil
}

func httpCallResponse(call, headers, body, trailers uint32) {
	c, ok := httpCalls[call]
	delete(httpCalls, call)
	if ok && c.begin() {
		c.callback(int(headers), int(body), int(trailers))
	}
}

// GetHttpCallResponseHeaders returns the response's headers, in a call-out's callback.
func GetHttpCallResponseHeaders() ([][2]string, error) {
	return getPairs(abi.MapHTTPCallResponseHeaders)
}

// GetHttpCallResponseBody returns at most maxSize bytes of the response's body from start, in a call-out's callback.
func GetHttpCallResponseBody(start, maxSize int) ([]byte, error) {
	return getBuffer(abi.BufferHTTPCallResponseBody, start, maxSize)
}

// GetHttpCallResponseTrailers returns the response's trailers, in a call-out's callback.
func GetHttpCallResponseTrailers() ([][2]string, error) {
	return getPairs(abi.MapHTTPCallResponseTrailers)
}
