package properties

// GetPluginName returns the property plugin_name.
func GetPluginName() (string, error) { return text("plugin_name") }

// GetPluginRootId returns the property plugin_root_id.
func GetPluginRootId() (string, error) { return text("plugin_root_id") }

// GetPluginVmId returns the property plugin_vm_id.
func GetPluginVmId() (string, error) { return text("plugin_vm_id") }

// GetClusterName returns the property cluster_name.
func GetClusterName() (string, error) { return text("cluster_name") }

// GetRouteName returns the property route_name.
func GetRouteName() (string, error) { return text("route_name") }

// GetNodeId returns the property node.id.
func GetNodeId() (string, error) { return text("node", "id") }

// GetNodeCluster returns the property node.cluster.
func GetNodeCluster() (string, error) { return text("node", "cluster") }

// GetNodeDynamicParams returns the property node.dynamic_parameters.params.
func GetNodeDynamicParams() (string, error) { return text("node", "dynamic_parameters", "params") }

// GetNodeUserAgentName returns the property node.user_agent_name.
func GetNodeUserAgentName() (string, error) { return text("node", "user_agent_name") }

// GetNodeUserAgentVersion returns the property node.user_agent_version.
func GetNodeUserAgentVersion() (string, error) { return text("node", "user_agent_version") }

// GetNodeUserAgentBuildVersion returns the property node.user_agent_build_version.metadata.
func GetNodeUserAgentBuildVersion() (string, error) {
	return text("node", "user_agent_build_version", "metadata")
}

// GetNodeListeningAddresses returns the property node.listening_addresses, a list.
func GetNodeListeningAddresses() ([]string, error) { return textList("node", "listening_addresses") }

// GetClusterMetadata returns the property node.cluster_metadata.filter_metadata.istio, what Istio's control plane says of it.
func GetClusterMetadata() (IstioFilterMetadata, error) {
	return istioMetadata("node", "cluster_metadata", "filter_metadata", "istio")
}

// GetListenerMetadata returns the property node.listener_metadata.filter_metadata.istio, what Istio's control plane says of it.
func GetListenerMetadata() (IstioFilterMetadata, error) {
	return istioMetadata("node", "listener_metadata", "filter_metadata", "istio")
}

// GetRouteMetadata returns the property node.route_metadata.filter_metadata.istio, what Istio's control plane says of it.
func GetRouteMetadata() (IstioFilterMetadata, error) {
	return istioMetadata("node", "route_metadata", "filter_metadata", "istio")
}

// GetUpstreamHostMetadata returns the property node.upstream_host_metadata.filter_metadata.istio, what Istio's control plane says of it.
func GetUpstreamHostMetadata() (IstioFilterMetadata, error) {
	return istioMetadata("node", "upstream_host_metadata", "filter_metadata", "istio")
}
