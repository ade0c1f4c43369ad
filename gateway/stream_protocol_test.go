package gateway

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

// clientOf is a client that speaks HTTP/1.1, or HTTP/2 with prior knowledge.
func clientOf(t *testing.T, http2 bool) *http.Client {
	c := client(t)
	tr := c.Transport.(*http.Transport)
	tr.Protocols = new(http.Protocols)
	tr.Protocols.SetHTTP1(!http2)
	tr.Protocols.SetUnencryptedHTTP2(http2)
	return c
}

// TestTrailers sends trailers both ways: they pass on HTTP/2, and on HTTP/1 where it is enabled: towards the
// client in the listener, towards the upstream in the cluster.
func TestTrailers(t *testing.T) {
	upstream := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Sum")
		b, _ := io.ReadAll(r.Body)
		_, _ = w.Write(b)
		w.Header().Set("X-Sum", fmt.Sprintf("%d;%s", len(b), r.Trailer.Get("X-Req")))
	})
	tests := []struct {
		name           string
		http2, enabled bool
		want           string
	}{
		{"http1", false, false, ""},
		{"http1 enabled", false, true, "5;yes"},
		{"http2", true, true, "5;yes"},
		{"http2, cluster without", true, false, ""},
	}
	for _, tt := range tests {
		for _, plugins := range [][]*funcPlugin{nil, {{}}} {
			t.Run(fmt.Sprintf("%s/plugins=%d", tt.name, len(plugins)), func(t *testing.T) {
				g := startGateway(t, upstream, plugins, func(c *Config) {
					c.Listeners[0].HTTP.EnableTrailers, c.Clusters[0].EnableTrailers = tt.enabled, tt.enabled
				})
				req, _ := http.NewRequest("POST", g.url+"/", io.MultiReader(strings.NewReader("hello")))
				req.Trailer = http.Header{"X-Req": {"yes"}}
				resp, err := clientOf(t, tt.http2).Do(req)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				b, err := io.ReadAll(resp.Body)
				if err != nil || string(b) != "hello" {
					t.Fatalf("%q %v", b, err)
				}
				if got := resp.Trailer.Get("X-Sum"); got != tt.want {
					t.Errorf("trailer %q, want %q", got, tt.want)
				}
			})
		}
	}
}

// TestTrailersFromPlugin adds trailers on the last piece of the response.
func TestTrailersFromPlugin(t *testing.T) {
	p := &funcPlugin{responseBody: func(h abi.Host, _, _ uint32, end bool) abi.Action {
		if end {
			h.AddHeaderMapValue(abi.MapHTTPResponseTrailers, []byte("x-added"), []byte("1"))
		}
		return abi.DataContinue
	}}
	g := startGateway(t, http.HandlerFunc(echoHandler), []*funcPlugin{p}, nil)
	resp, err := clientOf(t, true).Post(g.url+"/", "text/plain", strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, err := io.ReadAll(resp.Body); err != nil || string(b) != "hello" || resp.Trailer.Get("X-Added") != "1" {
		t.Errorf("%q %v %v", b, err, resp.Trailer)
	}
}

// TestEarlyReplyHTTP2 answers before the request ended: the other streams of the connection are not touched.
func TestEarlyReplyHTTP2(t *testing.T) {
	p := &funcPlugin{requestBody: func(h abi.Host, _, _ uint32, _ bool) abi.Action {
		h.SendLocalResponse(403, nil, []byte("no"), nil, -1)
		return abi.DataContinue
	}}
	g := startGateway(t, http.HandlerFunc(echoHandler), []*funcPlugin{p}, nil)
	c := clientOf(t, true)
	pr, pw := io.Pipe()
	defer pw.Close()
	go func() { _, _ = pw.Write([]byte("part")) }()
	resp, err := c.Post(g.url+"/", "text/plain", pr)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if resp.StatusCode != 403 || string(b) != "no" {
		t.Errorf("%d %q", resp.StatusCode, b)
	}
	if resp, err = c.Get(g.url + "/"); err != nil || resp.StatusCode != 200 {
		t.Fatalf("the next stream: %v %v", resp, err)
	}
	resp.Body.Close()
}

// TestGRPCReply answers a gRPC request by headers alone.
func TestGRPCReply(t *testing.T) {
	p := &funcPlugin{requestHeaders: func(h abi.Host, _ uint32, _ bool) abi.Action {
		h.SendLocalResponse(401, nil, []byte("who are you? 100%"), nil, -1)
		return abi.HeaderContinue
	}}
	g := startGateway(t, http.HandlerFunc(echoHandler), []*funcPlugin{p}, nil)
	resp, err := clientOf(t, true).Post(g.url+"/s/m", "application/grpc+proto", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != 200 || len(b) > 0 || resp.Header.Get("Grpc-Status") != "16" ||
		resp.Header.Get("Grpc-Message") != "who are you? 100%25" {
		t.Errorf("%d %q %v", resp.StatusCode, b, resp.Header)
	}
}

// TestServerSentEvents checks that each piece of a response goes on as it comes, also the headers before the first.
func TestServerSentEvents(t *testing.T) {
	for _, plugins := range [][]*funcPlugin{nil, {{}}} {
		next := make(chan string)
		g := startGateway(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			_ = http.NewResponseController(w).Flush()
			for s := range next {
				_, _ = io.WriteString(w, s)
				_ = http.NewResponseController(w).Flush()
			}
		}), plugins, nil)
		resp, err := client(t).Get(g.url + "/")
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"data: 1\n\n", "data: 2\n\n"} {
			next <- want
			b := make([]byte, len(want))
			if _, err := io.ReadFull(resp.Body, b); err != nil || string(b) != want {
				t.Errorf("%q %v", b, err)
			}
		}
		close(next)
		resp.Body.Close()
	}
}

// TestInjectWhileUpstreamIsSilent has a plugin send response data of its own while the upstream says nothing.
func TestInjectWhileUpstreamIsSilent(t *testing.T) {
	release := make(chan struct{})
	var id uint32
	p := &funcPlugin{
		start: func(h abi.Host, _ uint32) { h.SetTickPeriod(20) },
		responseHeaders: func(h abi.Host, ctx uint32, _ bool) abi.Action {
			h.RemoveHeaderMapValue(abi.MapHTTPResponseHeaders, []byte("content-length"))
			id = ctx
			return abi.HeaderContinue
		},
		tick: func(h abi.Host) {
			if id != 0 && h.SetEffectiveContext(id) == abi.StatusOK {
				h.InjectEncodedData([]byte("ping "), false)
				id = 0
			}
		},
	}
	g := startGateway(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = http.NewResponseController(w).Flush()
		<-release
		_, _ = io.WriteString(w, "pong")
	}), []*funcPlugin{p}, nil)
	resp, err := client(t).Get(g.url + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b := make([]byte, 5)
	if _, err := io.ReadFull(resp.Body, b); err != nil || string(b) != "ping " {
		t.Fatalf("%q %v", b, err)
	}
	close(release)
	if rest, err := io.ReadAll(resp.Body); err != nil || string(rest) != "pong" {
		t.Errorf("%q %v", rest, err)
	}
}

// TestInjectToSilentClient has a plugin send without end to a client that does not read: the stream is reset.
func TestInjectToSilentClient(t *testing.T) {
	var id uint32
	piece := make([]byte, 16<<20)
	p := &funcPlugin{
		start: func(h abi.Host, _ uint32) { h.SetTickPeriod(5) },
		responseHeaders: func(_ abi.Host, ctx uint32, _ bool) abi.Action {
			id = ctx
			return abi.HeaderContinue
		},
		tick: func(h abi.Host) {
			if id != 0 && h.SetEffectiveContext(id) == abi.StatusOK {
				h.InjectEncodedData(piece, false)
			}
		},
	}
	g := startGateway(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}), []*funcPlugin{p}, nil)
	c, err := net.Dial("tcp", g.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	waitFor(t, "the stream ends", func() bool { return p.logs.Load() == 1 })
}

// TestShutdownWaitsForStreams checks that a drain lets a slow response end, and that nothing new is taken.
func TestShutdownWaitsForStreams(t *testing.T) {
	began, release := make(chan struct{}), make(chan struct{})
	g := startGateway(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(began)
		<-release
		_, _ = io.WriteString(w, "late")
	}), []*funcPlugin{{}}, nil)
	got := make(chan string, 1)
	go func() {
		resp, err := client(t).Get(g.url + "/")
		if err != nil {
			got <- err.Error()
			return
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		got <- string(b)
	}()
	<-began
	down := make(chan error, 1)
	go func() { down <- g.Shutdown(t.Context()) }()
	waitFor(t, "no more connections", func() bool {
		_, err := client(t).Get(g.url + "/direct")
		return err != nil
	})
	close(release)
	if s := <-got; s != "late" {
		t.Errorf("got %q", s)
	}
	select {
	case err := <-down:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("shutdown does not end")
	}
}

// TestProperties reads properties on a real request, in the ABI's encodings.
func TestProperties(t *testing.T) {
	got := map[string]string{}
	read := func(h abi.Host, paths ...string) {
		for _, p := range paths {
			if v, s := h.GetProperty(nil, abi.AppendPath(nil, strings.Split(p, ".")...)); s == abi.StatusOK {
				got[p] = string(v)
			} else {
				got[p] = s.String()
			}
		}
	}
	done := make(chan struct{})
	p := &funcPlugin{
		requestHeaders: func(h abi.Host, _ uint32, _ bool) abi.Action {
			read(h, "request.path", "request.url_path", "request.query", "request.host", "request.method", "request.scheme",
				"request.protocol", "request.headers.x-test", "request.headers.missing", "request.size", "route_name",
				"cluster_name", "plugin_name", "connection.mtls", "nonsense", "request", "node.id", "source.port")
			h.SetProperty([]byte("mine"), []byte("1"))
			return abi.HeaderContinue
		},
		responseHeaders: func(h abi.Host, _ uint32, _ bool) abi.Action {
			read(h, "response.code", "response.code_details", "mine", "upstream.address", "response.flags")
			return abi.HeaderContinue
		},
		log: func(h abi.Host, _ uint32) {
			read(h, "response.headers.content-type", "response.size")
			close(done)
		},
	}
	g := startGateway(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/x")
		_, _ = io.WriteString(w, "hello")
	}), []*funcPlugin{p}, func(c *Config) { c.Node.ID = "me" })
	req, _ := http.NewRequest("POST", g.url+"/a/b?x=y", strings.NewReader("12345"))
	req.Header.Set("X-Test", "v")
	resp, err := client(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	<-done
	number := func(n int64) string { return string(appendNumber(nil, n)) }
	want := map[string]string{
		"request.path": "/a/b?x=y", "request.url_path": "/a/b", "request.query": "x=y", "request.host": g.addr,
		"request.method": "POST", "request.scheme": "http", "request.protocol": "HTTP/1.1", "request.headers.x-test": "v",
		"request.headers.missing": "not found", "request.size": number(5), "route_name": "all", "cluster_name": "u",
		"plugin_name": "test0", "connection.mtls": "\x00", "nonsense": "not found", "request": "serialization failure", "node.id": "me",
		"response.code": number(200), "response.code_details": "via_upstream", "mine": "1", "response.flags": number(0),
		"response.headers.content-type": "text/x", "response.size": number(5),
	}
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s: got %q, want %q", k, got[k], v)
		}
	}
	if len(got["source.port"]) != 8 || !strings.HasPrefix(got["upstream.address"], "127.0.0.1:") {
		t.Errorf("source.port %q, upstream.address %q", got["source.port"], got["upstream.address"])
	}
}
