package matcher

import (
	"slices"
	"strings"
	"unsafe"
)

// index finds the first of many rules by a key. Positions are the rules', lower is first.
type index[K comparable] map[K]int

func (x index[K]) add(key K, pos int) {
	if p, ok := x[key]; !ok || pos < p {
		x[key] = pos
	}
}

// first returns the lower of best and the position of key.
func (x index[K]) first(key K, best int) int {
	if p, ok := x[key]; ok && p < best {
		return p
	}
	return best
}

// service is an entry of a rule's services.
type service struct {
	name, port string
	anyPort    bool
}

// parseService takes an entry apart: "name" or "name:port".
func parseService(entry string) service {
	if i := strings.LastIndexByte(entry, ':'); i >= 0 {
		return service{name: entry[:i], port: entry[i+1:]}
	}
	return service{name: entry, anyPort: true}
}

// routeService is an entry of a rule that goes by both.
type routeService struct {
	route string
	service
}

// domainIndex finds the first of many rules by domain.
type domainIndex struct {
	exact  index[string]
	starts tree // "text*"
	ends   tree // "*text", from the end
}

func (x *domainIndex) add(domain string, pos int) {
	domain = string(appendLower(nil, domain))
	if end, ok := strings.CutPrefix(domain, "*"); ok {
		b := []byte(end)
		slices.Reverse(b)
		x.ends.add(string(b), pos)
	} else if start, ok := strings.CutSuffix(domain, "*"); ok {
		x.starts.add(start, pos)
	} else {
		x.exact.add(domain, pos)
	}
}

// maxHost is how long a host may be to be looked up without an allocation: no name in DNS is longer.
const maxHost = 255

func (x *domainIndex) first(host string, best int) int {
	var buf [maxHost]byte
	lower := appendLower(buf[:0], withoutPort(host))
	best = x.exact.first(view(lower), best)
	best = x.starts.first(view(lower), best)
	if x.ends.used() {
		slices.Reverse(lower)
		best = x.ends.first(view(lower), best)
	}
	return best
}

// view returns b as a string, which must not outlive what b has now.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// appendLower appends s with its ASCII letters in lower case: hosts have no others.
func appendLower(dst []byte, s string) []byte {
	for i := range len(s) {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}

// withoutPort cuts the port off a host. The brackets of an IPv6 address stay.
func withoutPort(host string) string {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && strings.IndexByte(host[i:], ']') < 0 {
		return host[:i]
	}
	return host
}

// serviceOf returns name and port of a cluster named outbound|port|subset|name.
func serviceOf(cluster string) (name, port string, ok bool) {
	_, rest, ok1 := strings.Cut(cluster, "|")
	port, rest, ok2 := strings.Cut(rest, "|")
	_, name, ok3 := strings.Cut(rest, "|")
	return name, port, ok1 && ok2 && ok3 && strings.IndexByte(name, '|') < 0
}
