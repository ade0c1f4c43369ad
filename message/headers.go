// Package message has the parts of an HTTP message as filters see them: ordered header lists and body buffers.
package message

import (
	"iter"
	"slices"
	"strings"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

// Field is one header field. Its name is in lower case; pseudo headers begin with a colon.
type Field struct{ Name, Value string }

// Headers is an ordered list of header fields, with several of one name allowed. Names are kept in lower case. The zero
// value is an empty list. It is not safe for concurrent use.
type Headers struct {
	fields []Field
	// bound is at least the length of all names and values: what was ever added since it was last worked out.
	bound int
}

// NewHeaders makes a list from name, value pairs.
func NewHeaders(nameValues ...string) *Headers {
	h := &Headers{fields: make([]Field, 0, len(nameValues)/2)}
	for i := 0; i+1 < len(nameValues); i += 2 {
		h.Append(nameValues[i], nameValues[i+1])
	}
	return h
}

// Grow makes room for n more fields.
func (h *Headers) Grow(n int) { h.fields = slices.Grow(h.fields, n) }

// Len returns the number of fields.
func (h *Headers) Len() int { return len(h.fields) }

// Bytes returns the length of all names and values together.
func (h *Headers) Bytes() int {
	n := 0
	for i := range h.fields {
		n += len(h.fields[i].Name) + len(h.fields[i].Value)
	}
	return n
}

// Within reports whether all names and values together have at most limit bytes. It counts them only where they may have
// more, so that it costs nothing to ask before each addition.
func (h *Headers) Within(limit int) bool {
	if h.bound <= limit {
		return true
	}
	h.bound = h.Bytes()
	return h.bound <= limit
}

// SetField is Set for a name that is in lower case already.
func (h *Headers) SetField(f Field) {
	h.Del(f.Name)
	h.AppendField(f)
}

// All iterates over the fields in order. The list must not be changed meanwhile.
func (h *Headers) All() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for i := range h.fields {
			if !yield(h.fields[i].Name, h.fields[i].Value) {
				return
			}
		}
	}
}

// Fields returns the list itself, valid until the next change.
func (h *Headers) Fields() []Field { return h.fields }

// Get returns the first value of name, which must be in lower case.
func (h *Headers) Get(name string) (string, bool) {
	for i := range h.fields {
		if h.fields[i].Name == name {
			return h.fields[i].Value, true
		}
	}
	return "", false
}

// Value is Get without the second result.
func (h *Headers) Value(name string) string {
	v, _ := h.Get(name)
	return v
}

// GetBytes is Get for a name in any case, without an allocation.
func (h *Headers) GetBytes(name []byte) (string, bool) {
	for i := range h.fields {
		if equalLower(h.fields[i].Name, name) {
			return h.fields[i].Value, true
		}
	}
	return "", false
}

// Has reports whether name, in lower case, is there.
func (h *Headers) Has(name string) bool {
	_, ok := h.Get(name)
	return ok
}

// Append adds a field at the end, whatever is there already.
func (h *Headers) Append(name, value string) {
	h.AppendField(Field{strings.ToLower(name), value})
}

// AppendField is Append for a name that is in lower case already.
func (h *Headers) AppendField(f Field) {
	h.bound += len(f.Name) + len(f.Value)
	h.fields = append(h.fields, f)
}

// Add adds a value as Envoy does it: a header that is a list by nature and is there already (see inlineDelimiter) is
// joined to it, any other becomes one more field.
func (h *Headers) Add(name, value string) {
	name = strings.ToLower(name)
	if d := inlineDelimiter(name); d != "" {
		for i := range h.fields {
			if h.fields[i].Name == name {
				h.bound += len(d) + len(value)
				if h.fields[i].Value == "" {
					h.fields[i].Value = value
				} else if value != "" {
					h.fields[i].Value += d + value
				}
				return
			}
		}
	}
	h.AppendField(Field{name, value})
}

// Set removes every field of name and adds one at the end.
func (h *Headers) Set(name, value string) {
	h.SetField(Field{strings.ToLower(name), value})
}

// Del removes every field of name, which must be in lower case, and reports how many there were.
func (h *Headers) Del(name string) int {
	first := 0
	for first < len(h.fields) && h.fields[first].Name != name {
		first++
	}
	if first == len(h.fields) {
		return 0
	}
	kept := h.fields[:first]
	for _, f := range h.fields[first+1:] {
		if f.Name != name {
			kept = append(kept, f)
		}
	}
	n := len(h.fields) - len(kept)
	clear(h.fields[len(kept):])
	h.fields = kept
	return n
}

// Reset empties the list and keeps its memory.
func (h *Headers) Reset() {
	clear(h.fields)
	h.fields, h.bound = h.fields[:0], 0
}

// Clone returns a copy.
func (h *Headers) Clone() *Headers {
	return &Headers{fields: append([]Field(nil), h.fields...), bound: h.bound}
}

// AppendPairs appends the list's encoding to dst, nothing if the list is empty.
func (h *Headers) AppendPairs(dst []byte) []byte {
	if len(h.fields) == 0 {
		return dst
	}
	var e abi.PairsEncoder
	e.Reset(dst, len(h.fields))
	for i := range h.fields {
		e.Size(len(h.fields[i].Name), len(h.fields[i].Value))
	}
	for i := range h.fields {
		e.Add(h.fields[i].Name, h.fields[i].Value)
	}
	return e.Bytes()
}

// AddPairs appends the fields of p, names lowered.
func (h *Headers) AddPairs(p abi.Pairs) {
	for k, v := range p.All() {
		h.Append(string(k), string(v))
	}
}

// equalLower reports whether name, in any case, is lower, which is in lower case.
func equalLower(lower string, name []byte) bool {
	if len(lower) != len(name) {
		return false
	}
	for i := len(name) - 1; i >= 0; i-- { // names that differ do so at their ends
		c := name[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
