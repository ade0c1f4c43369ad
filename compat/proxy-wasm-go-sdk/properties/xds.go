package properties

// GetXdsClusterName returns the property xds.cluster_name.
func GetXdsClusterName() (string, error) { return text("xds", "cluster_name") }

// GetXdsClusterMetadata returns the property xds.cluster_metadata.filter_metadata.istio, what Istio's control plane says of it.
func GetXdsClusterMetadata() (IstioFilterMetadata, error) {
	return istioMetadata("xds", "cluster_metadata", "filter_metadata", "istio")
}

// GetXdsRouteName returns the property xds.route_name.
func GetXdsRouteName() (string, error) { return text("xds", "route_name") }

// GetXdsRouteMetadata returns the property xds.route_metadata.filter_metadata.istio, what Istio's control plane says of it.
func GetXdsRouteMetadata() (IstioFilterMetadata, error) {
	return istioMetadata("xds", "route_metadata", "filter_metadata", "istio")
}

// GetXdsUpstreamHostMetadata returns the property xds.upstream_host_metadata.filter_metadata.istio, what Istio's control plane says of it.
func GetXdsUpstreamHostMetadata() (IstioFilterMetadata, error) {
	return istioMetadata("xds", "upstream_host_metadata", "filter_metadata", "istio")
}

// GetXdsListenerFilterChainName returns the property xds.filter_chain_name.
func GetXdsListenerFilterChainName() (string, error) { return text("xds", "filter_chain_name") }
