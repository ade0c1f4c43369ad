package wrapper

import (
	"strconv"
	"strings"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/internal/hostcall"
)

// Cluster is where a call goes. The types below name clusters as Higress and Istio do,
//
//	outbound|PORT|SUBSET|NAME
//
// and [TargetCluster] names any other. A Port is put into the name as it is: by convention it is 80 for services of
// static addresses, which have no port of their own, and 6379 for Redis, and it is for the plugin's configuration to
// default.
type Cluster interface {
	// ClusterName returns the cluster's name in the gateway's configuration.
	ClusterName() string
	// HostName returns the authority of calls that name none, "" for none.
	HostName() string
}

// RouteCluster is the cluster that the request's route leads to. It is for callbacks of a request whose route is chosen:
// elsewhere its name is empty, and calls fail.
type RouteCluster struct {
	// Host is the authority of calls; the default is that of the request, as it is now.
	Host string
}

// ClusterName implements [Cluster].
func (c RouteCluster) ClusterName() string {
	name, _ := hostcall.BorrowProperty(abi.PropertyClusterName)
	return hostcall.OwnString(name)
}

// HostName implements [Cluster].
func (c RouteCluster) HostName() string {
	if c.Host != "" {
		return c.Host
	}
	host, _ := hostcall.Header(abi.MapHTTPRequestHeaders, ":authority")
	return host
}

// TargetCluster is a cluster by its name.
type TargetCluster struct {
	Host    string // the authority of calls
	Cluster string
}

// ClusterName implements [Cluster].
func (c TargetCluster) ClusterName() string { return c.Cluster }

// HostName implements [Cluster].
func (c TargetCluster) HostName() string { return c.Host }

// K8sCluster is a service of Kubernetes.
type K8sCluster struct {
	ServiceName string
	Namespace   string // "default" by default
	Port        int64
	Version     string // the subset
	Host        string // the authority of calls; the service's name in the cluster's DNS by default
}

// dns returns the service's name in the cluster's DNS.
func (c K8sCluster) dns() string {
	return c.ServiceName + "." + either(c.Namespace, "default") + ".svc.cluster.local"
}

// ClusterName implements [Cluster].
func (c K8sCluster) ClusterName() string { return outbound(c.Port, c.Version, c.dns()) }

// HostName implements [Cluster].
func (c K8sCluster) HostName() string {
	if c.Host != "" {
		return c.Host
	}
	return c.dns()
}

// NacosCluster is a service of a Nacos registry.
type NacosCluster struct {
	ServiceName string
	Group       string // "DEFAULT-GROUP" by default; "_" becomes "-", as in the gateway's names
	NamespaceID string
	Port        int64
	// IsExtRegistry is for the registries of EDAS and SAE.
	IsExtRegistry bool
	Version       string // the subset
	Host          string // the authority of calls; ServiceName by default
}

// ClusterName implements [Cluster].
func (c NacosCluster) ClusterName() string {
	tail := ".nacos"
	if c.IsExtRegistry {
		tail = ".nacos-ext"
	}
	group := strings.ReplaceAll(either(c.Group, "DEFAULT-GROUP"), "_", "-")
	return outbound(c.Port, c.Version, c.ServiceName+"."+group+"."+c.NamespaceID+tail)
}

// HostName implements [Cluster].
func (c NacosCluster) HostName() string { return either(c.Host, c.ServiceName) }

// StaticIpCluster is a service of fixed addresses.
type StaticIpCluster struct {
	ServiceName string
	Port        int64
	Host        string // the authority of calls; ServiceName by default
}

// ClusterName implements [Cluster].
func (c StaticIpCluster) ClusterName() string { return outbound(c.Port, "", c.ServiceName+".static") }

// HostName implements [Cluster].
func (c StaticIpCluster) HostName() string { return either(c.Host, c.ServiceName) }

// DnsCluster is a service that DNS resolves.
type DnsCluster struct {
	ServiceName string
	Domain      string // the authority of calls
	Port        int64
}

// ClusterName implements [Cluster].
func (c DnsCluster) ClusterName() string { return outbound(c.Port, "", c.ServiceName+".dns") }

// HostName implements [Cluster].
func (c DnsCluster) HostName() string { return c.Domain }

// ConsulCluster is a service of a Consul registry.
type ConsulCluster struct {
	ServiceName string
	Datacenter  string
	Port        int64
	Host        string // the authority of calls; ServiceName by default
}

// ClusterName implements [Cluster].
func (c ConsulCluster) ClusterName() string {
	return outbound(c.Port, "", c.ServiceName+"."+c.Datacenter+".consul")
}

// HostName implements [Cluster].
func (c ConsulCluster) HostName() string { return either(c.Host, c.ServiceName) }

// FQDNCluster is a service by its full name: what the consoles of Higress show, with the registry's suffix.
type FQDNCluster struct {
	FQDN string
	Host string // the authority of calls; FQDN by default
	Port int64
}

// ClusterName implements [Cluster].
func (c FQDNCluster) ClusterName() string { return outbound(c.Port, "", c.FQDN) }

// HostName implements [Cluster].
func (c FQDNCluster) HostName() string { return either(c.Host, c.FQDN) }

func outbound(port int64, subset, name string) string {
	return "outbound|" + strconv.FormatInt(port, 10) + "|" + subset + "|" + name
}

func either(s, otherwise string) string {
	if s != "" {
		return s
	}
	return otherwise
}
