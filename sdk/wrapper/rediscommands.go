package wrapper

import (
	"fmt"
	"slices"
	"strconv"
)

// RedisClient sends commands to a Redis cluster, by way of the gateway, which keeps the connections. It needs a host that
// can (Sluice, Higress).
//
// Every method below Init sends the command of its name. If it returns nil, the callback comes exactly once, unless the
// request is over by then. If it returns an error, none comes, and the plugin must not wait for it: [ErrRedisNotReady],
// [ErrRedisArgument] (a list without elements among them: it is no command), [ErrCallRefused] or [ErrCallFailed]. A nil
// callback is one that does nothing.
//
// Values of type any are sent as they are if they are strings or bytes, else as fmt.Sprint writes them. Nothing of what is
// sent or replied is logged.
type RedisClient interface {
	// Init sets the client up: credentials (either may be ""), the time that a command may take, in milliseconds (0 is
	// the host's default, 1 s on Sluice), and options. It connects to nothing. If the gateway refuses, the cluster may not
	// be there yet, say, that is logged, Init returns nil, and each later command tries again first; only arguments that
	// make no sense are an error. On Higress what the last Init for a cluster said counts for all plugins.
	//
	// Connections that the server does not take the credentials of any more are set up again, once for a command.
	Init(username, password string, timeout int64, opts ...RedisOption) error
	// Ready says whether the gateway has taken what Init said.
	Ready() bool

	// Command sends any command, name first.
	Command(cmds []any, callback RedisResponseCallback) error
	// Eval runs a script. numkeys is how many of keys and args, taken together, are keys.
	Eval(script string, numkeys int, keys, args []any, callback RedisResponseCallback) error

	// Keys.

	Del(key string, callback RedisResponseCallback) error
	Exists(key string, callback RedisResponseCallback) error
	// Expire sets how many seconds key lives.
	Expire(key string, ttl int, callback RedisResponseCallback) error
	// Persist lets key live for ever.
	Persist(key string, callback RedisResponseCallback) error

	// Strings.

	Get(key string, callback RedisResponseCallback) error
	Set(key string, value any, callback RedisResponseCallback) error
	// SetEx sets key for ttl seconds.
	SetEx(key string, value any, ttl int, callback RedisResponseCallback) error
	// SetNX sets key if it is not there, for ttl seconds, or for ever if ttl is not positive. The reply is null if it was
	// there.
	SetNX(key string, value any, ttl int, callback RedisResponseCallback) error
	MGet(keys []string, callback RedisResponseCallback) error
	// MSet sets several keys, in their order.
	MSet(kvMap map[string]any, callback RedisResponseCallback) error
	Incr(key string, callback RedisResponseCallback) error
	Decr(key string, callback RedisResponseCallback) error
	IncrBy(key string, delta int, callback RedisResponseCallback) error
	DecrBy(key string, delta int, callback RedisResponseCallback) error

	// Lists.

	LLen(key string, callback RedisResponseCallback) error
	RPush(key string, vals []any, callback RedisResponseCallback) error
	RPop(key string, callback RedisResponseCallback) error
	LPush(key string, vals []any, callback RedisResponseCallback) error
	LPop(key string, callback RedisResponseCallback) error
	LIndex(key string, index int, callback RedisResponseCallback) error
	LRange(key string, start, stop int, callback RedisResponseCallback) error
	LRem(key string, count int, value any, callback RedisResponseCallback) error
	// LInsertBefore inserts value before the first pivot, LInsertAfter after it.
	LInsertBefore(key string, pivot, value any, callback RedisResponseCallback) error
	LInsertAfter(key string, pivot, value any, callback RedisResponseCallback) error

	// Hashes.

	HExists(key, field string, callback RedisResponseCallback) error
	HDel(key string, fields []string, callback RedisResponseCallback) error
	HLen(key string, callback RedisResponseCallback) error
	HGet(key, field string, callback RedisResponseCallback) error
	HSet(key, field string, value any, callback RedisResponseCallback) error
	HMGet(key string, fields []string, callback RedisResponseCallback) error
	// HMSet sets several fields, in their order.
	HMSet(key string, kvMap map[string]any, callback RedisResponseCallback) error
	HKeys(key string, callback RedisResponseCallback) error
	HVals(key string, callback RedisResponseCallback) error
	HGetAll(key string, callback RedisResponseCallback) error
	HIncrBy(key, field string, delta int, callback RedisResponseCallback) error
	HIncrByFloat(key, field string, delta float64, callback RedisResponseCallback) error

	// Sets.

	SCard(key string, callback RedisResponseCallback) error
	SAdd(key string, vals []any, callback RedisResponseCallback) error
	SRem(key string, vals []any, callback RedisResponseCallback) error
	SIsMember(key string, value any, callback RedisResponseCallback) error
	SMembers(key string, callback RedisResponseCallback) error
	SDiff(key1, key2 string, callback RedisResponseCallback) error
	SDiffStore(destination, key1, key2 string, callback RedisResponseCallback) error
	SInter(key1, key2 string, callback RedisResponseCallback) error
	SInterStore(destination, key1, key2 string, callback RedisResponseCallback) error
	SUnion(key1, key2 string, callback RedisResponseCallback) error
	SUnionStore(destination, key1, key2 string, callback RedisResponseCallback) error

	// Sorted sets.

	ZCard(key string, callback RedisResponseCallback) error
	// ZAdd adds members with their scores, in the order of the members.
	ZAdd(key string, msMap map[string]any, callback RedisResponseCallback) error
	// ZCount counts the members with scores from min to max: numbers, or what Redis takes for a bound ("(1", "+inf").
	ZCount(key string, min, max any, callback RedisResponseCallback) error
	ZIncrBy(key, member string, delta any, callback RedisResponseCallback) error
	ZScore(key, member string, callback RedisResponseCallback) error
	ZRank(key, member string, callback RedisResponseCallback) error
	ZRevRank(key, member string, callback RedisResponseCallback) error
	ZRem(key string, members []string, callback RedisResponseCallback) error
	ZRange(key string, start, stop int, callback RedisResponseCallback) error
	ZRevRange(key string, start, stop int, callback RedisResponseCallback) error
}

// sendList sends a command that ends in a list, which must not be empty.
func (c *redisCommands) sendList(callback RedisResponseCallback, list []string, args ...string) error {
	if len(list) == 0 {
		return fmt.Errorf("%w: %s of nothing", ErrRedisArgument, args[0])
	}
	return c.send(callback, slices.Concat(args, list)...)
}

func redisTexts(values []any) []string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = redisText(v)
	}
	return texts
}

// redisPairs returns keys and values in turn, in the order of the keys, so that a command does not differ from one time to
// the next. valueFirst is for the commands that want them the other way round.
func redisPairs(m map[string]any, valueFirst bool) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	list := make([]string, 0, 2*len(m))
	for _, k := range keys {
		if valueFirst {
			list = append(list, redisText(m[k]), k)
		} else {
			list = append(list, k, redisText(m[k]))
		}
	}
	return list
}

// Command implements [RedisClient].
func (c *redisCommands) Command(cmds []any, callback RedisResponseCallback) error {
	if len(cmds) == 0 {
		return fmt.Errorf("%w: empty command", ErrRedisArgument)
	}
	return c.send(callback, redisTexts(cmds)...)
}

// Eval implements [RedisClient].
func (c *redisCommands) Eval(script string, numkeys int, keys, args []any, callback RedisResponseCallback) error {
	return c.send(callback, slices.Concat([]string{"eval", script, strconv.Itoa(numkeys)}, redisTexts(keys), redisTexts(args))...)
}

// Del implements [RedisClient].
func (c *redisCommands) Del(key string, callback RedisResponseCallback) error {
	return c.send(callback, "del", key)
}

// Exists implements [RedisClient].
func (c *redisCommands) Exists(key string, callback RedisResponseCallback) error {
	return c.send(callback, "exists", key)
}

// Expire implements [RedisClient].
func (c *redisCommands) Expire(key string, ttl int, callback RedisResponseCallback) error {
	return c.send(callback, "expire", key, strconv.Itoa(ttl))
}

// Persist implements [RedisClient].
func (c *redisCommands) Persist(key string, callback RedisResponseCallback) error {
	return c.send(callback, "persist", key)
}

// Get implements [RedisClient].
func (c *redisCommands) Get(key string, callback RedisResponseCallback) error {
	return c.send(callback, "get", key)
}

// Set implements [RedisClient].
func (c *redisCommands) Set(key string, value any, callback RedisResponseCallback) error {
	return c.send(callback, "set", key, redisText(value))
}

// SetEx implements [RedisClient].
func (c *redisCommands) SetEx(key string, value any, ttl int, callback RedisResponseCallback) error {
	return c.send(callback, "set", key, redisText(value), "ex", strconv.Itoa(ttl))
}

// SetNX implements [RedisClient].
func (c *redisCommands) SetNX(key string, value any, ttl int, callback RedisResponseCallback) error {
	if ttl > 0 {
		return c.send(callback, "set", key, redisText(value), "nx", "ex", strconv.Itoa(ttl))
	}
	return c.send(callback, "set", key, redisText(value), "nx")
}

// MGet implements [RedisClient].
func (c *redisCommands) MGet(keys []string, callback RedisResponseCallback) error {
	return c.sendList(callback, keys, "mget")
}

// MSet implements [RedisClient].
func (c *redisCommands) MSet(kvMap map[string]any, callback RedisResponseCallback) error {
	return c.sendList(callback, redisPairs(kvMap, false), "mset")
}

// Incr implements [RedisClient].
func (c *redisCommands) Incr(key string, callback RedisResponseCallback) error {
	return c.send(callback, "incr", key)
}

// Decr implements [RedisClient].
func (c *redisCommands) Decr(key string, callback RedisResponseCallback) error {
	return c.send(callback, "decr", key)
}

// IncrBy implements [RedisClient].
func (c *redisCommands) IncrBy(key string, delta int, callback RedisResponseCallback) error {
	return c.send(callback, "incrby", key, strconv.Itoa(delta))
}

// DecrBy implements [RedisClient].
func (c *redisCommands) DecrBy(key string, delta int, callback RedisResponseCallback) error {
	return c.send(callback, "decrby", key, strconv.Itoa(delta))
}

// LLen implements [RedisClient].
func (c *redisCommands) LLen(key string, callback RedisResponseCallback) error {
	return c.send(callback, "llen", key)
}

// RPush implements [RedisClient].
func (c *redisCommands) RPush(key string, vals []any, callback RedisResponseCallback) error {
	return c.sendList(callback, redisTexts(vals), "rpush", key)
}

// RPop implements [RedisClient].
func (c *redisCommands) RPop(key string, callback RedisResponseCallback) error {
	return c.send(callback, "rpop", key)
}

// LPush implements [RedisClient].
func (c *redisCommands) LPush(key string, vals []any, callback RedisResponseCallback) error {
	return c.sendList(callback, redisTexts(vals), "lpush", key)
}

// LPop implements [RedisClient].
func (c *redisCommands) LPop(key string, callback RedisResponseCallback) error {
	return c.send(callback, "lpop", key)
}

// LIndex implements [RedisClient].
func (c *redisCommands) LIndex(key string, index int, callback RedisResponseCallback) error {
	return c.send(callback, "lindex", key, strconv.Itoa(index))
}

// LRange implements [RedisClient].
func (c *redisCommands) LRange(key string, start, stop int, callback RedisResponseCallback) error {
	return c.send(callback, "lrange", key, strconv.Itoa(start), strconv.Itoa(stop))
}

// LRem implements [RedisClient].
func (c *redisCommands) LRem(key string, count int, value any, callback RedisResponseCallback) error {
	return c.send(callback, "lrem", key, strconv.Itoa(count), redisText(value))
}

// LInsertBefore implements [RedisClient].
func (c *redisCommands) LInsertBefore(key string, pivot, value any, callback RedisResponseCallback) error {
	return c.send(callback, "linsert", key, "before", redisText(pivot), redisText(value))
}

// LInsertAfter implements [RedisClient].
func (c *redisCommands) LInsertAfter(key string, pivot, value any, callback RedisResponseCallback) error {
	return c.send(callback, "linsert", key, "after", redisText(pivot), redisText(value))
}

// HExists implements [RedisClient].
func (c *redisCommands) HExists(key, field string, callback RedisResponseCallback) error {
	return c.send(callback, "hexists", key, field)
}

// HDel implements [RedisClient].
func (c *redisCommands) HDel(key string, fields []string, callback RedisResponseCallback) error {
	return c.sendList(callback, fields, "hdel", key)
}

// HLen implements [RedisClient].
func (c *redisCommands) HLen(key string, callback RedisResponseCallback) error {
	return c.send(callback, "hlen", key)
}

// HGet implements [RedisClient].
func (c *redisCommands) HGet(key, field string, callback RedisResponseCallback) error {
	return c.send(callback, "hget", key, field)
}

// HSet implements [RedisClient].
func (c *redisCommands) HSet(key, field string, value any, callback RedisResponseCallback) error {
	return c.send(callback, "hset", key, field, redisText(value))
}

// HMGet implements [RedisClient].
func (c *redisCommands) HMGet(key string, fields []string, callback RedisResponseCallback) error {
	return c.sendList(callback, fields, "hmget", key)
}

// HMSet implements [RedisClient].
func (c *redisCommands) HMSet(key string, kvMap map[string]any, callback RedisResponseCallback) error {
	return c.sendList(callback, redisPairs(kvMap, false), "hmset", key)
}

// HKeys implements [RedisClient].
func (c *redisCommands) HKeys(key string, callback RedisResponseCallback) error {
	return c.send(callback, "hkeys", key)
}

// HVals implements [RedisClient].
func (c *redisCommands) HVals(key string, callback RedisResponseCallback) error {
	return c.send(callback, "hvals", key)
}

// HGetAll implements [RedisClient].
func (c *redisCommands) HGetAll(key string, callback RedisResponseCallback) error {
	return c.send(callback, "hgetall", key)
}

// HIncrBy implements [RedisClient].
func (c *redisCommands) HIncrBy(key, field string, delta int, callback RedisResponseCallback) error {
	return c.send(callback, "hincrby", key, field, strconv.Itoa(delta))
}

// HIncrByFloat implements [RedisClient].
func (c *redisCommands) HIncrByFloat(key, field string, delta float64, callback RedisResponseCallback) error {
	return c.send(callback, "hincrbyfloat", key, field, redisText(delta))
}

// SCard implements [RedisClient].
func (c *redisCommands) SCard(key string, callback RedisResponseCallback) error {
	return c.send(callback, "scard", key)
}

// SAdd implements [RedisClient].
func (c *redisCommands) SAdd(key string, vals []any, callback RedisResponseCallback) error {
	return c.sendList(callback, redisTexts(vals), "sadd", key)
}

// SRem implements [RedisClient].
func (c *redisCommands) SRem(key string, vals []any, callback RedisResponseCallback) error {
	return c.sendList(callback, redisTexts(vals), "srem", key)
}

// SIsMember implements [RedisClient].
func (c *redisCommands) SIsMember(key string, value any, callback RedisResponseCallback) error {
	return c.send(callback, "sismember", key, redisText(value))
}

// SMembers implements [RedisClient].
func (c *redisCommands) SMembers(key string, callback RedisResponseCallback) error {
	return c.send(callback, "smembers", key)
}

// SDiff implements [RedisClient].
func (c *redisCommands) SDiff(key1, key2 string, callback RedisResponseCallback) error {
	return c.send(callback, "sdiff", key1, key2)
}

// SDiffStore implements [RedisClient].
func (c *redisCommands) SDiffStore(destination, key1, key2 string, callback RedisResponseCallback) error {
	return c.send(callback, "sdiffstore", destination, key1, key2)
}

// SInter implements [RedisClient].
func (c *redisCommands) SInter(key1, key2 string, callback RedisResponseCallback) error {
	return c.send(callback, "sinter", key1, key2)
}

// SInterStore implements [RedisClient].
func (c *redisCommands) SInterStore(destination, key1, key2 string, callback RedisResponseCallback) error {
	return c.send(callback, "sinterstore", destination, key1, key2)
}

// SUnion implements [RedisClient].
func (c *redisCommands) SUnion(key1, key2 string, callback RedisResponseCallback) error {
	return c.send(callback, "sunion", key1, key2)
}

// SUnionStore implements [RedisClient].
func (c *redisCommands) SUnionStore(destination, key1, key2 string, callback RedisResponseCallback) error {
	return c.send(callback, "sunionstore", destination, key1, key2)
}

// ZCard implements [RedisClient].
func (c *redisCommands) ZCard(key string, callback RedisResponseCallback) error {
	return c.send(callback, "zcard", key)
}

// ZAdd implements [RedisClient].
func (c *redisCommands) ZAdd(key string, msMap map[string]any, callback RedisResponseCallback) error {
	return c.sendList(callback, redisPairs(msMap, true), "zadd", key)
}

// ZCount implements [RedisClient].
func (c *redisCommands) ZCount(key string, min, max any, callback RedisResponseCallback) error {
	return c.send(callback, "zcount", key, redisText(min), redisText(max))
}

// ZIncrBy implements [RedisClient].
func (c *redisCommands) ZIncrBy(key, member string, delta any, callback RedisResponseCallback) error {
	return c.send(callback, "zincrby", key, redisText(delta), member)
}

// ZScore implements [RedisClient].
func (c *redisCommands) ZScore(key, member string, callback RedisResponseCallback) error {
	return c.send(callback, "zscore", key, member)
}

// ZRank implements [RedisClient].
func (c *redisCommands) ZRank(key, member string, callback RedisResponseCallback) error {
	return c.send(callback, "zrank", key, member)
}

// ZRevRank implements [RedisClient].
func (c *redisCommands) ZRevRank(key, member string, callback RedisResponseCallback) error {
	return c.send(callback, "zrevrank", key, member)
}

// ZRem implements [RedisClient].
func (c *redisCommands) ZRem(key string, members []string, callback RedisResponseCallback) error {
	return c.sendList(callback, members, "zrem", key)
}

// ZRange implements [RedisClient].
func (c *redisCommands) ZRange(key string, start, stop int, callback RedisResponseCallback) error {
	return c.send(callback, "zrange", key, strconv.Itoa(start), strconv.Itoa(stop))
}

// ZRevRange implements [RedisClient].
func (c *redisCommands) ZRevRange(key string, start, stop int, callback RedisResponseCallback) error {
	return c.send(callback, "zrevrange", key, strconv.Itoa(start), strconv.Itoa(stop))
}
