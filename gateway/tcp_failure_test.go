package gateway

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/pluginhost"
	"github.com/sluice-gateway/sluice/sdk/abi"
)

func TestTCPNewRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"unknown cluster", func(c *Config) { c.Listeners[0].TCP.Cluster = "x" }, `listener "l": TCP proxy: unknown cluster "x"`},
		{"no plugin", func(c *Config) { c.Listeners[0].TCP.Filters = []Filter{{Name: "f"}} }, `filter "f": no plugin configured`},
		{"no plugin host", func(c *Config) {
			c.Listeners[0].TCP.Filters = []Filter{{Name: "f", Wasm: &pluginhost.Config{}}}
		}, `filter "f": no plugin host`},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := tcpConfig("127.0.0.1:1")
			c.change(cfg)
			if _, err := New(cfg, Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q in it", err, c.want)
			}
		})
	}
}

// wantClosed reads the end, or a reset.
func wantClosed(t *testing.T, c *net.TCPConn) {
	t.Helper()
	if b, err := io.ReadAll(c); len(b) > 0 || err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("read %q, %v; want a closed connection", b, err)
	}
}

func TestTCPUpstreamDoesNotConnect(t *testing.T) {
	echo := tcpUpstream(t, echoTCP)
	for _, c := range []struct {
		name     string
		attempts uint32
		hosts    []Endpoint
		flags    uint64
		served   bool
	}{
		{"no host", 1, nil, 1 << 1, false},
		{"refused", 1, []Endpoint{{Address: closedAddress()}}, 1<<5 | 1<<15, false},
		{"refused twice", 2, []Endpoint{{Address: closedAddress()}}, 1<<5 | 1<<15, false},
		{"the next host takes it", 2, []Endpoint{{Address: closedAddress()}, {Address: echo}}, 0, true},
		{"no second attempt", 1, []Endpoint{{Address: closedAddress()}, {Address: echo}}, 1<<5 | 1<<15, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &tcpPlugin{}
			var flags, reason, upstream string
			p.crash = func(e string) bool {
				if e == "log" {
					get := func(path string) string {
						v, _ := p.host.GetProperty(nil, abi.Path(path))
						return string(v)
					}
					flags, reason = get("response\x00flags"), get("upstream\x00transport_failure_reason")
					upstream = get("upstream\x00address")
					if cluster := get("xds\x00cluster_name"); cluster != "u" {
						t.Errorf("cluster %q", cluster)
					}
				}
				return false
			}
			cfg := tcpConfig("", p)
			cfg.Clusters[0].Endpoints = c.hosts
			cfg.Listeners[0].TCP.MaxConnectAttempts = c.attempts
			g := serveConfig(t, cfg)
			conn := dialTCP(t, g.addr)
			if c.served {
				send(t, conn, "hi")
				want(t, conn, "hi")
				_ = conn.CloseWrite()
				wantEnd(t, conn, "")
			} else {
				wantClosed(t, conn)
			}
			waitFor(t, "the end", func() bool { return p.deletes.Load() == 1 })
			if got := p.happened(); !c.served && got != "create\nnew\nclose 1\ndone\nlog\ndelete" {
				t.Errorf("got\n%s", got)
			}
			if w := string(appendNumber(nil, int64(c.flags))); flags != w {
				t.Errorf("flags %q, want %q", flags, w)
			}
			w := ""
			if !c.served && len(c.hosts) > 0 {
				w = "delayed connect error: Connection refused"
			}
			if reason != w {
				t.Errorf("reason %q, want %q", reason, w)
			}
			if n := len(c.hosts); n > 0 && upstream != c.hosts[min(n, int(c.attempts))-1].Address {
				t.Errorf("upstream %q", upstream)
			}
		})
	}
}

func TestTCPResets(t *testing.T) {
	reset := func(c *net.TCPConn) {
		_ = c.SetLinger(0)
		_ = c.Close()
	}
	t.Run("the upstream", func(t *testing.T) {
		p := &tcpPlugin{}
		g := serveConfig(t, tcpConfig(tcpUpstream(t, func(c *net.TCPConn) {
			want(t, c, "hi")
			reset(c)
		}), p))
		c := dialTCP(t, g.addr)
		send(t, c, "hi")
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the client got %v", err)
		}
		waitFor(t, "the end", func() bool { return p.deletes.Load() == 1 })
		if !strings.Contains(p.happened(), "\nclose 1\n") || strings.Contains(p.happened(), "upstream close") {
			t.Errorf("got\n%s", p.happened())
		}
	})
	t.Run("the client", func(t *testing.T) {
		p, got := &tcpPlugin{}, make(chan error, 1)
		g := serveConfig(t, tcpConfig(tcpUpstream(t, func(c *net.TCPConn) {
			want(t, c, "hi")
			send(t, c, "hi")
			_, err := c.Read(make([]byte, 1))
			got <- err
		}), p))
		c := dialTCP(t, g.addr)
		send(t, c, "hi")
		want(t, c, "hi")
		reset(c)
		if err := <-got; !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the upstream got %v", err)
		}
		waitFor(t, "the end", func() bool { return p.deletes.Load() == 1 })
		if !strings.Contains(p.happened(), "\nclose 2\n") || strings.Contains(p.happened(), "upstream close") {
			t.Errorf("got\n%s", p.happened())
		}
	})
}

// TestTCPEarlyAnswer has an upstream that answers and closes while the client is still sending: the answer arrives.
func TestTCPEarlyAnswer(t *testing.T) {
	g := serveConfig(t, tcpConfig(tcpUpstream(t, func(c *net.TCPConn) {
		want(t, c, "x")
		send(t, c, "enough")
	}), &tcpPlugin{}))
	c := dialTCP(t, g.addr)
	send(t, c, "x")
	want(t, c, "enough")
	for err := error(nil); err == nil; _, err = c.Write(make([]byte, 1<<16)) { // until it is closed
	}
}

func TestTCPIdleTimeout(t *testing.T) {
	for _, c := range []struct {
		name   string
		pause  abi.Action
		plugin bool
	}{{"plain", 0, false}, {"with a plugin", 0, true}, {"paused for ever", abi.ActionPause, true}} {
		t.Run(c.name, func(t *testing.T) {
			var plugins []*tcpPlugin
			if c.plugin {
				plugins = append(plugins, &tcpPlugin{newConnection: func(abi.Host, uint32) abi.Action { return c.pause }})
			}
			cfg := tcpConfig(tcpUpstream(t, echoTCP), plugins...)
			cfg.Listeners[0].TCP.IdleTimeout = 150 * time.Millisecond
			g := serveConfig(t, cfg)
			conn := dialTCP(t, g.addr)
			began := time.Now()
			if c.pause == 0 {
				for range 5 { // longer than the timeout in all
					send(t, conn, "hi")
					want(t, conn, "hi")
					time.Sleep(50 * time.Millisecond)
				}
			}
			wantClosed(t, conn)
			if took := time.Since(began); c.pause == 0 && took < 300*time.Millisecond {
				t.Errorf("closed after %v, while data moved", took)
			}
			for _, p := range plugins {
				waitFor(t, "the end", func() bool { return p.deletes.Load() == 1 })
			}
		})
	}
}

// TestTCPStuckAtTheEnd has a plugin resume more than the upstream ever reads, when both sides have ended.
func TestTCPStuckAtTheEnd(t *testing.T) {
	filled, over := make(chan struct{}), make(chan struct{})
	r := newResumer(func(h abi.Host) {
		set(h, abi.BufferDownstreamData, 0, all, strings.Repeat("x", 16<<20))
		resume(h)
		close(filled)
	})
	r.data = func(_ abi.Host, id uint32, _ string, end bool) abi.Action {
		if end {
			r.pause(id)
		}
		return abi.ActionPause
	}
	cfg := tcpConfig(tcpUpstream(t, func(c *net.TCPConn) {
		<-filled
		_ = c.CloseWrite()
		<-over
	}), &r.tcpPlugin)
	defer close(over)
	cfg.Listeners[0].TCP.IdleTimeout = 200 * time.Millisecond
	g := serveConfig(t, cfg)
	c := dialTCP(t, g.addr)
	send(t, c, "x")
	_ = c.CloseWrite()
	waitFor(t, "the end", func() bool { return r.deletes.Load() == 1 })
}

func TestTCPShutdown(t *testing.T) {
	start := func(t *testing.T, p *tcpPlugin) (*Gateway, *net.TCPConn) {
		host := pluginhost.New(pluginhost.Options{Workers: 1})
		g, err := New(tcpConfig(tcpUpstream(t, echoTCP), p), Options{Plugins: host})
		if err != nil {
			t.Fatal(err)
		}
		if err := g.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = g.Close()
			_ = host.Close(context.Background())
		})
		c := dialTCP(t, g.Addr("l").String())
		send(t, c, "hi")
		want(t, c, "hi")
		return g, c
	}
	t.Run("drains", func(t *testing.T) {
		p := &tcpPlugin{}
		g, c := start(t, p)
		done := make(chan error, 1)
		go func() { done <- g.Shutdown(t.Context()) }()
		waitFor(t, "closed listener", func() bool {
			other, err := net.Dial("tcp", g.Addr("l").String())
			if err == nil {
				other.Close()
			}
			return err != nil
		})
		send(t, c, "still here")
		want(t, c, "still here")
		_ = c.CloseWrite()
		wantEnd(t, c, "")
		if err := <-done; err != nil {
			t.Error(err)
		}
		if p.deletes.Load() < 2 { // a connection, and the root
			t.Error("a context was not deleted")
		}
	})
	t.Run("cuts off", func(t *testing.T) {
		p := &tcpPlugin{}
		g, c := start(t, p)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if err := g.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		wantClosed(t, c)
		if !strings.Contains(p.happened(), "\nclose 1\ndone\nlog\ndelete") {
			t.Errorf("got\n%s", p.happened())
		}
	})
	t.Run("cuts off a slow reader", func(t *testing.T) {
		p := &tcpPlugin{}
		g, c := start(t, p)
		go func() {
			for err := error(nil); err == nil; _, err = c.Write(make([]byte, 1<<16)) { // and never reads the echo
			}
		}()
		time.Sleep(50 * time.Millisecond)
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestTCPCrash: a dead plugin closes the connections that come by, or lets them pass. Envoy 1.40 closes a connection
// whose callback died even with FAIL_OPEN, and lets only later ones pass; here FAIL_OPEN means what it says for all, as
// it does for HTTP streams.
func TestTCPCrash(t *testing.T) {
	for _, c := range []struct {
		event  string
		policy pluginhost.FailurePolicy
		first  string // what the connection gets whose callback dies
	}{
		{"create", pluginhost.FailClosed, ""},
		{"new", pluginhost.FailClosed, ""},
		{`data "hi" false`, pluginhost.FailClosed, ""},
		{`write "hi" false`, pluginhost.FailClosed, ""},
		{`data "" true`, pluginhost.FailClosed, "hi"},
		{"create", pluginhost.FailOpen, "hi"},
		{"new", pluginhost.FailOpen, "hi"},
		{`data "hi" false`, pluginhost.FailOpen, "hi"},
		{`write "hi" false`, pluginhost.FailOpen, "hi"},
		{"upstream close 0", pluginhost.FailOpen, "hi"},
		{"close 1", pluginhost.FailOpen, "hi"},
		{"done", pluginhost.FailOpen, "hi"},
		{"log", pluginhost.FailOpen, "hi"},
		{"delete", pluginhost.FailOpen, "hi"},
	} {
		name := map[pluginhost.FailurePolicy]string{pluginhost.FailClosed: "closed", pluginhost.FailOpen: "open"}[c.policy]
		t.Run(c.event+" "+name, func(t *testing.T) {
			p := &tcpPlugin{crash: func(e string) bool { return e == c.event }}
			cfg := tcpConfig(tcpUpstream(t, echoTCP), p)
			cfg.Listeners[0].TCP.Filters[0].Wasm.FailurePolicy = c.policy
			g := serveConfig(t, cfg)
			for i, expected := range []string{c.first, map[bool]string{true: "hi"}[c.policy == pluginhost.FailOpen]} {
				if i == 1 {
					waitFor(t, c.event, func() bool { return strings.HasSuffix(p.happened(), c.event) })
				}
				conn := dialTCP(t, g.addr)
				if expected == "" {
					_, _ = io.WriteString(conn, "hi")
					wantClosed(t, conn)
					continue
				}
				send(t, conn, "hi")
				want(t, conn, "hi")
				_ = conn.CloseWrite()
				_, _ = io.ReadAll(conn)
			}
			if strings.Count(p.happened(), "create") != 1 {
				t.Errorf("a dead plugin was called:\n%s", p.happened())
			}
		})
	}
}

// TestTCPCrashWhilePaused: connections that only the dead plugin could resume are not left hanging.
func TestTCPCrashWhilePaused(t *testing.T) {
	for _, policy := range []pluginhost.FailurePolicy{pluginhost.FailClosed, pluginhost.FailOpen} {
		for _, held := range []string{"new", "data", "write"} {
			t.Run(held+map[pluginhost.FailurePolicy]string{0: " closed", 1: " open"}[policy], func(t *testing.T) {
				pause := func(when string) func(abi.Host, uint32, string, bool) abi.Action {
					return func(_ abi.Host, _ uint32, data string, _ bool) abi.Action {
						if data == "hi" && held == when {
							return abi.ActionPause
						}
						return abi.ActionContinue
					}
				}
				p := &tcpPlugin{data: pause("data"), write: pause("write"), crash: func(e string) bool { return e == `data "die" false` }}
				first := true
				p.newConnection = func(abi.Host, uint32) abi.Action {
					defer func() { first = false }()
					if first && held == "new" {
						return abi.ActionPause
					}
					return abi.ActionContinue
				}
				cfg := tcpConfig(tcpUpstream(t, echoTCP), p)
				cfg.Listeners[0].TCP.Filters[0].Wasm.FailurePolicy = policy
				g := serveConfig(t, cfg)
				paused := dialTCP(t, g.addr)
				send(t, paused, "hi")
				waitFor(t, held, func() bool { return strings.Contains(p.happened(), "\n"+held) })
				send(t, dialTCP(t, g.addr), "die")
				if policy == pluginhost.FailClosed {
					wantClosed(t, paused)
					return
				}
				want(t, paused, "hi")
				_ = paused.CloseWrite()
				wantEnd(t, paused, "")
			})
		}
	}
}
