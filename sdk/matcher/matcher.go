package matcher

import (
	"errors"
	"math"
	"strings"
)

// ErrNoHost is what [Matcher.Match] answers where rules go by domain and the request's host cannot be read.
var ErrNoHost = errors.New("matcher: the request's host cannot be read")

// Request is what rules look at. A method is called only if there are rules that need it.
type Request interface {
	// Host returns the host with its port; ok is false if it cannot be read.
	Host() (host string, ok bool)
	// Route returns the route's name, "" if it has none.
	Route() string
	// Cluster returns the name of the route's cluster, "" if it has none.
	Cluster() string
}

// Matcher is a parsed configuration. It does not change, so that any number of streams may use it.
type Matcher struct {
	global any   // nil: none
	rules  []any // the configurations, in order

	routes        index
	routePrefixes affixes
	routeServices map[string][]routeService // by route
	domains       index
	domainStarts  affixes // "text*"
	domainEnds    affixes // "*text"
	services      index   // "name", "name:port"
}

type routeService struct {
	service string // "name" or "name:port"
	pos     int
}

// Global returns the global configuration, nil if there is none.
func (m *Matcher) Global() any { return m.global }

// Rules returns the number of rules.
func (m *Matcher) Rules() int { return len(m.rules) }

// Match returns the configuration for r: the first rule that matches, else the global configuration, else nil.
func (m *Matcher) Match(r Request) (config any, err error) {
	if len(m.rules) == 0 {
		return m.global, nil
	}
	best := math.MaxInt
	if len(m.routes) > 0 || len(m.routePrefixes.lengths) > 0 || len(m.routeServices) > 0 {
		best = m.matchRoute(r, best)
	}
	if len(m.domains) > 0 || len(m.domainStarts.lengths) > 0 || len(m.domainEnds.lengths) > 0 {
		host, ok := r.Host()
		if !ok {
			return nil, ErrNoHost
		}
		host = strings.ToLower(withoutPort(host))
		best = m.domains.first(host, best)
		best = m.domainStarts.firstPrefix(host, best)
		best = m.domainEnds.firstSuffix(host, best)
	}
	if len(m.services) > 0 {
		if name, port, ok := serviceOf(r.Cluster()); ok {
			best = m.services.first(name, best)
			best = m.services.first(name+":"+port, best)
		}
	}
	if best < len(m.rules) {
		return m.rules[best], nil
	}
	return m.global, nil
}

func (m *Matcher) matchRoute(r Request, best int) int {
	route := r.Route()
	best = m.routes.first(route, best)
	best = m.routePrefixes.firstPrefix(route, best)
	if services := m.routeServices[route]; len(services) > 0 {
		if name, port, ok := serviceOf(r.Cluster()); ok {
			for _, s := range services {
				if s.pos < best && (s.service == name || s.service == name+":"+port) {
					best = s.pos
				}
			}
		}
	}
	return best
}
