package envoyconfig

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"

	"github.com/sluice-gateway/sluice/gateway"
	"github.com/sluice-gateway/sluice/pluginhost"
)

// SinglePlugin is the configuration that most plugins are developed with: one listener, one plugin, one upstream. It is
// what `sluice run` makes of its flags.
type SinglePlugin struct {
	Plugin *pluginhost.Config
	// Listen is the address to listen on, host:port; port 0 chooses a free one.
	Listen string
	// Upstream is where every request goes, host:port. A host that is a name is resolved again and again.
	Upstream string
}

// SingleListener is the name of the listener of a [SinglePlugin].
const SingleListener = "listener_0"

// Config is the configuration, with Envoy's defaults and access log lines on the standard output. Errors are about
// Listen and Upstream.
func (s SinglePlugin) Config() (*gateway.Config, error) {
	if err := checkHostPort(s.Listen, 0); err != nil {
		return nil, fmt.Errorf("cannot listen on %q: %w", s.Listen, err)
	}
	if err := checkHostPort(s.Upstream, 1); err != nil {
		return nil, fmt.Errorf("cannot use %q as the upstream: %w", s.Upstream, err)
	}
	host, _, _ := net.SplitHostPort(s.Upstream)
	cluster := gateway.Cluster{
		Name:           "upstream",
		Type:           gateway.ClusterStrictDNS,
		Endpoints:      []gateway.Endpoint{{Address: s.Upstream, Hostname: host, Weight: 1}},
		ConnectTimeout: defaultConnectTimeout,
		DNSRefresh:     defaultDNSRefresh,
	}
	if _, err := netip.ParseAddr(host); err == nil {
		cluster.Type, cluster.Endpoints[0].Hostname = gateway.ClusterStatic, ""
	}
	return &gateway.Config{
		Node: gateway.Node{ID: "sluice", Cluster: "sluice"},
		Listeners: []gateway.Listener{{
			Name:        SingleListener,
			Address:     s.Listen,
			BufferLimit: defaultBufferLimit,
			HTTP: gateway.HTTPConnectionManager{
				StatPrefix:           "ingress_http",
				Filters:              []gateway.Filter{{Name: s.Plugin.Name, Wasm: s.Plugin}},
				AccessLogs:           []gateway.AccessLog{{Stdout: true}},
				StreamIdleTimeout:    defaultStreamIdleTimeout,
				IdleTimeout:          defaultIdleTimeout,
				MaxRequestHeadersKiB: defaultMaxHeadersKiB,
				ServerName:           defaultServerName,
				GenerateRequestID:    true,
				Routes: gateway.RouteConfiguration{
					Name: "local_route",
					VirtualHosts: []gateway.VirtualHost{{
						Name:    "local_service",
						Domains: []string{"*"},
						Routes: []gateway.Route{{
							Name:    "default",
							Match:   gateway.RouteMatch{Prefix: "/"},
							Cluster: cluster.Name,
							Timeout: defaultRouteTimeout,
						}},
					}},
				},
			},
		}},
		Clusters: []gateway.Cluster{cluster},
	}, nil
}

func checkHostPort(address string, lowest uint64) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("an address is host:port, as in 127.0.0.1:10000")
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n < lowest {
		return fmt.Errorf("%q is not a port; ports are from %d to 65535", port, lowest)
	}
	if host == "" && lowest > 0 {
		return fmt.Errorf("it has no host")
	}
	return nil
}
