package proxywasm

import sdk "github.com/sluice-gateway/sluice/sdk/proxywasm"

// DispatchHttpCall sends a request to a cluster. callBack is called once with the sizes of the response, all 0 if there
// was none, unless the stream has ended by then.
func DispatchHttpCall(cluster string, headers [][2]string, body []byte, trailers [][2]string, timeoutMillisecond uint32,
	callBack func(numHeaders, bodySize, numTrailers int)) (calloutID uint32, err error) {
	return sdk.DispatchHttpCall(cluster, headers, body, trailers, timeoutMillisecond, callBack)
}

// GetHttpCallResponseHeaders returns the response's headers, in a call-out's callback.
func GetHttpCallResponseHeaders() ([][2]string, error) { return sdk.GetHttpCallResponseHeaders() }

// GetHttpCallResponseBody returns at most maxSize bytes of the response's body from start, in a call-out's callback.
func GetHttpCallResponseBody(start, maxSize int) ([]byte, error) {
	return sdk.GetHttpCallResponseBody(start, maxSize)
}

// GetHttpCallResponseTrailers returns the response's trailers, in a call-out's callback.
func GetHttpCallResponseTrailers() ([][2]string, error) { return sdk.GetHttpCallResponseTrailers() }

// RedisInit sets up the connection to a Redis cluster.
func RedisInit(cluster string, username string, password string, timeout uint32) (err error) {
	return sdk.RedisInit(cluster, username, password, timeout)
}

// DispatchRedisCall sends a query in RESP. callBack is called once with status 0 and the size of the reply, or another
// status if there was none, unless the stream has ended by then.
func DispatchRedisCall(cluster string, query []byte, callBack func(status, responseSize int)) (calloutID uint32, err error) {
	return sdk.DispatchRedisCall(cluster, query, callBack)
}

// GetRedisCallResponse returns at most maxSize bytes of the reply from start, in a call-out's callback.
func GetRedisCallResponse(start, maxSize int) ([]byte, error) {
	return sdk.GetRedisCallResponse(start, maxSize)
}
