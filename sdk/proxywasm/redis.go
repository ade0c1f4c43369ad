package proxywasm

import (
	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/internal/hostcall"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
)

// The Redis calls are an extension of Higress and Sluice. A module that uses them does not load on other hosts.

var redisCalls map[uint32]callout[func(status, responseSize int)]

// RedisInit sets up the connection to a Redis cluster. The cluster's name may carry ?db=N and more.
func RedisInit(cluster string, username string, password string, timeout uint32) (err error) {
	return statusError(hostcall.RedisInit(cluster, username, password, timeout))
}

// DispatchRedisCall sends a query in RESP. callBack is called as that of [DispatchHttpCall] is, with status 0 and the
// size of the reply, which GetRedisCallResponse reads, or another status if there was none. An empty query, or none to
// call back, is types.ErrorStatusBadArgument.
func DispatchRedisCall(cluster string, query []byte, callBack func(status, responseSize int)) (calloutID uint32, err error) {
	if len(query) == 0 || callBack == nil {
		return 0, types.ErrorStatusBadArgument
	}
	call, st := hostcall.RedisCall(cluster, query)
	if err := statusError(st); err != nil {
		return 0, err
	}
	if redisCalls == nil || vm.redisCallResponse == nil {
		redisCalls = map[uint32]callout[func(int, int)]{}
		vm.redisCallResponse = redisCallResponse
	}
	redisCalls[call] = callout[func(int, int)]{vm.active, callBack}
	return call, nil
}

func redisCallResponse(call, status, size uint32) {
	c, ok := redisCalls[call]
	delete(redisCalls, call)
	if ok && c.begin() {
		c.callback(int(int32(status)), int(size))
	}
}

// GetRedisCallResponse returns at most maxSize bytes of the reply from start, in a call-out's callback.
func GetRedisCallResponse(start, maxSize int) ([]byte, error) {
	return getBuffer(abi.BufferRedisCallResponse, start, maxSize)
}
