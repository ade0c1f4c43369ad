package gateway

import (
	"encoding/binary"
	"io"
	"math"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

// TestPropertyTable reads every property in a root context and in a stream's callbacks. What it wants was seen with
// testdata/propguest in Envoy 1.40, but for the properties that Higress adds.
func TestPropertyTable(t *testing.T) {
	num := func(n int64) string { return string(appendNumber(nil, n)) }
	float := func(f float64) string {
		return string(binary.LittleEndian.AppendUint64(nil, math.Float64bits(f)))
	}
	pairs := func(nameValues ...string) string {
		var p [][2]string
		for i := 0; i < len(nameValues); i += 2 {
			p = append(p, [2]string{nameValues[i], nameValues[i+1]})
		}
		return string(abi.AppendPairs(nil, p))
	}
	const (
		no    = "not found"
		whole = "serialization failure"
		some  = "*" // something: not the same each time
	)
	message := "\n\x0f\n\x01a\x12\n\n\b\n\x01b\x12\x03\x1a\x01" // up to the text, of one letter, and in a Struct of one member
	table := []struct{ path, start, request, response, log string }{
		{"plugin_name", "test0", "test0", "test0", "test0"},
		{"node", some, some, some, some},
		{"node.id", "i", "i", "i", "i"},
		{"node.id.more", no, no, no, no},
		{"node.cluster", "c", "c", "c", "c"},
		{"node.metadata.FLAG", "\x01", "\x01", "\x01", "\x01"},
		{"node.metadata.NUM", float(1.5), float(1.5), float(1.5), float(1.5)},
		{"node.metadata.NONE", no, no, no, no},
		{"node.metadata.LIST", pairs("x", "", float(2), ""), some, some, some},
		{"node.metadata.LIST.0", "x", "x", "x", "x"},
		{"node.metadata.LIST.2", no, no, no, no},
		{"node.metadata.LIST.x", no, no, no, no},
		{"node.metadata.DEEP", pairs("er", "y"), some, some, some},
		{"node.metadata.DEEP.er", "y", "y", "y", "y"},
		{"node.nope", no, no, no, no},
		{"listener_direction", num(2), num(2), num(2), num(2)},
		{"listener_metadata.filter_metadata.a.b", "l", "l", "l", "l"},
		{"listener_metadata", some, some, some, some},
		{"xds", whole, whole, whole, whole},
		{"xds.node.id", "i", "i", "i", "i"},
		{"xds.listener_direction", no, num(2), num(2), num(2)},
		{"xds.listener_metadata.filter_metadata.a.b", no, "l", "l", "l"},
		{"xds.filter_chain_name", no, "", "", ""},
		{"xds.cluster_name", no, "u", "u", "u"},
		{"xds.cluster_metadata.filter_metadata.a.b", no, "c", "c", "c"},
		{"xds.route_name", no, "r", "r", "r"},
		{"xds.route_metadata.filter_metadata.a.b", no, "r", "r", "r"},
		{"xds.virtual_host_name", no, "v", "v", "v"},
		{"xds.virtual_host_metadata.filter_metadata.a.b", no, "v", "v", "v"},
		{"xds.upstream_host_metadata.filter_metadata.a.b", no, no, "h", "h"},
		{"xds.nope", no, no, no, no},
		{"cluster_name", no, "u", "u", "u"},
		{"cluster_metadata", no, some, some, some},
		{"cluster_metadata.filter_metadata", no, pairs("a", pairs("b", "c")), some, some},
		{"cluster_metadata.filter_metadata.a.b", no, "c", "c", "c"},
		{"cluster_metadata.filter_metadata.a.x", no, no, no, no},
		{"cluster_metadata.typed_filter_metadata", no, no, no, no},
		{"route_name", no, "r", "r", "r"},
		{"route_metadata.filter_metadata.a.b", no, "r", "r", "r"},
		{"upstream_host_metadata.filter_metadata.a.b", no, no, "h", "h"},
		{"connection_id", no, some, some, some},
		{"request", no, whole, whole, whole},
		{"request.path", no, "/p?q=1", no, "/p?q=1"},
		{"request.path.more", no, no, no, no},
		{"request.url_path", no, "/p", no, "/p"},
		{"request.query", no, "q=1", no, "q=1"},
		{"request.host", no, some, no, some},
		{"request.scheme", no, "http", no, "http"},
		{"request.method", no, "POST", no, "POST"},
		{"request.headers", no, some, "\x00\x00\x00\x00", some},
		{"request.headers.x-two", no, "1,2", no, "1,2"},
		{"request.headers.X-Two", no, "1,2", no, "1,2"},
		{"request.headers.nope", no, no, no, no},
		{"request.headers.x-two.more", no, no, no, no},
		{"request.headers_bytes", no, some, num(0), some},
		{"request.referer", no, "ref", no, "ref"},
		{"request.useragent", no, "agent", no, "agent"},
		{"request.time", no, some, some, some},
		{"request.id", no, some, no, some},
		{"request.protocol", no, "HTTP/1.1", "HTTP/1.1", "HTTP/1.1"},
		{"request.duration", no, no, no, some},
		{"request.size", no, num(4), num(4), num(4)},
		{"request.total_size", no, some, num(4), some},
		{"request.nope", no, no, no, no},
		{"response", no, whole, whole, whole},
		{"response.code", no, no, num(201), num(201)},
		{"response.code_details", no, no, "via_upstream", "via_upstream"},
		{"response.flags", no, num(0), num(0), num(0)},
		{"response.grpc_status", no, no, num(2), num(2)},
		{"response.headers", no, "\x00\x00\x00\x00", some, some},
		{"response.headers.x-up", no, no, "yes", "yes"},
		{"response.headers_bytes", no, num(0), some, some},
		{"response.trailers", no, "\x00\x00\x00\x00", "\x00\x00\x00\x00", "\x00\x00\x00\x00"},
		{"response.size", no, num(0), num(0), num(5)},
		{"response.total_size", no, num(0), some, some},
		{"response.backend_latency", no, no, no, some},
		{"source", no, whole, whole, whole},
		{"source.address", no, some, some, some},
		{"source.port", no, some, some, some},
		{"source.nope", no, no, no, no},
		{"destination.address", no, some, some, some},
		{"destination.port", no, some, some, some},
		{"upstream.address", no, no, some, some},
		{"upstream.port", no, no, some, some},
		{"upstream.local_address", no, no, some, some},
		{"upstream.locality", no, no, "", ""},
		{"upstream.locality.region", no, no, "", ""},
		{"upstream.locality.nope", no, no, no, no},
		{"upstream.transport_failure_reason", no, no, "", ""},
		{"upstream.request_attempt_count", no, num(0), num(1), num(1)},
		{"upstream.cx_pool_ready_duration", no, no, some, some},
		{"upstream.num_endpoints", no, num(1), num(1), num(1)},
		{"upstream.tls_version", no, no, no, no},
		{"connection", no, whole, whole, whole},
		{"connection.id", no, some, some, some},
		{"connection.mtls", no, "\x00", "\x00", "\x00"},
		{"connection.requested_server_name", no, "", "", ""},
		{"connection.tls_version", no, no, no, no},
		{"connection.termination_details", no, no, no, no},
		{"metadata", no, "", "", ""},
		{"metadata.filter_metadata", no, "\x00\x00\x00\x00", "\x00\x00\x00\x00", "\x00\x00\x00\x00"},
		{"metadata.filter_metadata.a.b", no, no, no, no},
		{"filter_state", no, whole, whole, whole},
		{"filter_state.wasm_custom", no, no, no, no},
		{"custom", no, "one", "one", "one"},
		{"custom.part", no, no, no, no},
		{"two.parts", no, no, no, no},
		{"nope", no, no, no, no},
		{"", no, no, no, no},
	}
	var mu sync.Mutex
	done := make(chan struct{})
	check := func(h abi.Host, phase string, want func(i int) string) {
		mu.Lock()
		defer mu.Unlock()
		for i, row := range table {
			v, status := h.GetProperty([]byte("+"), abi.AppendPath(nil, strings.Split(row.path, ".")...))
			got, want := string(v[1:]), want(i)
			if status != abi.StatusOK {
				got = status.String()
			}
			switch {
			case want == some:
				if status != abi.StatusOK || got == "" {
					t.Errorf("%s in %s: %q %v", row.path, phase, got, status)
				}
			case got != want:
				t.Errorf("%s in %s: %q, want %q", row.path, phase, got, want)
			}
		}
	}
	p := &funcPlugin{
		start: func(h abi.Host, _ uint32) { check(h, "start", func(i int) string { return table[i].start }) },
		requestHeaders: func(h abi.Host, _ uint32, _ bool) abi.Action {
			h.SetProperty(abi.Path("custom"), []byte("one"))
			h.SetProperty(abi.Path("two\x00parts"), []byte("x"))
			h.SetProperty(abi.Path("request\x00path"), []byte("x"))
			check(h, "request", func(i int) string { return table[i].request })
			if v, _ := h.GetProperty(nil, abi.Path("filter_state\x00wasm.custom")); string(v) != "one" {
				t.Errorf("filter_state: %q", v)
			}
			if v, _ := h.GetProperty(nil, abi.Path("cluster_metadata")); string(v) != message+"c" {
				t.Errorf("cluster_metadata: %q, want %q", v, message+"c")
			}
			return abi.HeaderContinue
		},
		responseHeaders: func(h abi.Host, _ uint32, _ bool) abi.Action {
			check(h, "response", func(i int) string { return table[i].response })
			return abi.HeaderContinue
		},
		log: func(h abi.Host, _ uint32) {
			check(h, "log", func(i int) string { return table[i].log })
			close(done)
		},
	}
	metadata := func(text string) Metadata { return Metadata{"a": {"b": text}} }
	g := startGateway(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("X-Up", "yes")
		w.WriteHeader(http.StatusCreated)
		io.WriteString(w, "hello")
	}), []*funcPlugin{p}, func(c *Config) {
		c.Node = Node{ID: "i", Cluster: "c", Metadata: map[string]any{
			"FLAG": true, "NUM": 1.5, "NONE": nil, "LIST": []any{"x", 2.0}, "DEEP": map[string]any{"er": "y"}}}
		l := &c.Listeners[0]
		l.Metadata, l.Direction = metadata("l"), DirectionOutbound
		l.HTTP.Routes.VirtualHosts = []VirtualHost{{Name: "v", Domains: []string{"*"}, Metadata: metadata("v"), Routes: []Route{
			{Name: "r", Match: RouteMatch{Prefix: "/"}, Cluster: "u", Metadata: metadata("r")}}}}
		c.Clusters[0].Metadata = metadata("c")
		c.Clusters[0].Endpoints[0].Metadata = metadata("h")
	})
	r, err := http.NewRequest(http.MethodPost, g.url+"/p?q=1", strings.NewReader("body"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header["X-Two"] = []string{"1", "2"}
	r.Header.Set("Referer", "ref")
	r.Header.Set("User-Agent", "agent")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	<-done
}

// FuzzProperty asks for any path, in any phase.
func FuzzProperty(f *testing.F) {
	for _, path := range []string{"request", "request\x00headers\x00x", "xds\x00node\x00metadata", "node\x00metadata\x00l\x000", "\x00", "metadata\x00filter_metadata\x00"} {
		f.Add([]byte(path))
	}
	m := Metadata{"a": {"l": []any{"x", nil}, "m": map[string]any{"": true}}}
	n := Node{ID: "i", Metadata: m["a"]}
	s := &stream{l: &listener{gateway: &Gateway{config: &Config{Node: n}}, config: Listener{Metadata: m}}}
	s.info.upstream, s.info.hostMetadata, s.info.routed = "1.2.3.4:5", m, true
	s.info.remote, s.info.local = textAddr("[::1]:1"), textAddr("nonsense")
	f.Fuzz(func(t *testing.T, path []byte) {
		v, _ := s.appendProperty([]byte("+"), path)
		w, _ := s.l.rootProperty([]byte("+"), path)
		if v[0] != '+' || w[0] != '+' {
			t.Errorf("%q: %q %q", path, v, w)
		}
	})
}
