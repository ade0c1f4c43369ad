package matcher_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/sdk/matcher"
)

func TestParse(t *testing.T) {
	for name, tc := range map[string]struct {
		config    string
		global    any
		rules     int
		globalErr bool
	}{
		"empty":             {``, "", 0, false},
		"no members":        {`{}`, "", 0, false},
		"global":            {`{"name":"g"}`, "g", 0, false},
		"no array":          {`{"name":"g","_rules_":null}`, "g", 0, false},
		"rules only":        {`{"_rules_":[{"_match_route_":["a"]}]}`, nil, 1, false},
		"both":              {`{"name":"g","_rules_":[{"_match_route_":["a"]}]}`, "g", 1, false},
		"bad global, rules": {`{"name":"bad","_rules_":[{"_match_route_":["a"]}]}`, nil, 1, true},
		"100000 rules":      {`{"_rules_":[` + strings.Repeat(`{"_match_route_":["a"]},`, 99_999) + `{"_match_route_":["b"]}]}`, nil, 100_000, false},
		"deep":              {`{"_rules_":[{"x":` + strings.Repeat("[", 900) + strings.Repeat("]", 900) + `,"_match_route_":"a"}]}`, nil, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			m, globalErr, err := matcher.Parse(tc.config, names)
			if err != nil || (globalErr != nil) != tc.globalErr || m.Global() != tc.global || m.Rules() != tc.rules {
				t.Fatalf("global %v, %d rules, %v, %v", m.Global(), m.Rules(), globalErr, err)
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	const good = `{"_match_route_":["a"]},`
	for name, tc := range map[string]struct{ config, where, why string }{
		"bad global":           {`{"name":"bad"}`, "", "bad name"},
		"no rules":             {`{"_rules_":[]}`, "", "neither global nor has it rules"},
		"rules are null":       {`{"_rules_":null}`, "", "neither global nor has it rules"},
		"rules are an object":  {`{"_rules_":{"_match_route_":["a"]}}`, "_rules_", "is an object, not an array"},
		"rules are text":       {`{"_rules_":"x"}`, "_rules_", "is a string, not an array"},
		"rules twice":          {`{"_rules_":[],"_rules_":[{}]}`, "_rules_", "is there twice"},
		"rule is a string":     {`{"_rules_":[` + good + `"a"]}`, "_rules_[1]", "is a string, not an object"},
		"rule is an array":     {`{"_rules_":[[]]}`, "_rules_[0]", "is an array, not an object"},
		"rule is a number":     {`{"_rules_":[1]}`, "_rules_[0]", "is a number, not an object"},
		"rule is null":         {`{"_rules_":[null]}`, "_rules_[0]", "is null, not an object"},
		"rule is true":         {`{"_rules_":[true]}`, "_rules_[0]", "is a truth value, not an object"},
		"rule matches none":    {`{"_rules_":[` + good + `{"name":"r"}]}`, "_rules_[1]", "has no _match_route_"},
		"only empty strings":   {`{"_rules_":[{"_match_route_":["",null]}]}`, "_rules_[0]", "has no _match_route_"},
		"list is an object":    {`{"_rules_":[{"_match_route_":{"a":1}}]}`, "_rules_[0]._match_route_", "is an object, not a string"},
		"element is an object": {`{"_rules_":[{"_match_route_":["a",{}]}]}`, "_rules_[0]._match_route_[1]", "is an object, not a string"},
		"element is an array":  {`{"_rules_":[{"_match_domain_":[["a"]]}]}`, "_rules_[0]._match_domain_[0]", "is an array, not a string"},
		"list twice":           {`{"_rules_":[{"_match_route_":"a","_match_route_":"b"}]}`, "_rules_[0]._match_route_", "is there twice"},
		"bad rule":             {`{"_rules_":[` + good + good + `{"_match_route_":["a"],"name":"bad"}]}`, "_rules_[2]", "bad name"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := matcher.Parse(tc.config, names)
			if err == nil || matcher.Where(err) != tc.where || !strings.Contains(err.Error(), tc.why) {
				t.Fatalf("error %v at %q, want %q at %q", err, matcher.Where(err), tc.why, tc.where)
			}
			if !strings.HasPrefix(err.Error(), tc.where) {
				t.Fatalf("error %q does not begin with the place", err)
			}
		})
	}
}

func TestPathError(t *testing.T) {
	cause := errors.New("must be positive")
	for name, tc := range map[string]struct {
		err         error
		where, text string
	}{
		"none":        {cause, "", "must be positive"},
		"one":         {&matcher.PathError{Path: "rate", Err: cause}, "rate", "rate: must be positive"},
		"nested":      {&matcher.PathError{Path: "_rules_[3]", Err: &matcher.PathError{Path: "limits.rate", Err: cause}}, "_rules_[3].limits.rate", "_rules_[3].limits.rate: must be positive"},
		"element":     {&matcher.PathError{Path: "list", Err: &matcher.PathError{Path: "[2]", Err: cause}}, "list[2]", "list[2]: must be positive"},
		"behind text": {&matcher.PathError{Path: "a", Err: fmt.Errorf("limits: %w", &matcher.PathError{Path: "b", Err: cause})}, "a.b", "a.b: limits: b: must be positive"},
		"no path":     {&matcher.PathError{Err: &matcher.PathError{Path: "b", Err: cause}}, "b", "b: must be positive"},
	} {
		t.Run(name, func(t *testing.T) {
			if where := matcher.Where(tc.err); where != tc.where || tc.err.Error() != tc.text || !errors.Is(tc.err, cause) {
				t.Fatalf("%q at %q, want %q at %q", tc.err, where, tc.text, tc.where)
			}
		})
	}
}

func TestDoubtful(t *testing.T) {
	var got []string
	p := names
	p.Doubtful = func(err error) { got = append(got, err.Error()) }
	_, _, err := matcher.Parse(`{"_match_route_":["a"],"_x":1,"__":2,"_rules_":[
		{"_match_domain_":"h","_match_service_":"s","_match_header_":"x","_mine":1},
		{"_match_route_":"a","_match_service_":"s","_rules_":[]}]}`, p)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"_match_route_: is not a key that is known",
		"_rules_[0]._match_header_: is not a key that is known",
		"_rules_[0]._match_service_: has no effect beside other lists",
		"_rules_[1]._rules_: is not a key that is known",
	}
	if !slices.Equal(got, want) {
		t.Fatalf("doubtful %q, want %q", got, want)
	}
}

func TestRejectedRules(t *testing.T) {
	const config = `{"name":"global","_rules_":[
		{"_match_route_":["b","a"],"name":"bad"},
		{"_match_domain_":["H","h","g"],"name":"bad"},
		{"name":"matches nothing"},
		{"_match_route_":["c",{}],"name":"good"},
		{"_match_domain_":["*"],"name":"good"}]}`
	for name, tc := range map[string]struct {
		config any
		hold   bool
		want   map[req]any // nil: ErrRejected
	}{
		"replaced": {"other", false, map[req]any{{"h", "b", ""}: "other", {"g", "", ""}: "other", {"x", "c", ""}: "other", {"x", "", ""}: "good"}},
		"held":     {nil, true, map[req]any{{"h", "b", ""}: nil, {"h", "", ""}: nil, {"x", "c", ""}: nil, {"x", "", ""}: "good"}},
		"left out": {nil, false, map[req]any{{"h", "b", ""}: "good", {"g", "", ""}: "good", {"x", "c", ""}: "good"}},
	} {
		t.Run(name, func(t *testing.T) {
			var accepted, rejected, why []string
			p := names
			p.Accepted = func(r matcher.Rule) { accepted = append(accepted, r.Lists.String()) }
			p.Rejected = func(r matcher.Rule, global any, err error) (any, bool) {
				rejected = append(rejected, r.Lists.String())
				why = append(why, matcher.Where(err))
				if global != "global" {
					t.Errorf("global %v", global)
				}
				return tc.config, tc.hold
			}
			m, _, err := matcher.Parse(config, p)
			if err != nil {
				t.Fatal(err)
			}
			if want := []string{`domain "*"`}; !slices.Equal(accepted, want) {
				t.Errorf("accepted %q, want %q", accepted, want)
			}
			if want := []string{`route "a" "b"`, `domain "g" "h"`, ``, `route "c"`}; !slices.Equal(rejected, want) {
				t.Errorf("rejected %q, want %q", rejected, want)
			}
			if want := []string{"_rules_[0]", "_rules_[1]", "_rules_[2]", "_rules_[3]._match_route_[1]"}; !slices.Equal(why, want) {
				t.Errorf("places %q, want %q", why, want)
			}
			for r, want := range tc.want {
				got, err := m.Match(r)
				if got != want || errors.Is(err, matcher.ErrRejected) != (want == nil) {
					t.Errorf("%v: %v, %v, want %v", r, got, err, want)
				}
			}
		})
	}
}

func TestAllRulesRejected(t *testing.T) {
	p := names
	p.Rejected = func(matcher.Rule, any, error) (any, bool) { return nil, false }
	m, _, err := matcher.Parse(`{"_rules_":[{"_match_route_":["a"],"name":"bad"}]}`, p)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := m.Match(req{route: "a"}); got != nil || err != nil {
		t.Fatalf("configuration %v, %v, want none", got, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`{"name":"g","_rules_":[{"_match_route_":["a"],"name":"bad"},{"_match_domain_":"*.x"}]}`, "h:1", "a", "outbound|80||s")
	f.Add(`{"_rules_":[{"_match_service_":["s:80",1,null]},{},1]}`, "[::1]:1", "", "a|b|c|d")
	f.Fuzz(func(t *testing.T, config, host, route, cluster string) {
		if len(config) > 4096 || len(host)+len(route)+len(cluster) > 1024 || !valid(config) {
			return
		}
		isolated := names
		isolated.Rejected = func(matcher.Rule, any, error) (any, bool) { return nil, true }
		isolated.Doubtful = func(error) {}
		whole, _, err := matcher.Parse(config, names)
		m, _, errIsolated := matcher.Parse(config, isolated)
		if err == nil && errIsolated != nil {
			t.Fatalf("%v, only where rules are isolated", errIsolated)
		}
		r := req{host, route, cluster}
		if err == nil {
			a, errA := whole.Match(r)
			if b, errB := m.Match(r); a != b || !errors.Is(errB, errA) {
				t.Fatalf("%v, %v, but isolated %v, %v", a, errA, b, errB)
			}
		} else if errIsolated == nil {
			_, _ = m.Match(r) // whatever it is, it does not panic
		}
	})
}
