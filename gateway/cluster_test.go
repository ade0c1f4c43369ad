package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// tableResolver answers from a table that a test may change.
type tableResolver struct {
	mu    sync.Mutex
	table map[string][]string
	calls int
}

func (r *tableResolver) set(name string, addresses ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.table == nil {
		r.table = map[string][]string{}
	}
	r.table[name] = addresses
}

func (r *tableResolver) LookupNetIP(_ context.Context, network, host string) ([]netip.Addr, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls++
	found, ok := r.table[host]
	if !ok {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	if slices.Equal(found, []string{"servfail"}) {
		return nil, &net.DNSError{Err: "server misbehaving", Name: host, IsTemporary: true}
	}
	var all []netip.Addr
	for _, f := range found {
		if a := netip.MustParseAddr(f); network == "ip" || network == "ip4" && a.Is4() || network == "ip6" && a.Is6() {
			all = append(all, a)
		}
	}
	return all, nil
}

func mustCluster(t *testing.T, cfg Cluster, r resolver) *cluster {
	t.Helper()
	c, err := newCluster(cfg, clusterDeps{resolver: r})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.close)
	return c
}

func addresses(c *cluster) string {
	var all []string
	for _, e := range c.endpoints() {
		all = append(all, e.address())
	}
	return strings.Join(all, " ")
}

func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !f(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not come about", what)
		}
	}
}

func TestClusterRefuses(t *testing.T) {
	for _, c := range []struct {
		name string
		cfg  Cluster
		want string
	}{
		{"a name in a static cluster", Cluster{Name: "c", Endpoints: []Endpoint{{Address: "a.com:80"}}},
			`cluster "c": endpoint "a.com:80": a STATIC cluster takes IP addresses`},
		{"no port", Cluster{Endpoints: []Endpoint{{Address: "1.2.3.4"}}}, "missing port"},
		{"a port that is a name", Cluster{Endpoints: []Endpoint{{Address: "1.2.3.4:http"}}}, `port "http" is not a number`},
		{"an empty port", Cluster{Endpoints: []Endpoint{{Address: "1.2.3.4:"}}}, "port"},
		{"a port too high", Cluster{Endpoints: []Endpoint{{Address: "1.2.3.4:70000"}}}, "port"},
		{"no host", Cluster{Type: ClusterStrictDNS, Endpoints: []Endpoint{{Address: ":80"}}}, "no host"},
		{"logical with two", Cluster{Type: ClusterLogicalDNS, Endpoints: []Endpoint{{Address: "a:1"}, {Address: "b:1"}}},
			"must have a single endpoint"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := newCluster(c.cfg, clusterDeps{}); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q in it", err, c.want)
			}
		})
	}
	for name, cfg := range map[string][]Cluster{
		"without a name": {{}},
		"two":            {{Name: "a"}, {Name: "a"}},
	} {
		if _, err := newClusters(cfg, clusterDeps{}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestRoundRobinFollowsWeights(t *testing.T) {
	for _, c := range []struct {
		name    string
		weights []uint32
		want    string
	}{
		{"none", nil, ""},
		{"one", []uint32{7}, "aaaaaaaa"},
		{"equal", []uint32{0, 0, 0}, "abcabcab"},
		{"equal weights", []uint32{5, 5}, "abababab"},
		{"uneven, spread", []uint32{2, 1}, "abaabaab"},
		{"uneven, common divisor", []uint32{30, 10}, "aabaaaba"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := Cluster{Name: "c"}
			for i, w := range c.weights {
				cfg.Endpoints = append(cfg.Endpoints, Endpoint{Address: fmt.Sprintf("10.0.0.%d:80", i), Weight: w})
			}
			cl := mustCluster(t, cfg, nil)
			got := ""
			for range 8 {
				if e, ok := cl.pick(); ok {
					got += string('a' + e.address()[len("10.0.0.")] - '0')
				}
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	t.Run("wide", func(t *testing.T) {
		s := newEndpointSet([]*endpoint{{weight: 1}, {weight: 1 << 31}, {weight: 4294967295}})
		if n := len(s.turns); n > maxTurns+3 {
			t.Errorf("%d turns", n)
		}
		if !slices.Contains(s.turns, s.all[0]) {
			t.Error("a host of small weight gets no turn")
		}
	})
}

func TestPickDoesNotAllocate(t *testing.T) {
	c := mustCluster(t, Cluster{Endpoints: []Endpoint{{Address: "1.2.3.4:1"}, {Address: "1.2.3.4:2", Weight: 3}}}, nil)
	if n := testing.AllocsPerRun(100, func() { c.pick() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestDNSClusters(t *testing.T) {
	both := []string{"10.0.0.2", "10.0.0.1", "fd00::2", "fd00::1"}
	for _, c := range []struct {
		name string
		cfg  Cluster
		want string
	}{
		{"strict has all, IPv6 first choice", Cluster{Type: ClusterStrictDNS}, "[fd00::1]:80 [fd00::2]:80"},
		{"strict, IPv4 only", Cluster{Type: ClusterStrictDNS, IPv4Only: true}, "10.0.0.1:80 10.0.0.2:80"},
		{"logical has the first", Cluster{Type: ClusterLogicalDNS, IPv4Only: true}, "10.0.0.2:80"},
		{"logical, IPv6 only", Cluster{Type: ClusterLogicalDNS, IPv6Only: true}, "[fd00::2]:80"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &tableResolver{}
			r.set("a.test", both...)
			c.cfg.Endpoints = []Endpoint{{Address: "a.test:80"}}
			cl := mustCluster(t, c.cfg, r)
			if _, ok := cl.pick(); ok {
				t.Error("a host before start")
			}
			cl.start()
			eventually(t, c.want, func() bool { return addresses(cl) == c.want })
			if e, _ := cl.pick(); e.hostname() != "a.test" {
				t.Errorf("hostname %q", e.hostname())
			}
		})
	}
}

func TestNamesAreResolvedAgain(t *testing.T) {
	r := &tableResolver{}
	cl := mustCluster(t, Cluster{Type: ClusterStrictDNS, DNSRefresh: time.Millisecond, IPv4Only: true,
		Endpoints: []Endpoint{{Address: "a.test:80"}, {Address: "10.9.9.9:81"}}}, r)
	cl.start()
	cl.start() // is nothing more
	eventually(t, "literal only", func() bool { return addresses(cl) == "10.9.9.9:81" })
	r.set("a.test", "10.0.0.1")
	eventually(t, "name resolves late", func() bool { return addresses(cl) == "10.0.0.1:80 10.9.9.9:81" })
	before, _ := cl.pick()
	r.set("a.test", "servfail")
	r.mu.Lock()
	calls := r.calls
	r.mu.Unlock()
	eventually(t, "more look-ups", func() bool { r.mu.Lock(); defer r.mu.Unlock(); return r.calls > calls+2 })
	if got := addresses(cl); got != "10.0.0.1:80 10.9.9.9:81" {
		t.Errorf("a failing resolver changed the hosts to %q", got)
	}
	r.set("a.test", "10.0.0.2", "10.0.0.1")
	eventually(t, "new hosts", func() bool { return addresses(cl) == "10.0.0.1:80 10.0.0.2:80 10.9.9.9:81" })
	r.mu.Lock()
	delete(r.table, "a.test")
	r.mu.Unlock()
	eventually(t, "name gone", func() bool { return addresses(cl) == "10.9.9.9:81" })
	if before.address() == "" {
		t.Error("an endpoint that was picked before must stay as it was")
	}
}

func TestPickWhileResolving(t *testing.T) {
	r := &tableResolver{}
	r.set("a.test", "10.0.0.1")
	cl := mustCluster(t, Cluster{Type: ClusterStrictDNS, DNSRefresh: time.Microsecond, Endpoints: []Endpoint{{Address: "a.test:1"}}}, r)
	cl.start()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 2000 {
				if e, ok := cl.pick(); ok && !strings.HasPrefix(e.address(), "10.0.0.") {
					t.Errorf("picked %q", e.address())
				}
			}
		})
	}
	for i := range 200 {
		r.set("a.test", []string{"10.0.0.1", "10.0.0.2", "10.0.0.3"}[:i%3+1]...)
	}
	wg.Wait()
}

func get(t *testing.T, c *cluster, address string) (*http.Response, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "front.test"
	resp, err := c.transport().RoundTrip(r)
	if err == nil {
		t.Cleanup(func() { resp.Body.Close() })
	}
	return resp, err
}

func TestTransportChangesNothing(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		t.Run(fmt.Sprintf("http2 %v", http2), func(t *testing.T) {
			t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
			s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Seen", fmt.Sprintf("%s %s ae=%q", r.Proto, r.Host, r.Header["Accept-Encoding"]))
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(http.StatusFound)
			}))
			s.Config.Protocols = new(http.Protocols)
			s.Config.Protocols.SetHTTP1(true)
			s.Config.Protocols.SetUnencryptedHTTP2(true)
			s.Start()
			defer s.Close()
			c := mustCluster(t, Cluster{HTTP2: http2}, nil)
			resp, err := get(t, c, s.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			want := `HTTP/1.1 front.test ae=[]`
			if http2 {
				want = `HTTP/2.0 front.test ae=[]`
			}
			if got := resp.Header.Get("X-Seen"); got != want || resp.StatusCode != http.StatusFound {
				t.Errorf("got %d %s, want 302 %s", resp.StatusCode, got, want)
			}
		})
	}
}

func TestCloseEndsConnecting(t *testing.T) {
	c := mustCluster(t, Cluster{ConnectTimeout: time.Minute}, nil)
	l := fullBacklog(t)
	failed := make(chan error, 1)
	go func() {
		_, err := get(t, c, l)
		failed <- err
	}()
	time.Sleep(10 * time.Millisecond)
	c.close()
	select {
	case err := <-failed:
		if err == nil {
			t.Error("connected")
		}
	case <-time.After(10 * time.Second):
		t.Error("still connecting")
	}
}

var errTest = errors.New("test")
