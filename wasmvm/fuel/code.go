package fuel

// Limits on locals, which an engine allocates by their declared number: per function the limit that engines on the web
// use, and a total for the module.
const (
	maxLocals      = 50_000
	maxLocalsTotal = 1 << 23
)

// codeSection rewrites all function bodies and appends two: yield refills the fuel and calls the import; range charges
// for an operation on a range of the length that it is given.
func (w *writer) codeSection(c *cursor) {
	n := c.count()
	if n != w.declared {
		c.fail("not as many bodies as functions")
	}
	w.out = appendU32(w.out, n+2)
	b := newBody(w)
	var head []byte
	total := uint64(0)
	types := cursor{b: []byte{0}}
	if e := w.sections[secFunction]; e.present() {
		types = cursor{b: w.in[:e.end], p: e.start}
	}
	types.u32()
	for ; n > 0 && c.err == nil; n-- {
		f := c.sub(c.u32())
		groups := f.count()
		start := f.p
		own := uint64(0)
		for range groups {
			own += uint64(f.u32())
			f.valueType(w.types)
		}
		if total += own; own > maxLocals || total > maxLocalsTotal {
			f.failWith(ErrUnsupported, "too many locals")
		}
		declared := f.b[start:f.p]
		entry := b.rewrite(&f, w.params[types.u32()]+uint32(own))
		if f.err != nil {
			c.err = f.err
			return
		}
		head = head[:0]
		if b.scratch {
			head = appendU32(head, groups+1)
			head = append(head, declared...)
			head = append(head, 1, typeI32)
		} else {
			head = appendU32(head, groups)
			head = append(head, declared...)
		}
		head = append(head, entry...)
		w.out = appendU32(w.out, uint32(len(head)+len(b.out)))
		w.out = append(w.out, head...)
		w.out = append(w.out, b.out...)
	}
	for _, f := range [][]byte{w.yieldBody(), w.rangeBody()} {
		w.out = appendU32(w.out, uint32(len(f)))
		w.out = append(w.out, f...)
	}
}

func (w *writer) yieldBody() []byte {
	f := []byte{0, opI32Const}
	f = appendS32(f, w.opts.Refill)
	f = appendU32(append(f, opGlobalSet), w.fuelGlobal())
	f = appendU32(append(f, opCall), w.yieldImport())
	return append(f, opEnd)
}

// rangeBody charges a unit for each four bytes or entries. The shifted length is below 2^30 and the fuel not below zero
// when it is called, so the difference cannot wrap around.
func (w *writer) rangeBody() []byte {
	f := appendU32([]byte{0, opGlobalGet}, w.fuelGlobal())
	f = append(f, opLocalGet, 0, opI32Const, rangeShift, opI32ShrU, opI32Sub)
	f = appendU32(append(f, opGlobalSet), w.fuelGlobal())
	f = append(f, w.test()...)
	return append(f, opEnd)
}

// test is the second half of a check: it calls yield if the fuel is below zero.
func (w *writer) test() []byte {
	t := appendU32([]byte{opGlobalGet}, w.fuelGlobal())
	t = append(t, opI32Const, 0, opI32LtS, opIf, blockEmpty)
	t = appendU32(append(t, opCall), w.yieldFunc())
	return append(t, opEnd)
}
