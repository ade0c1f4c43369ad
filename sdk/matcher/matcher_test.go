package matcher_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/sdk/internal/jsontext"
	"github.com/sluice-gateway/sluice/sdk/matcher"
)

// req is a request by what rules look at.
type req struct{ host, route, cluster string }

func (r req) Host() (string, bool)    { return r.host, r.host != unreadable }
func (r req) Route() (string, bool)   { return r.route, r.route != unreadable }
func (r req) Cluster() (string, bool) { return r.cluster, r.cluster != unreadable }

const unreadable = "\x00"

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
	lists = slices.Clone(lists)
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
		"a number for a string":           {rules(`"_match_route_":[80]`), req{"h", "80", ""}, "0"},
		"a rule of two services":          {rules(`"_match_service_":["x","svc.ns.svc.cluster.local:8080"]`), req{"h", "", svc}, "0"},
		"last colon of a service":         {rules(`"_match_service_":["svc:8080"]`), req{"h", "", "outbound|8080||svc:8080"}, "global"},
		"domain beats service":            {rules(`"_match_domain_":["h"],"_match_service_":["svc.ns.svc.cluster.local"]`), req{"x", "", svc}, "global"},
		"service beats prefix":            {rules(`"_match_service_":["x"],"_match_route_prefix_":["a"]`), req{"h", "a", svc}, "global"},
		"route and service, no domain":    {rules(`"_match_route_":["a"],"_match_service_":["x"],"_match_domain_":["h"]`), req{"h", "a", svc}, "global"},
		"end matches more than a label":   {rules(`"_match_domain_":["*a.com"]`), req{"xa.com", "", ""}, "0"},
		"star in the middle is a letter":  {rules(`"_match_domain_":["a*b"]`), req{"axb", "", ""}, "global"},
		"star at both ends counts first":  {rules(`"_match_domain_":["*a*"]`), req{"xa*", "", ""}, "0"},
		"a host longer than names are":    {rules(`"_match_domain_":["*.COM"]`), req{strings.Repeat("A", 300) + ".Com", "", ""}, "0"},
		"the same matches twice":          {rules(`"_match_route_":["a"]`, `"_match_route_":["a"]`), req{"h", "a", ""}, "0"},
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

func TestWhatCannotBeRead(t *testing.T) {
	both := []string{`"_match_route_":["a"]`, `"_match_domain_":["h"]`, `"_match_service_":["s"]`}
	for name, tc := range map[string]struct {
		lists []string
		req   req
		want  any
		err   error
	}{
		"host":                    {both[1:2], req{host: unreadable}, nil, matcher.ErrNoHost},
		"route":                   {both[:1], req{host: "h", route: unreadable}, nil, matcher.ErrNoRoute},
		"route, for a prefix":     {[]string{`"_match_route_prefix_":["a"]`}, req{route: unreadable}, nil, matcher.ErrNoRoute},
		"cluster":                 {both[2:], req{host: "h", cluster: unreadable}, nil, matcher.ErrNoCluster},
		"route of two":            {[]string{`"_match_route_":["a"],"_match_service_":["s"]`}, req{route: unreadable}, nil, matcher.ErrNoRoute},
		"nothing needed":          {nil, req{unreadable, unreadable, unreadable}, "global", nil},
		"host that is not needed": {both[:1], req{host: unreadable, route: "b"}, "global", nil},
		"behind what matches":     {both, req{unreadable, "a", unreadable}, "0", nil},
		"before what matches":     {[]string{both[1], both[0]}, req{unreadable, "a", ""}, nil, matcher.ErrNoHost},
	} {
		t.Run(name, func(t *testing.T) {
			m, _, err := matcher.Parse(rules(tc.lists...), names)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := m.Match(tc.req); got != tc.want || !errors.Is(err, tc.err) {
				t.Fatalf("configuration %v, %v, want %v, %v", got, err, tc.want, tc.err)
			}
		})
	}
}
