package guests

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/sluice-gateway/sluice/pluginhost"
	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/wasmvm"
)

func testHeaders(t *testing.T, code []byte) {
	g := start(t, code, "headers", echo, echo)
	resp, _ := g.do(t, "GET", "/original", "", "X-Replaced", "old", "X-Replaced", "older", "X-Removed", "1", "X-Removed", "2")
	want(t, "upstream got", resp.Header.Get("X-Got"), "/edited|a,b|new||")
	want(t, "status", resp.StatusCode, 201)
	want(t, "header set with all", resp.Header.Get("X-All"), "set")
	want(t, "header left out of all", resp.Header.Get("X-Upstream"), "")
}

func testBody(t *testing.T, code []byte) {
	g := start(t, code, "body", echo, echo)
	for _, size := range []int{1, 100, 100_000} {
		body := strings.Repeat("a", size)
		_, got := g.do(t, "POST", "/", body)
		if w := fmt.Sprintf("%d bytes: <%s>", size+2, strings.ToUpper(body)); got != w {
			t.Errorf("with %d bytes: %.40q of %d bytes, want %.40q of %d bytes", size, got, len(got), w, len(w))
		}
	}
}

func testCallout(t *testing.T, code []byte) {
	decide := func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		switch {
		case r.Method != "POST" || r.URL.Path != "/decide" || r.Host != "decider" || string(b) != "may it?":
			w.WriteHeader(400)
		case r.Header.Get("X-Token") != "good":
			w.WriteHeader(401)
		default:
			_, _ = io.WriteString(w, "alice")
		}
	}
	g := start(t, code, "callout", echo, decide)
	for _, tt := range []struct {
		name, cluster, token string
		status               int
		got, body            string
	}{
		{"allowed", "decider", "good", 200, "/x||||alice", "body"},
		{"denied", "decider", "bad", 403, "", "decider: 401"},
		{"refused connection", "closed", "good", 403, "", "decider: 503"},
		{"unknown cluster", "nobody", "good", 500, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			resp, body := g.do(t, "POST", "/x", "body", "X-Ask", tt.cluster, "X-Token", tt.token)
			want(t, "status", resp.StatusCode, tt.status)
			want(t, "upstream got", resp.Header.Get("X-Got"), tt.got)
			if tt.body != "" {
				want(t, "body", body, tt.body)
			}
		})
	}
	t.Run("many at once", func(t *testing.T) {
		var wg sync.WaitGroup
		for i := range 40 {
			wg.Go(func() {
				token, status := "good", 200
				if i%2 == 1 {
					token, status = "bad", 403
				}
				req, _ := http.NewRequest("GET", g.url+"/x", nil)
				req.Header = http.Header{"X-Ask": {"decider"}, "X-Token": {token}}
				resp, err := g.client.Do(req)
				if err != nil {
					t.Error(err)
					return
				}
				_ = resp.Body.Close()
				want(t, "status", resp.StatusCode, status)
			})
		}
		wg.Wait()
	})
}

// testTick: VMs tick, and what they count is one number.
func testTick(t *testing.T, code []byte) {
	g := start(t, code, "tick", echo, echo)
	requests := 0
	g.await(t, "/", func(answer string) bool {
		requests++
		var counted, ticks int
		if _, err := fmt.Sscanf(answer, "%d requests, ticked %d", &counted, &ticks); err != nil {
			t.Fatalf("%q: %v", answer, err)
		}
		if counted != requests {
			t.Fatalf("%d requests counted, of %d", counted, requests)
		}
		return ticks >= 5
	})
}

func testQueue(t *testing.T, code []byte) {
	g := start(t, code, "queue", echo, echo)
	for i := range 10 {
		resp, _ := g.do(t, "GET", fmt.Sprintf("/put%d", i), "")
		want(t, "status", resp.StatusCode, 202)
		w := fmt.Sprintf("%d elements, last /put%d", i+1, i)
		g.await(t, "/", func(answer string) bool { return answer == w })
	}
}

func testMetrics(t *testing.T, code []byte) {
	g := start(t, code, "metrics", echo, echo)
	for range 6 { // on both workers
		resp, _ := g.do(t, "GET", "/", "")
		want(t, "gauge in the response phase", resp.Header.Get("X-Active"), "1")
		// The next request would see this one's gauge until its stream is done, shortly after the response.
		waitFor(t, func() bool { return metric(g, "guest.active").Value == 0 })
	}
	want(t, "counter", metric(g, "guest.requests").Value, int64(12))
	want(t, "samples", metric(g, "guest.sizes").Value, int64(6))
	want(t, "sum", metric(g, "guest.sizes").Sum, uint64(6*42))
	want(t, "kind", metric(g, "guest.sizes").Kind, abi.MetricHistogram)
	want(t, "metrics", len(g.host.Metrics()), 3)
}

func metric(g *running, name string) pluginhost.Metric {
	for _, m := range g.host.Metrics() {
		if m.Name == name {
			return m
		}
	}
	return pluginhost.Metric{}
}

func testProperties(t *testing.T, code []byte) {
	g := start(t, code, "properties", echo, echo)
	_, got := g.do(t, "GET", "/p?q=1", "", "X-One", "1")
	want(t, "properties", got, `request.path=/p?q=1
request.method=GET
request.headers.x-one=1
plugin_name=guest
plugin_root_id=root-1
plugin_vm_id=guests
node.id=node-1
source.port: true
x-one in request.headers: true
mine=kept
no.such: true
`)
}

func testReply(t *testing.T, code []byte) {
	g := start(t, code, "reply", echo, echo)
	for _, tt := range []struct {
		path, body string
		status     int
	}{{"/early", "early", 418}, {"/", "late", 502}} {
		resp, body := g.do(t, "GET", tt.path, "")
		want(t, "status", resp.StatusCode, tt.status)
		want(t, "body", body, tt.body)
		want(t, "header", resp.Header.Get("X-Guest"), "yes")
		want(t, "upstream's header", resp.Header.Get("X-Upstream"), "")
		want(t, "content-type", resp.Header.Get("Content-Type"), "text/plain")
	}
}

// testRefused: a configuration that the guest refuses is an error of the start.
func testRefused(t *testing.T, code []byte) {
	engine, err := wasmvm.NewEngine(context.Background(), wasmvm.EngineConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close(context.Background())
	h := pluginhost.New(pluginhost.Options{Engine: engine, Workers: 1})
	defer h.Close(context.Background())
	p, err := h.NewPlugin(t.Context(), pluginhost.Config{Name: "guest", Code: code, Configuration: []byte("nonsense")})
	if err == nil {
		_ = p.Close(context.Background())
		t.Fatal("started")
	}
	if !strings.Contains(err.Error(), "configur") {
		t.Errorf("error %q does not say that the configuration was refused", err)
	}
}
