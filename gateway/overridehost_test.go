package gateway

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

// named is an upstream that answers its name.
func named(t *testing.T, name string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, name) }))
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func TestUpstreamHosts(t *testing.T) {
	got := make(chan string, 10)
	p := &funcPlugin{}
	p.start = func(h abi.Host, _ uint32) {
		if _, status := h.GetUpstreamHosts(nil); status != abi.StatusNotFound {
			t.Errorf("from a root context: %v", status)
		}
		if status := h.SetUpstreamOverrideHost([]byte("1.2.3.4:80")); status != abi.StatusBadArgument {
			t.Errorf("override from a root context: %v", status)
		}
	}
	p.requestHeaders = func(h abi.Host, _ uint32, _ bool) abi.Action {
		b, status := h.GetUpstreamHosts([]byte("+"))
		var hosts []string
		for address, state := range abi.Pairs(b[1:]).All() {
			hosts = append(hosts, string(address)+" "+string(state))
		}
		got <- strings.Join(hosts, ", ") + " " + status.String()
		return abi.HeaderContinue
	}
	a, b := named(t, "a"), named(t, "b")
	g := startGateway(t, http.NotFoundHandler(), []*funcPlugin{p}, func(c *Config) {
		c.Clusters[0].Endpoints = []Endpoint{{Address: a}, {Address: b}}
	})
	const healthy = ` {"health_status":"Healthy"}`
	for path, want := range map[string]string{
		"/":       a + healthy + ", " + b + healthy + " ok",
		"/direct": " ok",
	} {
		resp, err := http.Get(g.url + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if hosts := <-got; hosts != want {
			t.Errorf("%s: %q, want %q", path, hosts, want)
		}
	}
}

// A plugin chooses the host, in each callback before the router has the request; a host that is not there is no host.
func TestOverrideHost(t *testing.T) {
	a, b := named(t, "a"), named(t, "b")
	choose := func(h abi.Host) {
		path, _ := h.GetProperty(nil, abi.AppendPath(nil, "request", "path"))
		address := map[string]string{"/a": a, "/b": b, "/gone": closedAddress(), "/bad": "nonsense"}[string(path)]
		want := abi.StatusOK
		if string(path) == "/bad" {
			want = abi.StatusBadArgument
		}
		if status := h.SetUpstreamOverrideHost([]byte(address)); address != "" && status != want {
			t.Errorf("%s: %v", path, status)
		}
	}
	for name, p := range map[string]*funcPlugin{
		"headers": {requestHeaders: func(h abi.Host, _ uint32, _ bool) abi.Action { choose(h); return abi.HeaderContinue }},
		"body": {
			requestHeaders: func(abi.Host, uint32, bool) abi.Action { return abi.HeaderStopIteration },
			requestBody: func(h abi.Host, _, _ uint32, end bool) abi.Action {
				if !end {
					return abi.DataStopIterationAndBuffer
				}
				choose(h)
				return abi.DataContinue
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := startGateway(t, http.NotFoundHandler(), []*funcPlugin{p}, func(c *Config) {
				c.Clusters[0].Endpoints = []Endpoint{{Address: a}, {Address: b}}
			})
			for range 3 {
				for _, tc := range []struct {
					path, body string
					code       int
				}{
					{"/a", "a", 200}, {"/b", "b", 200}, {"/gone", "no healthy upstream", 503},
				} {
					resp, err := http.Post(g.url+tc.path, "text/plain", strings.NewReader("body"))
					if err != nil {
						t.Fatal(err)
					}
					body, _ := io.ReadAll(resp.Body)
					resp.Body.Close()
					if resp.StatusCode != tc.code || string(body) != tc.body {
						t.Errorf("%s: %d %q", tc.path, resp.StatusCode, body)
					}
				}
			}
			resp, err := http.Post(g.url+"/bad", "text/plain", strings.NewReader("body"))
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				t.Errorf("an address that is none: %d", resp.StatusCode)
			}
		})
	}
}
