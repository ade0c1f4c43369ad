package envoyconfig

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

const (
	// maxFileSize bounds a configuration file. It is generous because a module may stand in it as base64.
	maxFileSize = 16 << 20
	// maxIndicators bounds the characters that make YAML nodes, and so the memory that a parsed file takes: base64 and
	// ordinary text have few.
	maxIndicators = 1 << 20
	// maxNodes bounds what aliases expand to.
	maxNodes = 1 << 18
	// maxDepth bounds nesting. Envoy's own limit is that of protobuf, 100.
	maxDepth = 100
)

// scalars is a way of telling what a plain YAML scalar means.
type scalars func(n *node, plain string)

// yamlReader turns a YAML document into nodes. The parser keeps lines, styles and aliases and leaves it to us what a
// scalar means, which is why it is used rather than one that decodes.
type yamlReader struct {
	file    string
	scalars scalars
	nodes   int
	// open are the anchored nodes that are being expanded, to find aliases that hold themselves.
	open map[*yaml.Node]bool
	// warnings are about scalars that may not mean what their author thinks.
	warnings []Warning
}

func readYAML(file string, data []byte, scalars scalars) (*node, []Warning, error) {
	indicators := 0
	for _, c := range []byte("\n,:[]{}-?&*") {
		indicators += bytes.Count(data, []byte{c})
	}
	if indicators > maxIndicators {
		return nil, nil, &Error{File: file, Message: "has too many entries"}
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, nil, &Error{File: file, Message: "is empty"}
		}
		return nil, nil, yamlError(file, err)
	}
	var second yaml.Node
	switch err := dec.Decode(&second); {
	case err == nil:
		return nil, nil, &Error{File: file, Line: second.Line, Message: "a second YAML document begins; Envoy reads the first alone, so keep one"}
	case !errors.Is(err, io.EOF):
		return nil, nil, yamlError(file, err)
	}
	r := &yamlReader{file: file, scalars: scalars, open: map[*yaml.Node]bool{}}
	n, err := r.value(&doc, 0)
	return n, r.warnings, err
}

// yamlError takes the line out of the parser's text.
func yamlError(file string, err error) error {
	e := &Error{File: file, Message: "not YAML: " + strings.TrimPrefix(err.Error(), "yaml: ")}
	if rest, ok := strings.CutPrefix(err.Error(), "yaml: line "); ok {
		if number, text, ok := strings.Cut(rest, ": "); ok {
			if line, err := strconv.Atoi(number); err == nil {
				e.Line, e.Message = line, "not YAML: "+text
			}
		}
	}
	return e
}

func (r *yamlReader) errorf(n *yaml.Node, format string, args ...any) error {
	return &Error{File: r.file, Line: n.Line, Message: fmt.Sprintf(format, args...)}
}

func (r *yamlReader) value(y *yaml.Node, depth int) (*node, error) {
	if r.nodes++; r.nodes > maxNodes {
		return nil, r.errorf(y, "aliases expand to more than %d values", maxNodes)
	}
	if depth > maxDepth {
		return nil, r.errorf(y, "nested deeper than %d", maxDepth)
	}
	if y.Style&yaml.TaggedStyle != 0 && y.Kind != yaml.AliasNode {
		return nil, r.errorf(y, "the tag %s: tags are not read here, except !ignore on a key", y.Tag)
	}
	n := &node{line: y.Line}
	switch y.Kind {
	case yaml.DocumentNode:
		return r.value(y.Content[0], depth)
	case yaml.AliasNode:
		if r.open[y.Alias] {
			return nil, r.errorf(y, "the alias *%s stands inside of what it names", y.Value)
		}
		r.open[y.Alias] = true
		defer delete(r.open, y.Alias)
		return r.value(y.Alias, depth)
	case yaml.SequenceNode:
		n.kind = kindList
		for _, item := range y.Content {
			v, err := r.value(item, depth+1)
			if err != nil {
				return nil, err
			}
			n.items = append(n.items, v)
		}
	case yaml.MappingNode:
		return n, r.mapping(n, y, depth)
	default:
		if y.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
			n.kind, n.text = kindString, y.Value
		} else {
			n.written = y.Value
			r.scalars(n, y.Value)
			if digits := strings.TrimLeft(y.Value, "+-"); n.kind == kindNumber && len(digits) > 1 && digits[0] == '0' && strings.Trim(digits, "01234567") == "" {
				r.warnings = append(r.warnings, Warning{File: r.file, Line: y.Line,
					Message: fmt.Sprintf("%s is read as octal, which is %s; put it in quotes where text is meant", y.Value, n.text)})
			}
		}
	}
	return n, nil
}

func (r *yamlReader) mapping(n *node, y *yaml.Node, depth int) error {
	n.kind = kindObject
	seen := make(map[string]bool, len(y.Content)/2)
	for i := 0; i+1 < len(y.Content); i += 2 {
		key, value := y.Content[i], y.Content[i+1]
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		switch {
		case key.Kind != yaml.ScalarNode:
			return r.errorf(y.Content[i], "a key must be a string")
		case key.Tag == "!ignore":
			// Envoy's way to keep anchors somewhere. What is under it is still bounded, where it is used.
			continue
		case key.Style&yaml.TaggedStyle != 0:
			return r.errorf(key, "the tag %s: tags are not read here, except !ignore on a key", key.Tag)
		case key.Value == "<<" && key.Tag == "!!merge":
			return r.errorf(key, "a merge key (<<): Envoy does not read them; write the fields out, or alias the whole value")
		case seen[key.Value]:
			return r.errorf(key, "the key %q is there twice in one mapping", key.Value)
		}
		seen[key.Value] = true
		v, err := r.value(value, depth+1)
		if err != nil {
			return err
		}
		n.members = append(n.members, member{key: key.Value, line: key.Line, value: v})
	}
	return nil
}

// envoyScalars reads plain scalars as Envoy does (yaml-cpp, then its own conversion to protobuf's Value): yes, no, on,
// off, y and n are Booleans; integers may be octal (010) or hexadecimal (0x10); one that does not fit 32 bits, and
// every number with a fraction, becomes a string, which protobuf takes for number fields too.
func envoyScalars(n *node, plain string) {
	if isNull(plain) {
		n.kind = kindNull
		return
	}
	if b, ok := envoyBool(plain); ok {
		n.kind, n.text = kindBool, strconv.FormatBool(b)
		return
	}
	n.kind, n.text = kindString, plain
	if i, ok := envoyInt(plain); ok {
		n.text = strconv.FormatInt(i, 10)
		if int64(int32(i)) == i {
			n.kind = kindNumber
		}
	}
}

func isNull(plain string) bool {
	switch plain {
	case "", "~", "null", "Null", "NULL":
		return true
	}
	return false
}

func envoyBool(plain string) (value, ok bool) {
	lower := strings.ToLower(plain)
	// yaml-cpp takes all lower case, all upper case, and a capital first.
	if plain != lower && plain != strings.ToUpper(plain) && plain != strings.ToUpper(lower[:1])+lower[1:] {
		return false, false
	}
	switch lower {
	case "y", "yes", "true", "on":
		return true, true
	case "n", "no", "false", "off":
		return false, true
	}
	return false, false
}

func envoyInt(plain string) (int64, bool) {
	// Go's base 0 also takes 0o17, 0b1 and 1_000, which C++ streams do not.
	if strings.ContainsAny(plain, "_oObB") && !strings.HasPrefix(strings.ToLower(strings.TrimLeft(plain, "+-")), "0x") || strings.Contains(plain, "_") {
		return 0, false
	}
	i, err := strconv.ParseInt(plain, 0, 64)
	return i, err == nil
}

// coreScalars reads plain scalars by YAML 1.2's core schema, as people expect of a plugin's configuration.
func coreScalars(n *node, plain string) {
	switch y := (&yaml.Node{Kind: yaml.ScalarNode, Value: plain}); y.ShortTag() {
	case "!!null":
		n.kind = kindNull
	case "!!bool":
		n.kind, n.text = kindBool, strings.ToLower(plain)
	case "!!int":
		var i int64
		var u uint64
		if y.Decode(&i) == nil {
			n.kind, n.text = kindNumber, strconv.FormatInt(i, 10)
		} else if y.Decode(&u) == nil {
			n.kind, n.text = kindNumber, strconv.FormatUint(u, 10)
		} else {
			n.kind, n.text = kindString, plain
		}
	case "!!float":
		var f float64
		n.kind, n.text = kindString, plain
		if y.Decode(&f) == nil && f-f == 0 { // not an infinity, not NaN: JSON has neither
			n.kind, n.text = kindNumber, strconv.FormatFloat(f, 'g', -1, 64)
		}
	default:
		n.kind, n.text = kindString, plain
	}
}
