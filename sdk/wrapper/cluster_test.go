//go:build !wasip1

package wrapper_test

import (
	"slices"
	"testing"

	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
	"github.com/sluice-gateway/sluice/sdk/wrapper"
)

func TestClusters(t *testing.T) {
	for name, tc := range map[string]struct {
		cluster wrapper.Cluster
		name    string
		host    string
	}{
		"target":         {wrapper.TargetCluster{Host: "h", Cluster: "any name"}, "any name", "h"},
		"target, bare":   {wrapper.TargetCluster{Cluster: "c"}, "c", ""},
		"k8s":            {wrapper.K8sCluster{ServiceName: "s", Namespace: "n", Port: 80, Version: "v1"}, "outbound|80|v1|s.n.svc.cluster.local", "s.n.svc.cluster.local"},
		"k8s, defaults":  {wrapper.K8sCluster{ServiceName: "s", Port: 80}, "outbound|80||s.default.svc.cluster.local", "s.default.svc.cluster.local"},
		"k8s, host":      {wrapper.K8sCluster{ServiceName: "s", Host: "h"}, "outbound|0||s.default.svc.cluster.local", "h"},
		"nacos":          {wrapper.NacosCluster{ServiceName: "s", Group: "a_b_c", NamespaceID: "public", Port: 1, Version: "v"}, "outbound|1|v|s.a-b-c.public.nacos", "s"},
		"nacos, default": {wrapper.NacosCluster{ServiceName: "s", NamespaceID: "id", IsExtRegistry: true, Host: "h"}, "outbound|0||s.DEFAULT-GROUP.id.nacos-ext", "h"},
		"static":         {wrapper.StaticIpCluster{ServiceName: "s", Port: 80}, "outbound|80||s.static", "s"},
		"static, host":   {wrapper.StaticIpCluster{ServiceName: "s", Port: 80, Host: "h"}, "outbound|80||s.static", "h"},
		"dns":            {wrapper.DnsCluster{ServiceName: "s", Domain: "example.com", Port: 443}, "outbound|443||s.dns", "example.com"},
		"consul":         {wrapper.ConsulCluster{ServiceName: "s", Datacenter: "dc1", Port: 8080}, "outbound|8080||s.dc1.consul", "s"},
		"consul, host":   {wrapper.ConsulCluster{ServiceName: "s", Datacenter: "dc1", Host: "h"}, "outbound|0||s.dc1.consul", "h"},
		"fqdn":           {wrapper.FQDNCluster{FQDN: "redis.static", Port: 6379}, "outbound|6379||redis.static", "redis.static"},
		"fqdn, host":     {wrapper.FQDNCluster{FQDN: "f", Host: "h", Port: -1}, "outbound|-1||f", "h"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tc.cluster.ClusterName(); got != tc.name {
				t.Errorf("cluster %q, want %q", got, tc.name)
			}
			if got := tc.cluster.HostName(); got != tc.host {
				t.Errorf("host %q, want %q", got, tc.host)
			}
		})
	}
}

func TestRouteCluster(t *testing.T) {
	var names, hosts []string
	h := start(t, ``, onRequest(func(wrapper.HttpContext) (a types.Action) {
		for _, c := range []wrapper.RouteCluster{{}, {Host: "h"}} {
			names, hosts = append(names, c.ClusterName()), append(hosts, c.HostName())
		}
		return
	}))
	h.Properties["cluster_name"] = "outbound|80||up"
	h.request().sendHeaders(true, 0)
	if want := []string{"outbound|80||up", "outbound|80||up"}; !slices.Equal(names, want) {
		t.Errorf("clusters %q, want %q", names, want)
	}
	if want := []string{"example.com:8443", "h"}; !slices.Equal(hosts, want) {
		t.Errorf("hosts %q, want %q", hosts, want)
	}
}
