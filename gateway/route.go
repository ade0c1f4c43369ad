package gateway

import (
	"fmt"
	"strings"

	"github.com/sluice-gateway/sluice/message"
)

// routeTable finds the route of a request. It is built once and not changed; any number of goroutines may use it.
type routeTable struct {
	exact map[string]*virtualHost
	// suffixes are the domains that begin with a star (*.a.com), prefixes those that end with one (a.*), by what is left
	// without it, the longest first.
	suffixes []wildcards
	prefixes []wildcards
	any      *virtualHost
}

// wildcards are the wildcard domains of one length, so that a lookup costs one hash for each length in use.
type wildcards struct {
	length int
	hosts  map[string]*virtualHost
}

type virtualHost struct {
	config *VirtualHost
	routes []compiledRoute
}

// maxHost is the longest host that is looked up without an allocation when it has upper case letters. Names are at most
// 253 bytes.
const maxHost = 264

// newRouteTable compiles cfg. It refuses a domain that is in the table twice, in any case of letters, as Envoy does.
func newRouteTable(cfg RouteConfiguration) (*routeTable, error) {
	t := &routeTable{exact: map[string]*virtualHost{}}
	for i := range cfg.VirtualHosts {
		vh := &virtualHost{config: &cfg.VirtualHosts[i]}
		vh.routes = make([]compiledRoute, len(vh.config.Routes))
		for j := range vh.config.Routes {
			if err := vh.routes[j].compile(&vh.config.Routes[j]); err != nil {
				return nil, fmt.Errorf("virtual host %q: route %d: %w", vh.config.Name, j, err)
			}
		}
		for _, d := range vh.config.Domains {
			if err := t.add(strings.ToLower(d), vh); err != nil {
				return nil, fmt.Errorf("virtual host %q: %w", vh.config.Name, err)
			}
		}
	}
	return t, nil
}

func (t *routeTable) add(domain string, vh *virtualHost) error {
	var hosts map[string]*virtualHost
	key := domain
	switch {
	case domain == "":
		return fmt.Errorf("empty domain")
	case domain == "*":
		if t.any != nil {
			return fmt.Errorf("domain %q: is in virtual host %q already", domain, t.any.config.Name)
		}
		t.any = vh
		return nil
	case domain[0] == '*':
		key = domain[1:]
		hosts = wildcardsOf(&t.suffixes, len(key))
	case domain[len(domain)-1] == '*':
		key = domain[:len(domain)-1]
		hosts = wildcardsOf(&t.prefixes, len(key))
	default:
		hosts = t.exact
	}
	if strings.Contains(key, "*") {
		return fmt.Errorf("domain %q: a wildcard is possible only as the first or the last character", domain)
	}
	if other := hosts[key]; other != nil {
		return fmt.Errorf("domain %q: is in virtual host %q already", domain, other.config.Name)
	}
	hosts[key] = vh
	return nil
}

// wildcardsOf returns the hosts of one length, which it makes if need be, keeping list sorted.
func wildcardsOf(list *[]wildcards, length int) map[string]*virtualHost {
	i := 0
	for i < len(*list) && (*list)[i].length > length {
		i++
	}
	if i == len(*list) || (*list)[i].length != length {
		*list = append(*list, wildcards{})
		copy((*list)[i+1:], (*list)[i:])
		(*list)[i] = wildcards{length, map[string]*virtualHost{}}
	}
	return (*list)[i].hosts
}

// match returns the route and the virtual host of a request, nil for both where no route takes it. The virtual host is
// chosen by :authority as it is, port included: "a.com" does not match "a.com:8080", as in Envoy. A request without
// :authority or :path matches nothing.
func (t *routeTable) match(h *message.Headers) (*Route, *VirtualHost) {
	authority, ok := h.Get(":authority")
	if !ok {
		return nil, nil
	}
	path, ok := h.Get(":path")
	if !ok {
		return nil, nil
	}
	vh := t.virtualHost(authority)
	if vh == nil {
		return nil, nil
	}
	path = pathOnly(path)
	for i := range vh.routes {
		if vh.routes[i].matches(path, h) {
			return vh.routes[i].config, vh.config
		}
	}
	return nil, nil
}

func (t *routeTable) virtualHost(authority string) *virtualHost {
	if len(t.exact) == 0 && len(t.suffixes) == 0 && len(t.prefixes) == 0 {
		return t.any
	}
	var buf [maxHost]byte
	host := appendLower(buf[:0], authority)
	if vh := t.exact[string(host)]; vh != nil {
		return vh
	}
	// A star stands for at least one character.
	for i := range t.suffixes {
		w := &t.suffixes[i]
		if w.length < len(host) {
			if vh := w.hosts[string(host[len(host)-w.length:])]; vh != nil {
				return vh
			}
		}
	}
	for i := range t.prefixes {
		w := &t.prefixes[i]
		if w.length < len(host) {
			if vh := w.hosts[string(host[:w.length])]; vh != nil {
				return vh
			}
		}
	}
	return t.any
}

// appendLower appends s with ASCII letters in lower case.
func appendLower(dst []byte, s string) []byte {
	for i := range len(s) {
		dst = append(dst, lowerByte(s[i]))
	}
	return dst
}

func lowerByte(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// pathOnly returns a :path without its query and fragment.
func pathOnly(path string) string {
	if i := strings.IndexAny(path, "?#"); i >= 0 {
		return path[:i]
	}
	return path
}
