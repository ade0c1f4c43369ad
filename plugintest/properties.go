package plugintest

import "github.com/sluice-gateway/sluice/gateway"

// Properties that an operator's configuration gives a plugin are options here. What the request itself says (request.path,
// source.address, and so on) follows from the request that the test sends; what the plugin set, [Response.Property] has.

// Node is the gateway's identity: properties node.id, node.cluster and, under node.metadata, metadata (which may be nil).
// Default "plugintest" for both names.
func Node(id, cluster string, metadata map[string]any) Option {
	return func(o *options) { o.node = gateway.Node{ID: id, Cluster: cluster, Metadata: metadata} }
}

// RouteMetadata is read at xds.route_metadata.filter_metadata.NAMESPACE. Values are as encoding/json has them.
func RouteMetadata(namespace string, values map[string]any) Option {
	return func(o *options) { addMetadata(&o.routeMetadata, namespace, values) }
}

// ClusterMetadata is RouteMetadata for the cluster behind the route: xds.cluster_metadata.filter_metadata.NAMESPACE.
func ClusterMetadata(namespace string, values map[string]any) Option {
	return func(o *options) { addMetadata(&o.clusterMetadata, namespace, values) }
}

// ListenerMetadata is RouteMetadata for the listener: listener_metadata.filter_metadata.NAMESPACE, of root contexts too.
func ListenerMetadata(namespace string, values map[string]any) Option {
	return func(o *options) { addMetadata(&o.listener.Metadata, namespace, values) }
}

// VMID is the namespace of shared data and queues (property plugin_vm_id); default "".
func VMID(id string) Option { return func(o *options) { o.plugin.VMID = id } }

// RootID chooses among several plugins of a module (property plugin_root_id); default "".
func RootID(id string) Option { return func(o *options) { o.plugin.RootID = id } }

// Env sets a variable of the environment that a module sees. Natively that is the test's own, which [testing.T.Setenv]
// sets.
func Env(name, value string) Option {
	return func(o *options) {
		if o.plugin.Env == nil {
			o.plugin.Env = map[string]string{}
		}
		o.plugin.Env[name] = value
	}
}

func addMetadata(to *gateway.Metadata, namespace string, values map[string]any) {
	if *to == nil {
		*to = gateway.Metadata{}
	}
	(*to)[namespace] = values
}
