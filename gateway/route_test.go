package gateway

import (
	"regexp"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/message"
)

// vhostOf makes a virtual host; without routes it has one that takes every path.
func vhostOf(name string, domains []string, routes ...Route) VirtualHost {
	if len(routes) == 0 {
		routes = []Route{{Match: RouteMatch{Prefix: "/"}, Cluster: "c"}}
	}
	return VirtualHost{Name: name, Domains: domains, Routes: routes}
}

func mustTable(t testing.TB, vhosts ...VirtualHost) *routeTable {
	t.Helper()
	table, err := newRouteTable(RouteConfiguration{VirtualHosts: vhosts})
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestVirtualHostIsChosenByDomain(t *testing.T) {
	table := mustTable(t,
		vhostOf("exact", []string{"a.com", "Upper.Com", "port.com:8080"}),
		vhostOf("short suffix", []string{"*.com"}),
		vhostOf("long suffix", []string{"*.b.com", "*-bar.org"}),
		vhostOf("short prefix", []string{"w.*"}),
		vhostOf("long prefix", []string{"w.x.*"}),
		vhostOf("any", []string{"*"}),
	)
	for _, c := range []struct{ host, want string }{
		{"a.com", "exact"},
		{"A.COM", "exact"},
		{"upper.com", "exact"},
		{"port.com:8080", "exact"},
		{"a.com:80", "any"}, // the port belongs to the host, as in Envoy
		{"x.a.com", "short suffix"},
		{"x.b.com", "long suffix"},
		{"X.B.COM", "long suffix"},
		{".b.com", "short suffix"}, // a star stands for one character at least
		{"foo-bar.org", "long suffix"},
		{"-bar.org", "any"},
		{"w.net", "short prefix"},
		{"w.net:81", "short prefix"},
		{"w.x.net", "long prefix"},
		{"w.x.com", "short suffix"}, // suffixes go before prefixes
		{"w.", "any"},
		{"", "any"},
		{strings.Repeat("LONG", 200) + ".b.com", "long suffix"},
	} {
		t.Run(c.host, func(t *testing.T) {
			_, vh := table.match(message.NewHeaders(":authority", c.host, ":path", "/"))
			if vh == nil || vh.Name != c.want {
				t.Errorf("got %+v, want %q", vh, c.want)
			}
		})
	}
}

func TestNoVirtualHostNoRoute(t *testing.T) {
	table := mustTable(t, vhostOf("v", []string{"a.com"}))
	for name, h := range map[string]*message.Headers{
		"other host":   message.NewHeaders(":authority", "b.com", ":path", "/"),
		"no authority": message.NewHeaders(":path", "/"),
		"no path":      message.NewHeaders(":authority", "a.com"),
		"empty path":   message.NewHeaders(":authority", "a.com", ":path", ""),
	} {
		if r, vh := table.match(h); r != nil || vh != nil {
			t.Errorf("%s: got %v, %v", name, r, vh)
		}
	}
}

func TestRouteTableRefuses(t *testing.T) {
	route := func(m RouteMatch) []VirtualHost { return []VirtualHost{vhostOf("v", []string{"*"}, Route{Match: m})} }
	text := "x"
	for _, c := range []struct {
		name   string
		vhosts []VirtualHost
		want   string
	}{
		{"a domain twice", []VirtualHost{vhostOf("one", []string{"a.com"}), vhostOf("two", []string{"A.com"})},
			`virtual host "two": domain "a.com": is in virtual host "one" already`},
		{"any twice", []VirtualHost{vhostOf("one", []string{"*"}), vhostOf("two", []string{"*"})}, `domain "*"`},
		{"a suffix twice", []VirtualHost{vhostOf("v", []string{"*.a", "*.A"})}, `domain "*.a"`},
		{"a prefix twice", []VirtualHost{vhostOf("v", []string{"a.*", "A.*"})}, `domain "a.*"`},
		{"a star in the middle", []VirtualHost{vhostOf("v", []string{"a.*.com"})}, "only as the first or the last"},
		{"two stars", []VirtualHost{vhostOf("v", []string{"*a*"})}, "only as the first or the last"},
		{"an empty domain", []VirtualHost{vhostOf("v", []string{""})}, "empty domain"},
		{"no match", route(RouteMatch{}), "route 0: match: exactly one of"},
		{"two matches", route(RouteMatch{Prefix: "/", Path: "/"}), "exactly one of"},
		{"header without a name", route(RouteMatch{Prefix: "/", Headers: []HeaderMatch{{}}}), "header 0: no name"},
		{"two string matches", route(RouteMatch{Prefix: "/", Headers: []HeaderMatch{
			{Name: "X", String: &StringMatch{Exact: &text, Prefix: &text}}}}), `header "x": string match: exactly one`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := newRouteTable(RouteConfiguration{VirtualHosts: c.vhosts})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q in it", err, c.want)
			}
		})
	}
}

// The expectations were checked with Envoy 1.40.
func TestPathMatch(t *testing.T) {
	for _, c := range []struct {
		name  string
		match RouteMatch
		yes   []string
		no    []string
	}{
		{"prefix", RouteMatch{Prefix: "/a"}, []string{"/a", "/ab", "/a/b", "/a?x", "/a#x"}, []string{"/", "/A", "/b?/a"}},
		{"prefix with a query", RouteMatch{Prefix: "/a?q"}, nil, []string{"/a?q", "/a"}},
		{"prefix, any case", RouteMatch{Prefix: "/Aa", IgnoreCase: true}, []string{"/aA/x", "/AA"}, []string{"/a"}},
		{"path", RouteMatch{Path: "/a"}, []string{"/a", "/a?x=/b"}, []string{"/a/", "/ab", "/A"}},
		{"path, any case", RouteMatch{Path: "/CI", IgnoreCase: true}, []string{"/ci", "/Ci?z"}, []string{"/cix"}},
		{"path separated prefix", RouteMatch{PathSeparatedPrefix: "/sep/a"},
			[]string{"/sep/a", "/sep/a/", "/sep/a/b", "/sep/a?x"}, []string{"/sep/ab", "/sep", "/SEP/a"}},
		{"path separated prefix, any case", RouteMatch{PathSeparatedPrefix: "/sep", IgnoreCase: true}, []string{"/SEP/a"}, []string{"/SEPa"}},
		{"regex", RouteMatch{Regex: regexp.MustCompile(`/re|/re/long`)},
			[]string{"/re", "/re/long", "/re?x"}, []string{"/re/longer", "/x/re", "/re/"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			table := mustTable(t, vhostOf("v", []string{"*"}, Route{Match: c.match}))
			for want, paths := range map[bool][]string{true: c.yes, false: c.no} {
				for _, p := range paths {
					if r, _ := table.match(message.NewHeaders(":authority", "h", ":path", p)); (r != nil) != want {
						t.Errorf("%s: matches %v, want %v", p, r != nil, want)
					}
				}
			}
		})
	}
}

// The expectations were checked with Envoy 1.40: one row for each condition, one column for each request.
func TestHeaderMatch(t *testing.T) {
	s := func(v string) *string { return &v }
	yes, no := true, false
	requests := []*message.Headers{
		message.NewHeaders(), message.NewHeaders("x-h", "a"), message.NewHeaders("x-h", "a", "x-h", "b"),
		message.NewHeaders("x-h", "3"), message.NewHeaders("x-h", ""), message.NewHeaders("x-h", "z"),
	}
	for _, c := range []struct {
		name  string
		match HeaderMatch
		want  string // none, a, a and b, 3, empty, z
	}{
		{"nothing said", HeaderMatch{}, "0 1 1 1 1 1"},
		{"nothing said, inverted", HeaderMatch{Invert: true}, "1 0 0 0 0 0"},
		{"present", HeaderMatch{Present: &yes}, "0 1 1 1 1 1"},
		{"present, inverted", HeaderMatch{Present: &yes, Invert: true}, "1 0 0 0 0 0"},
		{"present, missing as empty", HeaderMatch{Present: &yes, MissingAsEmpty: true}, "1 1 1 1 1 1"},
		{"absent", HeaderMatch{Present: &no}, "1 0 0 0 0 0"},
		{"absent, inverted", HeaderMatch{Present: &no, Invert: true}, "0 1 1 1 1 1"},
		{"absent, missing as empty", HeaderMatch{Present: &no, MissingAsEmpty: true}, "0 0 0 0 0 0"},
		{"exact", HeaderMatch{String: &StringMatch{Exact: s("a")}}, "0 1 0 0 0 0"},
		{"exact, inverted", HeaderMatch{String: &StringMatch{Exact: s("a")}, Invert: true}, "0 0 1 1 1 1"},
		{"exact, inverted, missing as empty",
			HeaderMatch{String: &StringMatch{Exact: s("a")}, Invert: true, MissingAsEmpty: true}, "1 0 1 1 1 1"},
		{"empty, missing as empty", HeaderMatch{String: &StringMatch{Exact: s("")}, MissingAsEmpty: true}, "1 0 0 0 1 0"},
		{"exact of several", HeaderMatch{String: &StringMatch{Exact: s("a,b")}}, "0 0 1 0 0 0"},
		{"prefix, any case", HeaderMatch{String: &StringMatch{Prefix: s("A"), IgnoreCase: true}}, "0 1 1 0 0 0"},
		{"suffix", HeaderMatch{String: &StringMatch{Suffix: s("b")}}, "0 0 1 0 0 0"},
		{"contains", HeaderMatch{String: &StringMatch{Contains: s(",")}}, "0 0 1 0 0 0"},
		{"contains, any case", HeaderMatch{String: &StringMatch{Contains: s(",B"), IgnoreCase: true}}, "0 0 1 0 0 0"},
		{"regex, whole value", HeaderMatch{String: &StringMatch{Regex: regexp.MustCompile("a|z|[ab],?")}}, "0 1 0 0 0 1"},
		{"range", HeaderMatch{Range: &RangeMatch{1, 5}}, "0 0 0 1 0 0"},
		{"range, end", HeaderMatch{Range: &RangeMatch{1, 3}}, "0 0 0 0 0 0"},
		{"range, inverted", HeaderMatch{Range: &RangeMatch{1, 5}, Invert: true}, "0 1 1 0 1 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.match.Name = "X-H"
			var route compiledRoute
			if err := route.compile(&Route{Match: RouteMatch{Prefix: "/", Headers: []HeaderMatch{c.match}}}); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, h := range requests {
				got = append(got, map[bool]string{true: "1", false: "0"}[route.matches("/", h)])
			}
			if g := strings.Join(got, " "); g != c.want {
				t.Errorf("got  %s\nwant %s", g, c.want)
			}
		})
	}
}

func TestFirstRouteThatMatchesWins(t *testing.T) {
	table := mustTable(t, vhostOf("v", []string{"*"},
		Route{Name: "post", Match: RouteMatch{Prefix: "/", Headers: []HeaderMatch{{Name: ":method", String: &StringMatch{Exact: ptr("POST")}}}}},
		Route{Name: "a", Match: RouteMatch{Prefix: "/a"}},
		Route{Name: "never", Match: RouteMatch{Prefix: "/ab"}},
	))
	for _, c := range []struct{ method, path, want string }{
		{"POST", "/ab", "post"}, {"GET", "/ab", "a"}, {"GET", "/b", ""},
	} {
		got := ""
		if r, _ := table.match(message.NewHeaders(":authority", "h", ":path", c.path, ":method", c.method)); r != nil {
			got = r.Name
		}
		if got != c.want {
			t.Errorf("%s %s: got %q, want %q", c.method, c.path, got, c.want)
		}
	}
}

func ptr[T any](v T) *T { return &v }

func TestMatchDoesNotAllocate(t *testing.T) {
	table := mustTable(t, vhostOf("e", []string{"a.com"}), vhostOf("s", []string{"*.b.com"}, Route{
		Match: RouteMatch{Prefix: "/", Headers: []HeaderMatch{{Name: "x-h", String: &StringMatch{Prefix: ptr("A"), IgnoreCase: true}}}},
	}))
	h := message.NewHeaders(":authority", "WWW.B.com", ":path", "/x?y", "x-h", "ab")
	if n := testing.AllocsPerRun(100, func() {
		if r, _ := table.match(h); r == nil {
			t.Fatal("no route")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkRouteMatch(b *testing.B) {
	var vhosts []VirtualHost
	for i := range 100 {
		d := strings.Repeat("x", i%7) + string(rune('a'+i%26)) + string(rune('a'+i/26)) + ".example.com"
		vhosts = append(vhosts, vhostOf(d, []string{d, "*." + d}))
	}
	table := mustTable(b, vhosts...)
	h := message.NewHeaders(":authority", "www.xxba.Example.com", ":path", "/some/path?q=1")
	b.ReportAllocs()
	for b.Loop() {
		table.match(h)
	}
}
