package fuel_test

import "slices"

// A tiny assembler: enough for the modules of these tests. Opcodes are written as numbers, with their names in comments
// where they matter.

type code []byte

// u encodes an unsigned number, s a signed one.
func u(v uint32) code {
	var b code
	for v >= 0x80 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v))
}

func s(v int64) code {
	var b code
	for {
		c := byte(v & 0x7f)
		v >>= 7
		if v == 0 && c&0x40 == 0 || v == -1 && c&0x40 != 0 {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}

// cat joins numbers below 256, and code.
func cat(parts ...any) code {
	var b code
	for _, p := range parts {
		switch p := p.(type) {
		case int:
			b = append(b, byte(p))
		case code:
			b = append(b, p...)
		case string:
			b = append(append(b, u(uint32(len(p)))...), p...)
		default:
			panic("neither number nor code")
		}
	}
	return b
}

func repeat(n int, c code) code { return slices.Repeat(c, n) }

// vec is a vector of entries.
func vec(entries ...code) code {
	return cat(u(uint32(len(entries))), code(slices.Concat(entries...)))
}

// sized is content with its length before it.
func sized(c code) code { return cat(u(uint32(len(c))), c) }

type section struct {
	id      int
	content code
}

func assemble(sections ...section) []byte {
	b := cat(code("\x00asm\x01\x00\x00\x00"))
	for _, s := range sections {
		b = cat(b, s.id, sized(s.content))
	}
	return b
}

// Sections.
const (
	idType, idImport, idFunction, idTable, idMemory, idGlobal, idExport = 1, 2, 3, 4, 5, 6, 7
	idStart, idElement, idCode, idData, idDataCount                     = 8, 9, 10, 11, 12
)

// Value types and instructions.
const (
	i32, i64, funcref = 0x7f, 0x7e, 0x70
	none              = 0x40 // block type
)

func constI32(v int64) code { return cat(0x41, s(v)) }

// count adds 1 to global 0, which the tests' modules export as "n".
var count = cat(0x23, 0, 0x42, 1, 0x7c, 0x24, 0)

// body is a function's entry in the code section.
func body(locals code, instructions ...any) code {
	return sized(cat(locals, cat(instructions...), 0x0b))
}

var noLocals = vec()

// program is a module with the types
//
//	0: () -> ()   1: (i32) -> ()   2: (i32) -> (i32)
//
// a counter, a memory of two pages, a table of ten entries which all refer to the last function, a passive data segment,
// a passive element segment of ten functions, and the given functions. Function 0 is exported as "run".
type program struct {
	types  []int // of the functions
	bodies []code
	data   int // length of the data segment, 16 if it is 0
}

func (p program) module() []byte {
	types := make([]code, len(p.types))
	for i, t := range p.types {
		types[i] = u(uint32(t))
	}
	last := u(uint32(len(p.types) - 1))
	tenTimes := vec(last, last, last, last, last, last, last, last, last, last)
	return assemble(
		section{idType, vec(cat(0x60, 0, 0), cat(0x60, 1, i32, 0), cat(0x60, 1, i32, 1, i32))},
		section{idFunction, vec(types...)},
		section{idTable, vec(cat(funcref, 1, 10, 20))},
		section{idMemory, vec(cat(1, 2, 2))},
		section{idGlobal, vec(cat(i64, 1, 0x42, 0, 0x0b))},
		section{idExport, vec(cat("run", 0, 0), cat("n", 3, 0), cat("memory", 2, 0))},
		section{idElement, vec(cat(0, constI32(0), 0x0b, tenTimes), cat(1, 0, tenTimes))},
		section{idDataCount, vec(nil)},
		section{idCode, vec(p.bodies...)},
		section{idData, vec(cat(1, sized(make(code, max(p.data, 16)))))},
	)
}
