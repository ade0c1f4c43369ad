package redis_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/redis"
	"github.com/sluice-gateway/sluice/redis/redistest"
)

// command returns a command.
func command(args ...string) redis.Query {
	b := fmt.Appendf(nil, "*%d\r\n", len(args))
	for _, a := range args {
		b = fmt.Appendf(b, "$%d\r\n%s\r\n", len(a), a)
	}
	q, err := redis.ParseQuery(b)
	if err != nil {
		panic(err)
	}
	return q
}

type answer struct {
	reply string
	err   error
}

// dispatch sends a command; the answer comes through the channel.
func dispatch(t *testing.T, c *redis.Client, address string, args ...string) <-chan answer {
	t.Helper()
	ch := make(chan answer, 2)
	err := c.Do(redis.Call{Address: address, Query: command(args...), Done: func(reply []byte, err error) {
		ch <- answer{string(reply), err}
	}})
	if err != nil {
		t.Fatalf("%s: %v", args[0], err)
	}
	return ch
}

// ask sends a command and waits for the answer.
func ask(t *testing.T, c *redis.Client, address string, args ...string) answer {
	t.Helper()
	return wait(t, dispatch(t, c, address, args...))
}

func wait(t *testing.T, ch <-chan answer) answer {
	t.Helper()
	select {
	case a := <-ch:
		return a
	case <-time.After(20 * time.Second):
		t.Fatal("no answer")
		return answer{}
	}
}

func newClient(t *testing.T, opts redis.Options) *redis.Client {
	t.Helper()
	c := redis.New(opts)
	t.Cleanup(c.Close)
	return c
}

// logBuffer is a log to look at.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (l *logBuffer) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func TestRepliesComeAsTheyAre(t *testing.T) {
	s := redistest.Start(t)
	c := newClient(t, redis.Options{})
	big := strings.Repeat("x", 8<<20)
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"ping"}, "+PONG\r\n"},
		{[]string{"set", "k", "v\r\n\x00"}, "+OK\r\n"},
		{[]string{"get", "k"}, "$4\r\nv\r\n\x00\r\n"},
		{[]string{"get", "none"}, "$-1\r\n"},
		{[]string{"incr", "n"}, ":1\r\n"},
		{[]string{"incr", "k"}, "-ERR value is not an integer or out of range\r\n"},
		{[]string{"rpush", "l", "a", ""}, ":2\r\n"},
		{[]string{"lrange", "l", "0", "-1"}, "*2\r\n$1\r\na\r\n$0\r\n\r\n"},
		{[]string{"lrange", "none", "0", "-1"}, "*0\r\n"},
		{[]string{"blpop", "none", "0.01"}, "*-1\r\n"},
		{[]string{"eval", "return {1,{'a',{false,{}}},redis.status_reply('fine')}", "0"}, "*3\r\n:1\r\n*2\r\n$1\r\na\r\n*2\r\n$-1\r\n*0\r\n+fine\r\n"},
		{[]string{"set", "big", big}, "+OK\r\n"},
		{[]string{"get", "big"}, fmt.Sprintf("$%d\r\n%s\r\n", len(big), big)},
		{[]string{"multi"}, "+OK\r\n"},
		{[]string{"get", "n"}, "+QUEUED\r\n"},
		{[]string{"exec"}, "*1\r\n$1\r\n1\r\n"},
	} {
		if a := ask(t, c, s.Addr, tt.args...); a.err != nil || a.reply != tt.want {
			t.Errorf("%.60q: %.100q %v, want %.100q", tt.args, a.reply, a.err, tt.want)
		}
	}
}

func TestOrderAndPipelining(t *testing.T) {
	s := redistest.Start(t)
	for name, opts := range map[string]redis.Options{
		"not buffered":         {},
		"flushed by the timer": {FlushBytes: 1 << 20, FlushDelay: 3 * time.Millisecond},
		"flushed by the size":  {FlushBytes: 200, FlushDelay: 200 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClient(t, opts)
			const n = 3000
			list := strings.ReplaceAll(name, " ", "-")
			answers := make([]<-chan answer, n)
			for i := range answers {
				answers[i] = dispatch(t, c, s.Addr, "rpush", list, fmt.Sprint(i))
			}
			for i, ch := range answers {
				if a := wait(t, ch); a.reply != fmt.Sprintf(":%d\r\n", i+1) {
					t.Fatalf("call %d: %q %v", i, a.reply, a.err)
				}
				select {
				case a := <-ch:
					t.Fatalf("call %d is answered again: %q", i, a.reply)
				default:
				}
			}
		})
	}
}

func TestBufferIsHeld(t *testing.T) {
	s := redistest.Start(t)
	c := newClient(t, redis.Options{FlushBytes: 100, FlushDelay: time.Hour, Timeout: time.Minute})
	first := dispatch(t, c, s.Addr, "ping")
	select {
	case a := <-first:
		t.Fatalf("sent before the buffer was full: %q", a.reply)
	case <-time.After(30 * time.Millisecond):
	}
	second := dispatch(t, c, s.Addr, "echo", strings.Repeat("x", 100))
	if a := wait(t, first); a.reply != "+PONG\r\n" {
		t.Errorf("first: %q %v", a.reply, a.err)
	}
	if a := wait(t, second); len(a.reply) != 108 {
		t.Errorf("second: %q %v", a.reply, a.err)
	}
}

func TestTimeoutFailsOnlyTheCall(t *testing.T) {
	s := redistest.Start(t)
	var log logBuffer
	c := newClient(t, redis.Options{Timeout: time.Second, Logger: log.logger()})
	ask(t, c, s.Addr, "set", "k", "v")
	slow := dispatch(t, c, s.Addr, "blpop", "none", "3")
	// What comes while it is under way waits, on no connection yet, and goes over another when that is held up.
	time.Sleep(500 * time.Millisecond)
	quick := dispatch(t, c, s.Addr, "get", "k")
	if a := wait(t, slow); !errors.Is(a.err, redis.ErrTimeout) || a.reply != "" {
		t.Errorf("slow: %q %v", a.reply, a.err)
	}
	if a := wait(t, quick); a.reply != "$1\r\nv\r\n" {
		t.Errorf("behind the slow one: %q %v", a.reply, a.err)
	}
	for i := range 20 {
		if a := ask(t, c, s.Addr, "echo", fmt.Sprint(i)); a.reply != fmt.Sprintf("$%d\r\n%d\r\n", len(fmt.Sprint(i)), i) {
			t.Errorf("after it: %q %v", a.reply, a.err)
		}
	}
	if !strings.Contains(log.String(), "failure=timeout") {
		t.Errorf("log: %s", log.String())
	}
}

// A late reply is its own call's: those that were sent with it get theirs.
func TestLateReplyDoesNotShiftOthers(t *testing.T) {
	s := redistest.Start(t)
	c := newClient(t, redis.Options{Timeout: time.Second, FlushBytes: 1 << 20, FlushDelay: 300 * time.Millisecond})
	slow := dispatch(t, c, s.Addr, "blpop", "none", "0.8") // replies 1100 ms after its start
	time.Sleep(250 * time.Millisecond)
	var with [5]<-chan answer // sent with it, and have 250 ms more
	for i := range with {
		with[i] = dispatch(t, c, s.Addr, "echo", fmt.Sprintf("with%d", i))
	}
	late := wait(t, slow)
	for i, ch := range with {
		a := wait(t, ch)
		if a.err == nil && a.reply != fmt.Sprintf("$5\r\nwith%d\r\n", i) || a.err != nil && !errors.Is(a.err, redis.ErrTimeout) {
			t.Errorf("sent with the slow one: %q %v", a.reply, a.err)
		}
	}
	if !errors.Is(late.err, redis.ErrTimeout) {
		t.Errorf("slow: %q %v", late.reply, late.err)
	}
	// The old connection comes back into use when its replies are in.
	time.Sleep(100 * time.Millisecond)
	var later [50]<-chan answer
	for i := range later {
		later[i] = dispatch(t, c, s.Addr, "echo", fmt.Sprintf("later%02d", i))
	}
	for i, ch := range later {
		if a := wait(t, ch); a.reply != fmt.Sprintf("$7\r\nlater%02d\r\n", i) {
			t.Fatalf("later: %q %v", a.reply, a.err)
		}
	}
}

func TestCredentialsAndDatabase(t *testing.T) {
	s := redistest.Start(t, "--requirepass", "right-secret")
	admin := newClient(t, redis.Options{Password: "right-secret"})
	ask(t, admin, s.Addr, "acl", "setuser", "joe", "on", ">joes-secret", "~*", "+@all")
	for _, tt := range []struct {
		name    string
		opts    redis.Options
		want    string // how the reply to PING begins
		failure string // in the log
	}{
		{name: "password", opts: redis.Options{Password: "right-secret"}, want: "+PONG"},
		{name: "user", opts: redis.Options{Username: "joe", Password: "joes-secret"}, want: "+PONG"},
		{name: "none", want: "-NOAUTH Authentication required"},
		{name: "none, with a database", opts: redis.Options{DB: 3}, want: "-NOAUTH Authentication required", failure: "auth"},
		{name: "wrong password", opts: redis.Options{Password: "wrong-secret"}, want: "-NOAUTH Authentication required. AUTH was refused: WRONGPASS", failure: "auth"},
		{name: "wrong user", opts: redis.Options{Username: "jim", Password: "joes-secret"}, want: "-NOAUTH Authentication required. AUTH was refused: WRONGPASS", failure: "auth"},
		{name: "database", opts: redis.Options{Password: "right-secret", DB: 15}, want: "+PONG"},
		{name: "no such database", opts: redis.Options{Password: "right-secret", DB: 16}, want: "-ERR DB index is out of range", failure: "select"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var log logBuffer
			tt.opts.Logger = log.logger()
			c := newClient(t, tt.opts)
			for range 3 {
				if a := ask(t, c, s.Addr, "ping"); a.err != nil || !strings.HasPrefix(a.reply, tt.want) {
					t.Errorf("%q %v, want %q", a.reply, a.err, tt.want)
				}
			}
			if strings.Contains(log.String(), "secret") {
				t.Errorf("the log has a password: %s", log.String())
			}
			if got := strings.Count(log.String(), "failure="+tt.failure); tt.failure != "" && got != 1 || tt.failure == "" && log.String() != "" {
				t.Errorf("log: %s", log.String())
			}
		})
	}
	one := newClient(t, redis.Options{Password: "right-secret", DB: 1})
	two := newClient(t, redis.Options{Password: "right-secret", DB: 2})
	ask(t, one, s.Addr, "set", "k", "one")
	ask(t, two, s.Addr, "set", "k", "two")
	if a := ask(t, one, s.Addr, "get", "k"); a.reply != "$3\r\none\r\n" {
		t.Errorf("two clients with databases of their own: %q", a.reply)
	}
}

func TestServerGoesAndComesBack(t *testing.T) {
	s := redistest.Start(t)
	var log logBuffer
	c := newClient(t, redis.Options{Timeout: 5 * time.Second, Logger: log.logger()})
	if a := ask(t, c, s.Addr, "ping"); a.reply != "+PONG\r\n" {
		t.Fatal(a)
	}
	inFlight := dispatch(t, c, s.Addr, "blpop", "none", "0")
	time.Sleep(50 * time.Millisecond)
	s.Stop()
	if a := wait(t, inFlight); !errors.Is(a.err, redis.ErrRead) {
		t.Errorf("in flight: %q %v", a.reply, a.err)
	}
	eventually(t, func() bool { return errors.Is(ask(t, c, s.Addr, "ping").err, redis.ErrDial) })
	s.Restart(t)
	eventually(t, func() bool { return ask(t, c, s.Addr, "ping").reply == "+PONG\r\n" })
	for _, want := range []string{"failure=read", "failure=dial", "redis calls work again"} {
		eventually(t, func() bool { return strings.Contains(log.String(), want) })
	}
	// An idle connection that the server has closed is not used.
	s.Stop()
	s.Restart(t)
	if a := ask(t, c, s.Addr, "ping"); a.reply != "+PONG\r\n" {
		t.Errorf("after a restart between calls: %q %v", a.reply, a.err)
	}
}

func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	for range 400 {
		if ok() {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("it does not come to pass")
}

func TestDownAtStart(t *testing.T) {
	s := redistest.Start(t)
	s.Stop()
	c := newClient(t, redis.Options{})
	began := time.Now()
	for range 200 {
		if a := ask(t, c, s.Addr, "ping"); !errors.Is(a.err, redis.ErrDial) {
			t.Fatalf("%q %v", a.reply, a.err)
		}
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("200 calls to a server that is down take %v", took)
	}
	s.Restart(t)
	eventually(t, func() bool { return ask(t, c, s.Addr, "ping").reply == "+PONG\r\n" })
}

func TestCluster(t *testing.T) {
	var nodes [3]*redistest.Server
	var clients [3]*redis.Client // which follow, so each only asks its own node about itself
	for i := range nodes {
		nodes[i] = redistest.Start(t, "--cluster-enabled", "yes", "--cluster-node-timeout", "5000")
		clients[i] = newClient(t, redis.Options{})
	}
	bounds := []int{0, 5461, 10923, 16384}
	for i, n := range nodes {
		slots := []string{"cluster", "addslots"}
		for slot := bounds[i]; slot < bounds[i+1]; slot++ {
			slots = append(slots, fmt.Sprint(slot))
		}
		if a := ask(t, clients[i], n.Addr, slots...); a.reply != "+OK\r\n" {
			t.Fatal(a)
		}
		host, port, _ := net.SplitHostPort(nodes[0].Addr)
		if i > 0 {
			if a := ask(t, clients[i], n.Addr, "cluster", "meet", host, port); a.reply != "+OK\r\n" {
				t.Fatal(a)
			}
		}
	}
	for i, n := range nodes {
		eventually(t, func() bool {
			return strings.Contains(ask(t, clients[i], n.Addr, "cluster", "info").reply, "cluster_state:ok")
		})
	}
	c := newClient(t, redis.Options{})
	for round := range 2 {
		for i := range 200 {
			key := fmt.Sprintf("key%d", i)
			if a := ask(t, c, nodes[0].Addr, "set", key, fmt.Sprint(round)); a.reply != "+OK\r\n" {
				t.Fatalf("set %s: %q %v", key, a.reply, a.err)
			}
			if a := ask(t, c, nodes[i%3].Addr, "get", key); a.reply != fmt.Sprintf("$1\r\n%d\r\n", round) {
				t.Fatalf("get %s: %q %v", key, a.reply, a.err)
			}
		}
	}
	// ASK, while the slot of "foo" moves from the third to the first.
	ids := [3]string{}
	for i := range ids {
		a := ask(t, clients[i], nodes[i].Addr, "cluster", "myid")
		ids[i] = strings.Fields(a.reply)[1]
	}
	ask(t, c, nodes[0].Addr, "set", "foo", "here")
	ask(t, clients[0], nodes[0].Addr, "cluster", "setslot", "12182", "importing", ids[2])
	ask(t, clients[2], nodes[2].Addr, "cluster", "setslot", "12182", "migrating", ids[0])
	if a := ask(t, c, nodes[1].Addr, "set", "{foo}new", "there"); a.reply != "+OK\r\n" {
		t.Errorf("set while the slot moves: %q %v", a.reply, a.err)
	}
	if a := ask(t, c, nodes[1].Addr, "get", "{foo}new"); a.reply != "$5\r\nthere\r\n" {
		t.Errorf("get of what has moved: %q %v", a.reply, a.err)
	}
	if a := ask(t, c, nodes[1].Addr, "get", "foo"); a.reply != "$4\r\nhere\r\n" {
		t.Errorf("get of what has not moved: %q %v", a.reply, a.err)
	}
}

func TestPoolIsExhausted(t *testing.T) {
	addr := serve(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	var log logBuffer
	c := newClient(t, redis.Options{Timeout: 20 * time.Millisecond, PoolSize: 2, Logger: log.logger()})
	eventually(t, func() bool { return errors.Is(ask(t, c, addr, "ping").err, redis.ErrPoolExhausted) })
	if !strings.Contains(log.String(), `failure="pool exhausted"`) {
		t.Errorf("log: %s", log.String())
	}
}

func TestReserve(t *testing.T) {
	s := redistest.Start(t)
	c := newClient(t, redis.Options{})
	ask(t, c, s.Addr, "set", "k", strings.Repeat("x", 1<<20))
	ch := make(chan answer, 1)
	left := 1 << 18
	err := c.Do(redis.Call{Address: s.Addr, Query: command("get", "k"),
		Reserve: func(n int) bool { left -= n; return left > 0 },
		Done:    func(reply []byte, err error) { ch <- answer{string(reply), err} },
	})
	if err != nil {
		t.Fatal(err)
	}
	if a := wait(t, ch); !errors.Is(a.err, redis.ErrNoMemory) || a.reply != "" {
		t.Errorf("%q %v", a.reply, a.err)
	}
	if a := ask(t, c, s.Addr, "ping"); a.reply != "+PONG\r\n" {
		t.Errorf("after it: %q %v", a.reply, a.err)
	}
}

func TestCloseAndDrain(t *testing.T) {
	s := redistest.Start(t)
	t.Run("close", func(t *testing.T) {
		c := redis.New(redis.Options{Timeout: time.Minute})
		ch := dispatch(t, c, s.Addr, "blpop", "none", "0")
		queued := dispatch(t, c, s.Addr, "ping")
		time.Sleep(50 * time.Millisecond)
		c.Close()
		for _, ch := range []<-chan answer{ch, queued} {
			select {
			case a := <-ch:
				if !errors.Is(a.err, redis.ErrClosed) {
					t.Errorf("%q %v", a.reply, a.err)
				}
			default:
				t.Error("not answered when Close returns")
			}
		}
		if err := c.Do(redis.Call{Address: s.Addr, Query: command("ping")}); !errors.Is(err, redis.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
		c.Close()
	})
	t.Run("drain", func(t *testing.T) {
		c := redis.New(redis.Options{FlushBytes: 1000, FlushDelay: 20 * time.Millisecond})
		ch := dispatch(t, c, s.Addr, "ping")
		c.Drain(t.Context())
		if a := wait(t, ch); a.reply != "+PONG\r\n" {
			t.Errorf("%q %v", a.reply, a.err)
		}
	})
}

func TestHammer(t *testing.T) {
	s := redistest.Start(t)
	c := newClient(t, redis.Options{Timeout: 200 * time.Millisecond, FlushBytes: 1024, FlushDelay: time.Millisecond})
	var wg sync.WaitGroup
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	for w := range 16 {
		wg.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				if w == 0 {
					ask(t, c, s.Addr, "blpop", "none", "0.25")
					continue
				}
				text := fmt.Sprintf("%03d-%06d", w, i)
				a := ask(t, c, s.Addr, "echo", text)
				if a.err == nil && a.reply != "$10\r\n"+text+"\r\n" {
					t.Errorf("%s: %q", text, a.reply)
					return
				}
				if a.err != nil && !errors.Is(a.err, redis.ErrTimeout) && !errors.Is(a.err, redis.ErrPoolExhausted) {
					t.Errorf("%s: %v", text, a.err)
					return
				}
			}
		})
	}
	wg.Wait()
}
