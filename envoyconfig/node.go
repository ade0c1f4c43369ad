package envoyconfig

import "strconv"

// node is a value of a YAML or JSON document, with its line. It is what both readers make and all that the decoder
// knows of a file.
type node struct {
	kind kind
	line int
	// text is a string's text, a number as JSON writes it, or a Boolean's "true" or "false".
	text string
	// written is a plain YAML scalar as it stands in the file, where its text differs from that.
	written string
	items   []*node
	members []member
}

type member struct {
	key   string
	line  int
	value *node
}

type kind uint8

const (
	kindNull kind = iota
	kindBool
	kindNumber
	kindString
	kindList
	kindObject
)

func (k kind) String() string {
	return [...]string{"null", "a Boolean", "a number", "a string", "a list", "an object"}[k]
}

// get is a member's value, nil where there is none.
func (n *node) get(keys ...string) *node {
	for _, m := range n.members {
		for _, key := range keys {
			if m.key == key {
				return m.value
			}
		}
	}
	return nil
}

// describe is the value for an error's text.
func (n *node) describe() string {
	const limit = 60
	switch n.kind {
	case kindString, kindNumber, kindBool:
		text := n.text
		if n.kind == kindString {
			if len(text) > limit {
				text = text[:limit] + "…"
			}
			text = strconv.Quote(text)
		}
		if n.written != "" && n.written != n.text {
			return "the plain scalar " + n.written + ", read as " + n.kind.String()[2:] + " " + text + ","
		}
		return n.kind.String() + " " + text
	}
	return n.kind.String()
}

// appendJSON appends the value as JSON, members in the file's order.
func (n *node) appendJSON(dst []byte) []byte {
	switch n.kind {
	case kindNull:
		return append(dst, "null"...)
	case kindBool, kindNumber:
		return append(dst, n.text...)
	case kindString:
		return appendString(dst, n.text)
	case kindList:
		dst = append(dst, '[')
		for i, item := range n.items {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = item.appendJSON(dst)
		}
		return append(dst, ']')
	default:
		dst = append(dst, '{')
		for i, m := range n.members {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(appendString(dst, m.key), ':')
			dst = m.value.appendJSON(dst)
		}
		return append(dst, '}')
	}
}

// appendString appends s, which is UTF-8, as a JSON string. Unlike encoding/json it leaves <, > and & alone: a plugin
// may be shown the text.
func appendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}
