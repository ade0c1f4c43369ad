package wasmvm

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/tetratelabs/wazero/api"
)

// signature is a function type.
type signature struct{ params, results []api.ValueType }

// String writes it as UnknownImports does: (i32,i32)i32.
func (s signature) String() string {
	out := "("
	for i, t := range s.params {
		if i > 0 {
			out += ","
		}
		out += valueName(t)
	}
	out += ")"
	if len(s.results) > 1 {
		out += "("
	}
	for i, t := range s.results {
		if i > 0 {
			out += ","
		}
		out += valueName(t)
	}
	if len(s.results) > 1 {
		out += ")"
	}
	return out
}

func (s signature) equal(o signature) bool {
	return string(s.params) == string(o.params) && string(s.results) == string(o.results)
}

func valueName(t api.ValueType) string {
	switch t {
	case 0x7b:
		return "v128"
	case 0x70:
		return "funcref"
	}
	return api.ValueTypeName(t)
}

// functionImport and functionExport are what a module says of its edges, in its own order. The order of exports
// matters (the first known version counts), which is why they are read here: wazero keeps them in a map.
type functionImport struct {
	module, name string
	sig          signature
}

// fullName is the import's name as it is printed.
func (i functionImport) fullName() string { return printable(i.module) + "." + printable(i.name) }

// String writes the import as [Module.Imports] lists it.
func (i functionImport) String() string { return i.fullName() + i.sig.String() }

// printable is a name from a module as it may stand in a message: a module may call a function anything, line breaks and
// megabytes of text included.
func printable(name string) string {
	const longest = 100
	plain := len(name) <= longest
	for i := 0; i < len(name) && plain; i++ {
		plain = name[i] > ' ' && name[i] < 0x7f
	}
	if plain {
		return name
	}
	return strconv.QuoteToASCII(name[:min(len(name), longest)])
}

type functionExport struct {
	name string
	sig  signature
}

// outline is the part of a module that the host looks at before it compiles it.
type outline struct {
	imports []functionImport
	exports []functionExport
	// others are the names of exports that are not functions, with their kind.
	others map[string]byte
	// goModule says that the Go toolchain built it.
	goModule bool
}

// Kinds of imports and exports.
const (
	kindFunction = iota
	kindTable
	kindMemory
	kindGlobal
	kindTag
)

var kindNames = [...]string{"function", "table", "memory", "global", "tag"}

var errTruncated = errors.New("truncated")

// readOutline reads a module's imports and exports. It checks no more than it needs: the engine validates the rest.
func readOutline(code []byte) (*outline, error) {
	if len(code) < 4 || string(code[:4]) != "\x00asm" {
		return nil, fmt.Errorf("%w: it does not begin with \\0asm", ErrNotWasm)
	}
	if len(code) < 8 {
		return nil, fmt.Errorf("%w: truncated after %d bytes", ErrNotWasm, len(code))
	}
	if string(code[4:8]) != "\x01\x00\x00\x00" {
		if code[6] == 1 {
			return nil, fmt.Errorf("%w: it is a component; build a core module", ErrNotWasm)
		}
		return nil, fmt.Errorf("%w: unknown binary version %x", ErrNotWasm, code[4:8])
	}
	o := &outline{others: map[string]byte{}}
	var types []signature
	var funcs []uint32 // the type of each function, imported ones first
	var seen [256]bool
	r := reader{b: code, at: 8}
	for r.at < len(r.b) {
		id := r.byte()
		body := r.bytes()
		if r.err != nil {
			return nil, fmt.Errorf("%w: section %d at byte %d is %w: the file is not whole", ErrNotWasm, id, r.at, r.err)
		}
		if id != 0 && seen[id] {
			return nil, fmt.Errorf("%w: section %d occurs twice", ErrInvalid, id)
		}
		seen[id] = true
		s := reader{b: body}
		switch id {
		case 0:
			if name := s.name(); name == "go:buildid" || name == "go.buildid" {
				o.goModule = true
			}
			s.err = nil // the engine ignores what custom sections hold
		case 1:
			types = s.types()
		case 2:
			if err := s.imports(o, types, &funcs); err != nil {
				return nil, err
			}
		case 3:
			for n := s.u32(); n > 0 && s.err == nil; n-- {
				funcs = append(funcs, s.u32())
			}
		case 7:
			s.exports(o, types, funcs)
		}
		if s.err != nil {
			return nil, fmt.Errorf("%w: section %d: %w", ErrInvalid, id, s.err)
		}
	}
	return o, nil
}

// reader reads the binary format; after its first error everything it answers is zero.
type reader struct {
	b   []byte
	at  int
	err error
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.at = len(r.b)
}

func (r *reader) byte() byte {
	if r.at >= len(r.b) {
		r.fail(errTruncated)
		return 0
	}
	r.at++
	return r.b[r.at-1]
}

func (r *reader) u32() uint32 {
	var v uint64
	for shift := 0; shift < 35; shift += 7 {
		c := r.byte()
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			if v > 1<<32-1 {
				break
			}
			return uint32(v)
		}
	}
	r.fail(errors.New("malformed number"))
	return 0
}

// bytes reads a length and so many bytes.
func (r *reader) bytes() []byte {
	n := int64(r.u32())
	if r.err != nil || n > int64(len(r.b)-r.at) {
		r.fail(errTruncated)
		return nil
	}
	b := r.b[r.at : r.at+int(n)]
	r.at += int(n)
	return b
}

func (r *reader) name() string { return string(r.bytes()) }

func (r *reader) types() (types []signature) {
	for n := r.u32(); n > 0 && r.err == nil; n-- {
		if form := r.byte(); form != 0x60 && r.err == nil {
			r.fail(fmt.Errorf("type of unsupported form %#x", form))
		}
		types = append(types, signature{params: r.bytes(), results: r.bytes()})
	}
	return types
}

func (r *reader) signature(types []signature, index uint32) signature {
	if int64(index) >= int64(len(types)) {
		r.fail(fmt.Errorf("type %d of %d", index, len(types)))
		return signature{}
	}
	return types[index]
}

func (r *reader) imports(o *outline, types []signature, funcs *[]uint32) error {
	for n := r.u32(); n > 0 && r.err == nil; n-- {
		module, name, kind := r.name(), r.name(), r.byte()
		if r.err != nil {
			return nil //nolint:nilerr // the reader keeps it, for whoever reads to the end
		}
		if kind != kindFunction {
			what := "something unknown"
			if int(kind) < len(kindNames) {
				what = "a " + kindNames[kind]
			}
			full := functionImport{module: module, name: name}.fullName()
			return fmt.Errorf("%w: %s is %s; a plugin may import functions only", ErrImport, full, what)
		}
		t := r.u32()
		*funcs = append(*funcs, t)
		o.imports = append(o.imports, functionImport{module, name, r.signature(types, t)})
	}
	return nil
}

func (r *reader) exports(o *outline, types []signature, funcs []uint32) {
	for n := r.u32(); n > 0 && r.err == nil; n-- {
		name, kind, index := r.name(), r.byte(), r.u32()
		switch {
		case r.err != nil:
		case kind != kindFunction:
			o.others[name] = kind
		case int64(index) >= int64(len(funcs)):
			r.fail(fmt.Errorf("export %s of function %d of %d", printable(name), index, len(funcs)))
		default:
			o.exports = append(o.exports, functionExport{name, r.signature(types, funcs[index])})
		}
	}
}
