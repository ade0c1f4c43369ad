package matcher_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/sdk/matcher"
)

// kinds are the ways to match: the list of rule i, and a request that only it matches.
var kinds = []struct {
	name string
	list func(i int) string
	req  func(i int) req
}{
	{
		"route", func(i int) string { return fmt.Sprintf(`"_match_route_":["default/route-%d"]`, i) },
		func(i int) req { return req{route: fmt.Sprintf("default/route-%d", i)} },
	},
	{
		"domain", func(i int) string { return fmt.Sprintf(`"_match_domain_":["host-%d.example.com"]`, i) },
		func(i int) req { return req{host: fmt.Sprintf("Host-%d.example.com:443", i)} },
	},
	{
		"domain end", func(i int) string { return fmt.Sprintf(`"_match_domain_":["*.zone-%d.example.com"]`, i) },
		func(i int) req { return req{host: fmt.Sprintf("www.zone-%d.example.com", i)} },
	},
	{
		"domain start", func(i int) string { return fmt.Sprintf(`"_match_domain_":["host-%d.*"]`, i) },
		func(i int) req { return req{host: fmt.Sprintf("host-%d.example.com", i)} },
	},
	{
		"service", func(i int) string {
			return fmt.Sprintf(`"_match_service_":["service-%d.ns.svc.cluster.local:8080"]`, i)
		},
		func(i int) req {
			return req{cluster: fmt.Sprintf("outbound|8080|v1|service-%d.ns.svc.cluster.local", i)}
		},
	},
	{
		"route prefix", func(i int) string { return fmt.Sprintf(`"_match_route_prefix_":["team-%d/"]`, i) },
		func(i int) req { return req{route: fmt.Sprintf("team-%d/route", i)} },
	},
	{
		"route and service", func(i int) string {
			return fmt.Sprintf(`"_match_route_":["route"],"_match_service_":["service-%d.dns"]`, i)
		},
		func(i int) req { return req{route: "route", cluster: fmt.Sprintf("outbound|443||service-%d.dns", i)} },
	},
}

// ofKind parses n rules of a kind. The request matches the last.
func ofKind(tb testing.TB, kind, n int) (*matcher.Matcher, matcher.Request) {
	tb.Helper()
	lists := make([]string, n)
	for i := range lists {
		lists[i] = kinds[kind].list(i)
	}
	m, _, err := matcher.Parse(rules(lists...), names)
	if err != nil {
		tb.Fatal(err)
	}
	r := kinds[kind].req(n - 1)
	if got, err := m.Match(&r); err != nil || got != fmt.Sprint(n-1) {
		tb.Fatalf("configuration %v, %v", got, err)
	}
	return m, &r
}

func TestMatchDoesNotAllocate(t *testing.T) {
	for kind := range kinds {
		t.Run(kinds[kind].name, func(t *testing.T) {
			m, r := ofKind(t, kind, 10_000)
			if n := testing.AllocsPerRun(100, func() { _, _ = m.Match(r) }); n != 0 {
				t.Fatalf("%v allocations", n)
			}
		})
	}
}

// BenchmarkMatch shows that choosing costs the same, however many rules there are.
func BenchmarkMatch(b *testing.B) {
	for kind := range kinds {
		for _, n := range []int{10, 1000, 10_000} {
			b.Run(fmt.Sprintf("%s/%d", strings.ReplaceAll(kinds[kind].name, " ", "-"), n), func(b *testing.B) {
				m, r := ofKind(b, kind, n)
				b.ReportAllocs()
				for b.Loop() {
					_, _ = m.Match(r)
				}
			})
		}
	}
}

func BenchmarkParse(b *testing.B) {
	for _, n := range []int{10, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			lists := make([]string, n)
			for i := range lists {
				lists[i] = kinds[i%len(kinds)].list(i)
			}
			config := rules(lists...)
			b.SetBytes(int64(len(config)))
			for b.Loop() {
				if _, _, err := matcher.Parse(config, names); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
