package envoyconfig

import (
	"fmt"
	"maps"
	"net"
	"slices"

	clusterv3 "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	endpointv3 "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	httpoptionsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/upstreams/http/v3"

	"github.com/sluice-gateway/sluice/gateway"
)

func (t *translator) cluster(c *clusterv3.Cluster, at string) gateway.Cluster {
	cluster := gateway.Cluster{
		Name:           c.GetName(),
		Metadata:       metadata(c.GetMetadata()),
		ConnectTimeout: t.duration(c.GetConnectTimeout(), defaultConnectTimeout, at+".connect_timeout"),
		DNSRefresh:     t.duration(c.GetDnsRefreshRate(), defaultDNSRefresh, at+".dns_refresh_rate"),
		IPv4Only:       c.GetDnsLookupFamily() == clusterv3.Cluster_V4_ONLY,
		IPv6Only:       c.GetDnsLookupFamily() == clusterv3.Cluster_V6_ONLY,
	}
	cluster.HTTP2, cluster.EnableTrailers = t.protocol(c, at+".typed_extension_protocol_options")
	//nolint:staticcheck // old files have these
	if c.GetHttp2ProtocolOptions() != nil {
		cluster.HTTP2 = true
	} else if c.GetHttpProtocolOptions() != nil {
		cluster.EnableTrailers = c.GetHttpProtocolOptions().GetEnableTrailers()
	}
	switch c.GetType() {
	case clusterv3.Cluster_STRICT_DNS:
		cluster.Type = gateway.ClusterStrictDNS
	case clusterv3.Cluster_LOGICAL_DNS:
		cluster.Type = gateway.ClusterLogicalDNS
	}
	if c.GetLoadAssignment() == nil {
		t.fail(at+".load_assignment", "is required; without it the cluster has no hosts")
		return cluster
	}
	at += ".load_assignment.endpoints"
	for i, locality := range c.GetLoadAssignment().GetEndpoints() {
		for j, e := range locality.GetLbEndpoints() {
			cluster.Endpoints = append(cluster.Endpoints, t.endpoint(e, cluster.Type, fmt.Sprintf("%s[%d].lb_endpoints[%d]", at, i, j)))
		}
	}
	if cluster.Type == gateway.ClusterLogicalDNS && len(cluster.Endpoints) != 1 {
		t.fail(at, "a LOGICAL_DNS cluster has one endpoint, not %d; use STRICT_DNS", len(cluster.Endpoints))
	}
	return cluster
}

func (t *translator) endpoint(e *endpointv3.LbEndpoint, typ gateway.ClusterType, at string) gateway.Endpoint {
	endpoint := gateway.Endpoint{Hostname: e.GetEndpoint().GetHostname(), Weight: 1, Metadata: metadata(e.GetMetadata())}
	if weight := e.GetLoadBalancingWeight(); weight != nil {
		endpoint.Weight = weight.GetValue()
	}
	s := e.GetEndpoint().GetAddress().GetSocketAddress()
	at += ".endpoint.address"
	if s == nil {
		t.fail(at, "is required")
		return endpoint
	}
	at += ".socket_address"
	ip := net.ParseIP(s.GetAddress())
	if typ == gateway.ClusterStatic && ip == nil {
		t.fail(at+".address", "%q is not an IP address, as a STATIC cluster needs; set the cluster's type to STRICT_DNS or LOGICAL_DNS", s.GetAddress())
	}
	if s.GetPortValue() == 0 {
		t.fail(at+".port_value", "is required, from 1 to 65535")
	}
	if endpoint.Hostname == "" && ip == nil {
		endpoint.Hostname = s.GetAddress()
	}
	endpoint.Address = t.hostPort(s, at)
	return endpoint
}

// protocol reads what a cluster's extension options say of the protocol that is spoken with its hosts.
func (t *translator) protocol(c *clusterv3.Cluster, at string) (http2, trailers bool) {
	for key, value := range c.GetTypedExtensionProtocolOptions() {
		keyAt := fmt.Sprintf("%s[%q]", at, key)
		if key != typeHTTPOptions {
			t.fail(keyAt, "is not implemented; the key is to be %s", typeHTTPOptions)
			continue
		}
		o := &httpoptionsv3.HttpProtocolOptions{}
		if _, ok := t.unpack(value, o, keyAt); ok {
			http2 = o.GetExplicitHttpConfig().GetHttp2ProtocolOptions() != nil
			trailers = o.GetExplicitHttpConfig().GetHttpProtocolOptions().GetEnableTrailers()
		}
	}
	return http2, trailers
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
