package redis_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/redis"
)

// serve listens and has each connection handled.
func serve(t *testing.T, handle func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer conn.Close()
				handle(conn)
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		wg.Wait()
	})
	return l.Addr().String()
}

// answering answers HELLO as servers do that do not know it, and what comes then with reply.
func answering(reply string) func(net.Conn) {
	return func(conn net.Conn) {
		buf := make([]byte, 4096)
		if _, err := conn.Read(buf); err != nil {
			return
		}
		_, _ = io.WriteString(conn, "-ERR unknown command 'hello'\r\n")
		for {
			if _, err := conn.Read(buf); err != nil {
				return
			}
			if _, err := io.WriteString(conn, reply); err != nil {
				return
			}
		}
	}
}

func TestHostileServer(t *testing.T) {
	for _, tt := range []struct {
		name   string
		handle func(net.Conn)
		reply  string
		err    error
	}{
		{name: "no HELLO, as before Redis 6", handle: answering("+PONG\r\n"), reply: "+PONG\r\n"},
		{name: "HTTP", handle: answering("HTTP/1.1 400 Bad Request\r\n\r\n"), err: redis.ErrProtocol},
		{name: "garbage at once", handle: func(c net.Conn) { _, _ = c.Write([]byte("SSH-2.0-x\r\n")); _, _ = io.Copy(io.Discard, c) }, err: redis.ErrProtocol},
		{name: "unasked", handle: func(c net.Conn) { _, _ = c.Write([]byte("+OK\r\n")); _, _ = io.Copy(io.Discard, c) }, err: redis.ErrProtocol},
		{name: "negative length", handle: answering("$-5\r\n"), err: redis.ErrProtocol},
		{name: "huge length", handle: answering("$2000000000\r\nx"), err: redis.ErrReplyTooLarge},
		{name: "huge array", handle: answering("*2000000000\r\n"), err: redis.ErrReplyTooLarge},
		{name: "beyond the limit", handle: answering("$33554433\r\n"), err: redis.ErrReplyTooLarge},
		{name: "endless nesting", handle: answering(strings.Repeat("*1\r\n", 1<<20)), err: redis.ErrProtocol},
		{name: "endless line", handle: answering("+" + strings.Repeat("x", 1<<20)), err: redis.ErrProtocol},
		{name: "RESP3", handle: answering("%1\r\n+a\r\n+b\r\n"), err: redis.ErrProtocol},
		{name: "two replies to one", handle: answering("+PONG\r\n+PONG\r\n"), reply: "+PONG\r\n"},
		{name: "partial", handle: answering("$5\r\nab"), err: redis.ErrTimeout},
		{name: "nothing", handle: func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }, err: redis.ErrTimeout},
		{name: "closes at once", handle: func(net.Conn) {}, err: redis.ErrHandshake},
		{name: "huge HELLO", handle: func(c net.Conn) {
			_, _ = c.Read(make([]byte, 4096))
			_, _ = c.Write([]byte("*10000000\r\n"))
			_, _ = io.Copy(io.Discard, c)
		}, err: redis.ErrReplyTooLarge},
		{name: "redirects to itself", handle: func(c net.Conn) { redirecting(c) }, reply: "-MOVED 1 :"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			addr := serve(t, tt.handle)
			timeout := 10 * time.Second
			if errors.Is(tt.err, redis.ErrTimeout) {
				timeout = 100 * time.Millisecond
			}
			c := newClient(t, redis.Options{Timeout: timeout})
			for range 2 {
				a := ask(t, c, addr, "ping")
				if !errors.Is(a.err, tt.err) || tt.reply != "" && !strings.HasPrefix(a.reply, tt.reply) {
					t.Errorf("%q %v, want %q %v", a.reply, a.err, tt.reply, tt.err)
				}
			}
		})
	}
}

func redirecting(c net.Conn) {
	_, port, _ := net.SplitHostPort(c.LocalAddr().String())
	buf := make([]byte, 4096)
	for {
		if _, err := c.Read(buf); err != nil {
			return
		}
		_, _ = fmt.Fprintf(c, "-MOVED 1 :%s\r\n", port)
	}
}

// FuzzServer: whatever a server sends, each call has one end, and what it gets for a reply is one.
func FuzzServer(f *testing.F) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = l.Close() })
	f.Add([]byte("-ERR unknown command\r\n+PONG\r\n:1\r\n"))
	f.Add([]byte("*0\r\n$3\r\nabc\r\n*1\r\n+x\r\n"))
	f.Add([]byte("*2\r\n$5\r\nproto\r\n:2\r\n*-1\r\n"))
	f.Add([]byte("-NOAUTH\r\n*1\r\n*1\r\n*1\r\n"))
	f.Fuzz(func(t *testing.T, sent []byte) {
		if bytes.Contains(sent, []byte("MOVED")) || bytes.Contains(sent, []byte("ASK")) {
			return // to whatever host the fuzzer makes up
		}
		served := make(chan struct{})
		go func() {
			defer close(served)
			if conn, err := l.Accept(); err == nil {
				_, _ = conn.Read(make([]byte, 512)) // HELLO
				line, rest, _ := bytes.Cut(sent, []byte("\n"))
				_, _ = conn.Write(append(bytes.Clone(line), '\n'))
				time.Sleep(100 * time.Microsecond)
				_, _ = conn.Write(rest)
				_ = conn.(*net.TCPConn).CloseWrite()
				_ = conn.SetReadDeadline(time.Now().Add(time.Second))
				_, _ = io.Copy(io.Discard, conn)
				_ = conn.Close()
			}
		}()
		c := redis.New(redis.Options{Timeout: time.Second, PoolSize: 1, FlushBytes: 1 << 20, FlushDelay: 100 * time.Microsecond})
		var ends [2]int
		var mu sync.Mutex
		var wg sync.WaitGroup
		for i := range ends {
			wg.Add(1)
			err := c.Do(redis.Call{Address: l.Addr().String(), Query: command("ping"), Done: func(reply []byte, err error) {
				defer wg.Done()
				mu.Lock()
				defer mu.Unlock()
				ends[i]++
				if (err == nil) != (len(reply) >= 3) || err == nil && !bytes.HasSuffix(reply, []byte("\r\n")) {
					t.Errorf("reply %q, %v", reply, err)
				}
			}})
			if err != nil {
				t.Error(err)
				wg.Done()
			}
		}
		wg.Wait()
		c.Close()
		mu.Lock()
		defer mu.Unlock()
		if ends != [2]int{1, 1} {
			t.Errorf("ends: %v", ends)
		}
		<-served
	})
}
