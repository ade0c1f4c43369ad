package plugintest_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/plugintest"
	"github.com/sluice-gateway/sluice/redis/redistest"
)

func TestScriptedRedis(t *testing.T) {
	values := map[string]any{
		"null": nil, "text": "a b\r\nc", "bytes": []byte("\x00"), "number": -7, "long": int64(1 << 40), "error": errors.New("ERR no\nsuch"),
		"status": plugintest.RedisStatus("OK"), "list": []string{"a", ""}, "mixed": []any{1, nil, []any{"x"}}, "wrong": 1.5,
	}
	replies := map[string]string{
		"null": "$-1\r\n", "text": "$6\r\na b\r\nc\r\n", "bytes": "$1\r\n\x00\r\n", "number": ":-7\r\n", "long": ":1099511627776\r\n",
		"error": "-ERR no such\r\n", "status": "+OK\r\n", "list": "*2\r\n$1\r\na\r\n$0\r\n\r\n", "mixed": "*3\r\n:1\r\n$-1\r\n*1\r\n$1\r\nx\r\n",
		"wrong": "-ERR plugintest: a float64 is no Redis reply\r\n",
	}
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := start(t, mode, plugintest.RedisScript("redis", func(command []string) any { return values[command[1]] }))
		for name, want := range replies {
			got := p.Do(plugintest.Get("/").Header("x-do", "redis").Header("x-arg", name))
			if got.Status != 200 || got.Body != want {
				t.Errorf("%s: status %d, %q, want %q", name, got.Status, got.Body, want)
			}
		}
		if commands := p.RedisCommands(); len(commands) != len(replies) || !slices.ContainsFunc(commands, func(c []string) bool {
			return slices.Equal(c, []string{"GET", "mixed"})
		}) {
			t.Errorf("the server got %q", commands)
		}
	})
}

func TestRedisByHand(t *testing.T) {
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := start(t, mode, plugintest.RedisScript("redis", nil))
		s := p.Stream(plugintest.Get("/").Header("x-do", "redis").Header("x-arg", "k"))
		c := p.RedisCall()
		if c.Cluster != "redis" || !slices.Equal(c.Command, []string{"GET", "k"}) {
			t.Errorf("%+v", c)
		}
		c.Reply("v")
		if got := s.Response(); got.Body != "$1\r\nv\r\n" || got.LocalReply == nil || got.LocalReply.Callback != "on_redis_call_response" {
			t.Errorf("%+v", got)
		}

		s = p.Stream(plugintest.Get("/").Header("x-do", "redis").Header("x-arg", "k"))
		p.RedisCall().Reset()
		if got := s.Response(); got.Status != 502 || got.Body != "" {
			t.Errorf("a connection that breaks off: %+v", got)
		}
	})
}

func TestARealRedis(t *testing.T) {
	server := redistest.Start(t)
	p := start(t, plugintest.Native, plugintest.Redis("redis", server.Addr))
	got := p.Do(plugintest.Get("/").Header("x-do", "redis").Header("x-arg", "nothing"))
	// The server has no such user: what matters is that it is the one that answers.
	if got.Status != 200 || !strings.HasPrefix(got.Body, "-") && got.Body != "$-1\r\n" {
		t.Errorf("%+v", got)
	}
}

func TestAnswersGivenTwice(t *testing.T) {
	f := &failing{TB: t}
	p := start(f, plugintest.Native, plugintest.RedisScript("redis", nil), plugintest.Backend("by-hand", nil))
	for _, tt := range []struct{ name, do, arg, says string }{
		{"redis", "redis", "k", `["GET" "k"] is answered already`},
		{"http", "call", "by-hand", "the call to by-hand is answered already"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := p.Stream(plugintest.Get("/").Header("x-do", tt.do).Header("x-arg", tt.arg))
			inGoroutine(func() {
				for range 2 {
					if tt.do == "redis" {
						c := p.RedisCall()
						c.Reply("v")
						c.Reply("v")
					} else {
						c := p.Callout()
						c.Respond(401, nil, "")
						c.Reset()
					}
				}
			})
			if !strings.Contains(f.said, tt.says) {
				t.Errorf("it says %q", f.said)
			}
			s.Response()
		})
	}
}

func TestCallsThatDoNotCome(t *testing.T) {
	f := &failing{TB: t}
	p := start(f, plugintest.Native, plugintest.Timeout(shortly))
	p.Do(plugintest.Get("/"))
	inGoroutine(func() { p.Callout() })
	inGoroutine(func() { p.RedisCall() })
	for _, want := range []string{"no call that waits", "no Redis call that waits", "on_request_headers answered HeaderContinue"} {
		if !strings.Contains(f.said, want) {
			t.Errorf("it says %q, want %q", f.said, want)
		}
	}
}
