package main

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/plugintest"
	"github.com/sluice-gateway/sluice/redis/redistest"
)

// forever is a window that does not end while a test runs.
const forever = `"window": 1000000000`

func TestLimitsCallers(t *testing.T) {
	server := redistest.Start(t)
	db := 0
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		db++
		p := plugintest.Start(t, mode, plugintest.Redis("redis", server.Addr),
			plugintest.Config(`{"limit": 2, "header": "x-key", "timeout": 5000, "database": `+strconv.Itoa(db)+`, `+forever+`}`))
		for i, step := range []struct {
			key       string
			status    int
			remaining string
		}{
			{"ann", 200, "1"}, {"ann", 200, "0"}, {"ann", 429, ""}, {"bob", 200, "1"}, {"ann", 429, ""}, {"", 200, "1"}, {"bob", 200, "0"},
		} {
			r := plugintest.Post("/").Body("hello")
			if step.key != "" {
				r.Header("x-key", step.key)
			}
			got := p.Do(r)
			if got.Status != step.status || got.Header.Get("x-ratelimit-remaining") != step.remaining || (got.Upstream != nil) != (step.status == 200) {
				t.Errorf("request %d of %q: status %d, %v, upstream %v", i, step.key, got.Status, got.Header, got.Upstream)
			}
			if retry := got.Header.Get("retry-after"); (retry != "") != (step.status == 429) {
				t.Errorf("retry-after %q", retry)
			}
		}
	})
}

func TestRemovesItsCounters(t *testing.T) {
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := plugintest.Start(t, mode, plugintest.RedisScript("redis", func([]string) any { return 1 }), plugintest.Config(`{"window": 30}`))
		if got := p.Do(plugintest.Get("/")); got.Status != 200 {
			t.Fatalf("status %d", got.Status)
		}
		got := p.RedisCommands()
		if len(got) < 2 || got[0][0] != "incr" || !strings.HasSuffix(got[0][1], ":address:127.0.0.1") {
			t.Fatalf("commands %q", got)
		}
		if e := got[1]; e[0] != "expire" || e[1] != got[0][1] || e[2] != "60" {
			t.Errorf("then %q", e)
		}
	})
}

func TestRedisThatDoesNotCount(t *testing.T) {
	tests := []struct {
		name  string
		redis plugintest.Option
		log   string
	}{
		{"says no", plugintest.RedisScript("redis", func([]string) any { return errors.New("WRONGTYPE it is a list") }), "redis refuses to count: WRONGTYPE"},
		{"knows nobody", plugintest.RedisScript("redis", func([]string) any { return errors.New("NOAUTH Authentication required.") }), "the credentials for redis are wrong: NOAUTH"},
		{"is down", plugintest.Redis("redis", "127.0.0.1:1"), "not counted: redis: cannot connect"},
		{"is not there", plugintest.Redis("another", "127.0.0.1:1"), `redis init to cluster "redis": unknown cluster`},
	}
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		for _, tt := range tests {
			for failure, want := range map[string]int{"open": http.StatusOK, "closed": http.StatusServiceUnavailable} {
				t.Run(tt.name+", "+failure, func(t *testing.T) {
					p := plugintest.Start(t, mode, tt.redis, plugintest.Config(`{"timeout": 5000, "failure": "`+failure+`"}`))
					if got := p.Do(plugintest.Get("/")); got.Status != want || (got.Upstream != nil) != (want == http.StatusOK) {
						t.Errorf("status %d, want %d", got.Status, want)
					}
					if !logged(p, tt.log) {
						t.Errorf("log %v", p.Logs())
					}
				})
			}
		}
	})
}

// A server that is silent is given up in time, and the request with it.
func TestRedisThatIsSilent(t *testing.T) {
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := plugintest.Start(t, mode, plugintest.RedisScript("redis", nil), plugintest.Config(`{"timeout": 50}`))
		if got := p.Do(plugintest.Get("/")); got.Status != http.StatusOK {
			t.Errorf("status %d", got.Status)
		}
		if !logged(p, "not counted: redis: timed out") {
			t.Errorf("log %v", p.Logs())
		}
	})
}

func logged(p *plugintest.Plugin, text string) bool {
	for _, l := range p.Logs() {
		if strings.Contains(l.Message, text) {
			return true
		}
	}
	return false
}

func TestRefusesConfigurations(t *testing.T) {
	tests := []struct{ name, config, want string }{
		{"no limit", `{"limit": 0}`, "limit and window"},
		{"no window", `{"window": -1}`, "limit and window"},
		{"no such failure", `{"failure": "ajar"}`, "failure must be"},
		{"no such database", `{"database": -1}`, "database -1"},
		{"no such time", `{"timeout": -1}`, "timeout of -1 ms"},
	}
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				if _, err := plugintest.TryStart(t, mode, plugintest.Config(tt.config)); err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("starting says: %v", err)
				}
			})
		}
	})
}
