package gateway

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

// authServer answers by the path: 200, 403, or in the ways in which upstreams fail.
func authServer(t *testing.T) (address string, seen func() string) {
	var mu sync.Mutex
	var last bytes.Buffer
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		last.Reset()
		fmt.Fprintf(&last, "%s %s %s %d\n", r.Method, r.RequestURI, r.Host, r.ContentLength)
		_ = r.Header.Write(&last)
		if b, _ := io.ReadAll(r.Body); len(b) > 0 {
			fmt.Fprintf(&last, "%s\n", b)
		}
		mu.Unlock()
		switch r.URL.Path {
		case "/deny":
			w.WriteHeader(http.StatusForbidden)
		case "/slow":
			<-r.Context().Done()
		case "/slow-body":
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		case "/close":
			panic(http.ErrAbortHandler)
		case "/reset":
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "part")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		default:
			w.Header().Set("X-User", "u1")
			w.Header()["Set-Cookie"] = []string{"a=1", "b=2"}
			_, _ = io.WriteString(w, "welcome")
		}
	}))
	t.Cleanup(s.Close)
	return s.Listener.Addr().String(), func() string {
		mu.Lock()
		defer mu.Unlock()
		return strings.ReplaceAll(last.String(), "\r", "")
	}
}

// authPlugin holds each request until it has asked the cluster x-cluster names for the path x-auth names, and then
// answers 401, or lets the request go on, by the answer.
func authPlugin(result chan<- string) *funcPlugin {
	streams := map[uint32]uint32{}
	return &funcPlugin{
		requestHeaders: func(h abi.Host, id uint32, _ bool) abi.Action {
			path, status := h.GetHeaderMapValue(nil, abi.MapHTTPRequestHeaders, []byte("x-auth"))
			if status != abi.StatusOK {
				return abi.HeaderContinue
			}
			cluster, _ := h.GetHeaderMapValue(nil, abi.MapHTTPRequestHeaders, []byte("x-cluster"))
			headers := abi.AppendPairs(nil, [][2]string{{":method", "POST"}, {":path", string(path)}, {":authority", "auth"},
				{"X-Mixed", "Case"}})
			call, status := h.HTTPCall(cluster, headers, []byte("who"), nil, 500)
			if status != abi.StatusOK {
				result <- status.String()
				h.SendLocalResponse(500, nil, []byte(status.String()), nil, -1)
				return abi.HeaderStopAllIterationAndWatermark
			}
			streams[call] = id
			return abi.HeaderStopAllIterationAndWatermark
		},
		httpCall: func(h abi.Host, call, headers, size, trailers uint32) {
			status, _ := h.GetHeaderMapValue(nil, abi.MapHTTPCallResponseHeaders, []byte(":status"))
			body, _ := h.GetBufferBytes(nil, abi.BufferHTTPCallResponseBody, 0, size)
			user, _ := h.GetHeaderMapValue(nil, abi.MapHTTPCallResponseHeaders, []byte("x-user"))
			result <- fmt.Sprintf("%s %q %d", status, body, trailers)
			id := streams[call]
			delete(streams, call)
			if h.SetEffectiveContext(id) != abi.StatusOK {
				return // the client is gone
			}
			if string(status) != "200" {
				h.SendLocalResponse(401, nil, []byte("denied"), nil, -1)
				return
			}
			h.AddHeaderMapValue(abi.MapHTTPRequestHeaders, []byte("x-test-user"), user)
			h.ContinueStream(abi.StreamHTTPRequest)
		},
	}
}

func addCluster(name, address string, http2 bool) func(*Config) {
	return func(c *Config) {
		c.Clusters = append(c.Clusters, Cluster{Name: name, Endpoints: []Endpoint{{Address: address}}, HTTP2: http2,
			ConnectTimeout: time.Second})
	}
}

func TestCallOut(t *testing.T) {
	const begin = "upstream connect error or disconnect/reset before headers. reset reason: "
	auth, seen := authServer(t)
	results := make(chan string, 10)
	g := startGateway(t, http.HandlerFunc(echoHandler), []*funcPlugin{authPlugin(results)}, func(c *Config) {
		addCluster("auth", auth, false)(c)
		c.Clusters = append(c.Clusters, Cluster{Name: "empty", Type: ClusterStrictDNS})
	})
	cases := []struct{ name, cluster, path, result, answer string }{
		{"allowed", "auth", "/", `200 "welcome" 0`, "200 body u1"},
		{"denied", "auth", "/deny", `403 "" 0`, "401 denied "},
		{"timeout", "auth", "/slow", `504 "upstream request timeout" 0`, "401 denied "},
		{"timeout in the body", "auth", "/slow-body", ` "" 0`, "401 denied "},
		{"closed before headers", "auth", "/close", `503 "` + begin + `connection termination" 0`, "401 denied "},
		{"reset in the body", "auth", "/reset", ` "" 0`, "401 denied "},
		{"refused", "closed", "/", `503 "` + begin + `remote connection failure" 0`, "401 denied "},
		{"path that cannot be sent", "auth", "a b", `503 "invalid header value for: :path" 0`, "401 denied "},
		{"unknown cluster", "nope", "/", "bad argument", "500 bad argument "},
		{"no host", "empty", "/", "internal failure", "500 internal failure "},
	}
	c := client(t)
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, g.url+"/x", strings.NewReader("body"))
			r.Header.Set("X-Auth", tc.path)
			r.Header.Set("X-Cluster", tc.cluster)
			resp, err := c.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			b, _ := io.ReadAll(resp.Body)
			got := fmt.Sprintf("%d %s %s", resp.StatusCode, b, resp.Header.Get("X-Got-X-Test-User"))
			if got != tc.answer {
				t.Errorf("client got %q, want %q", got, tc.answer)
			}
			if result := <-results; result != tc.result {
				t.Errorf("call-out: %s, want %s", result, tc.result)
			}
		})
	}
	const sent = "POST /reset auth 3\nContent-Length: 3\nX-Envoy-Expected-Rq-Timeout-Ms: 500\nX-Envoy-Internal: true\nX-Mixed: Case\nwho\n"
	if got := seen(); got != sent {
		t.Errorf("auth server saw\n%q, want\n%q", got, sent)
	}
}

// The reply to a call comes also when the client, for which it was made, is gone: calls belong to the plugin.
func TestCallOutClientGone(t *testing.T) {
	auth, _ := authServer(t)
	results := make(chan string, 10)
	p := authPlugin(results)
	g := startGateway(t, http.HandlerFunc(echoHandler), []*funcPlugin{p}, addCluster("auth", auth, false))
	conn, err := net.Dial("tcp", g.addr)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "GET /x HTTP/1.1\r\nHost: h\r\nX-Auth: /slow\r\nX-Cluster: auth\r\n\r\n")
	time.Sleep(50 * time.Millisecond) // the gateway is to have read it
	conn.Close()
	if got := <-results; !strings.HasPrefix(got, "504") {
		t.Errorf("call-out: %s", got)
	}
	resp, err := client(t).Get(g.url + "/after")
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatal("the gateway does not serve any more", err)
	}
	resp.Body.Close()
}

// A gateway that closes does not wait for call-outs.
func TestCallOutAtClose(t *testing.T) {
	auth, seen := authServer(t)
	results := make(chan string, 10)
	up := httptest.NewServer(http.HandlerFunc(echoHandler))
	t.Cleanup(up.Close)
	p := &funcPlugin{start: func(h abi.Host, _ uint32) {
		headers := abi.AppendPairs(nil, [][2]string{{":method", "GET"}, {":path", "/slow"}, {":authority", "auth"}})
		_, status := h.HTTPCall([]byte("auth"), headers, nil, nil, 0)
		results <- status.String()
	}}
	cfg := testConfig(up.Listener.Addr().String(), []*funcPlugin{p})
	addCluster("auth", auth, false)(cfg)
	g := serveConfig(t, cfg)
	if got := <-results; got != "ok" {
		t.Fatal("call from configure:", got)
	}
	for seen() == "" {
		time.Sleep(time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := g.Shutdown(ctx); err != nil {
		t.Error(err)
	}
}

// HTTP/2 clusters take call-outs too, and their responses have trailers.
func TestCallOutHTTP2(t *testing.T) {
	address := h2cServer(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		w.Header().Set("Trailer", "X-T")
		fmt.Fprintf(w, "%s %s", r.Proto, b)
		w.Header().Set("X-T", "1")
	})
	results := make(chan string, 1)
	g := startGateway(t, http.HandlerFunc(echoHandler), []*funcPlugin{authPlugin(results)},
		addCluster("h2", address, true))
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, g.url+"/x", nil)
	r.Header.Set("X-Auth", "/")
	r.Header.Set("X-Cluster", "h2")
	resp, err := client(t).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if got := <-results; got != `200 "HTTP/2.0 who" 1` || resp.StatusCode != http.StatusOK {
		t.Errorf("%s, client got %d", got, resp.StatusCode)
	}
}

// h2cServer serves HTTP/2 without TLS.
func h2cServer(t *testing.T, h http.HandlerFunc) (address string) {
	s := httptest.NewUnstartedServer(h)
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// Many requests wait for call-outs that end in every way, while clients give up and, in the end, the gateway closes.
func TestHammerCallOuts(t *testing.T) {
	auth, _ := authServer(t)
	results := make(chan string, 10)
	drained := make(chan int)
	go func() {
		n := 0
		for range results {
			n++
		}
		drained <- n
	}()
	up := httptest.NewServer(http.HandlerFunc(echoHandler))
	t.Cleanup(up.Close)
	cfg := testConfig(up.Listener.Addr().String(), []*funcPlugin{authPlugin(results)})
	addCluster("auth", auth, false)(cfg)
	g := serveConfig(t, cfg)
	paths := []string{"/", "/deny", "/slow", "/slow-body", "/close", "/reset"}
	const clients, requests = 8, 18
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			c := client(t)
			for j := range requests {
				ctx, cancel := context.WithCancel(t.Context())
				if j%4 == 3 {
					time.AfterFunc(time.Duration(j)*time.Millisecond, cancel)
				}
				path := paths[(i+j)%len(paths)]
				r, _ := http.NewRequestWithContext(ctx, http.MethodGet, g.url+"/x", nil)
				r.Header.Set("X-Auth", path)
				r.Header.Set("X-Cluster", "auth")
				resp, err := c.Do(r)
				if err == nil {
					// On a busy machine what should be quick may time out.
					if resp.StatusCode != http.StatusUnauthorized && (path != "/" || resp.StatusCode != http.StatusOK) {
						t.Errorf("%s: %d", path, resp.StatusCode)
					}
					resp.Body.Close()
				} else if ctx.Err() == nil {
					t.Errorf("%s: %v", path, err)
				}
				cancel()
			}
		})
	}
	wg.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := g.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	close(results) // no callback comes from a gateway that is closed
	if n := <-drained; n == 0 || n > clients*requests {
		t.Errorf("%d replies to %d calls", n, clients*requests)
	}
}
