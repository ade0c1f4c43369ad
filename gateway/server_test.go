package gateway

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/pluginhost"
)

func TestNewRefuses(t *testing.T) {
	one := func(change func(*Listener)) *Config {
		l := Listener{Name: "l", Address: "127.0.0.1:0", HTTP: HTTPConnectionManager{Routes: RouteConfiguration{
			VirtualHosts: []VirtualHost{vhostOf("v", []string{"*"})}}}}
		change(&l)
		return &Config{Listeners: []Listener{l}, Clusters: []Cluster{{Name: "c"}}}
	}
	for _, c := range []struct {
		name string
		cfg  *Config
		want string
	}{
		{"no listener", &Config{}, "no listener"},
		{"two of a name", func() *Config {
			cfg := one(func(*Listener) {})
			cfg.Listeners = append(cfg.Listeners, cfg.Listeners[0])
			return cfg
		}(), `listener "l": there are two`},
		{"unknown cluster", one(func(l *Listener) { l.HTTP.Routes.VirtualHosts[0].Routes[0].Cluster = "x" }),
			`listener "l": virtual host "v": route 0: unknown cluster "x"`},
		{"bad routes", one(func(l *Listener) { l.HTTP.Routes.VirtualHosts[0].Domains = []string{"*", "*"} }),
			`listener "l": route configuration`},
		{"bad log", one(func(l *Listener) { l.HTTP.AccessLogs = []AccessLog{{Stdout: true, Format: "%X%"}} }),
			`listener "l": access log 0: at position 0`},
		{"no plugin host", one(func(l *Listener) { l.HTTP.Filters = []Filter{{Name: "f", Wasm: &pluginhost.Config{}}} }),
			`filter "f": no plugin host`},
		{"no plugin", one(func(l *Listener) { l.HTTP.Filters = []Filter{{Name: "f"}} }), `filter "f": no plugin configured`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := New(c.cfg, Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q in it", err, c.want)
			}
		})
	}
}

func TestPortInUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	address := taken.Addr().String()
	for name, change := range map[string]func(*Config){
		`listener "l": address ` + address + ` is in use; choose another with --listen`: func(c *Config) { c.Listeners[0].Address = address },
		`admin: address ` + address + ` is in use; choose another with --admin`:         func(c *Config) { c.AdminAddress = address },
		`is not an address of this machine`:                                             func(c *Config) { c.Listeners[0].Address = "192.0.2.1:80" },
		`cannot listen on nonsense`:                                                     func(c *Config) { c.Listeners[0].Address = "nonsense" },
	} {
		cfg := testConfig("127.0.0.1:1", nil)
		change(cfg)
		g, err := New(cfg, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := g.Start(t.Context()); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want %q in it", err, name)
		}
		if err := g.Start(t.Context()); err == nil {
			t.Error("started again")
		}
	}
}

func TestListenersSpeakBothProtocols(t *testing.T) {
	g := startGateway(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Proto) }), nil, nil)
	for _, http2 := range []bool{false, true} {
		p := new(http.Protocols)
		p.SetHTTP1(!http2)
		p.SetUnencryptedHTTP2(http2)
		tr := &http.Transport{Protocols: p}
		resp, err := (&http.Client{Transport: tr}).Get(g.url)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		tr.CloseIdleConnections()
		if (resp.ProtoMajor == 2) != http2 || string(b) != "HTTP/1.1" {
			t.Errorf("http2 %v: %s %q", http2, resp.Proto, b)
		}
	}
}

func TestMalformedAndOversizeRequests(t *testing.T) {
	g := startGateway(t, http.NotFoundHandler(), nil, nil)
	for _, c := range []struct{ name, raw, want string }{
		{"malformed", "GET/HTTP/1.1/nonsense\r\n\r\n", "HTTP/1.1 400 "},
		{"no host", "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 "},
		{"two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "HTTP/1.1 400 "},
		{"space in a name", "GET / HTTP/1.1\r\nHost: a\r\nx y: 1\r\n\r\n", "HTTP/1.1 400 "},
		{"control character in a value", "GET / HTTP/1.1\r\nHost: a\r\nx: \x01\r\n\r\n", "HTTP/1.1 400 "},
		{"unknown coding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "HTTP/1.1 501 "},
		{"two lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "HTTP/1.1 400 "},
		{"oversize", "GET / HTTP/1.1\r\nHost: a\r\nx: " + strings.Repeat("a", 70_000) + "\r\n\r\n", "HTTP/1.1 431 "},
		{"large, but not too large", "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nx: " + strings.Repeat("a", 50_000) + "\r\n\r\n",
			"HTTP/1.1 404 "},
		{"http/1.0", "GET / HTTP/1.0\r\nHost: a\r\n\r\n", "HTTP/1.1 426 "},
		{"star", "OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "HTTP/1.1 404 "},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := g.raw(t, c.raw); !strings.HasPrefix(strings.Replace(got, "HTTP/1.0", "HTTP/1.1", 1), c.want) {
				t.Errorf("got %.200q, want %q", got, c.want)
			}
		})
	}
}

func TestIdleConnectionsAreClosed(t *testing.T) {
	g := startGateway(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }), nil,
		func(c *Config) { c.Listeners[0].HTTP.IdleTimeout = 50 * time.Millisecond })
	t.Run("without a request", func(t *testing.T) {
		if got := g.raw(t, ""); got != "" {
			t.Errorf("got %q", got)
		}
	})
	t.Run("after a request", func(t *testing.T) {
		if got := g.raw(t, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 200") {
			t.Errorf("got %q", got)
		}
	})
	t.Run("not within a request", func(t *testing.T) {
		conn, err := net.Dial("tcp", g.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprint(conn, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc")
		time.Sleep(150 * time.Millisecond)
		fmt.Fprint(conn, "def")
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if b, err := io.ReadAll(resp.Body); err != nil || string(b) != "abcdef" {
			t.Errorf("got %q, %v", b, err)
		}
	})
}

func TestConnectionsAreNumbered(t *testing.T) {
	var out lockedBuffer
	up := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer up.Close()
	cfg := testConfig(up.Listener.Addr().String(), nil)
	cfg.Listeners[0].HTTP.AccessLogs = []AccessLog{{Stdout: true, Format: "%CONNECTION_ID%\n"}}
	g, err := New(cfg, Options{Stdout: &out})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		conn, err := net.Dial("tcp", g.Addr("l").String())
		if err != nil {
			t.Fatal(err)
		}
		br := bufio.NewReader(conn)
		for range 2 {
			fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
			resp, err := http.ReadResponse(br, nil)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, resp.Body)
		}
		conn.Close()
	}
	if err := g.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); got != "1\n1\n2\n2\n" {
		t.Errorf("got %q", got)
	}
	if g.Addr("nope") != nil || g.AdminAddr() != nil {
		t.Error("an address of what there is not")
	}
}

// slowUpstream begins a response, and ends it when told.
func slowUpstream() (h http.Handler, began, end chan struct{}) {
	began, end = make(chan struct{}, 8), make(chan struct{})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "begin ")
		_ = http.NewResponseController(w).Flush()
		began <- struct{}{}
		select {
		case <-end:
			fmt.Fprint(w, "end")
		case <-r.Context().Done():
		}
	}), began, end
}

func startPlain(t *testing.T, h http.Handler) *Gateway {
	t.Helper()
	up := httptest.NewServer(h)
	t.Cleanup(up.Close)
	g, err := New(testConfig(up.Listener.Addr().String(), nil), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	return g
}

func TestShutdownDrains(t *testing.T) {
	h, began, end := slowUpstream()
	g := startPlain(t, h)
	url := "http://" + g.Addr("l").String()
	c := client(t)
	got := make(chan string, 1)
	go func() {
		resp, err := c.Get(url)
		if err != nil {
			got <- err.Error()
			return
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		got <- fmt.Sprint(string(b), err)
	}()
	<-began
	done := make(chan error, 1)
	go func() { done <- g.Shutdown(context.Background()) }()
	eventually(t, "no new connections", func() bool {
		conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	select {
	case err := <-done:
		t.Fatalf("did not wait: %v", err)
	default:
	}
	close(end)
	if s := <-got; s != "begin end<nil>" {
		t.Errorf("the stream got %q", s)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestShutdownCutsOffWhatDoesNotEnd(t *testing.T) {
	h, began, _ := slowUpstream()
	g := startPlain(t, h)
	c := client(t)
	resp := make(chan error, 1)
	go func() {
		r, err := c.Get("http://" + g.Addr("l").String())
		if err == nil {
			_, err = io.ReadAll(r.Body)
			r.Body.Close()
		}
		resp <- err
	}()
	<-began
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := g.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if err := <-resp; err == nil {
		t.Error("a response that was cut off looks whole")
	}
	if err := g.Close(); err != nil {
		t.Errorf("close after shutdown: %v", err)
	}
}

func TestCloseWhileServing(t *testing.T) {
	g := startPlain(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat("x", 100_000)) }))
	url := "http://" + g.Addr("l").String()
	c := client(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				resp, err := c.Get(url)
				if err != nil {
					return
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
		})
	}
	time.Sleep(20 * time.Millisecond)
	if err := g.Close(); err != nil {
		t.Error(err)
	}
	wg.Wait()
}

func TestAdmin(t *testing.T) {
	cfg := testConfig("127.0.0.1:1", nil)
	cfg.AdminAddress = "127.0.0.1:0"
	cfg.Node = Node{ID: "n", Cluster: "nc"}
	quit := make(chan struct{}, 1)
	g, err := New(cfg, Options{Quit: func() { quit <- struct{}{} }})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	c := client(t)
	for _, tc := range []struct {
		method, path string
		status       int
		body         string
	}{
		{"GET", "/ready", 200, "LIVE\n"},
		{"GET", "/server_info", 200, `{"state":"LIVE","uptime_current_epoch":"0s","node":{"id":"n","cluster":"nc"}}`},
		{"GET", "/help", 200, "/quitquitquit"},
		{"GET", "/", 200, "/quitquitquit"},
		{"GET", "/nope", 404, "invalid path."},
		{"GET", "/quitquitquit", 405, "POST required"},
		{"POST", "/quitquitquit", 200, "OK\n"},
	} {
		t.Run(tc.method+" "+tc.path, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), tc.method, "http://"+g.AdminAddr().String()+tc.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := c.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			b, _ := io.ReadAll(resp.Body)
			if resp.StatusCode != tc.status || !strings.Contains(string(b), tc.body) {
				t.Errorf("got %d %q", resp.StatusCode, b)
			}
		})
	}
	select {
	case <-quit:
	default:
		t.Error("quit was not called")
	}
	g.admin.draining.Store(true)
	resp, err := c.Get("http://" + g.AdminAddr().String() + "/ready")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusServiceUnavailable || string(b) != "DRAINING\n" {
		t.Errorf("draining: %d %q", resp.StatusCode, b)
	}
}

func TestReopenLogs(t *testing.T) {
	cfg := testConfig("127.0.0.1:1", nil)
	cfg.Listeners[0].HTTP.AccessLogs = []AccessLog{{Path: t.TempDir() + "/log"}, {Stderr: true}}
	g, err := New(cfg, Options{Stderr: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(g.ReopenLogs(), g.Close()); err != nil {
		t.Error(err)
	}
}
