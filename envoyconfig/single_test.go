package envoyconfig

import (
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/gateway"
	"github.com/sluice-gateway/sluice/pluginhost"
)

func TestSinglePlugin(t *testing.T) {
	for _, tt := range []struct {
		name, listen, upstream string
		typ                    gateway.ClusterType
		hostname, err          string
	}{
		{name: "an address", listen: "127.0.0.1:0", upstream: "127.0.0.1:80", typ: gateway.ClusterStatic},
		{name: "IPv6", listen: "[::1]:8080", upstream: "[::1]:80", typ: gateway.ClusterStatic},
		{name: "a name", listen: ":8080", upstream: "localhost:80", typ: gateway.ClusterStrictDNS, hostname: "localhost"},
		{name: "no port to listen on", listen: "127.0.0.1", upstream: "a:1", err: `cannot listen on "127.0.0.1": an address is host:port`},
		{name: "a port too large", listen: ":70000", upstream: "a:1", err: `"70000" is not a port`},
		{name: "an upstream without a port", listen: ":1", upstream: "a:0", err: `cannot use "a:0" as the upstream: "0" is not a port`},
		{name: "an upstream without a host", listen: ":1", upstream: ":1", err: "it has no host"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg, err := SinglePlugin{Plugin: &pluginhost.Config{Name: "p"}, Listen: tt.listen, Upstream: tt.upstream}.Config()
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("got %v, want %s", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			c := cfg.Clusters[0]
			if c.Type != tt.typ || c.Endpoints[0].Address != tt.upstream || c.Endpoints[0].Hostname != tt.hostname {
				t.Errorf("got %+v", c)
			}
			if l := cfg.Listeners[0]; l.Address != tt.listen || l.Name != SingleListener || l.HTTP.Filters[0].Wasm.Name != "p" {
				t.Errorf("got %+v", l)
			}
			if _, err := gateway.New(cfg, gateway.Options{Plugins: pluginhost.New(pluginhost.Options{})}); err != nil {
				t.Errorf("the gateway refuses it: %v", err)
			}
		})
	}
}
