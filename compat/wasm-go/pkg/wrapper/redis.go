package wrapper

import (
	"bytes"
	"time"

	"github.com/tidwall/resp"

	"github.com/sluice-gateway/sluice/sdk/wrapper"
)

// RedisResponseCallback takes the reply to a command: an error value if there was none, and if the server replied one.
type RedisResponseCallback func(response resp.Value)

// optionFunc is a setting of a Redis client, for Init.
type optionFunc = wrapper.RedisOption

// WithDataBase selects a database.
func WithDataBase(dataBase int) optionFunc { return wrapper.WithDataBase(dataBase) }

// WithBufferFlushTimeout says how long the gateway may hold a command back to send it with others.
func WithBufferFlushTimeout(timeout time.Duration) optionFunc {
	return wrapper.WithBufferFlushTimeout(timeout)
}

// WithMaxBufferSizeBeforeFlush says how many bytes of commands the gateway may hold back.
func WithMaxBufferSizeBeforeFlush(size int) optionFunc {
	return wrapper.WithMaxBufferSizeBeforeFlush(size)
}

// WithDisableBuffer has the gateway hold nothing back.
func WithDisableBuffer() optionFunc { return wrapper.WithDisableBuffer() }

// RedisCall sends a query that is in RESP already.
func RedisCall(cluster Cluster, respQuery []byte, callback RedisResponseCallback) error {
	return wrapper.RedisCall(cluster, respQuery, callback.sdk())
}

// sdk returns the callback for the SDK, which has a type of its own for replies.
func (callback RedisResponseCallback) sdk() wrapper.RedisResponseCallback {
	if callback == nil {
		return nil
	}
	return func(reply wrapper.RedisValue) { callback(respValue(reply)) }
}

func respValue(reply wrapper.RedisValue) resp.Value {
	if err := reply.Error(); err != nil {
		return resp.ErrorValue(err)
	}
	value, _, err := resp.NewReader(bytes.NewReader(reply.AppendRESP(nil))).ReadValue()
	if err != nil {
		return resp.ErrorValue(err)
	}
	return value
}

// RedisClient sends commands to a Redis cluster. Package wrapper of the Sluice SDK says how; the callback takes another
// type here.
type RedisClient interface {
	Init(username, password string, timeout int64, opts ...optionFunc) error
	Ready() bool
	Command(cmds []any, callback RedisResponseCallback) error
	Eval(script string, numkeys int, keys, args []any, callback RedisResponseCallback) error
	Del(key string, callback RedisResponseCallback) error
	Exists(key string, callback RedisResponseCallback) error
	Expire(key string, ttl int, callback RedisResponseCallback) error
	Persist(key string, callback RedisResponseCallback) error
	Get(key string, callback RedisResponseCallback) error
	Set(key string, value any, callback RedisResponseCallback) error
	SetEx(key string, value any, ttl int, callback RedisResponseCallback) error
	SetNX(key string, value any, ttl int, callback RedisResponseCallback) error
	MGet(keys []string, callback RedisResponseCallback) error
	MSet(kvMap map[string]any, callback RedisResponseCallback) error
	Incr(key string, callback RedisResponseCallback) error
	Decr(key string, callback RedisResponseCallback) error
	IncrBy(key string, delta int, callback RedisResponseCallback) error
	DecrBy(key string, delta int, callback RedisResponseCallback) error
	LLen(key string, callback RedisResponseCallback) error
	RPush(key string, vals []any, callback RedisResponseCallback) error
	RPop(key string, callback RedisResponseCallback) error
	LPush(key string, vals []any, callback RedisResponseCallback) error
	LPop(key string, callback RedisResponseCallback) error
	LIndex(key string, index int, callback RedisResponseCallback) error
	LRange(key string, start, stop int, callback RedisResponseCallback) error
	LRem(key string, count int, value any, callback RedisResponseCallback) error
	LInsertBefore(key string, pivot, value any, callback RedisResponseCallback) error
	LInsertAfter(key string, pivot, value any, callback RedisResponseCallback) error
	HExists(key, field string, callback RedisResponseCallback) error
	HDel(key string, fields []string, callback RedisResponseCallback) error
	HLen(key string, callback RedisResponseCallback) error
	HGet(key, field string, callback RedisResponseCallback) error
	HSet(key, field string, value any, callback RedisResponseCallback) error
	HMGet(key string, fields []string, callback RedisResponseCallback) error
	HMSet(key string, kvMap map[string]any, callback RedisResponseCallback) error
	HKeys(key string, callback RedisResponseCallback) error
	HVals(key string, callback RedisResponseCallback) error
	HGetAll(key string, callback RedisResponseCallback) error
	HIncrBy(key, field string, delta int, callback RedisResponseCallback) error
	HIncrByFloat(key, field string, delta float64, callback RedisResponseCallback) error
	SCard(key string, callback RedisResponseCallback) error
	SAdd(key string, value []any, callback RedisResponseCallback) error
	SRem(key string, values []any, callback RedisResponseCallback) error
	SIsMember(key string, value any, callback RedisResponseCallback) error
	SMembers(key string, callback RedisResponseCallback) error
	SDiff(key1, key2 string, callback RedisResponseCallback) error
	SDiffStore(destination, key1, key2 string, callback RedisResponseCallback) error
	SInter(key1, key2 string, callback RedisResponseCallback) error
	SInterStore(destination, key1, key2 string, callback RedisResponseCallback) error
	SUnion(key1, key2 string, callback RedisResponseCallback) error
	SUnionStore(destination, key1, key2 string, callback RedisResponseCallback) error
	ZCard(key string, callback RedisResponseCallback) error
	ZAdd(key string, msMap map[string]any, callback RedisResponseCallback) error
	ZCount(key string, min any, max any, callback RedisResponseCallback) error
	ZIncrBy(key string, member string, delta any, callback RedisResponseCallback) error
	ZScore(key, member string, callback RedisResponseCallback) error
	ZRank(key, member string, callback RedisResponseCallback) error
	ZRevRank(key, member string, callback RedisResponseCallback) error
	ZRem(key string, members []string, callback RedisResponseCallback) error
	ZRange(key string, start, stop int, callback RedisResponseCallback) error
	ZRevRange(key string, start, stop int, callback RedisResponseCallback) error
}
