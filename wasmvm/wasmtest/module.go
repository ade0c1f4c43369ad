// Package wasmtest builds small WebAssembly modules in tests: guests that do exactly one thing, hostile ones among
// them, without a toolchain.
//
//	m := wasmtest.Plugin()
//	log := m.Import("env", "proxy_log", "iii", "i")
//	at := m.Data("hello")
//	m.Func("proxy_on_tick", "i", "", wasmtest.Code{}.I32(2).I32(at).I32(5).Call(log).Drop())
//	code := m.Bytes()
package wasmtest

import "github.com/sluice-gateway/sluice/sdk/abi"

// Module is a module being built. Signatures are written as letters: i for i32, l for i64, f for f32, d for f64.
type Module struct {
	types   []string
	imports []imported
	funcs   []function
	exports [][]byte
	customs [][]byte
	data    []segment
	next    int
	memory  []byte
	start   int
	globals []int32
	tables  []byte
}

type imported struct {
	module, name string
	kind         byte
	desc         []byte
}

type function struct {
	name   string
	typ    int
	locals string
	code   Code
}

type segment struct {
	at   int
	data string
}

// New begins an empty module.
func New() *Module { return &Module{start: -1, next: DataStart} }

// DataStart is where [Module.Data] puts its first bytes; below is a null page for scratch use by guests.
const DataStart = 4096

// HeapStart is where the allocator of [Plugin] begins.
const HeapStart = 1 << 16

// Plugin begins a module that loads as a plugin of ABI 0.2.1: with 4 pages of memory, and an allocator that hands out
// the memory from HeapStart to the end again and again.
func Plugin() *Module { return PluginOf(abi.Version0_2_1) }

// PluginOf is Plugin, for any version.
func PluginOf(v abi.Version) *Module {
	m := New()
	m.Memory(4, 0)
	m.Func(v.Export(), "", "", Code{})
	m.Allocator(abi.ExportMemoryAllocate)
	return m
}

// Allocator adds a bump allocator that begins anew when it reaches the end of 4 pages, exported as name.
func (m *Module) Allocator(name string) {
	g := m.Global(HeapStart)
	// result = heap; heap += size; if heap > 4 pages { heap = HeapStart + size; result = HeapStart }
	m.FuncLocals(name, "i", "i", "i", Code{}.
		GlobalGet(g).LocalSet(1).
		GlobalGet(g).LocalGet(0).Op(0x6a).GlobalSet(g).
		GlobalGet(g).I32(4<<16).Op(0x4b).If().
		I32(HeapStart).LocalSet(1).
		I32(HeapStart).LocalGet(0).Op(0x6a).GlobalSet(g).
		End().
		LocalGet(1))
}

// Import adds an imported function and returns its index. All imports come before the first Func.
func (m *Module) Import(module, name, params, results string) int {
	if len(m.funcs) > 0 && !m.onlyPrelude() {
		panic("wasmtest: import after a function")
	}
	index := 0
	for _, i := range m.imports {
		if i.kind == 0 {
			index++
		}
	}
	m.imports = append(m.imports, imported{module, name, 0, uleb(nil, uint64(m.typ(params, results)))})
	return index
}

// onlyPrelude: functions that call none may come before imports, since indices are given out when Bytes is called.
func (m *Module) onlyPrelude() bool {
	for _, f := range m.funcs {
		if f.code.calls {
			return false
		}
	}
	return true
}

// ImportOther adds an import that is not a function: kind 1 is a table, 2 a memory, 3 a global, 4 a tag.
func (m *Module) ImportOther(module, name string, kind byte, desc ...byte) {
	m.imports = append(m.imports, imported{module, name, kind, desc})
}

// Memory gives the module a memory of so many pages, exported as "memory". max 0 is none.
func (m *Module) Memory(minPages, maxPages uint32) {
	m.memory = []byte{1, 0}
	if maxPages > 0 {
		m.memory[1] = 1
	}
	m.memory = uleb(m.memory, uint64(minPages))
	if maxPages > 0 {
		m.memory = uleb(m.memory, uint64(maxPages))
	}
	m.Export("memory", 2, 0)
}

// NoMemory takes the memory and its export away.
func (m *Module) NoMemory() {
	m.memory = nil
	m.exports = m.exports[1:]
}

// Export adds an export of any kind.
func (m *Module) Export(name string, kind byte, index int) {
	m.exports = append(m.exports, uleb(append(str(nil, name), kind), uint64(index)))
}

// Global adds a mutable i32.
func (m *Module) Global(value int32) int {
	m.globals = append(m.globals, value)
	return len(m.globals) - 1
}

// Data puts bytes into memory and returns their address.
func (m *Module) Data(data string) int {
	at := m.next
	m.DataAt(at, data)
	m.next += (len(data) + 7) &^ 7
	return at
}

// DataAt puts bytes at an address.
func (m *Module) DataAt(at int, data string) { m.data = append(m.data, segment{at, data}) }

// Custom adds a custom section, at the end.
func (m *Module) Custom(name string, data []byte) {
	m.customs = append(m.customs, append(str(nil, name), data...))
}

// Func adds a function, exported under its name unless that is "", and returns what [Code.CallLocal] wants.
func (m *Module) Func(name, params, results string, code Code) int {
	return m.FuncLocals(name, params, results, "", code)
}

// FuncLocals is Func with local variables.
func (m *Module) FuncLocals(name, params, results, locals string, code Code) int {
	n := len(m.funcs)
	m.funcs = append(m.funcs, function{name, m.typ(params, results), locals, code})
	if name != "" {
		m.exports = append(m.exports, append(str(nil, name), exportLocal, byte(n), byte(n>>8)))
	}
	return n
}

// exportLocal marks an export whose index is that of a function of the module itself.
const exportLocal = 0xff

// Start makes a function run when the module is instantiated.
func (m *Module) Start(local int) { m.start = local }

// Table adds a table of functions.
func (m *Module) Table(minimum uint32) { m.tables = uleb([]byte{1, 0x70, 0}, uint64(minimum)) }

func (m *Module) typ(params, results string) int {
	t := "\x60" + string(uleb(nil, uint64(len(params)))) + types(params) +
		string(uleb(nil, uint64(len(results)))) + types(results)
	for i, have := range m.types {
		if have == t {
			return i
		}
	}
	m.types = append(m.types, t)
	return len(m.types) - 1
}

func types(letters string) string {
	b := make([]byte, len(letters))
	for i, c := range letters {
		switch c {
		case 'i':
			b[i] = 0x7f
		case 'l':
			b[i] = 0x7e
		case 'f':
			b[i] = 0x7d
		case 'd':
			b[i] = 0x7c
		default:
			panic("wasmtest: unknown type " + string(c))
		}
	}
	return string(b)
}

// Bytes is the module in the binary format.
func (m *Module) Bytes() []byte {
	out := []byte("\x00asm\x01\x00\x00\x00")
	var types, imports, funcs, exports, bodies, data [][]byte
	for _, t := range m.types {
		types = append(types, []byte(t))
	}
	offset := 0
	for _, i := range m.imports {
		imports = append(imports, append(append(str(str(nil, i.module), i.name), i.kind), i.desc...))
		if i.kind == 0 {
			offset++
		}
	}
	for _, f := range m.funcs {
		funcs = append(funcs, uleb(nil, uint64(f.typ)))
		body := uleb(nil, uint64(len(f.locals)))
		for _, l := range f.locals {
			body = append(append(body, 1), typesByte(l))
		}
		body = append(f.code.resolve(body, offset), 0x0b)
		bodies = append(bodies, append(uleb(nil, uint64(len(body))), body...))
	}
	for _, e := range m.exports {
		if n := len(e); e[n-3] == exportLocal {
			index := int(e[n-2]) | int(e[n-1])<<8
			e = uleb(append(append([]byte(nil), e[:n-3]...), 0), uint64(index+offset))
		}
		exports = append(exports, e)
	}
	for _, s := range m.data {
		data = append(data, append(append(Code{}.I32(s.at).b, 0x0b), str(nil, s.data)...))
	}
	for i := range data {
		data[i] = append([]byte{0}, data[i]...)
	}
	out = vector(out, 1, types)
	out = vector(out, 2, imports)
	out = vector(out, 3, funcs)
	out = section(out, 4, m.tables)
	out = section(out, 5, m.memory)
	var globals [][]byte
	for _, g := range m.globals {
		globals = append(globals, append(append([]byte{0x7f, 1}, Code{}.I32(int(g)).b...), 0x0b))
	}
	out = vector(out, 6, globals)
	out = vector(out, 7, exports)
	if m.start >= 0 {
		out = section(out, 8, uleb(nil, uint64(m.start+offset)))
	}
	out = vector(out, 10, bodies)
	out = vector(out, 11, data)
	for _, c := range m.customs {
		out = section(out, 0, c)
	}
	return section(out, 0, m.names(offset))
}

// names is the custom section that stack traces take functions' names from.
func (m *Module) names(offset int) []byte {
	var count int
	var names []byte
	for i, f := range m.funcs {
		if f.name != "" {
			count++
			names = str(uleb(names, uint64(i+offset)), f.name)
		}
	}
	if count == 0 {
		return nil
	}
	return section(str(nil, "name"), 1, append(uleb(nil, uint64(count)), names...))
}

func typesByte(letter rune) byte { return types(string(letter))[0] }

func vector(out []byte, id byte, items [][]byte) []byte {
	if len(items) == 0 {
		return out
	}
	body := uleb(nil, uint64(len(items)))
	for _, i := range items {
		body = append(body, i...)
	}
	return section(out, id, body)
}

func section(out []byte, id byte, body []byte) []byte {
	if body == nil {
		return out
	}
	return append(uleb(append(out, id), uint64(len(body))), body...)
}

func str(out []byte, s string) []byte { return append(uleb(out, uint64(len(s))), s...) }

func uleb(out []byte, v uint64) []byte {
	for v >= 0x80 {
		out = append(out, byte(v)|0x80)
		v >>= 7
	}
	return append(out, byte(v))
}
