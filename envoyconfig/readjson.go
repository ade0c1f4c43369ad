package envoyconfig

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// jsonReader reads a JSON document. Duplicate keys are errors: Envoy takes one of the two, and which one is meant is
// for the file's author to say.
type jsonReader struct {
	data []byte
	dec  *json.Decoder
	// counted and line follow the decoder, so that each byte is looked at once.
	counted int64
	line    int
}

func readJSON(file string, data []byte) (*node, error) {
	if !utf8.Valid(data) {
		return nil, &Error{File: file, Message: "is not UTF-8"}
	}
	r := &jsonReader{data: data, dec: json.NewDecoder(bytes.NewReader(data)), line: 1}
	r.dec.UseNumber()
	n, err := r.value(0)
	if err == nil {
		if _, more := r.dec.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("there is more text after the JSON value; one value is expected")
		}
	}
	if err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = errors.New("the JSON text ends too early")
		}
		line := r.here()
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) && syntax.Offset <= int64(len(data)) {
			line = 1 + bytes.Count(data[:syntax.Offset], []byte{'\n'})
		}
		return nil, &Error{File: file, Line: line, Message: "not JSON: " + err.Error()}
	}
	return n, nil
}

// here is the line of the token that was read last.
func (r *jsonReader) here() int {
	offset := r.dec.InputOffset()
	r.line += bytes.Count(r.data[r.counted:offset], []byte{'\n'})
	r.counted = offset
	return r.line
}

func (r *jsonReader) value(depth int) (*node, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("nested deeper than %d", maxDepth)
	}
	token, err := r.dec.Token()
	if err != nil {
		return nil, err
	}
	n := &node{line: r.here()}
	switch t := token.(type) {
	case nil:
	case bool:
		n.kind, n.text = kindBool, fmt.Sprint(t)
	case json.Number:
		n.kind, n.text = kindNumber, t.String()
	case string:
		n.kind, n.text = kindString, t
	case json.Delim:
		if t == '[' {
			return n, r.list(n, depth)
		}
		return n, r.object(n, depth)
	}
	return n, nil
}

func (r *jsonReader) list(n *node, depth int) error {
	n.kind = kindList
	for r.dec.More() {
		item, err := r.value(depth + 1)
		if err != nil {
			return err
		}
		n.items = append(n.items, item)
	}
	_, err := r.dec.Token()
	return err
}

func (r *jsonReader) object(n *node, depth int) error {
	n.kind = kindObject
	seen := map[string]bool{}
	for r.dec.More() {
		token, err := r.dec.Token()
		if err != nil {
			return err
		}
		m := member{key: token.(string), line: r.here()} // the decoder takes nothing but strings as keys
		if seen[m.key] {
			return fmt.Errorf("the key %q is there twice in one object", m.key)
		}
		seen[m.key] = true
		if m.value, err = r.value(depth + 1); err != nil {
			return err
		}
		n.members = append(n.members, m)
	}
	_, err := r.dec.Token()
	return err
}
