package matcher

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-gateway/sluice/sdk/internal/jsontext"
)

// The keys of a rule's match lists, as the published SDK names them.
const (
	MATCH_ROUTE_KEY        = "_match_route_"
	MATCH_DOMAIN_KEY       = "_match_domain_"
	MATCH_SERVICE_KEY      = "_match_service_"
	MATCH_ROUTE_PREFIX_KEY = "_match_route_prefix_"
)

// The kinds of lists, in the order in which they count.
const (
	byRoute = iota
	byDomain
	byService
	byPrefix
	kinds
)

var (
	listKeys  = [kinds]string{MATCH_ROUTE_KEY, MATCH_DOMAIN_KEY, MATCH_SERVICE_KEY, MATCH_ROUTE_PREFIX_KEY}
	listNames = [kinds]string{"route", "domain", "service", "route prefix"}
)

// Lists are a rule's match lists.
type Lists [kinds][]string

// counts says whether a kind of list counts, beside the others that there are.
func (l *Lists) counts(kind int) bool {
	if len(l[kind]) == 0 {
		return false
	}
	if kind == byService && len(l[byRoute]) > 0 {
		return true // the one kind that goes with another
	}
	for before := range kind {
		if len(l[before]) > 0 {
			return false
		}
	}
	return true
}

func (l *Lists) empty() bool {
	for kind := range l {
		if len(l[kind]) > 0 {
			return false
		}
	}
	return true
}

// String says what a rule matches, in one way, whatever the order in which the rule says so: rules with the same String
// are each other's successors.
func (l *Lists) String() string {
	text := ""
	for kind, list := range l {
		if !l.counts(kind) {
			continue
		}
		if text != "" {
			text += ", "
		}
		list = slices.Clone(list)
		if kind == byDomain {
			for i := range list {
				list[i] = string(appendLower(nil, list[i]))
			}
		}
		slices.Sort(list)
		list = slices.Compact(list)
		for i, entry := range list {
			list[i] = strconv.Quote(entry)
		}
		text += listNames[kind] + " " + strings.Join(list, " ")
	}
	return text
}

var errTwice = errors.New("is there twice")

// readLists reads a rule's match lists. doubtful, if set, is told of what has no effect. The lists are what could be
// read, also with an error.
func readLists(rule string, doubtful func(error)) (lists Lists, err error) {
	if jsontext.Trim(rule)[:1] != "{" {
		return lists, errors.New("is " + kindOf(rule) + ", not an object")
	}
	var seen [kinds]bool
	for key, value := range jsontext.Members(rule) {
		if !reserved(key) {
			continue
		}
		kind := slices.Index(listKeys[:], key)
		if kind < 0 {
			if doubtful != nil {
				doubtful(&PathError{Path: key, Err: errUnknown})
			}
			continue
		}
		list, listErr := stringList(value, kind == byDomain)
		if seen[kind] {
			listErr = errTwice
		}
		seen[kind] = true
		lists[kind] = append(lists[kind], list...)
		if listErr != nil && err == nil {
			err = &PathError{Path: key, Err: listErr}
		}
	}
	if err == nil && lists.empty() {
		err = ErrNoMatch
	}
	if err == nil && doubtful != nil {
		for kind := range lists {
			if len(lists[kind]) > 0 && !lists.counts(kind) {
				doubtful(&PathError{Path: listKeys[kind], Err: errors.New("has no effect beside other lists")})
			}
		}
	}
	return lists, err
}

// stringList returns a list of strings, or a string as a list of one. Numbers and truth values count as they are
// written, empty strings and null not at all, unless empty says so.
func stringList(list string, empty bool) (entries []string, err error) {
	i := 0
	array := strings.HasPrefix(list, "[")
	for e := range jsontext.Elements(list) {
		text, ok := jsontext.String(e)
		if !ok {
			if c := e[0]; c == '{' || c == '[' {
				err = errors.New("is " + kindOf(e) + ", not a string")
				if array {
					err = &PathError{Path: "[" + strconv.Itoa(i) + "]", Err: err}
				}
				return entries, err
			}
			if e != "null" {
				text = e
			}
		}
		if text != "" || empty {
			entries = append(entries, text)
		}
		i++
	}
	return entries, nil
}

// reserved says whether a key has the form of those that are not the plugin's.
func reserved(key string) bool {
	return len(key) > 2 && key[0] == '_' && key[len(key)-1] == '_'
}

// kindOf names the kind of a JSON value.
func kindOf(json string) string {
	switch json[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "a truth value"
	case 'n':
		return "null"
	}
	return "a number"
}
