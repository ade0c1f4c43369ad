package envoyconfig

import (
	"fmt"
	"strings"

	listenerv3 "github.com/envoyproxy/go-control-plane/envoy/config/listener/v3"
	managerv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	proxyv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/tcp_proxy/v3"
	networkwasmv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/wasm/v3"

	"github.com/sluice-gateway/sluice/gateway"
)

// networkFilters translates a listener's chain: the HTTP connection manager alone, or wasm filters and behind them the
// TCP proxy.
func (t *translator) networkFilters(listener *gateway.Listener, filters []*listenerv3.Filter, at string) {
	const wanted = "; a listener has the HTTP connection manager alone, or wasm filters and behind them the TCP proxy"
	var chain []gateway.Filter
	for i, f := range filters {
		filterAt := fmt.Sprintf("%s[%d]", at, i)
		configAt := filterAt + ".typed_config"
		if f.GetTypedConfig() == nil {
			t.fail(configAt, "is required")
			return
		}
		_, name, _ := strings.Cut(f.GetTypedConfig().GetTypeUrl(), "/")
		if name == typeNetworkWasm {
			filter := &networkwasmv3.Wasm{}
			if wasmAt, ok := t.unpack(f.GetTypedConfig(), filter, configAt); ok {
				plugin := t.plugin(filter.GetConfig(), f.GetName(), wasmAt+".config")
				chain = append(chain, gateway.Filter{Name: f.GetName(), Wasm: plugin})
			}
			continue
		}
		if i != len(filters)-1 {
			t.fail(filterAt, "ends the chain, so no filter can stand behind it%s", wanted)
			return
		}
		if name == typeTCPProxy {
			proxy := &proxyv3.TcpProxy{}
			if proxyAt, ok := t.unpack(f.GetTypedConfig(), proxy, configAt); ok {
				listener.TCP = t.tcpProxy(proxy, proxyAt)
				listener.TCP.Filters = chain
			}
			return
		}
		if i > 0 {
			t.fail(at+"[0]", "stands before the HTTP connection manager, which is not implemented; make it an HTTP filter")
		}
		manager := &managerv3.HttpConnectionManager{}
		if managerAt, ok := t.unpack(f.GetTypedConfig(), manager, configAt); ok {
			listener.HTTP = t.manager(manager, managerAt)
		}
		return
	}
	t.fail(at, "has no filter that ends the chain%s", wanted)
}

func (t *translator) tcpProxy(p *proxyv3.TcpProxy, at string) *gateway.TCPProxy {
	proxy := &gateway.TCPProxy{
		StatPrefix:         p.GetStatPrefix(),
		Cluster:            p.GetCluster(),
		IdleTimeout:        t.duration(p.GetIdleTimeout(), defaultIdleTimeout, at+".idle_timeout"),
		MaxConnectAttempts: 1,
	}
	if proxy.IdleTimeout == 0 {
		proxy.IdleTimeout = -1 // Envoy's 0 is none; the gateway's is the default
	}
	if n := p.GetMaxConnectAttempts(); n != nil {
		proxy.MaxConnectAttempts = n.GetValue()
	}
	if !t.clusters[proxy.Cluster] {
		t.fail(at+".cluster", "there is no cluster %q%s", proxy.Cluster, t.clusterNames())
	}
	return proxy
}
