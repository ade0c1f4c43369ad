package pluginhost

import (
	"bytes"
	"errors"
	"log/slog"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-gateway/sluice/redis"
	"github.com/sluice-gateway/sluice/sdk/abi"
)

// What Envoy (Higress) has for options of a cluster's name that are not there.
const (
	redisFlushMillis = 3
	redisFlushBytes  = 1024
)

// RedisInit implements [abi.Host]. The cluster's name may have options, as a URL has a query: db (a number), and
// buffer_flush_timeout (milliseconds) and max_buffer_size_before_flush (bytes), of which 0 turns buffering off. Others
// are ignored. timeoutMillis bounds each call; 0 is one second.
//
// Unlike Envoy's, the settings are the plugin's own: another plugin's for the same cluster are not touched, and calls
// under way when a plugin changes its own are finished under the old ones. To say the same again does nothing. Nothing
// is connected yet, so a server that is down is no error.
func (v *vm) RedisInit(cluster, username, password []byte, timeoutMillis uint32) abi.Status {
	r := v.root
	if r == nil || r.ended {
		return abi.StatusInternalFailure
	}
	if int32(timeoutMillis) < 0 || !v.allow(len(cluster)+len(username)+len(password)) {
		return abi.StatusBadArgument
	}
	name, options, _ := strings.Cut(string(cluster), "?")
	up, status := v.callable(name)
	if status != abi.StatusOK {
		return status
	}
	s := redisSettings{
		cluster: name, username: string(username), password: string(password),
		timeout: time.Duration(timeoutMillis) * time.Millisecond, connect: up.ConnectTimeout(),
	}
	if !v.redisOptions(&s, options) {
		return abi.StatusBadArgument
	}
	old := r.redis[name]
	if old != nil && old.settings == s {
		return abi.StatusOK
	}
	if r.redis == nil {
		r.redis = map[string]*redisClient{}
	}
	r.redis[name] = r.plugin.redis.acquire(r.plugin, s)
	if old != nil {
		r.plugin.redis.release(old)
	}
	return abi.StatusOK
}

// redisOptions reads the options of a cluster's name. It complains about those that it does not take; false is a
// database that is no number: another one must not be used in its place.
func (v *vm) redisOptions(s *redisSettings, options string) bool {
	values, err := url.ParseQuery(options)
	if err != nil {
		v.complain("redis options", "malformed options of a redis cluster are ignored", slog.String("cluster", logText([]byte(s.cluster))))
	}
	number := func(name string, otherwise uint64) uint64 {
		if !values.Has(name) {
			return otherwise
		}
		n, err := strconv.ParseUint(values.Get(name), 10, 32)
		if err != nil {
			v.complain("redis option "+name, "redis option is not a number; the default is used",
				slog.String("option", name), slog.String("value", logText([]byte(values.Get(name)))), slog.Uint64("default", otherwise))
			return otherwise
		}
		return n
	}
	s.flushDelay = time.Duration(number("buffer_flush_timeout", redisFlushMillis)) * time.Millisecond
	s.flushBytes = int(number("max_buffer_size_before_flush", redisFlushBytes))
	for name := range values {
		switch name {
		case "db", "buffer_flush_timeout", "max_buffer_size_before_flush":
		default:
			name = logText([]byte(name))
			v.complain("redis option "+name, "unknown redis option is ignored", slog.String("option", name))
		}
	}
	if !values.Has("db") {
		return true
	}
	if s.db, err = strconv.Atoi(values.Get("db")); err != nil || s.db < 0 {
		v.complain("redis option db", "redis database is not a number", slog.String("value", logText([]byte(values.Get("db")))))
		return false
	}
	return true
}

// RedisCall implements [abi.Host]. The query is one command in RESP, as clients send it: an array of bulk strings.
//
// Every call that is taken has one callback: status 0 with the server's reply as it came, or another
// [abi.RedisStatus] with none. As in Envoy replies come in the order of calls, a server that refused the credentials is known by replies that begin with
// NOAUTH, and a cluster without a healthy host fails at once.
func (v *vm) RedisCall(cluster, query []byte) (uint32, abi.Status) {
	name := string(cluster)
	up, status := v.callable(name)
	if status != abi.StatusOK {
		return 0, status
	}
	r := v.root
	if r == nil || r.ended {
		return 0, abi.StatusInternalFailure
	}
	client := r.redis[name]
	if client == nil {
		v.refuse(name, "redis_call before redis_init")
		return 0, abi.StatusBadArgument
	}
	if !v.allow(len(query)) {
		return 0, abi.StatusInternalFailure
	}
	q, err := redis.ParseQuery(bytes.Clone(query))
	if err != nil {
		v.complain("redis query", "redis call refused", slog.String("cluster", logText(cluster)), slog.Any("error", err))
		return 0, abi.StatusBadArgument
	}
	c, address, status := v.openCall(calloutRedis, name, up, len(query))
	if status != abi.StatusOK {
		return 0, status
	}
	err = client.Do(redis.Call{
		Address: address, Query: q, Reserve: c.hold,
		Done: func(reply []byte, err error) { r.redisDone.add(redisReply{c, reply, err}) },
	})
	if err != nil {
		c.end(errCallOver)
		return 0, abi.StatusInternalFailure
	}
	if v.observer != nil {
		v.notice(HostCall{Name: "proxy_redis_call", About: name})
	}
	return c.id, abi.StatusOK
}

// redisReply is the end of a Redis call.
type redisReply struct {
	call  *callout
	reply []byte
	err   error
}

// add queues a reply for the plugin. It does not wait for the VM: whoever adds to an empty queue has a goroutine hand
// over what comes, in order.
func (q *redisReplies) add(r redisReply) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.queue = append(q.queue, r)
	if !q.serving {
		q.serving = true
		r.call.run(q.serve) // the plugin waits for the client, and the client for its calls: it is not too late
	}
}

func (q *redisReplies) serve() {
	for {
		q.mu.Lock()
		queue := q.queue
		q.queue = nil
		q.serving = len(queue) > 0
		q.mu.Unlock()
		if len(queue) == 0 {
			return
		}
		for r := range slices.Values(queue) {
			r.deliver()
		}
	}
}

func (r redisReply) deliver() {
	c, status := r.call, redisStatus(r.err)
	if errors.Is(r.err, redis.ErrNoMemory) {
		c.logDropped(r.err)
	}
	c.complete("proxy_on_redis_call_response", reply{redis: r.reply, hasRedis: true}, func(p abi.Plugin) error {
		return p.OnRedisCallResponse(c.root.id, c.id, uint32(status), uint32(len(r.reply)))
	})
}

// redisStatus is what a plugin is told of a call's end.
func redisStatus(err error) abi.RedisStatus {
	if err == nil {
		return abi.RedisOK
	}
	for _, f := range [...]struct {
		err    error
		status abi.RedisStatus
	}{
		{redis.ErrDial, abi.RedisDialFailed},
		{redis.ErrHandshake, abi.RedisDialFailed},
		{redis.ErrPoolExhausted, abi.RedisLimit},
		{redis.ErrNoMemory, abi.RedisLimit},
		{redis.ErrReplyTooLarge, abi.RedisLimit},
		{redis.ErrProtocol, abi.RedisProtocolError},
		{redis.ErrTimeout, abi.RedisTimedOut},
		{redis.ErrWrite, abi.RedisConnectionLost},
		{redis.ErrRead, abi.RedisConnectionLost},
		{redis.ErrClosed, abi.RedisConnectionLost},
	} {
		if errors.Is(err, f.err) {
			return f.status
		}
	}
	return abi.RedisFailed
}
