package fuel

import (
	"bytes"
	"fmt"
)

// Section ids.
const (
	secCustom    = 0
	secType      = 1
	secImport    = 2
	secFunction  = 3
	secTable     = 4
	secMemory    = 5
	secGlobal    = 6
	secExport    = 7
	secStart     = 8
	secElement   = 9
	secCode      = 10
	secData      = 11
	secDataCount = 12
	secTag       = 13
	numSections  = 14
)

var sectionNames = [numSections]string{
	"custom", "type", "import", "function", "table", "memory", "global", "export", "start", "element", "code", "data",
	"data count", "tag",
}

// sectionOrder is the order in which sections stand in a module.
var sectionOrder = [...]byte{
	secType, secImport, secFunction, secTable, secMemory, secTag, secGlobal, secExport, secStart, secElement, secDataCount,
	secCode, secData,
}

var preamble = []byte("\x00asm\x01\x00\x00\x00")

// extent is a section's content, as offsets in the module. No section stands at offset 0.
type extent struct{ start, end int }

func (e extent) present() bool { return e.start != 0 }

// custom is a custom section with its content, name included, and the section that it follows.
type custom struct {
	extent
	after byte
}

// split finds the sections of a module.
func split(module []byte) (secs [numSections]extent, customs []custom, err error) {
	if !bytes.HasPrefix(module, preamble) {
		return secs, nil, fmt.Errorf("%w: offset 0: not a binary WebAssembly module of version 1", ErrMalformed)
	}
	c := cursor{b: module, p: len(preamble)}
	next := 0                // place in sectionOrder from which the next section must come
	after := byte(secCustom) // the section before, secCustom for none
	for c.more() {
		id := c.byte()
		size := c.u32()
		start := c.p
		c.bytes(size)
		if c.err != nil {
			return secs, nil, fmt.Errorf("section header: %w", c.err)
		}
		e := extent{start, c.p}
		if id == secCustom {
			customs = append(customs, custom{e, after})
			continue
		}
		place := next
		for place < len(sectionOrder) && sectionOrder[place] != id {
			place++
		}
		if place == len(sectionOrder) {
			kind := ErrMalformed
			if id >= numSections {
				kind = ErrUnsupported
			}
			return secs, nil, fmt.Errorf("%w: offset %#x: section %d is unknown, repeated or out of order", kind, start, id)
		}
		next, after = place+1, id
		secs[id] = e
	}
	return secs, customs, nil
}
