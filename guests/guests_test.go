package guests

import (
	"bytes"
	"context"
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

	"go.uber.org/goleak"

	"github.com/sluice-gateway/sluice/gateway"
	"github.com/sluice-gateway/sluice/pluginhost"
	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/wasmvm"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// log collects what the gateway and the guests log.
type log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// running is a gateway with a guest, in front of an upstream.
type running struct {
	url    string
	host   *pluginhost.Host
	client *http.Client
}

// start serves an upstream behind a guest until the test ends, which fails if the guest logged an error. The guest may
// call the clusters u (the upstream), decider (another server) and closed (nobody listens).
func start(t *testing.T, code []byte, behaviour string, upstream, decider http.HandlerFunc) *running {
	t.Helper()
	engine, err := wasmvm.NewEngine(context.Background(), wasmvm.EngineConfig{})
	if err != nil {
		t.Fatal(err)
	}
	out := &log{}
	logger := slog.New(slog.NewTextHandler(out, nil))
	host := pluginhost.New(pluginhost.Options{Engine: engine, Logger: logger, Workers: 2})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := host.Close(ctx); err != nil {
			t.Errorf("plugin host: %v", err)
		}
		if err := engine.Close(ctx); err != nil {
			t.Errorf("engine: %v", err)
		}
		if text := out.String(); strings.Contains(text, "level=ERROR") || t.Failed() {
			t.Errorf("the log is\n%s", text)
		}
	})
	cluster := func(name, address string) gateway.Cluster {
		return gateway.Cluster{Name: name, Endpoints: []gateway.Endpoint{{Address: address}}, ConnectTimeout: 5 * time.Second}
	}
	g, err := gateway.New(&gateway.Config{
		Node: gateway.Node{ID: "node-1"},
		Listeners: []gateway.Listener{{
			Name: "l", Address: "127.0.0.1:0", BufferLimit: 1 << 20,
			HTTP: gateway.HTTPConnectionManager{
				Filters: []gateway.Filter{{Name: "guest", Wasm: &pluginhost.Config{
					Name: "guest", RootID: "root-1", VMID: "guests", Code: code, VMConfiguration: []byte("vm configuration"),
					Configuration: []byte(behaviour), LogLevel: abi.LogInfo,
				}}},
				StreamIdleTimeout: time.Minute, MaxRequestHeadersKiB: 60,
				Routes: gateway.RouteConfiguration{VirtualHosts: []gateway.VirtualHost{{Name: "v", Domains: []string{"*"},
					Routes: []gateway.Route{{Match: gateway.RouteMatch{Prefix: "/"}, Cluster: "u", Timeout: time.Minute}}}}},
			},
		}},
		Clusters: []gateway.Cluster{
			cluster("u", serve(t, upstream)), cluster("decider", serve(t, decider)), cluster("closed", closedAddress(t)),
		},
	}, gateway.Options{Logger: logger, Plugins: host})
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
	})
	transport := &http.Transport{DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &running{"http://" + g.Addr("l").String(), host, &http.Client{Transport: transport, Timeout: 10 * time.Second}}
}

func serve(t *testing.T, h http.HandlerFunc) string {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// closedAddress is a loopback address that nobody listens on.
func closedAddress(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// do sends a request with headers as name, value, … and returns the answer.
func (r *running) do(t *testing.T, method, path, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	var reader io.Reader
	if body != "" {
		reader = io.MultiReader(strings.NewReader(body)) // of no known length
	}
	req, err := http.NewRequest(method, r.url+path, reader)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	resp, err := r.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(b)
}

// await sends requests until the answer is what done wants.
func (r *running) await(t *testing.T, path string, done func(answer string) bool) {
	t.Helper()
	var last string
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if _, last = r.do(t, "GET", path, ""); done(last) {
			return
		}
	}
	t.Fatalf("the last answer is %q", last)
}

func want(t *testing.T, what string, got, want any) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

// echo answers with the request's body, and says in headers what came.
func echo(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("X-Upstream", "yes")
	w.Header().Set("X-Got", fmt.Sprintf("%s|%s|%s|%s|%s", r.RequestURI, strings.Join(r.Header["X-Added"], ","),
		r.Header.Get("X-Replaced"), strings.Join(r.Header["X-Removed"], ","), r.Header.Get("X-User")))
	_, _ = w.Write(b)
}

// TestGuests holds every guest to every behaviour.
func TestGuests(t *testing.T) {
	behaviours := []struct {
		name string
		test func(t *testing.T, code []byte)
	}{
		{"headers", testHeaders}, {"body", testBody}, {"callout", testCallout}, {"tick", testTick}, {"queue", testQueue},
		{"metrics", testMetrics}, {"properties", testProperties}, {"reply", testReply}, {"refused", testRefused},
	}
	for _, guest := range []string{"upstream-go", "rust"} {
		t.Run(guest, func(t *testing.T) {
			code := module(t, guest)
			for _, b := range behaviours {
				t.Run(b.name, func(t *testing.T) { b.test(t, code) })
			}
		})
	}
}

// waitFor waits until done.
func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("did not come about")
		}
	}
}
