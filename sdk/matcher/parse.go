package matcher

import (
	"errors"
	"strconv"

	"github.com/sluice-gateway/sluice/sdk/internal/jsontext"
)

// RULES_KEY is the key of the rules, as the published SDK names it.
const RULES_KEY = "_rules_"

var (
	// ErrNoRules means that a configuration has neither a global part nor rules.
	ErrNoRules = errors.New("matcher: the configuration is neither global nor has it rules")
	// ErrNoMatch means that a rule has no list to match by.
	ErrNoMatch = errors.New("matcher: the rule has no " + MATCH_ROUTE_KEY + ", " + MATCH_DOMAIN_KEY + ", " +
		MATCH_SERVICE_KEY + " or " + MATCH_ROUTE_PREFIX_KEY)

	errUnknown = errors.New("is not a key that is known")
)

// Parser turns JSON into a plugin's configuration.
type Parser struct {
	// Global parses the global configuration. It gets the whole object, rules included.
	Global func(json string) (config any, err error)
	// Rule parses a rule, with the global configuration, nil if there is none. It gets the rule's object, match lists
	// included.
	Rule func(json string, global any) (config any, err error)
	// Rejected, if set, is told of a rule whose Rule failed, or whose match lists are wrong, and says what is in force in
	// its place: a configuration, or with nil and hold [ErrRejected] for what it matches; with nil and not hold the rule
	// is left out. A rule that matches nothing is left out anyhow. If Rejected is not set, a rule that is wrong fails the
	// whole configuration.
	Rejected func(rule Rule, global any, err error) (config any, hold bool)
	// Accepted, if set, is told of a rule whose Rule succeeded.
	Accepted func(rule Rule)
	// Doubtful, if set, is told of what has no effect: keys that nobody knows, lists beside others. Errors are
	// PathErrors.
	Doubtful func(error)
}

// Rule is a rule as it is written.
type Rule struct {
	Index int // in _rules_
	JSON  string
	Lists Lists
}

// path returns where a rule is.
func path(i int) string { return RULES_KEY + "[" + strconv.Itoa(i) + "]" }

// Parse parses a configuration, which must be JSON or empty. An empty one is global. A global part that fails to parse
// fails the configuration only if there are no rules: otherwise globalErr has why, and there is no global configuration.
// Errors about rules are PathErrors.
func Parse(json string, p Parser) (m *Matcher, globalErr, err error) {
	m = newMatcher()
	rules, others := "", false
	for key, value := range jsontext.Members(json) {
		if key != RULES_KEY {
			others = true
			if reserved(key) && p.Doubtful != nil {
				p.Doubtful(&PathError{Path: key, Err: errUnknown})
			}
			continue
		}
		if rules != "" {
			return nil, nil, &PathError{Path: key, Err: errTwice}
		}
		rules = value
	}
	if rules != "" && rules != "null" && rules[0] != '[' {
		return nil, nil, &PathError{Path: RULES_KEY, Err: errors.New("is " + kindOf(rules) + ", not an array")}
	}
	if others || rules == "" {
		if m.global, globalErr = p.Global(json); globalErr != nil {
			m.global = nil
		}
	}
	n := 0
	for rule := range jsontext.Elements(rules) {
		if err := m.addRule(n, rule, p); err != nil {
			return nil, nil, &PathError{Path: path(n), Err: err}
		}
		n++
	}
	if n == 0 && globalErr != nil {
		return nil, nil, globalErr
	}
	if n == 0 && m.global == nil {
		return nil, nil, ErrNoRules
	}
	return m, globalErr, nil
}

func (m *Matcher) addRule(i int, json string, p Parser) error {
	rule := Rule{Index: i, JSON: json}
	var config any
	var err error
	doubtful := p.Doubtful
	if doubtful != nil {
		doubtful = func(err error) { p.Doubtful(&PathError{Path: path(i), Err: err}) }
	}
	if rule.Lists, err = readLists(json, doubtful); err == nil {
		config, err = p.Rule(json, m.global)
	}
	if err != nil {
		if p.Rejected == nil {
			return err
		}
		var hold bool
		config, hold = p.Rejected(rule, m.global, &PathError{Path: path(i), Err: err})
		if config == nil && !hold || rule.Lists.empty() {
			return nil
		}
	} else if p.Accepted != nil {
		p.Accepted(rule)
	}
	m.index(&rule.Lists, len(m.rules))
	m.rules = append(m.rules, config)
	return nil
}

// index enters a rule under what it matches.
func (m *Matcher) index(l *Lists, pos int) {
	switch {
	case l.counts(byRoute) && l.counts(byService):
		m.firstBoth = min(m.firstBoth, pos)
		for _, route := range l[byRoute] {
			for _, entry := range l[byService] {
				m.routeServices.add(routeService{route, parseService(entry)}, pos)
			}
		}
	case l.counts(byRoute):
		m.firstRoute = min(m.firstRoute, pos)
		for _, route := range l[byRoute] {
			m.routes.add(route, pos)
		}
	case l.counts(byDomain):
		m.firstDomain = min(m.firstDomain, pos)
		for _, domain := range l[byDomain] {
			m.domains.add(domain, pos)
		}
	case l.counts(byService):
		m.firstService = min(m.firstService, pos)
		for _, entry := range l[byService] {
			m.services.add(parseService(entry), pos)
		}
	default:
		m.firstRoute = min(m.firstRoute, pos)
		for _, prefix := range l[byPrefix] {
			m.routePrefixes.add(prefix, pos)
		}
	}
}
