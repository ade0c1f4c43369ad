package envoyconfig

import (
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// Support is what becomes of a field that a configuration sets.
type Support uint8

// The three kinds of field. A field that has no row is Refused.
const (
	// Refused fields are errors: to run without them would be to serve something else than was asked for.
	Refused Support = iota
	// Implemented fields do what Envoy's documentation says.
	Implemented
	// WithoutEffect fields are accepted with a warning: leaving them out changes nothing that a client, an upstream or a
	// plugin sees of a request.
	WithoutEffect
)

// String is the word that the documentation uses.
func (s Support) String() string {
	return [...]string{"refused", "implemented", "without effect"}[s]
}

// Row is what the gateway makes of one field of an Envoy message.
type Row struct {
	// Field is the field's name in Envoy's API.
	Field   string
	Support Support
	// Note says more: limits of what is implemented, why a field is without effect, what to do in place of a refused one.
	Note string
	// Values are the enum values that are taken; nil is all of them.
	Values []string
	// Types are the message types that are taken in an Any field; a "*" is every type that is known.
	Types []string
}

// Message is the rows of one Envoy message. Fields are told apart by message, not by their path from the top: a message
// means the same wherever it stands, and the paths of a configuration have no end (a regular expression alone has four).
type Message struct {
	Name protoreflect.FullName
	Rows []Row
}

// Table is every field that is not simply refused, and the refused ones that have something to say. The reader is driven
// by it and docs/envoy-config.md is made from it. It is not to be changed.
func Table() []Message { return table }

// rowsByField finds a message's rows.
func rowsByField(messages []Message) map[protoreflect.FullName]map[string]Row {
	rows := make(map[protoreflect.FullName]map[string]Row, len(messages))
	for _, m := range messages {
		fields := make(map[string]Row, len(m.Rows))
		for _, r := range m.Rows {
			fields[r.Field] = r
		}
		rows[m.Name] = fields
	}
	return rows
}

func yes(fields string) []Row           { return rows(Implemented, fields, "") }
func yesNote(fields, note string) []Row { return rows(Implemented, fields, note) }
func inert(fields, note string) []Row   { return rows(WithoutEffect, fields, note) }
func refused(fields, note string) []Row { return rows(Refused, fields, note) }
func values(field, values string) []Row {
	return []Row{{Field: field, Support: Implemented, Values: strings.Fields(values)}}
}
func types(field string, t ...string) []Row {
	return []Row{{Field: field, Support: Implemented, Types: t}}
}

func rows(s Support, fields, note string) []Row {
	var rs []Row
	for _, f := range strings.Fields(fields) {
		rs = append(rs, Row{Field: f, Support: s, Note: note})
	}
	return rs
}

func message(name string, groups ...[]Row) Message {
	m := Message{Name: protoreflect.FullName(name)}
	for _, g := range groups {
		m.Rows = append(m.Rows, g...)
	}
	return m
}
