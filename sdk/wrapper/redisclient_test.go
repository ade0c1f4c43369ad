//go:build !wasip1

package wrapper_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
	"github.com/sluice-gateway/sluice/sdk/wrapper"
)

var redisCluster = wrapper.FQDNCluster{FQDN: "redis.static", Port: 6379}

const redisName = "outbound|6379||redis.static"

// command is a command in RESP.
func command(args ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(args))
	for _, a := range args {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(a), a)
	}
	return b.String()
}

// answerRedis answers a call-out.
func (h *harness) answerRedis(call uint32, status abi.RedisStatus, reply string) {
	h.t.Helper()
	h.Buffers[abi.BufferRedisCallResponse] = []byte(reply)
	if err := h.OnRedisCallResponse(rootID, call, uint32(status), uint32(len(reply))); err != nil {
		h.t.Fatal(err)
	}
	delete(h.Buffers, abi.BufferRedisCallResponse)
}

// newRedis returns a client that is initialized.
func newRedis(t *testing.T) wrapper.RedisClient {
	c := wrapper.NewRedisClusterClient(redisCluster)
	if err := c.Init("", "", 1000); err != nil || !c.Ready() {
		t.Errorf("init: %v, ready %v", err, c.Ready())
	}
	return c
}

func TestRedisCommands(t *testing.T) {
	type list = []any
	values := map[string]any{"b": 2, "a": "1", "c": 1.5}
	for _, tc := range []struct {
		want []string
		send func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error
	}{
		{[]string{"object", "help", "", "1", "true"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error {
			return c.Command(list{"object", []byte("help"), "", 1, true}, cb)
		}},
		{[]string{"eval", "return 1", "1", "k", "2", "a\r\nb"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error {
			return c.Eval("return 1", 1, list{"k"}, list{int64(2), "a\r\nb"}, cb)
		}},
		{[]string{"del", "k"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error { return c.Del("k", cb) }},
		{[]string{"exists", "k"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error { return c.Exists("k", cb) }},
		{[]string{"expire", "k", "60"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error { return c.Expire("k", 60, cb) }},
		{[]string{"persist", "k"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error { return c.Persist("k", cb) }},
		{[]string{"get", "k"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error { return c.Get("k", cb) }},
		{[]string{"set", "k", "1e+30"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error { return c.Set("k", 1e30, cb) }},
		{[]string{"set", "k", "v", "ex", "5"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error { return c.SetEx("k", "v", 5, cb) }},
		{[]string{"set", "k", "v", "nx", "ex", "5"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error { return c.SetNX("k", "v", 5, cb) }},
		{[]string{"set", "k", "v", "nx"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error { return c.SetNX("k", "v", 0, cb) }},
		{[]string{"mget", "a", "b"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error {
			return c.MGet([]string{"a", "b"}, cb)
		}},
		{[]string{"mset", "a", "1", "b", "2", "c", "1.5"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error { return c.MSet(values, cb) }},
		{[]string{"incr", "k"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error { return c.Incr("k", cb) }},
		{[]string{"decr", "k"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error { return c.Decr("k", cb) }},
		{[]string{"incrby", "k", "-3"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error { return c.IncrBy("k", -3, cb) }},
		{[]string{"decrby", "k", "3"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error { return c.DecrBy("k", 3, cb) }},
		{[]string{"llen", "k"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error { return c.LLen("k", cb) }},
		{[]string{"rpush", "k", "a", "1"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error {
			return c.RPush("k", list{"a", 1}, cb)
		}},
		{[]string{"rpop", "k"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error { return c.RPop("k", cb) }},
		{[]string{"lpush", "k", "a", "1"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error {
			return c.LPush("k", list{"a", 1}, cb)
		}},
		{[]string{"lpop", "k"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error { return c.LPop("k", cb) }},
		{[]string{"lindex", "k", "-1"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error { return c.LIndex("k", -1, cb) }},
		{[]string{"lrange", "k", "0", "-1"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error { return c.LRange("k", 0, -1, cb) }},
		{[]string{"lrem", "k", "2", "v"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error { return c.LRem("k", 2, "v", cb) }},
		{[]string{"linsert", "k", "before", "p", "v"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error {
			return c.LInsertBefore("k", "p", "v", cb)
		}},
		{[]string{"linsert", "k", "after", "p", "v"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error {
			return c.LInsertAfter("k", "p", "v", cb)
		}},
		{[]string{"hexists", "k", "f"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error { return c.HExists("k", "f", cb) }},
		{[]string{"hdel", "k", "f", "g"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error {
			return c.HDel("k", []string{"f", "g"}, cb)
		}},
		{[]string{"hlen", "k"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error { return c.HLen("k", cb) }},
		{[]string{"hget", "k", "f"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error { return c.HGet("k", "f", cb) }},
		{[]string{"hset", "k", "f", "v"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error { return c.HSet("k", "f", "v", cb) }},
		{[]string{"hmget", "k", "f", "g"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error {
			return c.HMGet("k", []string{"f", "g"}, cb)
		}},
		{[]string{"hmset", "k", "a", "1", "b", "2", "c", "1.5"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error {
			return c.HMSet("k", values, cb)
		}},
		{[]string{"hkeys", "k"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error { return c.HKeys("k", cb) }},
		{[]string{"hvals", "k"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error { return c.HVals("k", cb) }},
		{[]string{"hgetall", "k"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error { return c.HGetAll("k", cb) }},
		{[]string{"hincrby", "k", "f", "2"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error { return c.HIncrBy("k", "f", 2, cb) }},
		{[]string{"hincrbyfloat", "k", "f", "-0.25"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error {
			return c.HIncrByFloat("k", "f", -0.25, cb)
		}},
		{[]string{"scard", "k"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error { return c.SCard("k", cb) }},
		{[]string{"sadd", "k", "a", "1"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error {
			return c.SAdd("k", list{"a", 1}, cb)
		}},
		{[]string{"srem", "k", "a", "1"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error {
			return c.SRem("k", list{"a", 1}, cb)
		}},
		{[]string{"sismember", "k", "1"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error {
			return c.SIsMember("k", uint8(1), cb)
		}},
		{[]string{"smembers", "k"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error { return c.SMembers("k", cb) }},
		{[]string{"sdiff", "a", "b"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error { return c.SDiff("a", "b", cb) }},
		{[]string{"sdiffstore", "d", "a", "b"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error {
			return c.SDiffStore("d", "a", "b", cb)
		}},
		{[]string{"sinter", "a", "b"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error { return c.SInter("a", "b", cb) }},
		{[]string{"sinterstore", "d", "a", "b"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error {
			return c.SInterStore("d", "a", "b", cb)
		}},
		{[]string{"sunion", "a", "b"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error { return c.SUnion("a", "b", cb) }},
		{[]string{"sunionstore", "d", "a", "b"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error {
			return c.SUnionStore("d", "a", "b", cb)
		}},
		{[]string{"zcard", "k"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error { return c.ZCard("k", cb) }},
		{[]string{"zadd", "k", "1", "a", "2", "b", "1.5", "c"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error { return c.ZAdd("k", values, cb) }},
		{[]string{"zcount", "k", "(1", "9"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error { return c.ZCount("k", "(1", 9, cb) }},
		{[]string{"zincrby", "k", "1.5", "m"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error {
			return c.ZIncrBy("k", "m", 1.5, cb)
		}},
		{[]string{"zscore", "k", "m"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error { return c.ZScore("k", "m", cb) }},
		{[]string{"zrank", "k", "m"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error { return c.ZRank("k", "m", cb) }},
		{[]string{"zrevrank", "k", "m"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error { return c.ZRevRank("k", "m", cb) }},
		{[]string{"zrem", "k", "m", "n"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error {
			return c.ZRem("k", []string{"m", "n"}, cb)
		}},
		{[]string{"zrange", "k", "0", "-1"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error { return c.ZRange("k", 0, -1, cb) }},
		{[]string{"zrevrange", "k", "0", "9"}, func(c wrapper.RedisClient, cb wrapper.RedisResponseCallback) error { return c.ZRevRange("k", 0, 9, cb) }},
	} {
		t.Run(strings.Join(tc.want, " "), func(t *testing.T) {
			var got []string
			h := inRequest(t, func() {
				if err := tc.send(newRedis(t), func(r wrapper.RedisValue) { got = append(got, r.String()) }); err != nil {
					t.Error(err)
				}
			})
			if len(h.RedisCalls) != 1 || h.RedisCalls[0].Query != command(tc.want...) || h.RedisCalls[0].Cluster != redisName {
				t.Fatalf("calls %q, want %q", h.RedisCalls, command(tc.want...))
			}
			h.answerRedis(h.RedisCalls[0].ID, 0, "+yes\r\n")
			h.answerRedis(h.RedisCalls[0].ID, 0, "+again\r\n")
			if !slices.Equal(got, []string{"yes"}) {
				t.Fatalf("callbacks %q", got)
			}
		})
	}
}

func TestRedisRefusesNoCommands(t *testing.T) {
	never := func(wrapper.RedisValue) { t.Error("callback") }
	for name, send := range map[string]func(c wrapper.RedisClient) error{
		"command": func(c wrapper.RedisClient) error { return c.Command(nil, never) },
		"mget":    func(c wrapper.RedisClient) error { return c.MGet(nil, never) },
		"mset":    func(c wrapper.RedisClient) error { return c.MSet(map[string]any{}, never) },
		"rpush":   func(c wrapper.RedisClient) error { return c.RPush("k", nil, never) },
		"lpush":   func(c wrapper.RedisClient) error { return c.LPush("k", []any{}, never) },
		"hdel":    func(c wrapper.RedisClient) error { return c.HDel("k", nil, never) },
		"hmget":   func(c wrapper.RedisClient) error { return c.HMGet("k", nil, never) },
		"hmset":   func(c wrapper.RedisClient) error { return c.HMSet("k", nil, never) },
		"sadd":    func(c wrapper.RedisClient) error { return c.SAdd("k", nil, never) },
		"srem":    func(c wrapper.RedisClient) error { return c.SRem("k", nil, never) },
		"zadd":    func(c wrapper.RedisClient) error { return c.ZAdd("k", nil, never) },
		"zrem":    func(c wrapper.RedisClient) error { return c.ZRem("k", nil, never) },
		"raw":     func(wrapper.RedisClient) error { return wrapper.RedisCall(redisCluster, nil, never) },
		"raw, of no length": func(wrapper.RedisClient) error {
			return wrapper.RedisCall(redisCluster, []byte{}, never)
		},
	} {
		t.Run(name, func(t *testing.T) {
			var err error
			h := inRequest(t, func() { err = send(newRedis(t)) })
			if !errors.Is(err, wrapper.ErrRedisArgument) || len(h.RedisCalls) != 0 {
				t.Errorf("error %v, calls %q", err, h.RedisCalls)
			}
		})
	}
}

func TestRedisInit(t *testing.T) {
	for name, tc := range map[string]struct {
		user, password string
		timeout        int64
		options        []wrapper.RedisOption
		want           string
	}{
		"nothing":       {"", "", 0, nil, `RedisInit "NAME?buffer_flush_timeout=3&max_buffer_size_before_flush=1024" "" "" 0`},
		"all":           {"u", "p", 7, []wrapper.RedisOption{wrapper.WithDataBase(2)}, `RedisInit "NAME?db=2&buffer_flush_timeout=3&max_buffer_size_before_flush=1024" "u" "p" 7`},
		"database 0":    {"", "", 1, []wrapper.RedisOption{wrapper.WithDataBase(0)}, `RedisInit "NAME?buffer_flush_timeout=3&max_buffer_size_before_flush=1024" "" "" 1`},
		"no buffer":     {"", "", 1, []wrapper.RedisOption{wrapper.WithDisableBuffer()}, `RedisInit "NAME?buffer_flush_timeout=0&max_buffer_size_before_flush=0" "" "" 1`},
		"buffer's time": {"", "", 1, []wrapper.RedisOption{wrapper.WithBufferFlushTimeout(10*time.Millisecond + time.Microsecond)}, `RedisInit "NAME?buffer_flush_timeout=10&max_buffer_size_before_flush=1024" "" "" 1`},
		"buffer's size": {"", "", 1, []wrapper.RedisOption{wrapper.WithMaxBufferSizeBeforeFlush(9)}, `RedisInit "NAME?buffer_flush_timeout=3&max_buffer_size_before_flush=9" "" "" 1`},
		"the last":      {"", "", 1, []wrapper.RedisOption{wrapper.WithDisableBuffer(), wrapper.WithMaxBufferSizeBeforeFlush(9)}, `RedisInit "NAME?buffer_flush_timeout=0&max_buffer_size_before_flush=9" "" "" 1`},
	} {
		t.Run(name, func(t *testing.T) {
			h := inRequest(t, func() {
				c := wrapper.NewRedisClusterClient(redisCluster)
				if c.Ready() {
					t.Error("ready before Init")
				}
				if err := c.Init(tc.user, tc.password, tc.timeout, tc.options...); err != nil || !c.Ready() {
					t.Errorf("error %v, ready %v", err, c.Ready())
				}
			})
			if want := strings.Replace(tc.want, "NAME", redisName, 1); h.Count(want) != 1 {
				t.Errorf("calls %q, want %q", h.Calls, want)
			}
		})
	}
	for name, tc := range map[string]struct {
		timeout int64
		options []wrapper.RedisOption
	}{
		"negative timeout":  {-1, nil},
		"huge timeout":      {1 << 31, nil},
		"negative database": {1, []wrapper.RedisOption{wrapper.WithDataBase(-1)}},
		"negative size":     {1, []wrapper.RedisOption{wrapper.WithMaxBufferSizeBeforeFlush(-1)}},
		"negative time":     {1, []wrapper.RedisOption{wrapper.WithBufferFlushTimeout(-time.Second)}},
	} {
		t.Run(name, func(t *testing.T) {
			h := inRequest(t, func() {
				c := wrapper.NewRedisClusterClient(redisCluster)
				if err := c.Init("", "", tc.timeout, tc.options...); !errors.Is(err, wrapper.ErrRedisArgument) || c.Ready() {
					t.Errorf("error %v, ready %v", err, c.Ready())
				}
				if err := c.Get("k", nil); !errors.Is(err, wrapper.ErrRedisNotReady) {
					t.Errorf("command without Init: %v", err)
				}
			})
			if h.Count("Redis") != 0 {
				t.Errorf("calls %q", h.Calls)
			}
		})
	}
}

// An Init that the gateway refuses is made up for by a later command.
func TestRedisInitRefused(t *testing.T) {
	c := wrapper.NewRedisClusterClient(redisCluster)
	var errs []error
	get := func() { errs = append(errs, c.Get("k", func(wrapper.RedisValue) { t.Error("callback") })) }
	h := start(t, ``, onRequest(func(wrapper.HttpContext) types.Action {
		if err := c.Init("user", "top-secret", 1000, wrapper.WithDataBase(1)); err != nil || c.Ready() {
			t.Errorf("error %v, ready %v", err, c.Ready())
		}
		get()
		return 0
	}), onResponse(func(wrapper.HttpContext) types.Action { get(); return 0 }))
	h.Refuse["RedisInit"] = abi.StatusBadArgument
	h.request().sendHeaders(true, 0)
	delete(h.Refuse, "RedisInit")
	h.response().sendHeaders(true, 0)
	if len(errs) != 2 || !errors.Is(errs[0], wrapper.ErrCallRefused) || errs[1] != nil || !c.Ready() {
		t.Fatalf("errors %v, ready %v", errs, c.Ready())
	}
	if n := h.Count(`RedisInit "` + redisName + `?db=1&`); n != 3 || len(h.RedisCalls) != 1 {
		t.Fatalf("calls %q", h.Calls)
	}
	if text := strings.Join(h.Logs, "\n") + errs[0].Error(); strings.Contains(text, "secret") || !strings.Contains(text, redisName) {
		t.Fatalf("log %q", h.Logs)
	}
}

func TestRedisErrors(t *testing.T) {
	all := []error{
		wrapper.ErrRedisNoReply, wrapper.ErrRedisDial, wrapper.ErrRedisTimeout, wrapper.ErrRedisProtocol, wrapper.ErrRedisLost,
		wrapper.ErrRedisLimit, wrapper.ErrRedisAuth,
	}
	for name, tc := range map[string]struct {
		status abi.RedisStatus
		reply  string
		want   []error
		text   string
	}{
		"another host's":   {1, "", []error{wrapper.ErrRedisNoReply}, "redis: no reply"},
		"negative":         {0xffffffff, "", []error{wrapper.ErrRedisNoReply}, "redis: no reply"},
		"dial":             {abi.RedisDialFailed, "", []error{wrapper.ErrRedisNoReply, wrapper.ErrRedisDial}, "redis: cannot connect"},
		"timeout":          {abi.RedisTimedOut, "", []error{wrapper.ErrRedisNoReply, wrapper.ErrRedisTimeout}, "redis: timed out"},
		"protocol":         {abi.RedisProtocolError, "", []error{wrapper.ErrRedisNoReply, wrapper.ErrRedisProtocol}, "redis: malformed reply"},
		"lost":             {abi.RedisConnectionLost, "", []error{wrapper.ErrRedisNoReply, wrapper.ErrRedisLost}, "redis: connection lost"},
		"limit":            {abi.RedisLimit, "", []error{wrapper.ErrRedisNoReply, wrapper.ErrRedisLimit}, "redis: a limit of the gateway is exceeded"},
		"nothing":          {0, "", []error{wrapper.ErrRedisNoReply}, "redis: no reply"},
		"no RESP":          {0, "PONG\r\n", []error{wrapper.ErrRedisNoReply, wrapper.ErrRedisProtocol}, "redis: malformed reply"},
		"part of a reply":  {0, "$5\r\nab", []error{wrapper.ErrRedisNoReply, wrapper.ErrRedisProtocol}, "redis: malformed reply"},
		"two replies":      {0, "+a\r\n+b\r\n", []error{wrapper.ErrRedisNoReply, wrapper.ErrRedisProtocol}, "redis: malformed reply"},
		"server's":         {0, "-ERR no NOAUTH\r\n", []error{}, "ERR no NOAUTH"},
		"a word like it":   {0, "-NOAUTHX y\r\n", []error{}, "NOAUTHX y"},
		"wrong password":   {0, "-WRONGPASS invalid username-password pair\r\n", []error{wrapper.ErrRedisAuth}, "WRONGPASS invalid username-password pair"},
		"no permission":    {0, "-NOPERM no\r\n", []error{wrapper.ErrRedisAuth}, "NOPERM no"},
		"no error":         {0, "$-1\r\n", nil, ""},
		"error in a reply": {0, "*1\r\n-ERR x\r\n", nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			calls := 0
			h := inRequest(t, func() {
				_ = newRedis(t).Get("k", func(r wrapper.RedisValue) {
					calls++
					err := r.Error()
					if (err != nil) != (tc.want != nil) || err != nil && (err.Error() != tc.text || r.Type() != wrapper.RedisError || r.String() != tc.text) {
						t.Errorf("error %v, want %q", err, tc.text)
					}
					for _, e := range all {
						if errors.Is(err, e) != slices.Contains(tc.want, e) {
							t.Errorf("error %v is %v: %v", err, e, errors.Is(err, e))
						}
					}
				})
			})
			h.answerRedis(h.RedisCalls[0].ID, tc.status, tc.reply)
			if calls != 1 {
				t.Fatalf("%d callbacks", calls)
			}
		})
	}
}

// What was not begun has no callback, and its error says why.
func TestRedisCallsNotBegun(t *testing.T) {
	for status, want := range map[abi.Status]error{
		abi.StatusBadArgument:     wrapper.ErrCallRefused,
		abi.StatusInternalFailure: wrapper.ErrCallFailed,
		abi.StatusUnimplemented:   types.ErrorUnimplemented,
	} {
		t.Run(status.String(), func(t *testing.T) {
			h := start(t, ``, onRequest(func(wrapper.HttpContext) types.Action {
				err := newRedis(t).Set("k", "secret", func(wrapper.RedisValue) { t.Error("callback") })
				if !errors.Is(err, want) || !strings.Contains(err.Error(), redisName) || strings.Contains(err.Error(), "secret") {
					t.Errorf("error %v, want %v", err, want)
				}
				return 0
			}))
			h.Refuse["RedisCall"] = status
			h.request().sendHeaders(true, 0)
		})
	}
}

func TestRedisAuthenticatesAgain(t *testing.T) {
	const noauth = "-NOAUTH Authentication required.\r\n"
	for name, tc := range map[string]struct {
		refuseInit, refuseCall bool
		second                 string // the reply to the repeated command
		want                   string
		ready                  bool
	}{
		"once is enough":      {second: "$1\r\nv\r\n", want: "v", ready: true},
		"refused again":       {second: noauth, want: "NOAUTH Authentication required.", ready: true},
		"init fails":          {refuseInit: true, want: "NOAUTH Authentication required."},
		"the call is refused": {refuseCall: true, want: "NOAUTH Authentication required.", ready: true},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			var c wrapper.RedisClient
			h := inRequest(t, func() {
				c = newRedis(t)
				_ = c.Get("k", func(r wrapper.RedisValue) { got = append(got, r.String()) })
			})
			if tc.refuseInit {
				h.Refuse["RedisInit"] = abi.StatusInternalFailure
			}
			if tc.refuseCall {
				h.Refuse["RedisCall"] = abi.StatusInternalFailure
			}
			h.answerRedis(h.RedisCalls[0].ID, 0, noauth)
			if tc.second != "" {
				if len(h.RedisCalls) != 2 || h.RedisCalls[1].Query != h.RedisCalls[0].Query || h.Count("RedisInit") != 2 || len(got) != 0 {
					t.Fatalf("calls %q, callbacks %q", h.Calls, got)
				}
				h.answerRedis(h.RedisCalls[1].ID, 0, tc.second)
			}
			if !slices.Equal(got, []string{tc.want}) || c.Ready() != tc.ready {
				t.Fatalf("callbacks %q, want %q; ready %v", got, tc.want, c.Ready())
			}
		})
	}
}

func TestRawRedisCall(t *testing.T) {
	var got []string
	h := inRequest(t, func() {
		if err := wrapper.RedisCall(redisCluster, []byte("*1\r\n$4\r\nping\r\n"), func(r wrapper.RedisValue) { got = append(got, r.String()) }); err != nil {
			t.Error(err)
		}
		if err := wrapper.RedisCall(redisCluster, []byte("*1\r\n$4\r\nquit\r\n"), nil); err != nil {
			t.Error(err)
		}
	})
	h.answerRedis(h.RedisCalls[0].ID, 0, "-NOAUTH x\r\n")
	h.answerRedis(h.RedisCalls[1].ID, 0, "+OK\r\n")
	if !slices.Equal(got, []string{"NOAUTH x"}) || h.Count("RedisInit") != 0 {
		t.Fatalf("callbacks %q, calls %q", got, h.Calls)
	}
}

func TestRedisLogsNoSecrets(t *testing.T) {
	h := load(t, ``, onRequest(func(wrapper.HttpContext) types.Action {
		c := wrapper.NewRedisClusterClient(redisCluster)
		if err := c.Init("secret", "secret", 1); err != nil {
			t.Error(err)
		}
		_ = c.Set("secret", "secret", nil)
		return 0
	}))
	h.Level = abi.LogTrace
	h.configure()
	h.begin(streamID)
	h.request().sendHeaders(true, 0)
	h.answerRedis(h.RedisCalls[0].ID, 0, "-NOAUTH secret\r\n")
	h.answerRedis(h.RedisCalls[1].ID, 0, "$6\r\nsecret\r\n")
	if text := strings.Join(h.Logs, "\n"); strings.Contains(text, "secret") || strings.Count(text, "redis call") != 4 {
		t.Fatalf("log %q", h.Logs)
	}
}
