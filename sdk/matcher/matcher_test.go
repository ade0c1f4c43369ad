package matcher_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/sdk/internal/jsontext"
	"github.com/sluice-gateway/sluice/sdk/matcher"
)

// req is a request by what rules look at.
type req struct{ host, route, cluster string }

func (r req) Host() (string, bool) { return r.host, r.host != "" }
func (r req) Route() string        { return r.route }
func (r req) Cluster() string      { return r.cluster }

// names parses configurations to their "name".
var names = matcher.Parser{
	Global: func(json string) (any, error) { return name(json) },
	Rule:   func(json string, _ any) (any, error) { return name(json) },
}

func name(json string) (any, error) {
	s, _ := jsontext.String(jsontext.Member(json, "name"))
	if s == "bad" {
		return nil, errors.New("bad name")
	}
	return s, nil
}

// rules makes a configuration with a global part of the rules given by their match lists, named by their positions.
func rules(lists ...string) string {
	for i, l := range lists {
		lists[i] = fmt.Sprintf(`{%s,"name":"%d"}`, l, i)
	}
	return `{"name":"global","_rules_":[` + strings.Join(lists, ",") + `]}`
}

func TestMatch(t *testing.T) {
	const svc = "outbound|8080|v1|svc.ns.svc.cluster.local"
	for name, tc := range map[string]struct {
		config string
		req    req
		want   string
	}{
		"route":                      {rules(`"_match_route_":["a","b"]`), req{"h", "b", ""}, "0"},
		"route is exact":             {rules(`"_match_route_":["a"]`), req{"h", "ab", ""}, "global"},
		"route is case sensitive":    {rules(`"_match_route_":["a"]`), req{"h", "A", ""}, "global"},
		"route prefix":               {rules(`"_match_route_prefix_":["x","ab"]`), req{"h", "abc", ""}, "0"},
		"no route":                   {rules(`"_match_route_":["a"]`), req{"h", "", ""}, "global"},
		"route and service":          {rules(`"_match_route_":["a"],"_match_service_":["svc.ns.svc.cluster.local:8080"]`), req{"h", "a", svc}, "0"},
		"route without the service":  {rules(`"_match_route_":["a"],"_match_service_":["other"]`), req{"h", "a", svc}, "global"},
		"route beats domain":         {rules(`"_match_route_":["a"],"_match_domain_":["h"]`), req{"h", "b", ""}, "global"},
		"domain":                     {rules(`"_match_domain_":["x.com","h.com"]`), req{"h.com", "", ""}, "0"},
		"domain without port":        {rules(`"_match_domain_":["h.com"]`), req{"h.com:8080", "", ""}, "0"},
		"domain in any case":         {rules(`"_match_domain_":["H.com"]`), req{"h.COM", "", ""}, "0"},
		"domain by its end":          {rules(`"_match_domain_":["*.h.com"]`), req{"a.b.h.com", "", ""}, "0"},
		"end needs the dot":          {rules(`"_match_domain_":["*.h.com"]`), req{"h.com", "", ""}, "global"},
		"domain by its beginning":    {rules(`"_match_domain_":["h.*"]`), req{"h.org", "", ""}, "0"},
		"any domain":                 {rules(`"_match_domain_":["*"]`), req{"h", "", ""}, "0"},
		"address":                    {rules(`"_match_domain_":["[::1]"]`), req{"[::1]:80", "", ""}, "0"},
		"address without port":       {rules(`"_match_domain_":["[::1]"]`), req{"[::1]", "", ""}, "0"},
		"service":                    {rules(`"_match_service_":["svc.ns.svc.cluster.local"]`), req{"h", "", svc}, "0"},
		"service with port":          {rules(`"_match_service_":["svc.ns.svc.cluster.local:8080"]`), req{"h", "", svc}, "0"},
		"service with other port":    {rules(`"_match_service_":["svc.ns.svc.cluster.local:80"]`), req{"h", "", svc}, "global"},
		"cluster of another form":    {rules(`"_match_service_":["svc"]`), req{"h", "", "svc"}, "global"},
		"cluster with too many bars": {rules(`"_match_service_":["svc"]`), req{"h", "", "a|b|c|svc|d"}, "global"},
		"first of several kinds": {
			rules(`"_match_service_":["x"]`, `"_match_domain_":["*"]`, `"_match_route_":["a"]`), req{"h", "a", svc}, "1",
		},
		"first, though longer ones match": {rules(`"_match_domain_":["*.com"]`, `"_match_domain_":["h.com"]`), req{"h.com", "", ""}, "0"},
		"one string for a list":           {rules(`"_match_route_":"a"`), req{"h", "a", ""}, "0"},
		"escapes":                         {rules(`"_match_route_":["\u00e9\""]`), req{"h", "é\"", ""}, "0"},
	} {
		t.Run(name, func(t *testing.T) {
			m, globalErr, err := matcher.Parse(tc.config, names)
			if err != nil || globalErr != nil {
				t.Fatal(err, globalErr)
			}
			if got, err := m.Match(tc.req); err != nil || got != tc.want {
				t.Fatalf("configuration %v, %v, want %v", got, err, tc.want)
			}
		})
	}
}

func TestParse(t *testing.T) {
	for name, tc := range map[string]struct {
		config    string
		global    any
		rules     int
		globalErr bool
		err       error // ErrNoMatch and the like, or any
	}{
		"empty":               {``, "", 0, false, nil},
		"no members":          {`{}`, "", 0, false, nil},
		"global":              {`{"name":"g"}`, "g", 0, false, nil},
		"rules only":          {`{"_rules_":[{"_match_route_":["a"]}]}`, nil, 1, false, nil},
		"both":                {`{"name":"g","_rules_":[{"_match_route_":["a"]}]}`, "g", 1, false, nil},
		"bad global":          {`{"name":"bad"}`, nil, 0, false, errAny},
		"bad global, rules":   {`{"name":"bad","_rules_":[{"_match_route_":["a"]}]}`, nil, 1, true, nil},
		"no rules":            {`{"_rules_":[]}`, nil, 0, false, matcher.ErrNoRules},
		"rule matches none":   {`{"_rules_":[{"name":"r"}]}`, nil, 0, false, matcher.ErrNoMatch},
		"only empty strings":  {`{"_rules_":[{"_match_route_":["",""]}]}`, nil, 0, false, matcher.ErrNoMatch},
		"not strings":         {`{"_rules_":[{"_match_route_":[1,{}]}]}`, nil, 0, false, matcher.ErrNoMatch},
		"bad rule":            {`{"_rules_":[{"_match_route_":["a"],"name":"bad"}]}`, nil, 0, false, errAny},
		"one rule, no list":   {`{"_rules_":{"_match_route_":["a"]}}`, nil, 1, false, nil},
		"rule that is no one": {`{"_rules_":["a"]}`, nil, 0, false, matcher.ErrNoMatch},
	} {
		t.Run(name, func(t *testing.T) {
			m, globalErr, err := matcher.Parse(tc.config, names)
			if tc.err != nil {
				if err == nil || tc.err != errAny && !errors.Is(err, tc.err) {
					t.Fatalf("error %v, want %v", err, tc.err)
				}
				return
			}
			if err != nil || (globalErr != nil) != tc.globalErr || m.Global() != tc.global || m.Rules() != tc.rules {
				t.Fatalf("global %v, %d rules, %v, %v", m.Global(), m.Rules(), globalErr, err)
			}
		})
	}
}

var errAny = errors.New("any")

func TestFailedRules(t *testing.T) {
	const config = `{"_rules_":[
		{"_match_route_":["b","a"],"name":"bad"}, {"_match_domain_":["h"],"name":"bad"}, {"_match_domain_":["*"],"name":"good"}]}`
	var parsed, failed []string
	p := names
	p.Parsed = func(l matcher.Lists, _ string) { parsed = append(parsed, l.Key()) }
	p.Failed = func(l matcher.Lists, json string, _ any, err error) any {
		failed = append(failed, l.Key())
		if strings.Contains(json, "route") {
			return "replacement"
		}
		return nil
	}
	m, _, err := matcher.Parse(config, p)
	if err != nil || m.Rules() != 2 || len(parsed) != 1 || len(failed) != 2 || failed[0] == failed[1] {
		t.Fatalf("%d rules, parsed %q, failed %q, %v", m.Rules(), parsed, failed, err)
	}
	for r, want := range map[req]string{{"h", "b", ""}: "replacement", {"h", "", ""}: "good"} {
		if got, err := m.Match(r); err != nil || got != want {
			t.Errorf("%v: %v, %v, want %s", r, got, err, want)
		}
	}
	if want := "route\x00a\x00b\x00\x00"; failed[0] != want { // whatever the order of the list
		t.Errorf("key %q, want %q", failed[0], want)
	}
	p.Failed = func(matcher.Lists, string, any, error) any { return nil }
	if _, _, err := matcher.Parse(`{"_rules_":[{"_match_route_":["a"],"name":"bad"}]}`, p); err == nil {
		t.Fatal("a configuration of nothing but failed rules is accepted")
	}
}

func TestHostThatCannotBeRead(t *testing.T) {
	m, _, err := matcher.Parse(rules(`"_match_domain_":["h"]`), names)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Match(req{}); !errors.Is(err, matcher.ErrNoHost) {
		t.Fatalf("error %v", err)
	}
	m, _, err = matcher.Parse(rules(`"_match_route_":["a"]`), names)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := m.Match(req{}); err != nil || got != "global" {
		t.Fatalf("rules that do not need the host: %v, %v", got, err)
	}
}

// TestIndexAgreesWithTheList tries random rules against the definition: the first in the list that matches.
func TestIndexAgreesWithTheList(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	pick := func(of ...string) string { return of[rnd.IntN(len(of))] }
	routes := []string{"a", "ab", "abc", "b", "ba"}
	hosts := []string{"a.com", "b.a.com", "b.com", "a.org"}
	services := []string{"s", "t"}
	for range 300 {
		type rule struct{ kind, a, b string }
		var list []rule
		var lists []string
		for range 1 + rnd.IntN(12) {
			r := rule{kind: pick("route", "prefix", "domain", "service", "both")}
			switch r.kind {
			case "route":
				r.a = pick(routes...)
				lists = append(lists, fmt.Sprintf(`"_match_route_":[%q]`, r.a))
			case "prefix":
				r.a = pick(routes...)
				lists = append(lists, fmt.Sprintf(`"_match_route_prefix_":[%q]`, r.a))
			case "domain":
				r.a = pick("*", "*.com", "*a.com", "a.*", "b*", "a.com", "b.com")
				lists = append(lists, fmt.Sprintf(`"_match_domain_":[%q]`, r.a))
			case "service":
				r.a = pick("s", "s:80", "t:80", "t:81")
				lists = append(lists, fmt.Sprintf(`"_match_service_":[%q]`, r.a))
			case "both":
				r.a, r.b = pick(routes...), pick("s", "s:80", "t:81")
				lists = append(lists, fmt.Sprintf(`"_match_route_":[%q],"_match_service_":[%q]`, r.a, r.b))
			}
			list = append(list, r)
		}
		m, _, err := matcher.Parse(rules(lists...), names)
		if err != nil {
			t.Fatal(err)
		}
		for range 50 {
			service, port := pick(services...), pick("80", "81")
			r := req{pick(hosts...), pick(append(routes, "")...), "outbound|" + port + "||" + service}
			ofService := func(s string) bool { return s == service || s == service+":"+port }
			want := "global"
			for i, rule := range list {
				hit := false
				switch rule.kind {
				case "route":
					hit = r.route == rule.a
				case "prefix":
					hit = strings.HasPrefix(r.route, rule.a)
				case "domain":
					if end, ok := strings.CutPrefix(rule.a, "*"); ok {
						hit = strings.HasSuffix(r.host, end)
					} else if start, ok := strings.CutSuffix(rule.a, "*"); ok {
						hit = strings.HasPrefix(r.host, start)
					} else {
						hit = r.host == rule.a
					}
				case "service":
					hit = ofService(rule.a)
				case "both":
					hit = r.route == rule.a && ofService(rule.b)
				}
				if hit {
					want = fmt.Sprint(i)
					break
				}
			}
			if got, err := m.Match(r); err != nil || got != want {
				t.Fatalf("%+v with %+v: %v, %v, want %s", r, list, got, err, want)
			}
		}
	}
}

func BenchmarkMatch(b *testing.B) {
	for _, n := range []int{1, 1000} {
		b.Run(fmt.Sprint(n, " domains"), func(b *testing.B) {
			var lists []string
			for i := range n {
				lists = append(lists, fmt.Sprintf(`"_match_domain_":["h%d.example.com"]`, i))
			}
			m, _, err := matcher.Parse(rules(lists...), names)
			if err != nil {
				b.Fatal(err)
			}
			r := matcher.Request(req{host: fmt.Sprintf("h%d.example.com:443", n-1)})
			b.ReportAllocs()
			for b.Loop() {
				if got, _ := m.Match(r); got == nil {
					b.Fatal("no match")
				}
			}
		})
	}
}
