package wrapper

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/log"
	"github.com/sluice-gateway/sluice/sdk/proxywasm"
)

// Why a Redis command is not sent; also [ErrCallRefused] and [ErrCallFailed].
var (
	// ErrRedisNotReady: Init was not called.
	ErrRedisNotReady = errors.New("redis client is not initialized: call Init first")
	// ErrRedisArgument: what is to be sent is no command, or an option makes no sense.
	ErrRedisArgument = errors.New("bad argument of a redis client")
)

// RedisResponseCallback takes the reply to a command. response is an error value if there was none, and if the server
// replied one; errors.Is on its Error says which, see [ErrRedisNoReply].
//
// It runs when the request's callback has returned, on the request that sent the command: proxywasm's functions are about
// that.
type RedisResponseCallback func(response RedisValue)

// RedisOption is a setting of a Redis client, for Init.
type RedisOption func(*redisOptions)

type redisOptions struct {
	database   int
	flushAfter time.Duration
	flushBytes int
}

// WithDataBase chooses the database, by its number. The default is 0.
func WithDataBase(dataBase int) RedisOption {
	return func(o *redisOptions) { o.database = dataBase }
}

// WithBufferFlushTimeout sets how long the gateway may collect commands before it sends them, in whole milliseconds. The
// default is 3 ms, 0 does not wait. What is sent together costs less, so this trades latency for the load that a server
// takes.
func WithBufferFlushTimeout(timeout time.Duration) RedisOption {
	return func(o *redisOptions) { o.flushAfter = timeout }
}

// WithMaxBufferSizeBeforeFlush sets how many bytes of commands the gateway may collect before it sends them. The default
// is 1024, 0 sends each at once.
func WithMaxBufferSizeBeforeFlush(size int) RedisOption {
	return func(o *redisOptions) { o.flushBytes = size }
}

// WithDisableBuffer has each command sent at once.
func WithDisableBuffer() RedisOption {
	return func(o *redisOptions) { o.flushAfter, o.flushBytes = 0, 0 }
}

// suffix returns what is put after the cluster's name to say the options to the gateway.
func (o *redisOptions) suffix() string {
	s := "?"
	if o.database != 0 {
		s += "db=" + strconv.Itoa(o.database) + "&"
	}
	return s + "buffer_flush_timeout=" + strconv.FormatInt(o.flushAfter.Milliseconds(), 10) +
		"&max_buffer_size_before_flush=" + strconv.Itoa(o.flushBytes)
}

// RedisClusterClient is the [RedisClient] for a cluster. Keep one in the configuration.
type RedisClusterClient[C Cluster] struct {
	redisCommands
}

var _ RedisClient = (*RedisClusterClient[Cluster])(nil)

// NewRedisClusterClient returns a client for a cluster. It needs Init before it takes commands.
func NewRedisClusterClient[C Cluster](cluster C) *RedisClusterClient[C] {
	return &RedisClusterClient[C]{redisCommands{cluster: cluster}}
}

// redisCommands is a client. It is one for all types of clusters, so that a module carries the commands it uses once.
type redisCommands struct {
	cluster Cluster

	initialized, ready bool
	username, password string
	millis             uint32
	suffix             string
}

// Init implements [RedisClient].
func (c *redisCommands) Init(username, password string, timeout int64, opts ...RedisOption) error {
	o := redisOptions{flushAfter: 3 * time.Millisecond, flushBytes: 1024}
	for _, option := range opts {
		option(&o)
	}
	switch {
	case timeout < 0 || timeout > math.MaxInt32:
		return fmt.Errorf("%w: timeout of %d ms", ErrRedisArgument, timeout)
	case o.database < 0:
		return fmt.Errorf("%w: database %d", ErrRedisArgument, o.database)
	case o.flushAfter < 0 || o.flushBytes < 0:
		return fmt.Errorf("%w: a buffer of %d bytes for %v", ErrRedisArgument, o.flushBytes, o.flushAfter)
	}
	c.username, c.password, c.millis, c.suffix = username, password, uint32(timeout), o.suffix()
	c.initialized, c.ready = true, false
	if err := c.makeReady(); err != nil {
		log.Warn(err.Error() + "; the next command tries again")
	}
	return nil
}

// Ready implements [RedisClient].
func (c *redisCommands) Ready() bool { return c.ready }

// makeReady has the gateway set up the client, if it has not.
func (c *redisCommands) makeReady() error {
	switch {
	case c.ready:
		return nil
	case !c.initialized:
		return ErrRedisNotReady
	}
	name := c.cluster.ClusterName()
	if err := proxywasm.RedisInit(name+c.suffix, c.username, c.password, c.millis); err != nil {
		return callFailed("redis init", name, err)
	}
	c.ready = true
	return nil
}

// send sends a command.
func (c *redisCommands) send(callback RedisResponseCallback, args ...string) error {
	if err := c.makeReady(); err != nil {
		return err
	}
	return c.dispatch(redisQuery(args), callback, true)
}

// dispatch sends a query. If the server does not know who asks, and retry is true, the client is set up again and the
// query sent once more: the server may have been restarted, or its password changed, since the connection was made.
func (c *redisCommands) dispatch(query []byte, callback RedisResponseCallback, retry bool) error {
	return redisCall(c.cluster.ClusterName(), query, func(response RedisValue) {
		if e, ok := response.err.(serverError); ok && retry && e.code("NOAUTH") {
			c.ready = false
			err := c.makeReady()
			if err == nil {
				err = c.dispatch(query, callback, false)
			}
			if err == nil {
				log.Warn("redis: the server wants credentials; the client was initialized again, the command is repeated")
				return
			}
			log.Error("redis: the server wants credentials, and the command cannot be repeated: " + err.Error())
		}
		if callback != nil {
			callback(response)
		}
	})
}

// RedisCall sends a query that is in RESP already, an array of bulk strings. As with a client's commands, the callback
// comes exactly once if it returns nil, and not at all if it returns an error. The cluster must have been set up by the
// Init of a client; a reply that asks for credentials does not make it be set up again.
func RedisCall(cluster Cluster, respQuery []byte, callback RedisResponseCallback) error {
	if callback == nil {
		callback = func(RedisValue) {}
	}
	return redisCall(cluster.ClusterName(), respQuery, callback)
}

func redisCall(cluster string, query []byte, callback RedisResponseCallback) error {
	if len(query) == 0 {
		return fmt.Errorf("%w: empty query", ErrRedisArgument)
	}
	debug := log.Enabled(abi.LogDebug)
	if debug {
		log.Debug("redis call to cluster " + strconv.Quote(cluster))
	}
	_, err := proxywasm.DispatchRedisCall(cluster, query, func(status, size int) {
		response := redisResponse(status, size)
		if debug {
			log.Debug("redis call: " + response.kind.String() + " from cluster " + strconv.Quote(cluster))
		}
		callback(response)
	})
	if err != nil {
		return callFailed("redis call", cluster, err)
	}
	return nil
}

// redisResponse reads the reply to a call, in its callback.
func redisResponse(status, size int) RedisValue {
	if status != 0 {
		return redisErrorValue(redisStatusError(status))
	}
	reply, err := proxywasm.GetRedisCallResponse(0, size)
	if err != nil || len(reply) != size {
		return redisErrorValue(ErrRedisNoReply)
	}
	v, ok := parseReply(reply)
	if !ok {
		return redisErrorValue(ErrRedisProtocol)
	}
	return v
}

// redisQuery writes a command as RESP has it, an array of bulk strings.
func redisQuery(args []string) []byte {
	size := 16
	for _, a := range args {
		size += len(a) + 16
	}
	q := append(make([]byte, 0, size), '*')
	q = append(strconv.AppendInt(q, int64(len(args)), 10), "\r\n"...)
	for _, a := range args {
		q = appendBulk(q, a)
	}
	return q
}

// redisText returns what is sent for a value: strings and bytes as they are, anything else as fmt.Sprint writes it.
func redisText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []byte:
		return string(v)
	case int:
		return strconv.Itoa(v)
	case int64:
		return strconv.FormatInt(v, 10)
	}
	return fmt.Sprint(v)
}
