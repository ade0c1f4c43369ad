package envoyconfig

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/anypb"
)

// decoder makes protobuf messages of nodes. It walks the messages' fields itself, so that each error has a path and a
// line, and leaves single values to protojson. At each field it asks the table.
type decoder struct {
	findings
	rows map[protoreflect.FullName]map[string]Row
	// bodies maps the path of an Any field to the path of the message in it, which is deeper where a TypedStruct
	// stands between.
	bodies map[string]string
	// warned are the fields without effect that were warned of: one warning each, however often they occur.
	warned map[string]bool
	// violated counts the errors of validate. They leave messages whole; others leave gaps, of which validate would
	// complain once more.
	violated int
}

func newDecoder(file string) *decoder {
	return &decoder{
		findings: findings{file: file, lines: map[string]int{}},
		rows:     rowsByField(table),
		bodies:   map[string]string{},
		warned:   map[string]bool{},
	}
}

// root decodes the document into m.
func (d *decoder) root(n *node, m proto.Message) {
	d.lines[""] = n.line
	d.message(n, m.ProtoReflect(), "", false)
	if len(d.errs) == d.violated {
		d.validate(m, "")
	}
}

// message decodes an object's members into m. Under a field without effect (inert) the table is not asked.
func (d *decoder) message(n *node, m protoreflect.Message, path string, inert bool) {
	if n.kind != kindObject {
		d.fail(path, "%s stands where an object is expected", n.describe())
		return
	}
	fields := m.Descriptor().Fields()
	for _, member := range n.members {
		fd := fields.ByTextName(member.key)
		if fd == nil {
			fd = fields.ByJSONName(member.key)
		}
		if fd == nil {
			d.unknown(member, m.Descriptor(), path)
			continue
		}
		at := join(path, string(fd.Name()))
		if _, again := d.lines[at]; again {
			d.failAt(member.line, at, "is there twice, as %s and as %s", fd.Name(), fd.JSONName())
			continue
		}
		d.lines[at] = member.line
		if member.value.kind == kindNull {
			continue // as in protobuf's JSON: not set
		}
		if oneof := fd.ContainingOneof(); oneof != nil && !oneof.IsSynthetic() {
			if other := m.WhichOneof(oneof); other != nil {
				d.fail(at, "stands beside %s; one of the two is to go", other.Name())
				continue
			}
		}
		row, known := d.rows[m.Descriptor().FullName()][string(fd.Name())]
		switch {
		case inert:
			row = Row{Support: WithoutEffect, Types: []string{"*"}}
		case !known || row.Support == Refused:
			// What says no more than the default does is no reason to refuse.
			if d.sets(member.value, m, fd) {
				d.fail(at, "%s", refusal(row))
			}
			continue
		}
		d.field(member.value, m, fd, at, row)
	}
}

func refusal(row Row) string {
	if row.Note != "" {
		return "is refused: " + row.Note
	}
	return "is not implemented; remove it"
}

// sets reports whether a value does anything to a field: an empty list or a scalar's default does not.
func (d *decoder) sets(n *node, m protoreflect.Message, fd protoreflect.FieldDescriptor) bool {
	switch {
	case fd.IsList():
		return n.kind != kindList || len(n.items) > 0
	case fd.IsMap():
		return n.kind != kindObject || len(n.members) > 0
	case fd.Message() != nil:
		return true
	}
	scratch := m.New()
	return !d.leaf(n, scratch, fd) || scratch.Has(fd) && !scratch.Get(fd).Equal(fd.Default())
}

func (d *decoder) unknown(m member, desc protoreflect.MessageDescriptor, path string) {
	at := join(path, m.key)
	if hint := renamed[string(desc.FullName())+"."+m.key]; hint != "" {
		d.failAt(m.line, at, "Envoy has no such field any more: %s", hint)
		return
	}
	if near := nearest(m.key, desc.Fields()); near != "" {
		d.failAt(m.line, at, "there is no such field in %s; did you mean %s?", desc.FullName(), near)
		return
	}
	d.failAt(m.line, at, "there is no such field in %s", desc.FullName())
}

// field decodes one field, which is allowed.
func (d *decoder) field(n *node, m protoreflect.Message, fd protoreflect.FieldDescriptor, at string, row Row) {
	inert := row.Support == WithoutEffect
	before := len(d.errs)
	switch {
	case fd.IsMap():
		d.mapField(n, m, fd, at, row)
	case fd.IsList():
		if n.kind != kindList {
			d.fail(at, "%s stands where a list is expected", n.describe())
			return
		}
		list := m.Mutable(fd).List()
		for i, item := range n.items {
			itemAt := fmt.Sprintf("%s[%d]", at, i)
			d.lines[itemAt] = item.line
			if isMessage(fd) {
				element := list.NewElement()
				d.element(item, element.Message(), itemAt, row)
				list.Append(element)
				continue
			}
			scratch := m.New()
			if !d.leaf(&node{kind: kindList, line: item.line, items: []*node{item}}, scratch, fd) {
				d.mismatch(item, fd, itemAt, row)
			} else if got := scratch.Get(fd).List(); got.Len() == 1 {
				list.Append(got.Get(0))
			}
		}
	case isMessage(fd):
		d.element(n, m.Mutable(fd).Message(), at, row)
	default:
		scratch := m.New()
		if !d.leaf(n, scratch, fd) {
			d.mismatch(n, fd, at, row)
			return
		}
		if !scratch.Has(fd) {
			return
		}
		m.Set(fd, scratch.Get(fd))
		if row.Values != nil {
			d.checkValue(fd, m.Get(fd).Enum(), at, row)
		}
	}
	if key := string(fd.FullName()); inert && row.Note != "" && len(d.errs) == before && m.Has(fd) && !d.warned[key] {
		d.warned[key] = true
		d.warn(at, "has no effect: %s", row.Note)
	}
}

func (d *decoder) checkValue(fd protoreflect.FieldDescriptor, number protoreflect.EnumNumber, at string, row Row) {
	name := fmt.Sprint(number)
	if v := fd.Enum().Values().ByNumber(number); v != nil {
		name = string(v.Name())
	}
	for _, allowed := range row.Values {
		if name == allowed {
			return
		}
	}
	d.fail(at, "%s is not implemented; use %s", name, strings.Join(row.Values, " or "))
}

// element decodes a message that stands in a field of its own, in a list or in a map.
func (d *decoder) element(n *node, m protoreflect.Message, at string, row Row) {
	if m.Descriptor().FullName() == "google.protobuf.Any" {
		d.any(n, m.Interface().(*anypb.Any), at, row)
		return
	}
	d.message(n, m, at, row.Support == WithoutEffect)
}

func (d *decoder) mapField(n *node, m protoreflect.Message, fd protoreflect.FieldDescriptor, at string, row Row) {
	if n.kind != kindObject {
		d.fail(at, "%s stands where an object is expected", n.describe())
		return
	}
	entries := m.Mutable(fd).Map()
	for _, entry := range n.members {
		entryAt := fmt.Sprintf("%s[%q]", at, entry.key)
		d.lines[entryAt] = entry.line
		if isMessage(fd.MapValue()) && fd.MapKey().Kind() == protoreflect.StringKind {
			element := entries.NewValue()
			d.element(entry.value, element.Message(), entryAt, row)
			entries.Set(protoreflect.ValueOfString(entry.key).MapKey(), element)
			continue
		}
		scratch := m.New()
		if !d.leaf(&node{kind: kindObject, members: []member{entry}}, scratch, fd) {
			d.mismatch(entry.value, fd.MapValue(), entryAt, row)
			continue
		}
		scratch.Get(fd).Map().Range(func(key protoreflect.MapKey, value protoreflect.Value) bool {
			entries.Set(key, value)
			return true
		})
	}
}

// isMessage tells fields that are walked from those whose value protojson takes as a whole: the well-known types have
// JSON forms of their own.
func isMessage(fd protoreflect.FieldDescriptor) bool {
	if fd.Message() == nil {
		return false
	}
	name := fd.Message().FullName()
	return name.Parent() != "google.protobuf" || name == "google.protobuf.Any"
}

// leaf sets a field by protojson, and reports whether it could.
func (d *decoder) leaf(n *node, m protoreflect.Message, fd protoreflect.FieldDescriptor) bool {
	if fd.Enum() != nil {
		n = enumSpelling(n, fd.Enum())
	}
	text := appendString([]byte{'{'}, fd.JSONName())
	text = append(n.appendJSON(append(text, ':')), '}')
	return protojson.UnmarshalOptions{AllowPartial: true}.Unmarshal(text, m.Interface()) == nil
}

// mismatch is the error of a value that leaf did not take. protojson's own words are not used: they are about a
// position in text that nobody has seen, and change with its releases.
func (d *decoder) mismatch(n *node, fd protoreflect.FieldDescriptor, at string, row Row) {
	expected, hint := "a "+fd.Kind().String(), ""
	switch {
	case fd.Enum() != nil && row.Values != nil:
		expected = strings.Join(row.Values, " or ")
	case fd.Enum() != nil:
		expected = "a " + string(fd.Enum().Name())
	case fd.Message() != nil && fd.Message().FullName() == "google.protobuf.Duration":
		expected = "a duration, as in 5s or 0.25s,"
	case fd.Message() != nil:
		expected = "a " + strings.TrimSuffix(string(fd.Message().Name()), "Value")
	case fd.Kind() == protoreflect.StringKind && (n.kind == kindNumber || n.kind == kindBool):
		hint = "; put it in quotes"
	case fd.Kind() == protoreflect.BytesKind:
		expected = "base64"
	}
	d.fail(at, "%s stands where %s is expected%s", n.describe(), expected, hint)
}

// enumSpelling writes an enum's name as it is defined: Envoy takes any case, and - for _.
func enumSpelling(n *node, enum protoreflect.EnumDescriptor) *node {
	if n.kind == kindList {
		list := *n
		list.items = make([]*node, len(n.items))
		for i, item := range n.items {
			list.items[i] = enumSpelling(item, enum)
		}
		return &list
	}
	if n.kind != kindString || enum.FullName().Parent() == "google.protobuf" {
		return n
	}
	spelled := strings.ToUpper(strings.ReplaceAll(n.text, "-", "_"))
	if enum.Values().ByName(protoreflect.Name(spelled)) == nil {
		return n
	}
	return &node{kind: kindString, line: n.line, text: spelled}
}

// unmarshalValue sets a well-known message from the JSON form that is its own.
func unmarshalValue(n *node, m protoreflect.Message) bool {
	return protojson.Unmarshal(n.appendJSON(nil), m.Interface()) == nil
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// messageType finds a message by its type URL.
func messageType(name protoreflect.FullName) (protoreflect.MessageType, bool) {
	t, err := protoregistry.GlobalTypes.FindMessageByName(name)
	return t, err == nil
}
