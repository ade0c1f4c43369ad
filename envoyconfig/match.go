package envoyconfig

import (
	"fmt"
	"regexp"

	routev3 "github.com/envoyproxy/go-control-plane/envoy/config/route/v3"
	matcherv3 "github.com/envoyproxy/go-control-plane/envoy/type/matcher/v3"

	"github.com/sluice-gateway/sluice/gateway"
)

func (t *translator) routeMatch(m *routev3.RouteMatch, at string) gateway.RouteMatch {
	match := gateway.RouteMatch{}
	switch path := m.GetPathSpecifier().(type) {
	case *routev3.RouteMatch_Prefix:
		match.Prefix = path.Prefix
		if path.Prefix == "" {
			match.Prefix = "/" // an empty prefix takes every path, as does this
		}
	case *routev3.RouteMatch_Path:
		match.Path = path.Path
		if path.Path == "" {
			t.fail(at+".path", "is empty; no path is")
		}
	case *routev3.RouteMatch_PathSeparatedPrefix:
		match.PathSeparatedPrefix = path.PathSeparatedPrefix
	case *routev3.RouteMatch_SafeRegex:
		match.Regex = t.regex(path.SafeRegex, at+".safe_regex")
	}
	if sensitive := m.GetCaseSensitive(); sensitive != nil {
		match.IgnoreCase = !sensitive.GetValue()
	}
	for i, h := range m.GetHeaders() {
		match.Headers = append(match.Headers, t.headerMatch(h, fmt.Sprintf("%s.headers[%d]", at, i)))
	}
	return match
}

func (t *translator) headerMatch(h *routev3.HeaderMatcher, at string) gateway.HeaderMatch {
	match := gateway.HeaderMatch{
		Name:           h.GetName(),
		Invert:         h.GetInvertMatch(),
		MissingAsEmpty: h.GetTreatMissingHeaderAsEmpty(),
	}
	switch specifier := h.GetHeaderMatchSpecifier().(type) {
	case *routev3.HeaderMatcher_StringMatch:
		match.String = t.stringMatch(specifier.StringMatch, at+".string_match")
	case *routev3.HeaderMatcher_RangeMatch:
		match.Range = &gateway.RangeMatch{Start: specifier.RangeMatch.GetStart(), End: specifier.RangeMatch.GetEnd()}
	case *routev3.HeaderMatcher_PresentMatch:
		match.Present = &specifier.PresentMatch
	case *routev3.HeaderMatcher_ExactMatch:
		match.String = &gateway.StringMatch{Exact: &specifier.ExactMatch}
	case *routev3.HeaderMatcher_PrefixMatch:
		match.String = &gateway.StringMatch{Prefix: &specifier.PrefixMatch}
	case *routev3.HeaderMatcher_SuffixMatch:
		match.String = &gateway.StringMatch{Suffix: &specifier.SuffixMatch}
	case *routev3.HeaderMatcher_ContainsMatch:
		match.String = &gateway.StringMatch{Contains: &specifier.ContainsMatch}
	case *routev3.HeaderMatcher_SafeRegexMatch:
		match.String = &gateway.StringMatch{Regex: t.regex(specifier.SafeRegexMatch, at+".safe_regex_match")}
	default:
		present := true
		match.Present = &present
	}
	return match
}

func (t *translator) stringMatch(s *matcherv3.StringMatcher, at string) *gateway.StringMatch {
	match := &gateway.StringMatch{IgnoreCase: s.GetIgnoreCase()}
	switch pattern := s.GetMatchPattern().(type) {
	case *matcherv3.StringMatcher_Exact:
		match.Exact = &pattern.Exact
	case *matcherv3.StringMatcher_Prefix:
		match.Prefix = &pattern.Prefix
	case *matcherv3.StringMatcher_Suffix:
		match.Suffix = &pattern.Suffix
	case *matcherv3.StringMatcher_Contains:
		match.Contains = &pattern.Contains
	case *matcherv3.StringMatcher_SafeRegex:
		match.Regex = t.regex(pattern.SafeRegex, at+".safe_regex")
	}
	return match
}

// regex compiles an expression. Go's syntax is RE2's, which is Envoy's. That it has to match the whole string is the
// gateway's business; here it is only seen to that it still can be asked to.
func (t *translator) regex(r *matcherv3.RegexMatcher, at string) *regexp.Regexp {
	re, err := regexp.Compile(r.GetRegex())
	if err != nil {
		t.fail(at+".regex", "%v", err)
		return nil
	}
	if _, err := regexp.Compile(`\A(?:` + r.GetRegex() + `)\z`); err != nil {
		t.fail(at+".regex", "cannot be matched as a whole: %v", err)
	}
	return re
}
