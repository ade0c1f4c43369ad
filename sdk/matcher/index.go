package matcher

import (
	"slices"
	"strings"
)

// index finds the first of many rules by one kind of key. Positions are the rules', lower is first.
type index map[string]int

func (x index) add(key string, pos int) {
	if p, ok := x[key]; !ok || pos < p {
		x[key] = pos
	}
}

// first returns the lower of best and the position of key.
func (x index) first(key string, best int) int {
	if p, ok := x[key]; ok && p < best {
		return p
	}
	return best
}

// affixes finds the first of many rules by the beginning (or end) of a text: one look-up for each length there is.
type affixes struct {
	index   index
	lengths []int
}

func (a *affixes) add(affix string, pos int) {
	if a.index == nil {
		a.index = index{}
	}
	a.index.add(affix, pos)
	if i, ok := slices.BinarySearch(a.lengths, len(affix)); !ok {
		a.lengths = slices.Insert(a.lengths, i, len(affix))
	}
}

func (a *affixes) firstPrefix(text string, best int) int {
	for _, n := range a.lengths {
		if n > len(text) {
			break
		}
		best = a.index.first(text[:n], best)
	}
	return best
}

func (a *affixes) firstSuffix(text string, best int) int {
	for _, n := range a.lengths {
		if n > len(text) {
			break
		}
		best = a.index.first(text[len(text)-n:], best)
	}
	return best
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
	return name, port, ok1 && ok2 && ok3 && !strings.Contains(name, "|")
}
