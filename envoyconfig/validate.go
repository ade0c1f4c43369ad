package envoyconfig

import (
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// violation is what the generated checks of Envoy's API report: its field constraints, which Envoy refuses too.
type violation interface {
	Field() string
	Reason() string
	Cause() error
}

// validate runs the constraints of Envoy's API on a message and on those in it.
func (d *decoder) validate(m proto.Message, path string) {
	if v, ok := m.(interface{ ValidateAll() error }); ok {
		before := len(d.errs)
		d.violations(v.ValidateAll(), m.ProtoReflect().Descriptor(), path)
		d.violated += len(d.errs) - before
	}
}

func (d *decoder) violations(err error, desc protoreflect.MessageDescriptor, path string) {
	if all, ok := err.(interface{ AllErrors() []error }); ok {
		for _, e := range all.AllErrors() {
			d.violations(e, desc, path)
		}
		return
	}
	v, ok := err.(violation)
	if !ok {
		return
	}
	name, index, _ := strings.Cut(v.Field(), "[")
	if index != "" {
		index = "[" + index
	}
	fd := fieldByGoName(desc, name)
	if fd == nil {
		fields := d.oneofFields(desc, name)
		if len(fields) == 1 {
			d.fail(join(path, fields[0]), "is required")
		} else {
			d.fail(path, "one of %s is required", strings.Join(fields, ", "))
		}
		return
	}
	at := join(path, string(fd.Name())) + index
	if v.Cause() != nil && fd.Message() != nil {
		inner := fd.Message()
		if fd.IsMap() {
			inner = fd.MapValue().Message()
		}
		if inner != nil {
			d.violations(v.Cause(), inner, at)
			return
		}
	}
	if strings.HasPrefix(v.Reason(), "value length must be at least 1 ") || v.Reason() == "value is required" {
		d.fail(at, "is required")
		return
	}
	d.fail(at, "Envoy's rule: %s", v.Reason())
}

// fieldByGoName finds a field by the name that protobuf's compiler gave it in Go.
func fieldByGoName(desc protoreflect.MessageDescriptor, name string) protoreflect.FieldDescriptor {
	for i := range desc.Fields().Len() {
		if fd := desc.Fields().Get(i); goNameIs(name, string(fd.Name())) {
			return fd
		}
	}
	return nil
}

// oneofFields are the fields of a oneof that are not refused.
func (d *decoder) oneofFields(desc protoreflect.MessageDescriptor, name string) []string {
	var names []string
	for i := range desc.Oneofs().Len() {
		oneof := desc.Oneofs().Get(i)
		if !goNameIs(name, string(oneof.Name())) {
			continue
		}
		for j := range oneof.Fields().Len() {
			field := string(oneof.Fields().Get(j).Name())
			if d.rows[desc.FullName()][field].Support != Refused {
				names = append(names, field)
			}
		}
	}
	return names
}

func goNameIs(goName, name string) bool {
	return strings.EqualFold(strings.ReplaceAll(goName, "_", ""), strings.ReplaceAll(name, "_", ""))
}
