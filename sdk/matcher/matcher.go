package matcher

import "errors"

// What [Matcher.Match] answers where it cannot choose.
var (
	// ErrNoHost is that there are rules by domain and the request's host cannot be read.
	ErrNoHost = errors.New("matcher: the request's host cannot be read")
	// ErrNoRoute is that there are rules by route and the route's name cannot be read.
	ErrNoRoute = errors.New("matcher: the route's name cannot be read")
	// ErrNoCluster is that there are rules by service and the cluster's name cannot be read.
	ErrNoCluster = errors.New("matcher: the cluster's name cannot be read")
	// ErrRejected is that the rule which matches was rejected, and has nothing in its place.
	ErrRejected = errors.New("matcher: the rule that matches was rejected")
)

// Request is what rules look at. A method is called only if there are rules that need it, and once. What it returns is
// looked at until Match returns, and not kept.
type Request interface {
	// Host returns the host with its port; ok is false if it cannot be read.
	Host() (host string, ok bool)
	// Route returns the route's name, "" if it has none; ok is false if it cannot be read.
	Route() (route string, ok bool)
	// Cluster returns the name of the route's cluster, "" if it has none; ok is false if it cannot be read.
	Cluster() (cluster string, ok bool)
}

// Matcher is a parsed configuration. It does not change, so that any number of streams may use it.
type Matcher struct {
	global any   // nil: none
	rules  []any // the configurations, in order; nil: rejected

	// By what rules are found, and the position of the first that is found so: one that is behind what was found already
	// is not looked for.
	routes        index[string]
	routePrefixes tree
	firstRoute    int

	domains     domainIndex
	firstDomain int

	services     index[service]
	firstService int

	routeServices index[routeService]
	firstBoth     int
}

func newMatcher() *Matcher {
	return &Matcher{
		routes: index[string]{}, routePrefixes: tree{pos: none}, firstRoute: none,
		domains:     domainIndex{index[string]{}, tree{pos: none}, tree{pos: none}},
		firstDomain: none,
		services:    index[service]{}, firstService: none,
		routeServices: index[routeService]{}, firstBoth: none,
	}
}

// Global returns the global configuration, nil if there is none.
func (m *Matcher) Global() any { return m.global }

// Rules returns the number of rules.
func (m *Matcher) Rules() int { return len(m.rules) }

// Match returns the configuration for r: that of the first rule that matches, else the global one, else nil. It does
// not allocate.
func (m *Matcher) Match(r Request) (config any, err error) {
	best := none
	var route string
	var ok bool
	if m.firstRoute < none || m.firstBoth < none {
		if route, ok = r.Route(); !ok {
			return nil, ErrNoRoute
		}
		best = m.routes.first(route, best)
		best = m.routePrefixes.first(route, best)
	}
	if m.firstDomain < best {
		host, ok := r.Host()
		if !ok {
			return nil, ErrNoHost
		}
		best = m.domains.first(host, best)
	}
	if m.firstService < best || m.firstBoth < best {
		cluster, ok := r.Cluster()
		if !ok {
			return nil, ErrNoCluster
		}
		best = m.matchService(cluster, route, best)
	}
	if best == none {
		return m.global, nil
	}
	if config = m.rules[best]; config == nil {
		return nil, ErrRejected
	}
	return config, nil
}

func (m *Matcher) matchService(cluster, route string, best int) int {
	name, port, ok := serviceOf(cluster)
	if !ok {
		return best
	}
	named, exact := service{name: name, anyPort: true}, service{name: name, port: port}
	if m.firstService < best {
		best = m.services.first(named, best)
		best = m.services.first(exact, best)
	}
	if m.firstBoth < best {
		best = m.routeServices.first(routeService{route, named}, best)
		best = m.routeServices.first(routeService{route, exact}, best)
	}
	return best
}
