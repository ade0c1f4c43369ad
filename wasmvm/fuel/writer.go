package fuel

import (
	"fmt"
	"math"
)

// writer writes the new module, section by section in the order of the format, which is also the order in which what
// later sections need becomes known.
type writer struct {
	opts     Options
	in       []byte
	sections [numSections]extent
	customs  []custom
	out      []byte

	// The module's own counts, by which its indices are checked.
	types, imported, funcs, globals uint32

	params          []uint32 // number of parameters, by type
	declared        uint32   // entries of the function section
	importedGlobals uint32
	importEscapes   bool // an imported function's index stands where indirect calls may find it
}

// Appended things, by their index in the new module. Original function i < imported keeps its index, the others move up
// by one.
func (w *writer) yieldType() uint32   { return w.types }
func (w *writer) rangeType() uint32   { return w.types + 1 }
func (w *writer) yieldImport() uint32 { return w.imported }
func (w *writer) yieldFunc() uint32   { return w.funcs + 1 }
func (w *writer) rangeFunc() uint32   { return w.funcs + 2 }
func (w *writer) fuelGlobal() uint32  { return w.globals }

// moved returns the new index of original function i.
func (w *writer) moved(i uint32) uint32 {
	if i < w.imported {
		return i
	}
	return i + 1
}

// module writes everything.
func (w *writer) module() error {
	w.out = make([]byte, 0, len(w.in)+len(w.in)/8+512)
	w.out = append(w.out, preamble...)
	customs := w.customs
	copyCustoms := func(after byte) error {
		for len(customs) > 0 && customs[0].after == after {
			if err := w.custom(customs[0].extent); err != nil {
				return fmt.Errorf("%s section: %w", sectionNames[secCustom], err)
			}
			customs = customs[1:]
		}
		return nil
	}
	if err := w.count(); err != nil {
		return err
	}
	if err := copyCustoms(secCustom); err != nil {
		return err
	}
	for _, id := range sectionOrder {
		if err := w.section(id); err != nil {
			return fmt.Errorf("%s section: %w", sectionNames[id], err)
		}
		if err := copyCustoms(id); err != nil {
			return err
		}
	}
	return nil
}

// count learns how many functions and globals there are, before anything is written: the custom section that names
// functions may come first. The checks of what it passes over follow when the sections are written.
func (w *writer) count() error {
	read := func(id byte, f func(*cursor)) error {
		e := w.sections[id]
		if !e.present() {
			return nil
		}
		c := cursor{b: w.in[:e.end], p: e.start}
		if f(&c); c.err != nil {
			return fmt.Errorf("%s section: %w", sectionNames[id], c.err)
		}
		return nil
	}
	if err := read(secImport, func(c *cursor) { w.imports(c, math.MaxUint32) }); err != nil {
		return err
	}
	if err := read(secFunction, func(c *cursor) { w.declared = c.count() }); err != nil {
		return err
	}
	if err := read(secGlobal, func(c *cursor) { w.globals = c.count() }); err != nil {
		return err
	}
	w.funcs = w.imported + w.declared
	w.globals += w.importedGlobals
	return nil
}

// adds reports whether something is appended to a section, so that it must be there.
func adds(id byte) bool {
	switch id {
	case secType, secImport, secFunction, secGlobal, secCode:
		return true
	}
	return false
}

// section writes one section.
func (w *writer) section(id byte) error {
	e := w.sections[id]
	if !e.present() && !adds(id) {
		return nil
	}
	size := w.begin(id)
	c := cursor{b: []byte{0}} // an absent section is an empty one
	if e.present() {
		c = cursor{b: w.in[:e.end], p: e.start}
	}
	switch id {
	case secType:
		w.typeSection(&c)
	case secImport:
		w.importSection(&c)
	case secFunction:
		w.functionSection(&c)
	case secTable:
		w.tableSection(&c)
	case secMemory:
		w.memorySection(&c)
	case secTag:
		w.tagSection(&c)
	case secGlobal:
		w.globalSection(&c)
	case secExport:
		w.exportSection(&c)
	case secStart:
		w.out = appendU32(w.out, w.moved(c.index(w.funcs, "function")))
	case secElement:
		w.elementSection(&c)
	case secDataCount:
		w.out = appendU32(w.out, c.u32())
	case secCode:
		w.codeSection(&c)
	case secData:
		w.dataSection(&c)
	}
	w.end(size)
	return c.finish()
}

// begin writes a section's id and leaves room for its size; end fills that in.
func (w *writer) begin(id byte) (size int) {
	w.out = append(w.out, id, 0, 0, 0, 0, 0)
	return len(w.out) - sizeLen
}

func (w *writer) end(size int) {
	putSize(w.out[size:], uint32(len(w.out)-size-sizeLen))
}

// copyFrom copies what c has read since start.
func (w *writer) copyFrom(c *cursor, start int) {
	if c.err == nil {
		w.out = append(w.out, c.b[start:c.p]...)
	}
}

// function reads a function index and writes the new one.
func (w *writer) function(c *cursor) uint32 {
	i := c.index(w.funcs, "function")
	w.out = appendU32(w.out, w.moved(i))
	return i
}
