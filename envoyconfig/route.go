package envoyconfig

import (
	"fmt"
	"strings"

	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"

	"github.com/sluice-gateway/sluice/gateway"
)

func (t *translator) routeConfiguration(r *routev3.RouteConfiguration, at string) gateway.RouteConfiguration {
	routes := gateway.RouteConfiguration{Name: r.GetName()}
	bodyLimit := defaultDirectBodyLimit
	if limit := r.GetMaxDirectResponseBodySizeBytes(); limit != nil {
		bodyLimit = int(limit.GetValue())
	}
	if len(r.GetVirtualHosts()) == 0 {
		t.warn(at, "there are no virtual hosts; every request is answered 404")
	}
	names, domains := map[string]bool{}, map[string]string{}
	for i, h := range r.GetVirtualHosts() {
		hostAt := fmt.Sprintf("%s.virtual_hosts[%d]", at, i)
		if names[h.GetName()] {
			t.fail(hostAt+".name", "there is another virtual host %q", h.GetName())
		}
		names[h.GetName()] = true
		host := gateway.VirtualHost{Name: h.GetName(), Domains: h.GetDomains(), Metadata: metadata(h.GetMetadata())}
		for j, domain := range h.GetDomains() {
			domainAt := fmt.Sprintf("%s.domains[%d]", hostAt, j)
			if other, taken := domains[strings.ToLower(domain)]; taken {
				t.fail(domainAt, "the virtual host %q has the domain %q already; a domain belongs to one", other, domain)
			}
			domains[strings.ToLower(domain)] = h.GetName()
		}
		for j, route := range h.GetRoutes() {
			host.Routes = append(host.Routes, t.route(route, bodyLimit, fmt.Sprintf("%s.routes[%d]", hostAt, j)))
		}
		routes.VirtualHosts = append(routes.VirtualHosts, host)
	}
	return routes
}

func (t *translator) route(r *routev3.Route, bodyLimit int, at string) gateway.Route {
	route := gateway.Route{Name: r.GetName(), Match: t.routeMatch(r.GetMatch(), at+".match"), Metadata: metadata(r.GetMetadata())}
	switch action := r.GetAction().(type) {
	case *routev3.Route_Route:
		t.routeAction(&route, action.Route, at+".route")
	case *routev3.Route_DirectResponse:
		route.DirectResponse = t.directResponse(action.DirectResponse, bodyLimit, at+".direct_response")
	default:
		t.fail(at, "route or direct_response is required")
	}
	return route
}

func (t *translator) routeAction(route *gateway.Route, a *routev3.RouteAction, at string) {
	route.Cluster = a.GetCluster()
	if !t.clusters[route.Cluster] {
		t.fail(at+".cluster", "there is no cluster %q%s", route.Cluster, t.clusterNames())
	}
	route.Timeout = t.duration(a.GetTimeout(), defaultRouteTimeout, at+".timeout")
	route.PrefixRewrite = a.GetPrefixRewrite()
	route.HostRewrite = a.GetHostRewriteLiteral()
	route.AutoHostRewrite = a.GetAutoHostRewrite().GetValue()
}

// clusterNames is the end of an error about a cluster that is not there.
func (t *translator) clusterNames() string {
	if len(t.clusters) == 0 {
		return "; static_resources.clusters is empty"
	}
	if len(t.clusters) > 8 {
		return "; name one of static_resources.clusters"
	}
	return "; there is " + strings.Join(sortedKeys(t.clusters), ", ")
}

func (t *translator) directResponse(d *routev3.DirectResponseAction, bodyLimit int, at string) *gateway.DirectResponse {
	response := &gateway.DirectResponse{Status: int(d.GetStatus())}
	if d.GetBody() != nil {
		response.Body, _, _ = t.dataSource(d.GetBody(), at+".body")
	}
	if len(response.Body) > bodyLimit {
		t.fail(at+".body", "has %d bytes, more than the %d that max_direct_response_body_size_bytes of the route configuration allows", len(response.Body), bodyLimit)
	}
	return response
}
