package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/redis"
	"github.com/sluice-gateway/sluice/redis/redistest"
	"github.com/sluice-gateway/sluice/sdk/abi"
)

// redisUpstreams are clusters by their host, "" for none.
type redisUpstreams map[string]string

func (u redisUpstreams) Cluster(name string) (UpstreamCluster, bool) {
	address, ok := u[name]
	return &redisHost{address: address}, ok
}

func (u redisUpstreams) Names() []string { return nil }

type redisHost struct {
	upstream
	address string
}

func (h *redisHost) Pick() (string, bool) { return h.address, h.address != "" }

func (h *redisHost) ConnectTimeout() time.Duration { return time.Second }

// command returns a command in RESP.
func command(args ...string) []byte {
	b := fmt.Appendf(nil, "*%d\r\n", len(args))
	for _, a := range args {
		b = fmt.Appendf(b, "$%d\r\n%s\r\n", len(a), a)
	}
	return b
}

// deadHost is an address at which nobody listens.
func deadHost(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// inCallback runs f as if a callback of the plugin's root context on the first worker called the host.
func (s *setup) inCallback(f func(h abi.Host)) {
	r := s.plugin.roots[0].Load()
	v := r.vm
	v.lock.Lock()
	v.begin(r, nil)
	f(v)
	v.finish("test", nil)
	v.unlock()
}

// redisAnswer is what a plugin is told about a call.
type redisAnswer struct {
	id, status, size uint32
	reply            string
}

// redisPlugin starts a plugin that calls these clusters; the answers come through the channel.
func redisPlugin(t *testing.T, u Upstreams, edit ...func(*Config)) (*setup, <-chan redisAnswer) {
	answers := make(chan redisAnswer, 1000)
	s := start(t, map[string]handler{"redis_call_response": func(c call) (uint32, error) {
		a := redisAnswer{id: c.n, status: c.args[0], size: c.args[1]}
		reply, status := c.GetBufferBytes(nil, abi.BufferRedisCallResponse, 0, a.size)
		a.reply = string(reply)
		wantEqual(t, "read of the reply", status, abi.StatusOK)
		wantEqual(t, "write to the reply", c.SetBufferBytes(abi.BufferRedisCallResponse, 0, 0, []byte("x")), abi.StatusBadArgument)
		answers <- a
		return 0, nil
	}}, append([]func(*Config){func(c *Config) { c.Upstreams = u }}, edit...)...)
	return s, answers
}

// ask makes a call and waits for its answer.
func (s *setup) ask(t *testing.T, answers <-chan redisAnswer, cluster string, args ...string) redisAnswer {
	t.Helper()
	s.inCallback(func(h abi.Host) {
		_, status := h.RedisCall([]byte(cluster), command(args...))
		wantEqual(t, "redis_call", status, abi.StatusOK)
	})
	return wait(t, answers)
}

func (s *setup) init(t *testing.T, cluster, user, password string, millis uint32) {
	t.Helper()
	s.inCallback(func(h abi.Host) {
		wantEqual(t, "redis_init", h.RedisInit([]byte(cluster), []byte(user), []byte(password), millis), abi.StatusOK)
	})
}

func TestRedisInitArguments(t *testing.T) {
	for _, tc := range []struct {
		name, cluster string
		timeout       uint32
		want          abi.Status
		log           string
		edit          func(*Config)
	}{
		{name: "right", cluster: "redis", timeout: 1000, want: abi.StatusOK},
		{name: "options of the Go SDK", cluster: "redis?db=2&buffer_flush_timeout=3&max_buffer_size_before_flush=1024", timeout: 1000, want: abi.StatusOK},
		{name: "buffering off", cluster: "redis?buffer_flush_timeout=0&max_buffer_size_before_flush=0", want: abi.StatusOK},
		{name: "unknown option", cluster: "redis?tls=1", want: abi.StatusOK, log: `unknown redis option is ignored" plugin=test worker=0 option=tls`},
		{name: "malformed option", cluster: "redis?%zz", want: abi.StatusOK, log: "malformed options"},
		{name: "option that is no number", cluster: "redis?buffer_flush_timeout=soon", want: abi.StatusOK, log: "value=soon default=3"},
		{name: "database that is no number", cluster: "redis?db=one", want: abi.StatusBadArgument, log: "redis database is not a number"},
		{name: "negative database", cluster: "redis?db=-1", want: abi.StatusBadArgument, log: "redis database is not a number"},
		{name: "negative timeout", cluster: "redis", timeout: 1 << 31, want: abi.StatusBadArgument},
		{name: "unknown cluster", cluster: "other?db=1", want: abi.StatusBadArgument, log: "unknown cluster"},
		{name: "no cluster", want: abi.StatusBadArgument, log: "unknown cluster"},
		{name: "no host", cluster: "none", want: abi.StatusOK},
		{name: "server is down", cluster: "down", want: abi.StatusOK},
		{name: "not allowed", cluster: "redis", want: abi.StatusBadArgument, log: "may not call this cluster",
			edit: func(c *Config) { c.AllowedClusters = []string{"other"} }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			edit := tc.edit
			if edit == nil {
				edit = func(*Config) {}
			}
			s, _ := redisPlugin(t, redisUpstreams{"redis": "127.0.0.1:6379", "none": "", "down": deadHost(t)}, edit)
			s.inCallback(func(h abi.Host) {
				for range 2 {
					wantEqual(t, "status", h.RedisInit([]byte(tc.cluster), nil, []byte("secret"), tc.timeout), tc.want)
				}
			})
			if got := strings.Count(s.log.String(), tc.log); tc.log != "" && got != 1 {
				t.Errorf("log has %d of %q: %s", got, tc.log, s.log)
			}
			if strings.Contains(s.log.String(), "secret") {
				t.Errorf("the log has the password: %s", s.log)
			}
		})
	}
	var v vm
	wantEqual(t, "outside of callbacks", v.RedisInit([]byte("redis"), nil, nil, 1000), abi.StatusInternalFailure)
}

func TestRedisCallArguments(t *testing.T) {
	s, _ := redisPlugin(t, redisUpstreams{"redis": deadHost(t), "later": "", "none": ""},
		func(c *Config) { c.Limits.CallBytes = 1000 })
	s.init(t, "redis", "", "", 1000)
	s.init(t, "none", "", "", 1000)
	ping := command("ping")
	for _, tc := range []struct {
		name, cluster string
		query         []byte
		want          abi.Status
		log           string
	}{
		{name: "empty", cluster: "redis", want: abi.StatusBadArgument, log: "query is not one command in RESP"},
		{name: "not RESP", cluster: "redis", query: []byte("PING\r\n"), want: abi.StatusBadArgument},
		{name: "two commands", cluster: "redis", query: append(ping, ping...), want: abi.StatusBadArgument},
		{name: "subscribe", cluster: "redis", query: command("Subscribe", "c"), want: abi.StatusBadArgument},
		{name: "unknown cluster", cluster: "other", query: ping, want: abi.StatusBadArgument, log: "unknown cluster"},
		{name: "with options", cluster: "redis?db=0", query: ping, want: abi.StatusBadArgument},
		{name: "before init", cluster: "later", query: ping, want: abi.StatusBadArgument, log: "redis_call before redis_init"},
		{name: "no healthy host", cluster: "none", query: ping, want: abi.StatusInternalFailure, log: "no healthy host"},
		{name: "too much", cluster: "redis", query: command("echo", strings.Repeat("x", 1000)), want: abi.StatusInternalFailure, log: "Limits.CallBytes"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s.inCallback(func(h abi.Host) {
				for range 2 {
					id, status := h.RedisCall([]byte(tc.cluster), tc.query)
					wantEqual(t, "status", status, tc.want)
					wantEqual(t, "id", id, 0)
				}
			})
			if got := strings.Count(s.log.String(), tc.log); tc.log != "" && got != 1 {
				t.Errorf("log has %d of %q: %s", got, tc.log, s.log)
			}
		})
	}
	if calls := s.fake.took(); strings.Contains(calls, "redis") {
		t.Errorf("callbacks: %s", calls)
	}
}

func TestRedisCalls(t *testing.T) {
	server := redistest.Start(t)
	s, answers := redisPlugin(t, redisUpstreams{"redis": server.Addr, "down": deadHost(t)})
	s.init(t, "redis?db=1&buffer_flush_timeout=3&max_buffer_size_before_flush=1024", "", "", 5000)
	s.init(t, "down", "", "", 5000)
	big := strings.Repeat("x", 1<<20)
	for _, tc := range []struct {
		cluster string
		args    []string
		want    redisAnswer
	}{
		{"redis", []string{"set", "k", "v"}, redisAnswer{id: 7, reply: "+OK\r\n"}},
		{"redis", []string{"get", "k"}, redisAnswer{id: 11, reply: "$1\r\nv\r\n"}},
		{"redis", []string{"incr", "k"}, redisAnswer{id: 15, reply: "-ERR value is not an integer or out of range\r\n"}},
		{"redis", []string{"get", "none"}, redisAnswer{id: 19, reply: "$-1\r\n"}},
		{"redis", []string{"echo", big}, redisAnswer{id: 23, reply: "$1048576\r\n" + big + "\r\n"}},
		{"down", []string{"ping"}, redisAnswer{id: 27, status: uint32(abi.RedisDialFailed)}},
	} {
		tc.want.size = uint32(len(tc.want.reply))
		if got := s.ask(t, answers, tc.cluster, tc.args...); got != tc.want {
			t.Errorf("%.40q: %.100v, want %.100v", tc.args, got, tc.want)
		}
	}
	s.inCallback(func(h abi.Host) {
		_, status := h.GetBufferBytes(nil, abi.BufferRedisCallResponse, 0, 1)
		wantEqual(t, "reply outside of its callback", status, abi.StatusNotFound)
	})
	for range 1000 { // the call counts until its callback has returned
		if s.plugin.calls.active.Load() == 0 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	wantEqual(t, "calls", s.plugin.calls.active.Load(), 0)
	wantEqual(t, "bytes", s.plugin.calls.bytes.Load(), 0)
	if !strings.Contains(s.log.String(), "redis calls fail") || !strings.Contains(s.log.String(), "failure=dial") {
		t.Errorf("log: %s", s.log)
	}
}

// Replies come in the order of calls.
func TestRedisOrder(t *testing.T) {
	server := redistest.Start(t)
	s, answers := redisPlugin(t, redisUpstreams{"redis": server.Addr})
	s.init(t, "redis?buffer_flush_timeout=3&max_buffer_size_before_flush=1024", "", "", 5000)
	s.inCallback(func(h abi.Host) {
		for i := range 500 {
			if _, status := h.RedisCall([]byte("redis"), command("rpush", "l", fmt.Sprint(i))); status != abi.StatusOK {
				t.Fatal(status)
			}
		}
	})
	for i := range uint32(500) {
		a := wait(t, answers)
		if a.id != 7+4*i || a.reply != fmt.Sprintf(":%d\r\n", i+1) {
			t.Fatalf("answer %d: %+v", i, a)
		}
	}
}

// What one plugin says of a cluster is nothing to another; to say it again disturbs no call, and no connection.
func TestRedisSettingsOfTwoPlugins(t *testing.T) {
	server := redistest.Start(t, "--requirepass", "right-secret")
	u := redisUpstreams{"redis": server.Addr}
	one, answers1 := redisPlugin(t, u)
	two, answers2 := redisPlugin(t, u)
	one.init(t, "redis?db=1", "", "right-secret", 5000)
	two.init(t, "redis?db=2", "", "right-secret", 5000)
	id := one.ask(t, answers1, "redis", "client", "id")
	one.inCallback(func(h abi.Host) { h.RedisCall([]byte("redis"), command("blpop", "l", "0")) })
	two.init(t, "redis?db=3", "", "wrong-secret", 5000)
	if a := two.ask(t, answers2, "redis", "ping"); !strings.HasPrefix(a.reply, "-NOAUTH Authentication required") || a.status != 0 {
		t.Errorf("wrong password: %+v", a)
	}
	two.init(t, "redis?db=1", "", "right-secret", 4000)
	one.init(t, "redis?db=1", "", "right-secret", 5000)
	two.ask(t, answers2, "redis", "rpush", "l", "x")
	if a := wait(t, answers1); a.reply != "*2\r\n$1\r\nl\r\n$1\r\nx\r\n" {
		t.Errorf("call under way while settings change elsewhere: %+v", a)
	}
	if again := one.ask(t, answers1, "redis", "client", "id"); again.reply != id.reply {
		t.Errorf("connection %q, before %q", again.reply, id.reply)
	}
	// Its own change: the call under way is finished.
	one.inCallback(func(h abi.Host) { h.RedisCall([]byte("redis"), command("blpop", "l", "0")) })
	one.init(t, "redis?db=4", "", "right-secret", 5000)
	two.ask(t, answers2, "redis", "rpush", "l", "y")
	if a := wait(t, answers1); a.reply != "*2\r\n$1\r\nl\r\n$1\r\ny\r\n" {
		t.Errorf("call under way while its plugin's settings change: %+v", a)
	}
	if a := one.ask(t, answers1, "redis", "llen", "l"); a.reply != ":0\r\n" {
		t.Errorf("after the change: %+v", a)
	}
	for _, s := range []*setup{one, two} {
		if strings.Contains(s.log.String(), "secret") {
			t.Errorf("the log has a password: %s", s.log)
		}
	}
}

func TestRedisTimeoutAndRecovery(t *testing.T) {
	server := redistest.Start(t)
	server.Stop()
	s, answers := redisPlugin(t, redisUpstreams{"redis": server.Addr})
	s.init(t, "redis", "", "", 1000)
	if a := s.ask(t, answers, "redis", "ping"); a.status != uint32(abi.RedisDialFailed) || a.size != 0 {
		t.Errorf("down at the start: %+v", a)
	}
	server.Restart(t)
	var a redisAnswer
	for range 100 {
		if a = s.ask(t, answers, "redis", "ping"); a.status == 0 {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	wantEqual(t, "reply when it is up", a.reply, "+PONG\r\n")
	if a := s.ask(t, answers, "redis", "blpop", "l", "0"); a.status != uint32(abi.RedisTimedOut) || a.size != 0 {
		t.Errorf("timeout: %+v", a)
	}
	if a := s.ask(t, answers, "redis", "ping"); a.reply != "+PONG\r\n" {
		t.Errorf("after a timeout: %+v", a)
	}
}

func TestRedisReplyBeyondLimit(t *testing.T) {
	server := redistest.Start(t)
	s, answers := redisPlugin(t, redisUpstreams{"redis": server.Addr}, func(c *Config) { c.Limits.CallBytes = 100_000 })
	s.init(t, "redis", "", "", 5000)
	a := s.ask(t, answers, "redis", "eval", "return string.rep('x', 200000)", "0")
	if a.status != uint32(abi.RedisLimit) || a.size != 0 {
		t.Errorf("%d %d", a.status, a.size)
	}
	if !strings.Contains(s.log.String(), "no memory for the redis reply") {
		t.Errorf("log: %s", s.log)
	}
	if a := s.ask(t, answers, "redis", "ping"); a.reply != "+PONG\r\n" {
		t.Errorf("after it: %+v", a)
	}
}

func TestRedisCallsInFlight(t *testing.T) {
	server := redistest.Start(t)
	s, _ := redisPlugin(t, redisUpstreams{"redis": server.Addr}, func(c *Config) { c.Limits.CallsInFlight = 2 })
	s.init(t, "redis", "", "", 60_000)
	s.inCallback(func(h abi.Host) {
		for i := range 4 {
			want := abi.StatusOK
			if i >= 2 {
				want = abi.StatusInternalFailure
			}
			_, status := h.RedisCall([]byte("redis"), command("blpop", "l", "0"))
			wantEqual(t, "status", status, want)
		}
	})
	// The plugin ends, and with it the calls: long before their time.
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := s.plugin.Close(ctx); err != nil {
		t.Error(err)
	}
	wantEqual(t, "calls", s.plugin.calls.active.Load(), 0)
}

// TestRedisHammer has many VMs call, change settings, crash and come back, while their server does the same.
func TestRedisHammer(t *testing.T) {
	server := redistest.Start(t)
	u := redisUpstreams{"redis": server.Addr}
	var answered, failed atomic.Int64
	on := map[string]handler{
		"redis_call_response": func(c call) (uint32, error) {
			if c.args[0] != 0 {
				failed.Add(1)
				return 0, nil
			}
			answered.Add(1)
			reply, _ := c.GetBufferBytes(nil, abi.BufferRedisCallResponse, 0, c.args[1])
			if !strings.HasPrefix(string(reply), "$4\r\ntext") {
				t.Errorf("reply %q", reply)
			}
			return 0, nil
		},
	}
	var wg sync.WaitGroup
	stop := time.Now().Add(2 * time.Second)
	for p := range 4 {
		wg.Go(func() {
			for round := 0; time.Now().Before(stop); round++ {
				s, err := tryStart(on, func(c *Config) { c.Upstreams = u; c.VMID = fmt.Sprint(p) })
				if err != nil {
					t.Error(err)
					return
				}
				for i := range 200 {
					s.inCallback(func(h abi.Host) {
						if i%50 == 0 {
							h.RedisInit(fmt.Appendf(nil, "redis?db=%d&max_buffer_size_before_flush=100", i/50), nil, nil, 100)
						}
						h.RedisCall([]byte("redis"), command("echo", "text"))
					})
					if i%20 == 0 {
						time.Sleep(time.Millisecond)
					}
				}
				closeHost(t, s.host)
			}
		})
	}
	time.Sleep(500 * time.Millisecond)
	server.Stop()
	time.Sleep(200 * time.Millisecond)
	server.Restart(t)
	wg.Wait()
	if answered.Load() == 0 || failed.Load() == 0 {
		t.Errorf("%d answered, %d failed", answered.Load(), failed.Load())
	}
}

// A plugin is told what became of a call, for each failure that there is.
func TestRedisStatuses(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want abi.RedisStatus
	}{
		{nil, abi.RedisOK},
		{fmt.Errorf("%w: refused", redis.ErrDial), abi.RedisDialFailed},
		{redis.ErrHandshake, abi.RedisDialFailed},
		{fmt.Errorf("%w: %w", redis.ErrTimeout, context.DeadlineExceeded), abi.RedisTimedOut},
		{redis.ErrProtocol, abi.RedisProtocolError},
		{redis.ErrRead, abi.RedisConnectionLost},
		{redis.ErrWrite, abi.RedisConnectionLost},
		{redis.ErrClosed, abi.RedisConnectionLost},
		{redis.ErrReplyTooLarge, abi.RedisLimit},
		{redis.ErrNoMemory, abi.RedisLimit},
		{redis.ErrPoolExhausted, abi.RedisLimit},
		{errors.New("anything else"), abi.RedisFailed},
	} {
		wantEqual(t, fmt.Sprint(tc.err), redisStatus(tc.err), tc.want)
	}
}
