package plugintest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// RedisStatus is a simple string in a Redis reply: RedisStatus("OK").
type RedisStatus string

// RedisScript adds a cluster whose Redis server is script: it is given each command with its arguments, and returns the
// reply. A reply is nil (null), a string or []byte, an int, an error (its text, as in "ERR no such key"), a
// [RedisStatus], or a slice of these ([]any or []string). script is called by one goroutine at a time for each of the
// gateway's connections. Commands that make a connection (HELLO, AUTH, SELECT) the kit answers.
//
// With a nil script the test answers each command itself, see [Plugin.RedisCall].
func RedisScript(cluster string, script func(command []string) any) Option {
	return func(o *options) {
		o.backends = append(o.backends, backend{cluster: cluster, redis: true, script: script})
	}
}

// RedisCall is a command of the plugin's that waits for its reply.
type RedisCall struct {
	// Cluster is the one that was called.
	Cluster string
	// Command is the command with its arguments.
	Command []string

	t       testing.TB
	reply   chan []byte // nil breaks the connection off
	replied bool
}

// RedisCall waits for the next command to a [RedisScript] without a script, and fails the test if none comes in time. Of
// several commands on their way the next shows when this one is answered.
func (p *Plugin) RedisCall() *RedisCall {
	p.t.Helper()
	select {
	case c := <-p.redis.waiting:
		c.t = p.t
		return c
	case <-time.After(p.timeout):
		p.t.Fatalf("plugintest: the plugin has made no Redis call that waits for a reply in %v%s", p.timeout, p.recent())
		return nil
	}
}

// Reply answers the command: see [RedisScript].
func (c *RedisCall) Reply(value any) {
	c.t.Helper()
	reply, err := appendRedis(nil, value)
	if err != nil {
		c.t.Fatalf("plugintest: %v", err)
	}
	c.give(reply)
}

// Reset breaks the connection off without a reply.
func (c *RedisCall) Reset() { c.t.Helper(); c.give(nil) }

func (c *RedisCall) give(reply []byte) {
	c.t.Helper()
	if c.replied {
		c.t.Fatalf("plugintest: the Redis call %q is answered already", c.Command)
	}
	c.replied = true
	c.reply <- reply
}

// redisServers are the scripted servers of a plugin.
type redisServers struct {
	waiting chan *RedisCall
	over    chan struct{} // closed with the plugin

	mu       sync.Mutex
	commands [][]string
}

// RedisCommands returns the commands that have come so far to the servers of [RedisScript], in order.
func (p *Plugin) RedisCommands() [][]string {
	p.redis.mu.Lock()
	defer p.redis.mu.Unlock()
	return slices.Clone(p.redis.commands)
}

// serveRedis starts a server and returns its address. It is closed with the plugin.
func (p *Plugin) serveRedis(b backend) (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	s := &redisServer{servers: p.redis, backend: b, conns: map[net.Conn]bool{}}
	s.running.Go(func() { s.accept(l) })
	p.onClose(func(context.Context) error {
		err := l.Close()
		s.closeAll()
		s.running.Wait()
		return err
	})
	return l.Addr().String(), nil
}

type redisServer struct {
	servers *redisServers
	backend backend
	running sync.WaitGroup
	mu      sync.Mutex
	conns   map[net.Conn]bool
	closed  bool
}

func (s *redisServer) accept(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		if s.closed {
			_ = conn.Close()
		} else {
			s.conns[conn] = true
			s.running.Go(func() { s.serve(conn) })
		}
		s.mu.Unlock()
	}
}

func (s *redisServer) closeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for conn := range s.conns {
		_ = conn.Close()
	}
}

func (s *redisServer) serve(conn net.Conn) {
	defer func() {
		_ = conn.Close()
		s.mu.Lock()
		delete(s.conns, conn)
		s.mu.Unlock()
	}()
	r := bufio.NewReader(conn)
	for {
		command, err := readRedisCommand(r)
		if err != nil {
			return
		}
		reply := s.answer(command)
		if reply == nil {
			return
		}
		if _, err := conn.Write(reply); err != nil {
			return
		}
	}
}

// answer returns the reply to a command, nil to break the connection off.
func (s *redisServer) answer(command []string) []byte {
	switch strings.ToUpper(command[0]) {
	case "HELLO":
		return []byte("-ERR unknown command 'HELLO'\r\n")
	case "AUTH", "SELECT", "CLIENT":
		return []byte("+OK\r\n")
	}
	s.servers.mu.Lock()
	if len(s.servers.commands) >= maxWatched {
		s.servers.commands = slices.Clone(s.servers.commands[maxWatched/2:])
	}
	s.servers.commands = append(s.servers.commands, command)
	s.servers.mu.Unlock()
	if s.backend.script != nil {
		reply, err := appendRedis(nil, s.backend.script(command))
		if err != nil {
			return []byte("-ERR plugintest: " + err.Error() + "\r\n")
		}
		return reply
	}
	c := &RedisCall{Cluster: s.backend.cluster, Command: command, reply: make(chan []byte, 1)}
	select {
	case s.servers.waiting <- c:
	case <-s.servers.over:
		return nil
	}
	select {
	case reply := <-c.reply:
		return reply
	case <-s.servers.over:
		return nil
	}
}

// What a command may have; it comes from the plugin under test.
const (
	maxRedisWords = 1 << 20
	maxRedisWord  = 64 << 20
)

var errRedisCommand = errors.New("not a Redis command: an array of bulk strings")

// readRedisCommand reads a command: an array of bulk strings, at least one.
func readRedisCommand(r *bufio.Reader) ([]string, error) {
	n, err := readRedisLength(r, '*', maxRedisWords)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, errRedisCommand
	}
	var command []string
	for range n {
		size, err := readRedisLength(r, '$', maxRedisWord)
		if err != nil {
			return nil, err
		}
		var word strings.Builder
		if _, err := io.CopyN(&word, r, int64(size)); err != nil {
			return nil, err
		}
		var end [2]byte
		if _, err := io.ReadFull(r, end[:]); err != nil {
			return nil, err
		}
		if string(end[:]) != "\r\n" {
			return nil, errRedisCommand
		}
		command = append(command, word.String())
	}
	return command, nil
}

func readRedisLength(r *bufio.Reader, kind byte, most int) (int, error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if len(line) < 4 || line[0] != kind || line[len(line)-2] != '\r' {
		return 0, errRedisCommand
	}
	n, err := strconv.ParseUint(string(line[1:len(line)-2]), 10, 31)
	if err != nil || n > uint64(most) {
		return 0, errRedisCommand
	}
	return int(n), nil
}

// appendRedis appends a value as a reply.
func appendRedis(dst []byte, value any) ([]byte, error) {
	switch v := value.(type) {
	case nil:
		return append(dst, "$-1\r\n"...), nil
	case string:
		return fmt.Appendf(dst, "$%d\r\n%s\r\n", len(v), v), nil
	case []byte:
		return fmt.Appendf(dst, "$%d\r\n%s\r\n", len(v), v), nil
	case int:
		return fmt.Appendf(dst, ":%d\r\n", v), nil
	case int64:
		return fmt.Appendf(dst, ":%d\r\n", v), nil
	case error:
		return fmt.Appendf(dst, "-%s\r\n", oneLine(v.Error())), nil
	case RedisStatus:
		return fmt.Appendf(dst, "+%s\r\n", oneLine(string(v))), nil
	case []string:
		return appendRedisArray(dst, v)
	case []any:
		return appendRedisArray(dst, v)
	}
	return nil, fmt.Errorf("a %T is no Redis reply", value)
}

func appendRedisArray[T any](dst []byte, values []T) (_ []byte, err error) {
	dst = fmt.Appendf(dst, "*%d\r\n", len(values))
	for _, v := range values {
		if dst, err = appendRedis(dst, v); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

func oneLine(s string) string { return strings.NewReplacer("\r", " ", "\n", " ").Replace(s) }
