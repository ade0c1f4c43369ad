package wrapper

import "github.com/sluice-gateway/sluice/sdk/wrapper"

// RedisClusterClient is the [RedisClient] for a cluster.
type RedisClusterClient[C Cluster] struct{ redisClient }

var _ RedisClient = (*RedisClusterClient[Cluster])(nil)

// NewRedisClusterClient returns a client for Redis at cluster, to be initialized with Init.
func NewRedisClusterClient[C Cluster](cluster C) *RedisClusterClient[C] {
	return &RedisClusterClient[C]{redisClient{wrapper.NewRedisClusterClient(cluster)}}
}

// redisClient is a client, the same for all types of clusters.
type redisClient struct{ client wrapper.RedisClient }

// Init implements [RedisClient].
func (c *redisClient) Init(username, password string, timeout int64, opts ...optionFunc) error {
	return c.client.Init(username, password, timeout, opts...)
}

// Ready implements [RedisClient].
func (c *redisClient) Ready() bool { return c.client.Ready() }

// Command implements [RedisClient].
func (c *redisClient) Command(cmds []any, callback RedisResponseCallback) error {
	return c.client.Command(cmds, callback.sdk())
}

// Eval implements [RedisClient].
func (c *redisClient) Eval(script string, numkeys int, keys, args []any, callback RedisResponseCallback) error {
	return c.client.Eval(script, numkeys, keys, args, callback.sdk())
}

// Del implements [RedisClient].
func (c *redisClient) Del(key string, callback RedisResponseCallback) error {
	return c.client.Del(key, callback.sdk())
}

// Exists implements [RedisClient].
func (c *redisClient) Exists(key string, callback RedisResponseCallback) error {
	return c.client.Exists(key, callback.sdk())
}

// Expire implements [RedisClient].
func (c *redisClient) Expire(key string, ttl int, callback RedisResponseCallback) error {
	return c.client.Expire(key, ttl, callback.sdk())
}

// Persist implements [RedisClient].
func (c *redisClient) Persist(key string, callback RedisResponseCallback) error {
	return c.client.Persist(key, callback.sdk())
}

// Get implements [RedisClient].
func (c *redisClient) Get(key string, callback RedisResponseCallback) error {
	return c.client.Get(key, callback.sdk())
}

// Set implements [RedisClient].
func (c *redisClient) Set(key string, value any, callback RedisResponseCallback) error {
	return c.client.Set(key, value, callback.sdk())
}

// SetEx implements [RedisClient].
func (c *redisClient) SetEx(key string, value any, ttl int, callback RedisResponseCallback) error {
	return c.client.SetEx(key, value, ttl, callback.sdk())
}

// SetNX implements [RedisClient].
func (c *redisClient) SetNX(key string, value any, ttl int, callback RedisResponseCallback) error {
	return c.client.SetNX(key, value, ttl, callback.sdk())
}

// MGet implements [RedisClient].
func (c *redisClient) MGet(keys []string, callback RedisResponseCallback) error {
	return c.client.MGet(keys, callback.sdk())
}

// MSet implements [RedisClient].
func (c *redisClient) MSet(kvMap map[string]any, callback RedisResponseCallback) error {
	return c.client.MSet(kvMap, callback.sdk())
}

// Incr implements [RedisClient].
func (c *redisClient) Incr(key string, callback RedisResponseCallback) error {
	return c.client.Incr(key, callback.sdk())
}

// Decr implements [RedisClient].
func (c *redisClient) Decr(key string, callback RedisResponseCallback) error {
	return c.client.Decr(key, callback.sdk())
}

// IncrBy implements [RedisClient].
func (c *redisClient) IncrBy(key string, delta int, callback RedisResponseCallback) error {
	return c.client.IncrBy(key, delta, callback.sdk())
}

// DecrBy implements [RedisClient].
func (c *redisClient) DecrBy(key string, delta int, callback RedisResponseCallback) error {
	return c.client.DecrBy(key, delta, callback.sdk())
}

// LLen implements [RedisClient].
func (c *redisClient) LLen(key string, callback RedisResponseCallback) error {
	return c.client.LLen(key, callback.sdk())
}

// RPush implements [RedisClient].
func (c *redisClient) RPush(key string, vals []any, callback RedisResponseCallback) error {
	return c.client.RPush(key, vals, callback.sdk())
}

// RPop implements [RedisClient].
func (c *redisClient) RPop(key string, callback RedisResponseCallback) error {
	return c.client.RPop(key, callback.sdk())
}

// LPush implements [RedisClient].
func (c *redisClient) LPush(key string, vals []any, callback RedisResponseCallback) error {
	return c.client.LPush(key, vals, callback.sdk())
}

// LPop implements [RedisClient].
func (c *redisClient) LPop(key string, callback RedisResponseCallback) error {
	return c.client.LPop(key, callback.sdk())
}

// LIndex implements [RedisClient].
func (c *redisClient) LIndex(key string, index int, callback RedisResponseCallback) error {
	return c.client.LIndex(key, index, callback.sdk())
}

// LRange implements [RedisClient].
func (c *redisClient) LRange(key string, start, stop int, callback RedisResponseCallback) error {
	return c.client.LRange(key, start, stop, callback.sdk())
}

// LRem implements [RedisClient].
func (c *redisClient) LRem(key string, count int, value any, callback RedisResponseCallback) error {
	return c.client.LRem(key, count, value, callback.sdk())
}

// LInsertBefore implements [RedisClient].
func (c *redisClient) LInsertBefore(key string, pivot, value any, callback RedisResponseCallback) error {
	return c.client.LInsertBefore(key, pivot, value, callback.sdk())
}

// LInsertAfter implements [RedisClient].
func (c *redisClient) LInsertAfter(key string, pivot, value any, callback RedisResponseCallback) error {
	return c.client.LInsertAfter(key, pivot, value, callback.sdk())
}

// HExists implements [RedisClient].
func (c *redisClient) HExists(key, field string, callback RedisResponseCallback) error {
	return c.client.HExists(key, field, callback.sdk())
}

// HDel implements [RedisClient].
func (c *redisClient) HDel(key string, fields []string, callback RedisResponseCallback) error {
	return c.client.HDel(key, fields, callback.sdk())
}

// HLen implements [RedisClient].
func (c *redisClient) HLen(key string, callback RedisResponseCallback) error {
	return c.client.HLen(key, callback.sdk())
}

// HGet implements [RedisClient].
func (c *redisClient) HGet(key, field string, callback RedisResponseCallback) error {
	return c.client.HGet(key, field, callback.sdk())
}

// HSet implements [RedisClient].
func (c *redisClient) HSet(key, field string, value any, callback RedisResponseCallback) error {
	return c.client.HSet(key, field, value, callback.sdk())
}

// HMGet implements [RedisClient].
func (c *redisClient) HMGet(key string, fields []string, callback RedisResponseCallback) error {
	return c.client.HMGet(key, fields, callback.sdk())
}

// HMSet implements [RedisClient].
func (c *redisClient) HMSet(key string, kvMap map[string]any, callback RedisResponseCallback) error {
	return c.client.HMSet(key, kvMap, callback.sdk())
}

// HKeys implements [RedisClient].
func (c *redisClient) HKeys(key string, callback RedisResponseCallback) error {
	return c.client.HKeys(key, callback.sdk())
}

// HVals implements [RedisClient].
func (c *redisClient) HVals(key string, callback RedisResponseCallback) error {
	return c.client.HVals(key, callback.sdk())
}

// HGetAll implements [RedisClient].
func (c *redisClient) HGetAll(key string, callback RedisResponseCallback) error {
	return c.client.HGetAll(key, callback.sdk())
}

// HIncrBy implements [RedisClient].
func (c *redisClient) HIncrBy(key, field string, delta int, callback RedisResponseCallback) error {
	return c.client.HIncrBy(key, field, delta, callback.sdk())
}

// HIncrByFloat implements [RedisClient].
func (c *redisClient) HIncrByFloat(key, field string, delta float64, callback RedisResponseCallback) error {
	return c.client.HIncrByFloat(key, field, delta, callback.sdk())
}

// SCard implements [RedisClient].
func (c *redisClient) SCard(key string, callback RedisResponseCallback) error {
	return c.client.SCard(key, callback.sdk())
}

// SAdd implements [RedisClient].
func (c *redisClient) SAdd(key string, value []any, callback RedisResponseCallback) error {
	return c.client.SAdd(key, value, callback.sdk())
}

// SRem implements [RedisClient].
func (c *redisClient) SRem(key string, values []any, callback RedisResponseCallback) error {
	return c.client.SRem(key, values, callback.sdk())
}

// SIsMember implements [RedisClient].
func (c *redisClient) SIsMember(key string, value any, callback RedisResponseCallback) error {
	return c.client.SIsMember(key, value, callback.sdk())
}

// SMembers implements [RedisClient].
func (c *redisClient) SMembers(key string, callback RedisResponseCallback) error {
	return c.client.SMembers(key, callback.sdk())
}

// SDiff implements [RedisClient].
func (c *redisClient) SDiff(key1, key2 string, callback RedisResponseCallback) error {
	return c.client.SDiff(key1, key2, callback.sdk())
}

// SDiffStore implements [RedisClient].
func (c *redisClient) SDiffStore(destination, key1, key2 string, callback RedisResponseCallback) error {
	return c.client.SDiffStore(destination, key1, key2, callback.sdk())
}

// SInter implements [RedisClient].
func (c *redisClient) SInter(key1, key2 string, callback RedisResponseCallback) error {
	return c.client.SInter(key1, key2, callback.sdk())
}

// SInterStore implements [RedisClient].
func (c *redisClient) SInterStore(destination, key1, key2 string, callback RedisResponseCallback) error {
	return c.client.SInterStore(destination, key1, key2, callback.sdk())
}

// SUnion implements [RedisClient].
func (c *redisClient) SUnion(key1, key2 string, callback RedisResponseCallback) error {
	return c.client.SUnion(key1, key2, callback.sdk())
}

// SUnionStore implements [RedisClient].
func (c *redisClient) SUnionStore(destination, key1, key2 string, callback RedisResponseCallback) error {
	return c.client.SUnionStore(destination, key1, key2, callback.sdk())
}

// ZCard implements [RedisClient].
func (c *redisClient) ZCard(key string, callback RedisResponseCallback) error {
	return c.client.ZCard(key, callback.sdk())
}

// ZAdd implements [RedisClient].
func (c *redisClient) ZAdd(key string, msMap map[string]any, callback RedisResponseCallback) error {
	return c.client.ZAdd(key, msMap, callback.sdk())
}

// ZCount implements [RedisClient].
func (c *redisClient) ZCount(key string, min any, max any, callback RedisResponseCallback) error {
	return c.client.ZCount(key, min, max, callback.sdk())
}

// ZIncrBy implements [RedisClient].
func (c *redisClient) ZIncrBy(key string, member string, delta any, callback RedisResponseCallback) error {
	return c.client.ZIncrBy(key, member, delta, callback.sdk())
}

// ZScore implements [RedisClient].
func (c *redisClient) ZScore(key, member string, callback RedisResponseCallback) error {
	return c.client.ZScore(key, member, callback.sdk())
}

// ZRank implements [RedisClient].
func (c *redisClient) ZRank(key, member string, callback RedisResponseCallback) error {
	return c.client.ZRank(key, member, callback.sdk())
}

// ZRevRank implements [RedisClient].
func (c *redisClient) ZRevRank(key, member string, callback RedisResponseCallback) error {
	return c.client.ZRevRank(key, member, callback.sdk())
}

// ZRem implements [RedisClient].
func (c *redisClient) ZRem(key string, members []string, callback RedisResponseCallback) error {
	return c.client.ZRem(key, members, callback.sdk())
}

// ZRange implements [RedisClient].
func (c *redisClient) ZRange(key string, start, stop int, callback RedisResponseCallback) error {
	return c.client.ZRange(key, start, stop, callback.sdk())
}

// ZRevRange implements [RedisClient].
func (c *redisClient) ZRevRange(key string, start, stop int, callback RedisResponseCallback) error {
	return c.client.ZRevRange(key, start, stop, callback.sdk())
}
