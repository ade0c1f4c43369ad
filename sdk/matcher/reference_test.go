package matcher_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/sdk/internal/jsontext"
	"github.com/sluice-gateway/sluice/sdk/matcher"
)

func valid(config string) bool { return jsontext.Check(config) == nil }

// refRule is a rule of the reference, which goes through the rules one after the other.
type refRule struct {
	Routes   []string `json:"_match_route_,omitempty"`
	Domains  []string `json:"_match_domain_,omitempty"`
	Services []string `json:"_match_service_,omitempty"`
	Prefixes []string `json:"_match_route_prefix_,omitempty"`
	Name     string   `json:"name"`
}

func (r *refRule) match(req req) bool {
	host := strings.ToLower(req.host)
	if colon := strings.LastIndex(host, ":"); colon > strings.LastIndex(host, "]") {
		host = host[:colon]
	}
	any := func(list []string, f func(string) bool) bool {
		for _, s := range list {
			if f(s) {
				return true
			}
		}
		return false
	}
	route := func(s string) bool { return s == req.route }
	service := func(s string) bool {
		parts := strings.Split(req.cluster, "|")
		if len(parts) != 4 {
			return false
		}
		if colon := strings.LastIndex(s, ":"); colon >= 0 {
			return s[:colon] == parts[3] && s[colon+1:] == parts[1]
		}
		return s == parts[3]
	}
	switch {
	case len(r.Routes) > 0 && len(r.Services) > 0:
		return any(r.Routes, route) && any(r.Services, service)
	case len(r.Routes) > 0:
		return any(r.Routes, route)
	case len(r.Domains) > 0:
		return any(r.Domains, func(s string) bool {
			s = strings.ToLower(s)
			switch {
			case strings.HasPrefix(s, "*"):
				return strings.HasSuffix(host, s[1:])
			case strings.HasSuffix(s, "*"):
				return strings.HasPrefix(host, s[:len(s)-1])
			}
			return s == host
		})
	case len(r.Services) > 0:
		return any(r.Services, service)
	}
	return any(r.Prefixes, func(s string) bool { return strings.HasPrefix(req.route, s) })
}

// compare makes a configuration by the choices of pick, and holds the index to the reference.
func compare(t *testing.T, pick func(n int) int) {
	t.Helper()
	one := func(of ...string) string { return of[pick(len(of))] }
	list := func(of ...string) (list []string) {
		for range 1 + pick(3) {
			list = append(list, one(of...))
		}
		return list
	}
	routes := []string{"a", "ab", "abc", "b", "ba", "abd"}
	var rules []refRule
	for i := range 1 + pick(12) {
		r := refRule{Name: fmt.Sprint(i)}
		kinds := 1 + pick(15)
		if kinds&1 != 0 {
			r.Routes = list(routes...)
		}
		if kinds&2 != 0 {
			r.Domains = list("*", "*.com", "*a.COM", "a.*", "b*", "A.com", "b.com", "[::1]", "*]", "a*m", "**")
		}
		if kinds&4 != 0 {
			r.Services = list("s", "s:80", "t:80", "t:81", "t:x:80", "t:")
		}
		if kinds&8 != 0 {
			r.Prefixes = list(routes...)
		}
		rules = append(rules, r)
	}
	config, err := json.Marshal(map[string]any{"name": "global", "_rules_": rules})
	if err != nil {
		t.Fatal(err)
	}
	m, _, err := matcher.Parse(string(config), names)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		r := req{
			one("a.com", "B.a.com:80", "b.com", "a.org:x", "[::1]:80", "[::1]", "axm", "", "*"),
			one(append(routes, "")...),
			one("outbound|", "") + one("80", "81", "") + "|v1|" + one("s", "t", "t:x", "t:", "s|t"),
		}
		want := "global"
		for _, rule := range rules {
			if rule.match(r) {
				want = rule.Name
				break
			}
		}
		if got, err := m.Match(r); err != nil || got != want {
			t.Fatalf("%+v with %s: %v, %v, want %s", r, config, got, err, want)
		}
	}
}

// TestIndexAgreesWithTheList tries random rules against the definition: the first in the list that matches.
func TestIndexAgreesWithTheList(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		compare(t, rnd.IntN)
	}
}

// FuzzMatch takes the choices from the input.
func FuzzMatch(f *testing.F) {
	f.Add([]byte("0123456789"))
	f.Add([]byte{11, 1, 2, 1, 0, 3, 15, 2, 9, 8, 7, 6, 5, 4, 3, 2, 1})
	f.Fuzz(func(t *testing.T, choices []byte) {
		i := 0
		compare(t, func(n int) int {
			if i == len(choices) {
				return 0
			}
			i++
			return int(choices[i-1]) % n
		})
	})
}
