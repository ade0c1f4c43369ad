package gateway

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/pluginhost"
	"github.com/sluice-gateway/sluice/sdk/abi"
)

// testGateway is a gateway in front of one upstream.
type testGateway struct {
	*Gateway
	url  string
	addr string
}

// startGateway serves upstream behind plugins on a loopback port until the test ends. change edits the configuration
// first.
func startGateway(t testing.TB, upstream http.Handler, plugins []*funcPlugin, change func(*Config)) *testGateway {
	t.Helper()
	up := httptest.NewServer(upstream)
	t.Cleanup(up.Close)
	cfg := testConfig(up.Listener.Addr().String(), plugins)
	if change != nil {
		change(cfg)
	}
	return serveConfig(t, cfg)
}

func testConfig(upstream string, plugins []*funcPlugin) *Config {
	var filters []Filter
	for i, p := range plugins {
		c := p.config()
		c.Name = fmt.Sprintf("test%d", i)
		filters = append(filters, Filter{Name: c.Name, Wasm: c})
	}
	return &Config{
		Listeners: []Listener{{
			Name: "l", Address: "127.0.0.1:0", BufferLimit: 64 << 10,
			HTTP: HTTPConnectionManager{
				Filters: filters, GenerateRequestID: true, StreamIdleTimeout: time.Minute, MaxRequestHeadersKiB: 60,
				Routes: RouteConfiguration{VirtualHosts: []VirtualHost{{
					Name: "v", Domains: []string{"*"}, Routes: []Route{
						{Match: RouteMatch{Prefix: "/direct"}, DirectResponse: &DirectResponse{Status: 403, Body: []byte("no")}},
						{Match: RouteMatch{Prefix: "/short"}, Cluster: "u", Timeout: 200 * time.Millisecond},
						{Match: RouteMatch{Prefix: "/rewritten/"}, Cluster: "u", PrefixRewrite: "/", HostRewrite: "inner"},
						{Match: RouteMatch{Prefix: "/closed"}, Cluster: "closed"},
						{Name: "all", Match: RouteMatch{Prefix: "/"}, Cluster: "u", Timeout: time.Minute},
					},
				}}},
			},
		}},
		Clusters: []Cluster{
			{Name: "u", Endpoints: []Endpoint{{Address: upstream}}, ConnectTimeout: 5 * time.Second},
			{Name: "closed", Endpoints: []Endpoint{{Address: closedAddress()}}, ConnectTimeout: 5 * time.Second},
		},
	}
}

// closedAddress is a loopback address that nobody listens on.
func closedAddress() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func serveConfig(t testing.TB, cfg *Config) *testGateway {
	t.Helper()
	log := slog.New(noPanics{slog.DiscardHandler, t})
	host := pluginhost.New(pluginhost.Options{Logger: log, Workers: 2})
	g, err := New(cfg, Options{Logger: log, Plugins: host})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := g.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		if err := host.Close(ctx); err != nil {
			t.Errorf("plugin host: %v", err)
		}
	})
	addr := g.Addr("l").String()
	return &testGateway{g, "http://" + addr, addr}
}

// noPanics is a log handler that fails the test for a panic that net/http caught.
type noPanics struct {
	slog.Handler
	t testing.TB
}

func (h noPanics) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelError }

func (h noPanics) Handle(_ context.Context, r slog.Record) error {
	if strings.Contains(r.Message, "panic") {
		h.t.Errorf("log: %s", r.Message)
	}
	return nil
}

// client is an HTTP client of its own, without connections that outlive the test.
func client(t testing.TB) *http.Client {
	tr := &http.Transport{DisableCompression: true}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: 20 * time.Second}
}

// raw sends bytes to the gateway and returns all that it answers until it closes, or falls silent.
func (g *testGateway) raw(t *testing.T, request string) string {
	t.Helper()
	c, err := net.Dial("tcp", g.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	b, _ := io.ReadAll(c)
	return string(b)
}

func echoHandler(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Method", r.Method)
	w.Header().Set("X-Uri", r.RequestURI)
	w.Header().Set("X-Host", r.Host)
	for k, v := range r.Header {
		if strings.HasPrefix(k, "X-Test") {
			w.Header()["X-Got-"+k] = v
		}
	}
	// Read to the end first: net/http drops what is left of the body once the response begins.
	b, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write(b)
}

func TestProxy(t *testing.T) {
	g := startGateway(t, http.HandlerFunc(echoHandler), nil, nil)
	tests := []struct {
		name, method, path, body string
		chunked                  bool
		wantURI, wantHost        string
	}{
		{"get", "GET", "/a?b=c", "", false, "/a?b=c", ""},
		{"encoded path is kept", "GET", "/a%2Fb%20c?x=%41", "", false, "/a%2Fb%20c?x=%41", ""},
		{"post with a length", "POST", "/p", "hello", false, "/p", ""},
		{"post chunked", "POST", "/p", "hello", true, "/p", ""},
		{"large post", "POST", "/p", strings.Repeat("0123456789", 300_000), true, "/p", ""},
		{"prefix and host rewrite", "GET", "/rewritten/x?y", "", false, "/x?y", "inner"},
	}
	for _, withPlugin := range []bool{false, true} {
		g := g
		if withPlugin {
			g = startGateway(t, http.HandlerFunc(echoHandler), []*funcPlugin{{}, {}}, nil)
		}
		for _, tt := range tests {
			t.Run(fmt.Sprintf("%s/plugins=%v", tt.name, withPlugin), func(t *testing.T) {
				var body io.Reader = strings.NewReader(tt.body)
				if tt.chunked {
					body = io.MultiReader(body)
				}
				req, _ := http.NewRequest(tt.method, g.url+tt.path, body)
				req.Header.Set("X-Test-A", "1")
				resp, err := client(t).Do(req)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				got, err := io.ReadAll(resp.Body)
				if err != nil || string(got) != tt.body {
					t.Errorf("body of %d bytes, want %d (%v)", len(got), len(tt.body), err)
				}
				if resp.StatusCode != 200 || resp.Header.Get("X-Method") != tt.method ||
					resp.Header.Get("X-Uri") != tt.wantURI || resp.Header.Get("X-Got-X-Test-A") != "1" {
					t.Errorf("%d %v", resp.StatusCode, resp.Header)
				}
				if tt.wantHost != "" && resp.Header.Get("X-Host") != tt.wantHost {
					t.Errorf("host %q", resp.Header.Get("X-Host"))
				}
			})
		}
	}
}

// TestUpstreamView checks what the upstream and the client see on the wire.
func TestUpstreamView(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	seen := make(chan string, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		var b strings.Builder
		r := bufio.NewReader(c)
		for {
			line, err := r.ReadString('\n')
			b.WriteString(line)
			if err != nil || line == "\r\n" {
				break
			}
		}
		seen <- b.String()
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nX-Foo: Bar\r\nSet-Cookie: a\r\nset-cookie: b\r\nContent-Length: 5\r\n\r\nhello")
	}()
	g := serveConfig(t, testConfig(l.Addr().String(), nil))
	got := g.raw(t, "GET /a HTTP/1.1\r\nHost: x\r\nFoo-BAR: 1\r\nAccept: a\r\nAccept: b\r\nConnection: foo-bar, close\r\nTE: trailers\r\nX-Request-Id: id\r\n\r\n")
	wantSeen := "GET /a HTTP/1.1\r\nHost: x\r\naccept: a,b\r\nte: trailers\r\nx-envoy-expected-rq-timeout-ms: 60000\r\nx-forwarded-proto: http\r\nx-request-id: id\r\n\r\n"
	if s := <-seen; s != wantSeen {
		t.Errorf("upstream saw\n%s\nwant\n%s", s, wantSeen)
	}
	for _, want := range []string{"HTTP/1.1 200 OK\r\n", "\r\nx-foo: Bar\r\n", "\r\nset-cookie: a\r\nset-cookie: b\r\n",
		"\r\nserver: envoy\r\n", "\r\nx-envoy-upstream-service-time: ", "\r\ndate: ", "\r\n\r\nhello"} {
		if !strings.Contains(got, want) {
			t.Errorf("answer lacks %q:\n%s", want, got)
		}
	}
}

// TestAnswers are the gateway's own answers, as Envoy 1.40 gives them.
func TestAnswers(t *testing.T) {
	slow := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/short"):
			select {
			case <-time.After(3 * time.Second):
			case <-r.Context().Done():
			}
		case strings.HasPrefix(r.URL.Path, "/abort"):
			panic(http.ErrAbortHandler)
		}
	})
	g := startGateway(t, slow, nil, nil)
	tests := []struct{ name, request, want, body string }{
		{"refused", "GET /closed HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 503 ",
			"upstream connect error or disconnect/reset before headers. reset reason: remote connection failure"},
		{"closed without an answer", "POST /abort HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx", "HTTP/1.1 503 ",
			"upstream connect error or disconnect/reset before headers. reset reason: connection termination"},
		{"route timeout", "GET /short HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 504 ", "upstream request timeout"},
		{"direct response", "GET /direct HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 403 ", "no"},
		{"direct response to HEAD", "HEAD /direct HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 403 ", ""},
		{"HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", "HTTP/1.0 426 ", "Upgrade Required"},
		{"malformed header", "GET / HTTP/1.1\r\nHost: x\r\nBad Header: 1\r\n\r\n", "HTTP/1.1 400 ", "*"},
		{"two lengths", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "HTTP/1.1 400 ", "*"},
		{"not HTTP", "\x16\x03\x01\x00\x00garbage\r\n\r\n", "HTTP/1.1 400 ", "*"},
		{"oversize headers", "GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 100<<10) + "\r\n\r\n", "HTTP/1.1 431 ", "*"},
		{"malformed chunk", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "HTTP/1.1 ", "*"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := g.raw(t, tt.request)
			if !strings.HasPrefix(got, tt.want) {
				t.Fatalf("got %.200q, want %q", got, tt.want)
			}
			if _, body, _ := strings.Cut(got, "\r\n\r\n"); tt.body != "*" && body != tt.body {
				t.Errorf("body %q, want %q", body, tt.body)
			}
			// The next request on a new connection is served.
			if resp, err := client(t).Get(g.url + "/direct"); err != nil || resp.StatusCode != 403 {
				t.Errorf("afterwards: %v %v", resp, err)
			} else {
				resp.Body.Close()
			}
		})
	}
}

func TestUpstreamBreaksOff(t *testing.T) {
	for _, plugins := range [][]*funcPlugin{nil, {{}}} {
		g := startGateway(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "part")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}), plugins, nil)
		resp, err := client(t).Get(g.url + "/")
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err == nil {
			t.Errorf("the client read %q without an error", b)
		}
	}
}

// TestClientVanishes checks that a client that goes away in the middle of its request, or before the response, ends the
// upstream request too.
func TestClientVanishes(t *testing.T) {
	for _, kind := range []string{"mid-body", "waiting"} {
		for _, plugins := range [][]*funcPlugin{nil, {{}}} {
			t.Run(fmt.Sprintf("%s/plugins=%d", kind, len(plugins)), func(t *testing.T) {
				began := make(chan struct{})
				ended := make(chan error, 1)
				g := startGateway(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					close(began)
					if kind == "waiting" {
						<-r.Context().Done()
						ended <- r.Context().Err()
						return
					}
					_, err := io.ReadAll(r.Body)
					ended <- err
				}), plugins, nil)
				c, err := net.Dial("tcp", g.addr)
				if err != nil {
					t.Fatal(err)
				}
				if kind == "waiting" {
					_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
				} else {
					_, _ = io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\npart")
				}
				<-began
				c.Close()
				select {
				case err := <-ended:
					if err == nil {
						t.Error("the upstream saw a whole request")
					}
				case <-time.After(10 * time.Second):
					t.Fatal("the upstream request goes on")
				}
				for _, p := range plugins {
					waitFor(t, "on_log", func() bool { return p.logs.Load() == 1 && p.deletes.Load() == 1 })
				}
			})
		}
	}
}

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

// TestFullDuplex has a client and an upstream that answer each other chunk by chunk.
func TestFullDuplex(t *testing.T) {
	for _, plugins := range [][]*funcPlugin{nil, {{}}} {
		g := startGateway(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rc := http.NewResponseController(w)
			_ = rc.EnableFullDuplex()
			_ = rc.Flush()
			b := make([]byte, 1)
			for {
				n, err := r.Body.Read(b)
				if n > 0 {
					_, _ = w.Write(bytes.ToUpper(b[:n]))
					_ = rc.Flush()
				}
				if err != nil {
					return
				}
			}
		}), plugins, nil)
		pr, pw := io.Pipe()
		req, _ := http.NewRequest("POST", g.url+"/", pr)
		resp, err := client(t).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range "conversation" {
			_, _ = pw.Write([]byte(string(c)))
			b := make([]byte, 1)
			if _, err := io.ReadFull(resp.Body, b); err != nil || string(b) != strings.ToUpper(string(c)) {
				t.Fatalf("got %q, %v", b, err)
			}
		}
		pw.Close()
		if rest, err := io.ReadAll(resp.Body); err != nil || len(rest) > 0 {
			t.Errorf("rest %q, %v", rest, err)
		}
		resp.Body.Close()
	}
}

func TestPluginBodies(t *testing.T) {
	buffered := func() *funcPlugin {
		return &funcPlugin{
			requestHeaders: func(h abi.Host, _ uint32, _ bool) abi.Action {
				h.RemoveHeaderMapValue(abi.MapHTTPRequestHeaders, []byte("content-length"))
				return abi.HeaderStopIteration
			},
			requestBody: func(h abi.Host, _, size uint32, end bool) abi.Action {
				if !end {
					return abi.DataStopIterationAndBuffer
				}
				b, _ := h.GetBufferBytes(nil, abi.BufferHTTPRequestBody, 0, size)
				h.SetBufferBytes(abi.BufferHTTPRequestBody, 0, size, fmt.Appendf(nil, "<%s>", b))
				return abi.DataContinue
			},
			responseHeaders: func(h abi.Host, _ uint32, _ bool) abi.Action {
				h.RemoveHeaderMapValue(abi.MapHTTPResponseHeaders, []byte("content-length"))
				return abi.HeaderStopIteration
			},
			responseBody: func(h abi.Host, _, size uint32, end bool) abi.Action {
				if !end {
					return abi.DataStopIterationAndBuffer
				}
				h.SetBufferBytes(abi.BufferHTTPResponseBody, size, 0, []byte("!"))
				return abi.DataContinue
			},
		}
	}
	g := startGateway(t, http.HandlerFunc(echoHandler), []*funcPlugin{buffered(), buffered()}, nil)
	tests := []struct {
		name, body, want string
		status           int
	}{
		{"small", "hello", "<<hello>>!!", 200},
		{"several chunks", strings.Repeat("x", 50<<10), "<<" + strings.Repeat("x", 50<<10) + ">>!!", 200},
		{"over the limit", strings.Repeat("x", 65<<10), "Payload Too Large!", 413},
	}
	for _, tt := range tests {
		for _, chunked := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/chunked=%v", tt.name, chunked), func(t *testing.T) {
				var body io.Reader = strings.NewReader(tt.body)
				if chunked {
					body = io.MultiReader(body)
				}
				resp, err := client(t).Post(g.url+"/", "text/plain", body)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				got, err := io.ReadAll(resp.Body)
				if err != nil || resp.StatusCode != tt.status {
					t.Fatalf("%d %v", resp.StatusCode, err)
				}
				// The first plugin sees the local reply too; the second never saw the request.
				if string(got) != tt.want {
					t.Errorf("got %d bytes %.30q, want %d", len(got), got, len(tt.want))
				}
			})
		}
	}
}

// TestWatermarkHoldsBack checks that a plugin which collects with back-pressure neither fails nor takes in more than
// the limit and a chunk or two.
func TestWatermarkHoldsBack(t *testing.T) {
	var mu sync.Mutex
	held := map[uint32]bool{}
	p := &funcPlugin{
		start: func(h abi.Host, _ uint32) { h.SetTickPeriod(50) },
		requestHeaders: func(_ abi.Host, id uint32, _ bool) abi.Action {
			mu.Lock()
			held[id] = true
			mu.Unlock()
			return abi.HeaderStopAllIterationAndWatermark
		},
		tick: func(h abi.Host) {
			mu.Lock()
			defer mu.Unlock()
			for id := range held {
				if h.SetEffectiveContext(id) == abi.StatusOK {
					h.ContinueStream(abi.StreamHTTPRequest)
				}
				delete(held, id)
			}
		},
	}
	g := startGateway(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, n)
	}), []*funcPlugin{p}, nil)
	const size = 8 << 20
	resp, err := client(t).Post(g.url+"/", "text/plain", io.LimitReader(zeros{}, size))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, _ := io.ReadAll(resp.Body); string(b) != fmt.Sprint(size) {
		t.Errorf("upstream got %s bytes, want %d", b, size)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// TestPauseAndResume pauses in each phase and resumes from a tick, as call-outs do.
func TestPauseAndResume(t *testing.T) {
	phases := []string{"request headers", "request body", "response headers", "response body"}
	for _, phase := range phases {
		for _, reply := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/reply=%v", phase, reply), func(t *testing.T) {
				var held []uint32
				pause := func(id uint32, a abi.Action) abi.Action { held = append(held, id); return a }
				p := &funcPlugin{start: func(h abi.Host, _ uint32) { h.SetTickPeriod(20) }}
				stream := abi.StreamHTTPRequest
				switch phase {
				case "request headers":
					p.requestHeaders = func(_ abi.Host, id uint32, _ bool) abi.Action {
						return pause(id, abi.HeaderStopAllIterationAndWatermark)
					}
				case "request body":
					p.requestBody = func(_ abi.Host, id, _ uint32, end bool) abi.Action {
						if !end {
							return abi.DataStopIterationAndBuffer
						}
						return pause(id, abi.DataStopIterationAndBuffer)
					}
				case "response headers":
					stream = abi.StreamHTTPResponse
					p.responseHeaders = func(_ abi.Host, id uint32, _ bool) abi.Action { return pause(id, abi.HeaderStopAllIterationAndBuffer) }
				case "response body":
					stream = abi.StreamHTTPResponse
					p.responseHeaders = func(abi.Host, uint32, bool) abi.Action { return abi.HeaderStopIteration }
					p.responseBody = func(_ abi.Host, id, _ uint32, end bool) abi.Action {
						if !end {
							return abi.DataStopIterationAndBuffer
						}
						return pause(id, abi.DataStopIterationAndBuffer)
					}
				}
				p.tick = func(h abi.Host) {
					for _, id := range held {
						if h.SetEffectiveContext(id) != abi.StatusOK {
							continue
						}
						if reply {
							h.SendLocalResponse(429, []byte("busy"), []byte("later"), nil, -1)
						} else {
							h.ContinueStream(stream)
						}
					}
					held = nil
				}
				g := startGateway(t, http.HandlerFunc(echoHandler), []*funcPlugin{{}, p, {}}, nil)
				for range 3 {
					resp, err := client(t).Post(g.url+"/", "text/plain", strings.NewReader("hello"))
					if err != nil {
						t.Fatal(err)
					}
					b, err := io.ReadAll(resp.Body)
					resp.Body.Close()
					want, status := "hello", 200
					if reply {
						want, status = "later", 429
					}
					// A local reply runs through the encoder filters, where it may be paused again: then the tick's second reply
					// replaces it.
					if err != nil || string(b) != want || resp.StatusCode != status {
						t.Fatalf("%d %q %v", resp.StatusCode, b, err)
					}
				}
			})
		}
	}
}

func TestEarlyReplyClosesConnection(t *testing.T) {
	p := &funcPlugin{requestHeaders: func(h abi.Host, _ uint32, _ bool) abi.Action {
		h.SendLocalResponse(403, nil, []byte("no"), nil, -1)
		return abi.HeaderContinue
	}}
	g := startGateway(t, http.HandlerFunc(echoHandler), []*funcPlugin{p}, nil)
	got := g.raw(t, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\npart")
	head, body, _ := strings.Cut(got, "\r\n\r\n")
	if !strings.HasPrefix(head, "HTTP/1.1 403 ") || !strings.Contains(strings.ToLower(head), "\r\nconnection: close") || body != "no" {
		t.Errorf("got %q", got)
	}
}

func TestStreamIdleTimeout(t *testing.T) {
	p := &funcPlugin{requestHeaders: func(abi.Host, uint32, bool) abi.Action { return abi.HeaderStopAllIterationAndWatermark }}
	g := startGateway(t, http.HandlerFunc(echoHandler), []*funcPlugin{p}, func(c *Config) {
		c.Listeners[0].HTTP.StreamIdleTimeout = 200 * time.Millisecond
	})
	for request, want := range map[string]string{
		"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n":      "HTTP/1.1 504 ",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nxxx": "HTTP/1.1 408 ",
	} {
		if got := g.raw(t, request); !strings.HasPrefix(got, want) || !strings.HasSuffix(got, "stream timeout") {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestRequestHeadersFromPlugin(t *testing.T) {
	p := &funcPlugin{requestHeaders: func(h abi.Host, _ uint32, _ bool) abi.Action {
		h.ReplaceHeaderMapValue(abi.MapHTTPRequestHeaders, []byte(":path"), []byte("/direct"))
		return abi.HeaderContinue
	}}
	g := startGateway(t, http.HandlerFunc(echoHandler), []*funcPlugin{p}, nil)
	resp, err := client(t).Get(g.url + "/elsewhere")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 403 {
		t.Errorf("the route is chosen again after a header change: got %d", resp.StatusCode)
	}
}

// TestHammer runs many streams of every kind at once, for the race detector.
func TestHammer(t *testing.T) {
	var n int
	var held []uint32
	p := &funcPlugin{
		start: func(h abi.Host, _ uint32) { h.SetTickPeriod(1) },
		requestHeaders: func(h abi.Host, id uint32, end bool) abi.Action {
			n++
			switch n % 4 {
			case 0:
				held = append(held, id)
				return abi.HeaderStopAllIterationAndWatermark
			case 1:
				h.SendLocalResponse(403, nil, []byte("no"), nil, -1)
			}
			return abi.HeaderContinue
		},
		tick: func(h abi.Host) {
			for _, id := range held {
				if h.SetEffectiveContext(id) == abi.StatusOK {
					h.AddHeaderMapValue(abi.MapHTTPRequestHeaders, []byte("x-test"), []byte("1"))
					h.ContinueStream(abi.StreamHTTPRequest)
				}
			}
			held = held[:0]
		},
	}
	g := startGateway(t, http.HandlerFunc(echoHandler), []*funcPlugin{{}, p}, nil)
	c := client(t)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 40 {
				ctx, cancel := context.WithCancel(t.Context())
				if j%10 == 9 {
					time.AfterFunc(time.Duration(i)*time.Millisecond, cancel)
				}
				req, _ := http.NewRequestWithContext(ctx, "POST", g.url+"/", strings.NewReader(strings.Repeat("x", 1+j*1000)))
				resp, err := c.Do(req)
				if err == nil {
					_, err = io.Copy(io.Discard, resp.Body)
					resp.Body.Close()
					if err == nil && resp.StatusCode != 200 && resp.StatusCode != 403 {
						t.Errorf("status %d", resp.StatusCode)
					}
				}
				if err != nil && !errors.Is(err, context.Canceled) && j%10 != 9 && !strings.Contains(err.Error(), "connection reset") && !strings.Contains(err.Error(), "broken pipe") && !strings.Contains(err.Error(), "EOF") {
					t.Error(err)
				}
				cancel()
			}
		})
	}
	wg.Wait()
	waitFor(t, "every stream ended", func() bool { return p.logs.Load() == p.deletes.Load() && p.logs.Load() >= 8*36 })
}
