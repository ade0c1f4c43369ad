package plugintest

import "github.com/sluice-gateway/sluice/gateway"

// RoutePrefix adds a route: requests whose path begins with prefix take it, to a cluster that [Backend] adds. Of several
// the first counts; all others take the route that [Route] names.
func RoutePrefix(prefix, name, cluster string) Option {
	return func(o *options) {
		o.routes = append(o.routes, gateway.Route{
			Name: name, Match: gateway.RouteMatch{Prefix: prefix}, Cluster: cluster,
		})
	}
}
