package matcher

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-gateway/sluice/sdk/internal/jsontext"
)

// The keys of a configuration, as the published SDK names them.
const (
	RULES_KEY              = "_rules_"
	MATCH_ROUTE_KEY        = "_match_route_"
	MATCH_DOMAIN_KEY       = "_match_domain_"
	MATCH_SERVICE_KEY      = "_match_service_"
	MATCH_ROUTE_PREFIX_KEY = "_match_route_prefix_"
)

var (
	// ErrNoRules means that a configuration has neither a global part nor rules.
	ErrNoRules = errors.New("matcher: the configuration is neither global nor has it rules")
	// ErrNoMatch means that a rule has no list to match by.
	ErrNoMatch = errors.New("matcher: the rule has no " + MATCH_ROUTE_KEY + ", " + MATCH_DOMAIN_KEY + ", " +
		MATCH_SERVICE_KEY + " or " + MATCH_ROUTE_PREFIX_KEY)
)

// Parser turns JSON into a plugin's configuration.
type Parser struct {
	// Global parses the global configuration. It gets the whole object, rules included.
	Global func(json string) (config any, err error)
	// Rule parses a rule, with the global configuration, nil if there is none. It gets the rule's object, match lists
	// included.
	Rule func(json string, global any) (config any, err error)
	// Failed, if set, is told of a rule whose Rule failed and may answer with a configuration in its place, nil to leave
	// the rule out. If it is not set, a rule that fails fails the whole configuration.
	Failed func(lists Lists, json string, global any, err error) any
	// Parsed, if set, is told of a rule whose Rule succeeded.
	Parsed func(lists Lists, json string)
}

// Lists are a rule's match lists.
type Lists struct{ routes, domains, services, prefixes []string }

// ruleError says which rule failed.
type ruleError struct {
	pos int
	err error
}

func (e *ruleError) Error() string {
	return RULES_KEY + "[" + strconv.Itoa(e.pos) + "]: " + e.err.Error()
}
func (e *ruleError) Unwrap() error { return e.err }

// Parse parses a configuration, which must be JSON or empty. An empty one is global. A global part that fails to parse fails the configuration only
// if there are no rules: otherwise globalErr has why, and there is no global configuration.
func Parse(json string, p Parser) (m *Matcher, globalErr, err error) {
	m = &Matcher{routes: index{}, domains: index{}, services: index{}}
	rules, others := "", false
	for key, value := range jsontext.Members(json) {
		if key == RULES_KEY {
			rules = value
		} else {
			others = true
		}
	}
	if others || rules == "" {
		if m.global, globalErr = p.Global(json); globalErr != nil {
			m.global = nil
		}
	}
	list := slices.Collect(jsontext.Elements(rules))
	if len(list) == 0 {
		if globalErr != nil {
			return nil, nil, globalErr
		}
		if m.global == nil {
			return nil, nil, ErrNoRules
		}
		return m, nil, nil
	}
	var failed error
	for i, rule := range list {
		if err := m.addRule(rule, p); err != nil {
			err = &ruleError{i, err}
			if p.Failed == nil || errors.Is(err, ErrNoMatch) {
				return nil, nil, err
			}
			if failed == nil {
				failed = err
			}
		}
	}
	if len(m.rules) == 0 {
		return nil, nil, failed
	}
	return m, globalErr, nil
}

func (m *Matcher) addRule(rule string, p Parser) error {
	lists := Lists{
		routes:   stringList(rule, MATCH_ROUTE_KEY, false),
		domains:  stringList(rule, MATCH_DOMAIN_KEY, true),
		services: stringList(rule, MATCH_SERVICE_KEY, false),
		prefixes: stringList(rule, MATCH_ROUTE_PREFIX_KEY, false),
	}
	if len(lists.routes)+len(lists.domains)+len(lists.services)+len(lists.prefixes) == 0 {
		return ErrNoMatch
	}
	config, err := p.Rule(rule, m.global)
	if err != nil {
		if p.Failed == nil {
			return err
		}
		if config = p.Failed(lists, rule, m.global, err); config == nil {
			return err
		}
	} else if p.Parsed != nil {
		p.Parsed(lists, rule)
	}
	m.index(lists, len(m.rules))
	m.rules = append(m.rules, config)
	return nil
}

// stringList returns a list of strings, or a string as a list of one. Empty strings are dropped unless empty says so.
func stringList(rule string, key string, empty bool) []string {
	var list []string
	for e := range jsontext.Elements(jsontext.Member(rule, key)) {
		if v, ok := jsontext.String(e); ok && (v != "" || empty) {
			list = append(list, v)
		}
	}
	return list
}

// Key names what a rule matches, whatever the order in which it says so: rules with the same key are each other's
// successors.
func (l Lists) Key() string {
	switch {
	case len(l.routes) > 0 && len(l.services) > 0:
		return listsKey("route and service", l.routes, l.services)
	case len(l.routes) > 0:
		return listsKey("route", l.routes, nil)
	case len(l.domains) > 0:
		return listsKey("domain", l.domains, nil)
	case len(l.services) > 0:
		return listsKey("service", l.services, nil)
	}
	return listsKey("route prefix", l.prefixes, nil)
}

func listsKey(kind string, a, b []string) string {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return kind + "\x00" + strings.Join(a, "\x00") + "\x00\x00" + strings.Join(b, "\x00")
}

// index enters a rule under what it matches.
func (m *Matcher) index(l Lists, pos int) {
	switch {
	case len(l.routes) > 0 && len(l.services) > 0:
		if m.routeServices == nil {
			m.routeServices = map[string][]routeService{}
		}
		for _, route := range l.routes {
			for _, service := range l.services {
				m.routeServices[route] = append(m.routeServices[route], routeService{service, pos})
			}
		}
	case len(l.routes) > 0:
		for _, route := range l.routes {
			m.routes.add(route, pos)
		}
	case len(l.domains) > 0:
		for _, domain := range l.domains {
			m.indexDomain(strings.ToLower(domain), pos)
		}
	case len(l.services) > 0:
		for _, service := range l.services {
			m.services.add(service, pos)
		}
	default:
		for _, prefix := range l.prefixes {
			m.routePrefixes.add(prefix, pos)
		}
	}
}

func (m *Matcher) indexDomain(domain string, pos int) {
	if end, ok := strings.CutPrefix(domain, "*"); ok {
		m.domainEnds.add(end, pos)
	} else if start, ok := strings.CutSuffix(domain, "*"); ok {
		m.domainStarts.add(start, pos)
	} else {
		m.domains.add(domain, pos)
	}
}
