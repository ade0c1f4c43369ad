package gateway

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/sluice-gateway/sluice/message"
)

// compiledRoute is a route with its match made ready.
type compiledRoute struct {
	config  *Route
	regex   *regexp.Regexp
	headers []compiledHeaderMatch
}

func (r *compiledRoute) compile(cfg *Route) error {
	m := &cfg.Match
	n := 0
	for _, s := range []string{m.Prefix, m.Path, m.PathSeparatedPrefix} {
		if s != "" {
			n++
		}
	}
	if m.Regex != nil {
		n++
	}
	if n != 1 {
		return errors.New("match: exactly one of prefix, path, path separated prefix and regex must be set")
	}
	r.config = cfg
	var err error
	if r.regex, err = anchored(m.Regex); err != nil {
		return fmt.Errorf("match: regex: %w", err)
	}
	for i := range m.Headers {
		h := compiledHeaderMatch{config: &m.Headers[i], name: strings.ToLower(m.Headers[i].Name)}
		if h.name == "" {
			return fmt.Errorf("match: header %d: no name", i)
		}
		if h.value, err = compileStringMatch(m.Headers[i].String); err != nil {
			return fmt.Errorf("match: header %q: %w", h.name, err)
		}
		r.headers = append(r.headers, h)
	}
	return nil
}

// anchored returns re as a match of the whole string. Trying re and comparing lengths would not do: the leftmost match
// may be shorter than another that spans the whole.
func anchored(re *regexp.Regexp) (*regexp.Regexp, error) {
	if re == nil {
		return nil, nil
	}
	return regexp.Compile(`\A(?:` + re.String() + `)\z`)
}

// matches reports whether the route takes a request; path has no query.
func (r *compiledRoute) matches(path string, h *message.Headers) bool {
	m := &r.config.Match
	switch {
	case r.regex != nil:
		if !r.regex.MatchString(path) {
			return false
		}
	case m.Prefix != "":
		if !hasPrefix(path, m.Prefix, m.IgnoreCase) {
			return false
		}
	case m.Path != "":
		if len(path) != len(m.Path) || !hasPrefix(path, m.Path, m.IgnoreCase) {
			return false
		}
	default:
		p := m.PathSeparatedPrefix
		if !hasPrefix(path, p, m.IgnoreCase) || len(path) > len(p) && path[len(p)] != '/' {
			return false
		}
	}
	for i := range r.headers {
		if !r.headers[i].matches(h) {
			return false
		}
	}
	return true
}

// compiledHeaderMatch is a header condition made ready.
type compiledHeaderMatch struct {
	config *HeaderMatch
	name   string
	value  *stringMatcher
}

// matches has Envoy's rules on headers that are missing: a condition on the value does not hold for them, inverted or
// not, unless they are taken as empty; a condition on presence is inverted as any other.
func (m *compiledHeaderMatch) matches(h *message.Headers) bool {
	c := m.config
	value, ok := joinedValue(h, m.name)
	if c.Present != nil || m.value == nil && c.Range == nil {
		want := c.Present == nil || *c.Present
		if (ok || c.MissingAsEmpty) != want {
			return c.Invert
		}
		if m.value == nil && c.Range == nil {
			return !c.Invert
		}
	}
	if !ok && !c.MissingAsEmpty {
		return false
	}
	held := m.value == nil || m.value.matches(value)
	if held && c.Range != nil {
		n, err := strconv.ParseInt(value, 10, 64)
		held = err == nil && c.Range.Start <= n && n < c.Range.End
	}
	return held != c.Invert
}

// joinedValue returns the values of name joined by commas. It allocates only where there are several.
func joinedValue(h *message.Headers, name string) (value string, ok bool) {
	for _, f := range h.Fields() {
		if f.Name != name {
			continue
		}
		if ok {
			value += "," + f.Value
		} else {
			value, ok = f.Value, true
		}
	}
	return value, ok
}

// stringMatcher is a StringMatch made ready.
type stringMatcher struct {
	kind   stringMatchKind
	text   string
	regex  *regexp.Regexp
	ignore bool
}

type stringMatchKind uint8

const (
	matchExact stringMatchKind = iota
	matchPrefix
	matchSuffix
	matchContains
	matchRegex
)

// compileStringMatch makes m ready; nil stays nil.
func compileStringMatch(m *StringMatch) (*stringMatcher, error) {
	if m == nil {
		return nil, nil
	}
	s := &stringMatcher{ignore: m.IgnoreCase}
	n := 0
	for kind, text := range []*string{m.Exact, m.Prefix, m.Suffix, m.Contains} {
		if text != nil {
			s.kind, s.text = stringMatchKind(kind), *text
			n++
		}
	}
	if m.Regex != nil {
		s.kind = matchRegex
		n++
	}
	if n != 1 {
		return nil, errors.New("string match: exactly one of exact, prefix, suffix, contains and regex must be set")
	}
	var err error
	s.regex, err = anchored(m.Regex)
	return s, err
}

func (s *stringMatcher) matches(v string) bool {
	n := len(s.text)
	switch s.kind {
	case matchExact:
		return len(v) == n && hasPrefix(v, s.text, s.ignore)
	case matchPrefix:
		return hasPrefix(v, s.text, s.ignore)
	case matchSuffix:
		return len(v) >= n && hasPrefix(v[len(v)-n:], s.text, s.ignore)
	case matchContains:
		if !s.ignore {
			return strings.Contains(v, s.text)
		}
		for i := 0; i+n <= len(v); i++ {
			if hasPrefix(v[i:], s.text, true) {
				return true
			}
		}
		return false
	default: // Envoy's regular expressions know no option to ignore case; they have (?i).
		return s.regex.MatchString(v)
	}
}

// hasPrefix reports whether s begins with prefix, ASCII letters of either case being equal if ignoreCase is set.
func hasPrefix(s, prefix string, ignoreCase bool) bool {
	if len(s) < len(prefix) {
		return false
	}
	if !ignoreCase {
		return s[:len(prefix)] == prefix
	}
	for i := range len(prefix) {
		if lowerByte(s[i]) != lowerByte(prefix[i]) {
			return false
		}
	}
	return true
}
