package pluginhost

import "github.com/sluice-gateway/sluice/sdk/abi"

// declaredProperty is what a plugin said of a property that it sets (Envoy's CelStatePrototype). The type and the schema
// tell Envoy's expressions how to read the value; there are none here, and a property is answered as the bytes it was
// set to, which is what Envoy answers to plugins too. The life is the stream's in any case.
type declaredProperty struct{ readonly bool }

// maxDeclared bounds the properties that a plugin declares in a VM.
const maxDeclared = 1000

// declareProperty takes {1: name, 2: bool read-only, 3: type, 4: schema, 5: life}. A name is declared once.
func (v *vm) declareProperty(argument []byte) abi.Status {
	var name []byte
	var p declaredProperty
	ok := protoFields(argument, func(f protoField) {
		switch {
		case f.number == 1 && f.sized:
			name = f.bytes
		case f.number == 2 && !f.sized:
			p.readonly = f.varint != 0
		}
	})
	r := v.root
	if !ok || r == nil || len(name) > maxName {
		return abi.StatusBadArgument
	}
	if _, declared := r.declared[string(name)]; declared {
		return abi.StatusBadArgument
	}
	if len(r.declared) >= maxDeclared {
		return abi.StatusInternalFailure
	}
	if r.declared == nil {
		r.declared = map[string]declaredProperty{}
	}
	r.declared[string(name)] = p
	return abi.StatusOK
}

// frozen reports whether a property of the effective stream must not be set: the plugin declared it read-only, and it
// has a value.
func (v *vm) frozen(path abi.Path) bool {
	if !v.root.declared[string(path)].readonly {
		return false
	}
	v.scratch = append(append(v.scratch[:0], "filter_state\x00"+filterStatePrefix...), path...)
	_, set := v.stream.cb.AppendProperty(nil, v.scratch)
	return set
}

// setNamedFilterState takes {1: name, 2: value, 3: life}: filter state that the gateway itself reads, under its own name
// and not a plugin's. Envoy takes the names of objects that are compiled into it. The gateway reads none, so that the
// names are those of which access logs and properties can show the text.
func (v *vm) setNamedFilterState(argument []byte) abi.Status {
	var name, value []byte
	ok := protoFields(argument, func(f protoField) {
		switch {
		case f.number == 1 && f.sized:
			name = f.bytes
		case f.number == 2 && f.sized:
			value = f.bytes
		}
	})
	switch {
	case !ok:
		return abi.StatusBadArgument
	case !textStates[string(name)] || v.stream == nil:
		return abi.StatusNotFound
	case !v.allow(len(name) + len(value)):
		return abi.StatusInternalFailure
	}
	v.stream.cb.SetFilterState(string(name), value)
	return abi.StatusOK
}

// textStates are the names of Envoy's filter state objects that are made of any text and have no effect but to be read.
var textStates = map[string]bool{"envoy.string": true, "envoy.hashable_string": true}
