package envoyconfig

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"

	// The messages that may stand in Any fields, for the registry, beside those that the translation uses.
	_ "github.com/cncf/xds/go/udpa/type/v1"
	_ "github.com/cncf/xds/go/xds/type/v3"
	_ "google.golang.org/protobuf/types/known/emptypb"
	_ "google.golang.org/protobuf/types/known/structpb"
	_ "google.golang.org/protobuf/types/known/wrapperspb"
)

// any decodes an object with an @type into an Any. A TypedStruct is an Any whose message is written as a Struct, so that
// a control plane need not know its type; as in Envoy it is read as the message that its type_url names, and the Any
// holds that.
func (d *decoder) any(n *node, into *anypb.Any, at string, row Row) {
	name, ok := d.typeName(n, at, "@type")
	if !ok {
		return
	}
	body, bodyAt, drop := n, at, "@type"
	if name == typeUDPAStruct || name == typeXDSStruct {
		if name, ok = d.typeName(n, at, "type_url", "typeUrl"); !ok {
			return
		}
		if body, ok = d.structBody(n, at); !ok {
			return
		}
		bodyAt, drop = join(at, "value"), ""
		d.lines[bodyAt] = body.line
	}
	free := slices.Contains(row.Types, "*")
	if !free && !slices.Contains(row.Types, string(name)) {
		d.fail(at, "the type %s is not implemented here; use %s", name, strings.Join(row.Types, " or "))
		return
	}
	typ, ok := messageType(name)
	if !ok && row.Support == WithoutEffect {
		return // what is not looked at need not be known
	}
	if !ok || name == typeUDPAStruct || name == typeXDSStruct || name == "google.protobuf.Any" {
		d.fail(at, "the type %s cannot be read here; google.protobuf.StringValue and google.protobuf.Struct can", name)
		return
	}
	m := typ.New()
	before := len(d.errs) - d.violated
	if name.Parent() == "google.protobuf" && name != "google.protobuf.Empty" {
		d.wellKnown(body, m, bodyAt)
	} else {
		d.message(body.without(drop), m, bodyAt, free)
	}
	if len(d.errs)-d.violated > before {
		return
	}
	d.validate(m.Interface(), bodyAt)
	value, err := proto.MarshalOptions{Deterministic: true}.Marshal(m.Interface())
	if err != nil {
		d.fail(at, "%v", err)
		return
	}
	into.TypeUrl, into.Value = "type.googleapis.com/"+string(name), value
	d.bodies[at] = bodyAt
}

// typeName is the message that an object's type URL names: what stands behind the last slash.
func (d *decoder) typeName(n *node, at string, keys ...string) (protoreflect.FullName, bool) {
	if n.kind != kindObject {
		d.fail(at, "%s stands where an object with %q is expected", n.describe(), "@type")
		return "", false
	}
	url := n.get(keys...)
	if url == nil {
		d.fail(at, "has no %q; it names the message that this is", keys[0])
		return "", false
	}
	if url.kind != kindString {
		d.failAt(url.line, join(at, keys[0]), "%s stands where a type's name is expected", url.describe())
		return "", false
	}
	name := protoreflect.FullName(url.text[strings.LastIndexByte(url.text, '/')+1:])
	if !name.IsValid() {
		d.failAt(url.line, join(at, keys[0]), "%s is not a type's name", url.describe())
		return "", false
	}
	return name, true
}

// structBody is the value of a TypedStruct.
func (d *decoder) structBody(n *node, at string) (*node, bool) {
	for _, m := range n.members {
		switch m.key {
		case "@type", "type_url", "typeUrl", "value":
		default:
			d.failAt(m.line, join(at, m.key), "a TypedStruct has a type_url and a value alone; the message's fields stand in its value")
			return nil, false
		}
	}
	body := n.get("value")
	if body == nil || body.kind == kindNull {
		return &node{kind: kindObject, line: n.line}, true
	}
	return body, true
}

// wellKnown decodes the messages that have a JSON form of their own, which in an Any stands under "value".
func (d *decoder) wellKnown(n *node, m protoreflect.Message, at string) {
	for _, member := range n.members {
		if member.key != "@type" && member.key != "value" {
			d.failAt(member.line, join(at, member.key), "there is no such field in %s, only value", m.Descriptor().FullName())
			return
		}
	}
	value := n.get("value")
	if value == nil {
		d.fail(at, "has no \"value\"")
		return
	}
	d.lines[join(at, "value")] = value.line
	if !unmarshalValue(value, m) {
		hint := ""
		if value.kind == kindObject && m.Descriptor().FullName() == "google.protobuf.StringValue" {
			hint = "; write it as text (value: |), or take the type google.protobuf.Struct"
		}
		d.failAt(value.line, join(at, "value"), "%s stands where the value of a %s is expected%s", value.describe(), m.Descriptor().Name(), hint)
	}
}

// without is the object less one member.
func (n *node) without(key string) *node {
	if key == "" {
		return n
	}
	less := *n
	less.members = slices.DeleteFunc(slices.Clone(n.members), func(m member) bool { return m.key == key })
	return &less
}
