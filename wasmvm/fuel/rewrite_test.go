package fuel_test

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/sluice-gateway/sluice/wasmvm/fuel"
)

// huge is a count of four billion.
var huge = code{0xff, 0xff, 0xff, 0xff, 0x0f}

// with is a module of one function of type 0, () -> (), and the given sections in their places.
func with(sections ...section) []byte {
	all := []section{
		{idType, vec(cat(0x60, 0, 0))},
		{idFunction, vec(u(0))},
		{idCode, vec(body(noLocals))},
	}
	for _, s := range sections {
		i := slices.IndexFunc(all, func(a section) bool { return a.id == s.id })
		if i >= 0 {
			all[i] = s
			continue
		}
		at := slices.IndexFunc(all, func(a section) bool { return a.id > s.id })
		if at < 0 || s.id == 0 {
			at = len(all)
		}
		all = slices.Insert(all, at, s)
	}
	return assemble(all...)
}

func instructions(c ...any) []byte { return with(section{idCode, vec(body(noLocals, c...))}) }

var refused = []struct {
	name   string
	module []byte
	want   error
	text   string // part of the error's text
}{
	{"empty", nil, fuel.ErrMalformed, "not a binary"},
	{"version 2", []byte("\x00asm\x02\x00\x00\x00"), fuel.ErrMalformed, "not a binary"},
	{"section past the end", []byte("\x00asm\x01\x00\x00\x00\x01\x05\x00"), fuel.ErrMalformed, "offset 0xa"},
	{"unknown section", assemble(section{14, nil}), fuel.ErrUnsupported, "section 14"},
	{"section repeated", assemble(section{idType, vec()}, section{idType, vec()}), fuel.ErrMalformed, "section 1"},
	{"sections out of order", assemble(section{idImport, vec()}, section{idType, vec()}), fuel.ErrMalformed, "section 1"},
	{"section with bytes left over", assemble(section{idType, cat(vec(), 0)}), fuel.ErrMalformed, "type section"},

	{"four billion types", with(section{idType, huge}), fuel.ErrMalformed, "type section"},
	{"four billion parameters", with(section{idType, cat(1, 0x60, huge)}), fuel.ErrMalformed, "type section"},
	{"four billion imports", with(section{idImport, huge}), fuel.ErrMalformed, "import section"},
	{"name of four billion bytes", with(section{idImport, cat(1, huge)}), fuel.ErrMalformed, "import section"},
	{"four billion functions", with(section{idFunction, huge}), fuel.ErrMalformed, "function section"},
	{"four billion tables", with(section{idTable, huge}), fuel.ErrMalformed, "table section"},
	{"four billion memories", with(section{idMemory, huge}), fuel.ErrMalformed, "memory section"},
	{"four billion globals", with(section{idGlobal, huge}), fuel.ErrMalformed, "global section"},
	{"four billion exports", with(section{idExport, huge}), fuel.ErrMalformed, "export section"},
	{"four billion segments of elements", with(section{idElement, huge}), fuel.ErrMalformed, "element section"},
	{"four billion elements", with(section{idElement, cat(1, 1, 0, huge)}), fuel.ErrMalformed, "element section"},
	{"four billion bodies", with(section{idCode, huge}), fuel.ErrMalformed, "code section"},
	{"body of four billion bytes", with(section{idCode, cat(1, huge)}), fuel.ErrMalformed, "code section"},
	{"four billion groups of locals", with(section{idCode, vec(sized(cat(huge, 0x0b)))}), fuel.ErrMalformed, "code section"},
	{"four billion locals", with(section{idCode, vec(body(vec(cat(huge, i32))))}), fuel.ErrUnsupported, "too many locals"},
	{"50,001 locals", with(section{idCode, vec(body(vec(cat(u(50_001), i32))))}), fuel.ErrUnsupported, "too many locals"},
	{"table of four billion labels", instructions(constI32(0), 0x0e, huge), fuel.ErrMalformed, "code section"},
	{"dispatch of four billion labels", with(section{idCode, vec(body(vec(cat(1, i32)),
		0x03, none, 0x02, none, 0x20, 0, 0x0e, huge))}), fuel.ErrMalformed, "code section"},
	{"select of four billion types", instructions(0x1c, huge), fuel.ErrMalformed, "code section"},
	{"four billion segments of data", with(section{idData, huge}), fuel.ErrMalformed, "data section"},
	{"segment of four billion bytes", with(section{idData, cat(1, 1, huge)}), fuel.ErrMalformed, "data section"},
	{"table of four billion entries", with(section{idTable, vec(cat(funcref, 0, huge))}), fuel.ErrUnsupported, "table too large"},
	{"tables that are too large together", with(section{idTable, vec(slices.Repeat([]code{cat(funcref, 0, u(1<<19+1))}, 2)...)}),
		fuel.ErrUnsupported, "table too large"},
	{"more bodies than functions", with(section{idCode, vec(body(noLocals), body(noLocals))}), fuel.ErrMalformed, "bodies"},
	{"fewer bodies than functions", with(section{idCode, vec()}), fuel.ErrMalformed, "bodies"},

	// With the appended things in mind.
	{"global past the last", instructions(0x23, 0, 0x1a), fuel.ErrMalformed, "global index"},
	{"setting a global past the last", instructions(constI32(0), 0x24, 0), fuel.ErrMalformed, "global index"},
	{"global past the last in a constant", with(section{idGlobal, vec(cat(i32, 0, 0x23, 1, 0x0b))}), fuel.ErrMalformed, "global index"},
	{"export of a global past the last", with(section{idExport, vec(cat("x", 3, 0))}), fuel.ErrMalformed, "global index"},
	{"call past the last", instructions(0x10, 1), fuel.ErrMalformed, "function index"},
	{"tail call past the last", instructions(0x12, 2), fuel.ErrMalformed, "function index"},
	{"reference past the last", instructions(0xd2, 1, 0x1a), fuel.ErrMalformed, "function index"},
	{"reference past the last in a constant", with(section{idGlobal, vec(cat(funcref, 0, 0xd2, 1, 0x0b))}), fuel.ErrMalformed, "function index"},
	{"element past the last", with(section{idElement, vec(cat(1, 0, vec(u(1))))}), fuel.ErrMalformed, "function index"},
	{"element expression past the last", with(section{idElement, vec(cat(5, funcref, vec(cat(0xd2, 1, 0x0b))))}), fuel.ErrMalformed, "function index"},
	{"export past the last", with(section{idExport, vec(cat("x", 0, 1))}), fuel.ErrMalformed, "function index"},
	{"start past the last", with(section{idStart, u(1)}), fuel.ErrMalformed, "function index"},
	{"local past the last", instructions(0x20, 0, 0x1a), fuel.ErrMalformed, "local index"},
	{"type past the last", with(section{idFunction, vec(u(1))}), fuel.ErrMalformed, "type index"},
	{"import of a type past the last", with(section{idImport, vec(cat("m", "f", 0, 1))}), fuel.ErrMalformed, "type index"},
	{"indirect call of a type past the last", instructions(constI32(0), 0x11, 1, 0), fuel.ErrMalformed, "type index"},
	{"block of a type past the last", instructions(0x02, 1, 0x0b), fuel.ErrMalformed, "type index"},

	{"unknown instruction", instructions(0xff), fuel.ErrUnsupported, "unknown instruction"},
	{"unknown bulk instruction", instructions(0xfc, 18), fuel.ErrUnsupported, "unknown instruction"},
	{"unknown vector instruction", instructions(0xfd, 0x80, 2), fuel.ErrUnsupported, "unknown instruction"},
	// An engine that reads one byte would take this for another instruction, and what follows for code.
	{"vector instruction in more bytes than it needs", instructions(0xfd, 0x8c, 0), fuel.ErrUnsupported, "unknown instruction"},
	{"unknown atomic instruction", instructions(0xfe, 0x4f), fuel.ErrUnsupported, "unknown instruction"},
	{"access to another memory", instructions(constI32(0), 0x28, 0x40, 1, 0), fuel.ErrUnsupported, "memory access"},
	{"memory.atomic.wait32", instructions(0xfe, 1, 2, 0), fuel.ErrUnsupported, "memory.atomic.wait"},
	{"memory.atomic.wait64", instructions(0xfe, 2, 3, 0), fuel.ErrUnsupported, "memory.atomic.wait"},
	{"exceptions caught by a dispatch", with(section{idCode, vec(body(vec(cat(1, i32)),
		0x03, none, 0x02, none, 0x20, 0, 0x0e, 0, 0, 0x0b, 0x1f, none, 1, 2, 0, 0x0b, 0x0b))}), fuel.ErrUnsupported, "dispatch"},
	{"branch to nowhere", instructions(0x0c, 1), fuel.ErrMalformed, "no such label"},
	{"else without if", instructions(0x05), fuel.ErrMalformed, "else without if"},
	{"body that does not end", with(section{idCode, vec(sized(cat(noLocals, 0x02, none, 0x0b)))}), fuel.ErrMalformed, "do not end"},
	{"body that goes on after its end", instructions(0x0b), fuel.ErrMalformed, "end with the function"},
	{"number of six bytes", instructions(0x41, 0x80, 0x80, 0x80, 0x80, 0x80, 0), fuel.ErrMalformed, "number too long"},
	{"index of more than 32 bits", instructions(0x10, 0x80, 0x80, 0x80, 0x80, 0x10), fuel.ErrMalformed, "out of range"},
	{"custom section without name", assemble(section{0, cat(5)}), fuel.ErrMalformed, "custom section"},
}

func TestRefuses(t *testing.T) {
	for _, c := range refused {
		t.Run(c.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			out, err := fuel.Rewrite(c.module, fuel.Options{})
			runtime.ReadMemStats(&after)
			if !errors.Is(err, c.want) || out != nil {
				t.Fatalf("got %d bytes and %v, want %v", len(out), err, c.want)
			}
			if !strings.Contains(err.Error(), c.text) {
				t.Errorf("error %q does not mention %q", err, c.text)
			}
			if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
				t.Errorf("%d bytes allocated for a module of %d", n, len(c.module))
			}
		})
	}
}

// TestTruncated cuts a valid module off at every place.
func TestTruncated(t *testing.T) {
	whole := endless[9].module()
	for n := range whole {
		_, err := fuel.Rewrite(whole[:n], fuel.Options{})
		if err != nil && !errors.Is(err, fuel.ErrMalformed) {
			t.Errorf("cut at %d: %v", n, err)
		}
	}
}

// TestLocalsTotal: many functions may not declare more locals together than an engine can be asked to allocate.
func TestLocalsTotal(t *testing.T) {
	n := 200
	many := assemble(
		section{idType, vec(cat(0x60, 0, 0))},
		section{idFunction, vec(slices.Repeat([]code{u(0)}, n)...)},
		section{idCode, vec(slices.Repeat([]code{body(vec(cat(u(50_000), i32)))}, n)...)},
	)
	if _, err := fuel.Rewrite(many, fuel.Options{}); !errors.Is(err, fuel.ErrUnsupported) {
		t.Errorf("got %v, want %v", err, fuel.ErrUnsupported)
	}
}

// TestUnchangedInput: the argument stays as it is.
func TestUnchangedInput(t *testing.T) {
	module := endless[0].module()
	before := bytes.Clone(module)
	out := rewrite(t, module, fuel.Options{})
	clear(out)
	if !bytes.Equal(module, before) {
		t.Error("the argument has changed")
	}
}

// TestSameImport rewrites a module twice: the second time it already has an import and functions of the same names.
func TestSameImport(t *testing.T) {
	yields := 0
	once := rewrite(t, endless[0].module(), fuel.Options{Refill: 100})
	twice := rewrite(t, once, fuel.Options{Refill: 50})
	m := start(t, wazero.NewRuntimeConfig(), twice, func(api.Module) {
		if yields++; yields == 1000 {
			panic(errStop)
		}
	})
	if _, err := m.ExportedFunction("run").Call(t.Context()); !errors.Is(err, errStop) {
		t.Errorf("ended with %v, want %v", err, errStop)
	}
}

// TestWithoutAnything rewrites modules that lack most sections.
func TestWithoutAnything(t *testing.T) {
	for name, module := range map[string][]byte{
		"empty module":      assemble(),
		"only a type":       assemble(section{idType, vec(cat(0x60, 0, 0))}),
		"only a memory":     assemble(section{idMemory, vec(cat(0, 1))}),
		"only an import":    assemble(section{idType, vec(cat(0x60, 0, 0))}, section{idImport, vec(cat("sluice", "yield", 0, 0))}),
		"only a custom":     assemble(section{0, cat("x", 1, 2, 3)}),
		"an empty function": with(),
	} {
		t.Run(name, func(t *testing.T) {
			start(t, wazero.NewRuntimeConfigInterpreter(), rewrite(t, module, fuel.Options{}), func(api.Module) {})
		})
	}
}

// TestNothingExported: the guest's exports are what they were, and so are its own imports.
func TestNothingExported(t *testing.T) {
	m := start(t, wazero.NewRuntimeConfigInterpreter(), rewrite(t, endless[0].module(), fuel.Options{}), func(api.Module) {})
	var names []string
	for name := range m.ExportedFunctionDefinitions() {
		names = append(names, name)
	}
	if !slices.Equal(names, []string{"run"}) || m.ExportedGlobal("n") == nil {
		t.Errorf("exports %v, want run and the global n", names)
	}
}

func TestTableLimit(t *testing.T) {
	// run grows the first table by its parameter and answers what table.grow says.
	module := assemble(
		section{idType, vec(cat(0x60, 1, i32, 1, i32))},
		section{idFunction, vec(u(0))},
		section{idTable, vec(cat(funcref, 0, 10), cat(funcref, 1, 0, 5))},
		section{idExport, vec(cat("run", 0, 0))},
		section{idCode, vec(body(noLocals, 0xd0, funcref, 0x20, 0, 0xfc, 15, 0))},
	)
	for _, c := range []struct {
		limit uint32
		by    uint64
		want  uint32
	}{
		{200, 90, 10},
		{200, 91, 1<<32 - 1},
		{0, 1<<19 - 10, 10},
		{0, 1<<19 - 9, 1<<32 - 1},
	} {
		t.Run(fmt.Sprintf("limit %d by %d", c.limit, c.by), func(t *testing.T) {
			m := start(t, wazero.NewRuntimeConfig(), rewrite(t, module, fuel.Options{MaxTable: c.limit}), func(api.Module) {})
			got, err := m.ExportedFunction("run").Call(t.Context(), c.by)
			if err != nil {
				t.Fatal(err)
			}
			if uint32(got[0]) != c.want {
				t.Errorf("table.grow answers %d, want %d", int32(got[0]), int32(c.want))
			}
		})
	}
}

// TestCustomSections: those that Rewrite cannot keep true are dropped, the others stay, in their places.
func TestCustomSections(t *testing.T) {
	parts := []section{
		{0, cat("first", 1)},
		{idType, vec(cat(0x60, 0, 0))},
		{0, cat("linking", 2)},
		{idFunction, vec(u(0))},
		{0, cat("reloc.CODE", 3)},
		{idCode, vec(body(noLocals))},
		{0, cat(".debug_info", 4)},
		{0, cat("metadata.code.branch_hint", 5)},
		{0, cat("producers", 6)},
		{0, cat("name", 1, 200, 200)}, // malformed
		{0, cat("last", 7)},
	}
	out := rewrite(t, assemble(parts...), fuel.Options{})
	at := 0
	for _, want := range []string{"first\x01", "producers\x06", "last\x07"} {
		i := bytes.Index(out[at:], []byte(want))
		if i < 0 {
			t.Fatalf("no section %q after offset %d", want, at)
		}
		at += i
	}
	for _, gone := range []string{"linking", "reloc.CODE", ".debug_info", "metadata", "name"} {
		if bytes.Contains(out, []byte(gone)) {
			t.Errorf("section %q is still there", gone)
		}
	}
}

// TestNameSection renumbers functions, and leaves other names as they are.
func TestNameSection(t *testing.T) {
	module := assemble(
		section{idType, vec(cat(0x60, 0, 0))},
		section{idImport, vec(cat("m", "f", 0, 0))},
		section{idFunction, vec(u(0))},
		section{idCode, vec(body(noLocals))},
		section{0, cat("name",
			0, sized(cat("module")),
			1, sized(vec(cat(0, "imported"), cat(1, "own"))),
			2, sized(vec(cat(0, vec(cat(0, "a"))), cat(1, vec(cat(0, "b"))))),
			7, sized(vec(cat(0, "global"))))},
	)
	out := rewrite(t, module, fuel.Options{})
	for _, want := range []code{
		cat("module"),
		cat(0, "imported", 2, "own", 3, "fuel.yield", 4, "fuel.range"),
		vec(cat(0, vec(cat(0, "a"))), cat(2, vec(cat(0, "b")))),
		vec(cat(0, "global")),
	} {
		if !bytes.Contains(out, want) {
			t.Errorf("no %q in the names", want)
		}
	}
}
