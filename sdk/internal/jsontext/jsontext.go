// Package jsontext reads the little of JSON that the SDK itself needs, of a plugin's configuration: whether it is JSON,
// an object's members, an array's elements, strings. What plugins read their settings with is theirs to choose, and in a
// module only if they choose it.
package jsontext

import (
	"errors"
	"iter"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// ErrSyntax is wrapped by the errors of [Check].
var ErrSyntax = errors.New("not valid JSON")

// syntaxError says where text stops being JSON.
type syntaxError struct {
	what   string
	offset int
}

func (e *syntaxError) Error() string { return e.what + " at byte " + strconv.Itoa(e.offset) }
func (e *syntaxError) Unwrap() error { return ErrSyntax }

// maxDepth is how deep arrays and objects may nest.
const maxDepth = 1000

// Check reports whether text is one JSON value, with white space around it or not.
func Check(text string) error {
	s := scanner{text: text}
	if s.value(0) {
		s.space()
		if s.pos == len(text) {
			return nil
		}
	}
	what := ErrSyntax.Error()
	if s.tooDeep {
		what = "JSON nested deeper than " + strconv.Itoa(maxDepth)
	}
	return &syntaxError{what, s.pos}
}

// CheckText reports whether text is UTF-8, as JSON must be: [Check] does not look into strings.
func CheckText(text string) error {
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		if r == utf8.RuneError && n == 1 {
			return &syntaxError{"not valid UTF-8", i}
		}
		i += n
	}
	return nil
}

// Trim returns text without white space around it.
func Trim(text string) string {
	s := scanner{text: text}
	s.space()
	end := len(text)
	for end > s.pos && isSpace(text[end-1]) {
		end--
	}
	return text[s.pos:end]
}

// Members iterates over an object's members, in order: the decoded key and the value's text. Anything but an object has
// none. object must have passed [Check].
func Members(object string) iter.Seq2[string, string] {
	return func(yield func(key, value string) bool) {
		s := scanner{text: object}
		s.space()
		if !s.literal("{") {
			return
		}
		for {
			s.space()
			start := s.pos
			if !s.str() {
				return
			}
			key, _ := String(s.text[start:s.pos])
			s.space()
			s.literal(":")
			s.space()
			start = s.pos
			if !s.value(0) || !yield(key, s.text[start:s.pos]) {
				return
			}
			s.space()
			if !s.literal(",") {
				return
			}
		}
	}
}

// Elements iterates over the texts of an array's elements, in order. Anything but an array is its own only element, but
// null and nothing have none. array must have passed [Check].
func Elements(array string) iter.Seq[string] {
	return func(yield func(string) bool) {
		array = Trim(array)
		if array == "" || array == "null" {
			return
		}
		s := scanner{text: array}
		if !s.literal("[") {
			yield(array)
			return
		}
		for {
			s.space()
			start := s.pos
			if !s.value(0) || !yield(s.text[start:s.pos]) {
				return
			}
			s.space()
			if !s.literal(",") {
				return
			}
		}
	}
}

// Member returns the text of an object's first member with that key, "" if it has none.
func Member(object, key string) string {
	for k, v := range Members(object) {
		if k == key {
			return v
		}
	}
	return ""
}

// String decodes a string. A half of a surrogate pair becomes U+FFFD. ok is false for what is no string.
func String(text string) (s string, ok bool) {
	if len(text) < 2 || text[0] != '"' || text[len(text)-1] != '"' {
		return "", false
	}
	text = text[1 : len(text)-1]
	plain := true
	for i := range len(text) {
		plain = plain && text[i] != '\\'
	}
	if plain {
		return text, true
	}
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 == len(text) {
			out = append(out, text[i])
			continue
		}
		i++
		switch c := text[i]; c {
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r := unit(text[i+1:])
			i += 4
			if utf16.IsSurrogate(r) {
				second := rune(-1)
				if i+2 < len(text) && text[i+1] == '\\' && text[i+2] == 'u' {
					second = unit(text[i+3:])
				}
				if r = utf16.DecodeRune(r, second); r != utf8.RuneError {
					i += 6
				}
			}
			out = utf8.AppendRune(out, r)
		default:
			out = append(out, c)
		}
	}
	return string(out), true
}

// unit returns the number that four hexadecimal digits are, U+FFFD if they are not.
func unit(hex string) rune {
	if len(hex) < 4 {
		return utf8.RuneError
	}
	n, err := strconv.ParseUint(hex[:4], 16, 16)
	if err != nil {
		return utf8.RuneError
	}
	return rune(n)
}

// AppendString appends s as a string. Bytes that are not UTF-8 stay as they are.
func AppendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}
