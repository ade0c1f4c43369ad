package fuel

// The sections before the code, in the order of the format.

const (
	externFunc   = 0
	externTable  = 1
	externMemory = 2
	externGlobal = 3
	externTag    = 4

	formFunc = 0x60
	formRec  = 0x4e

	typeI32 = 0x7f
)

func (w *writer) typeSection(c *cursor) {
	n := c.count()
	w.out = appendU32(w.out, n+2)
	start := c.p
	for ; n > 0 && c.err == nil; n-- {
		members := uint32(1)
		form := c.byte()
		grouped := form == formRec
		if grouped {
			members = c.count()
		}
		// Members of a group may name each other.
		w.types += members
		for ; members > 0 && c.err == nil; members-- {
			if grouped {
				form = c.byte()
			}
			if form != formFunc {
				c.failWith(ErrUnsupported, "unknown form of type")
			}
			params := c.count()
			w.params = append(w.params, params)
			for range params {
				c.valueType(w.types)
			}
			for range c.count() {
				c.valueType(w.types)
			}
		}
	}
	w.copyFrom(c, start)
	w.out = append(w.out, formFunc, 0, 0)
	w.out = append(w.out, formFunc, 1, typeI32, 0)
}

// imports reads the entries of the import section, and counts functions and globals; types is the number of types that
// they may name.
func (w *writer) imports(c *cursor, types uint32) (n uint32) {
	w.imported, w.importedGlobals = 0, 0
	n = c.count()
	for range n {
		c.name()
		c.name()
		switch c.byte() {
		case externFunc:
			c.index(types, "type")
			w.imported++
		case externTable:
			c.valueType(types)
			c.limits()
		case externMemory:
			c.limits()
		case externGlobal:
			c.valueType(types)
			c.byte()
			w.importedGlobals++
		case externTag:
			c.byte()
			c.index(types, "type")
		default:
			c.fail("unknown kind of import")
		}
		if c.err != nil {
			break
		}
	}
	return n
}

func (w *writer) importSection(c *cursor) {
	start := c.p
	n := w.imports(c, w.types)
	entries := cursor{b: c.b, p: start}
	entries.u32()
	w.out = appendU32(w.out, n+1)
	w.copyFrom(c, entries.p)
	w.out = appendName(w.out, w.opts.YieldModule)
	w.out = appendName(w.out, w.opts.YieldName)
	w.out = append(w.out, externFunc)
	w.out = appendU32(w.out, w.yieldType())
}

func (w *writer) functionSection(c *cursor) {
	n := c.count()
	w.out = appendU32(w.out, n+2)
	start := c.p
	for ; n > 0; n-- {
		c.index(w.types, "type")
	}
	w.copyFrom(c, start)
	w.out = appendU32(w.out, w.yieldType())
	w.out = appendU32(w.out, w.rangeType())
}

// tableSection lowers each table's maximum to its share of what Options allows.
func (w *writer) tableSection(c *cursor) {
	n := c.count()
	w.out = appendU32(w.out, n)
	if n == 0 {
		return
	}
	most := w.opts.MaxTable / n
	for ; n > 0 && c.err == nil; n-- {
		start := c.p
		initial := c.b[c.p:]
		hasInit := len(initial) > 0 && initial[0] == 0x40
		if hasInit {
			c.p++
			if c.byte() != 0 {
				c.fail("unknown form of table")
			}
		}
		c.valueType(w.types)
		w.copyFrom(c, start)
		flags, least, limit := c.byte(), c.u32(), most
		if flags > 1 {
			c.failWith(ErrUnsupported, "unknown kind of limits")
		}
		if flags == 1 {
			given := c.u32()
			if given < least {
				c.fail("maximum below minimum")
			}
			limit = min(limit, given)
		}
		if least > most {
			c.failWith(ErrUnsupported, "table too large")
		}
		w.out = append(w.out, 1)
		w.out = appendU32(w.out, least)
		w.out = appendU32(w.out, limit)
		if hasInit {
			w.constExpr(c)
		}
	}
}

func (w *writer) memorySection(c *cursor) {
	start := c.p
	for n := c.count(); n > 0; n-- {
		c.limits()
	}
	w.copyFrom(c, start)
}

func (w *writer) tagSection(c *cursor) {
	start := c.p
	for n := c.count(); n > 0; n-- {
		c.byte()
		c.index(w.types, "type")
	}
	w.copyFrom(c, start)
}

func (w *writer) globalSection(c *cursor) {
	n := c.count()
	w.out = appendU32(w.out, n+1)
	for ; n > 0 && c.err == nil; n-- {
		start := c.p
		c.valueType(w.types)
		c.byte()
		w.copyFrom(c, start)
		w.constExpr(c)
	}
	w.out = append(w.out, typeI32, 1, opI32Const)
	w.out = appendS32(w.out, w.opts.Refill)
	w.out = append(w.out, opEnd)
}

func (w *writer) exportSection(c *cursor) {
	n := c.count()
	w.out = appendU32(w.out, n)
	for ; n > 0 && c.err == nil; n-- {
		start := c.p
		c.name()
		kind := c.byte()
		if kind > externTag {
			c.fail("unknown kind of export")
		}
		w.copyFrom(c, start)
		switch kind {
		case externFunc:
			w.function(c)
		case externGlobal:
			w.out = appendU32(w.out, c.index(w.globals, "global"))
		default:
			w.out = appendU32(w.out, c.u32())
		}
	}
}

// Bits of an element segment's flags, and what they mean together.
const (
	elemNotActive = 1 // passive or declarative
	elemExplicit  = 2 // active: names its table; else: declarative
	elemExprs     = 4 // entries are expressions, not function indices
)

func (w *writer) elementSection(c *cursor) {
	n := c.count()
	w.out = appendU32(w.out, n)
	for ; n > 0 && c.err == nil; n-- {
		flags := c.u32()
		if flags > elemNotActive|elemExplicit|elemExprs {
			c.fail("unknown kind of element segment")
		}
		w.out = appendU32(w.out, flags)
		if flags&elemNotActive == 0 {
			if flags&elemExplicit != 0 {
				w.out = appendU32(w.out, c.u32())
			}
			w.constExpr(c)
		}
		if flags&(elemNotActive|elemExplicit) != 0 {
			start := c.p
			if flags&elemExprs != 0 {
				c.valueType(w.types)
			} else if c.byte() != 0 {
				c.fail("unknown kind of elements")
			}
			w.copyFrom(c, start)
		}
		k := c.count()
		w.out = appendU32(w.out, k)
		for ; k > 0 && c.err == nil; k-- {
			if flags&elemExprs != 0 {
				w.constExpr(c)
			} else {
				w.reference(c)
			}
		}
	}
}

// reference reads a function index that makes the function a value, and writes the new one.
func (w *writer) reference(c *cursor) {
	if w.function(c) < w.imported {
		w.importEscapes = true
	}
}

// constExpr copies a constant expression, with new function indices.
func (w *writer) constExpr(c *cursor) {
	for c.err == nil {
		start := c.p
		op := c.byte()
		switch op {
		case opI32Const:
			c.s64(lebLen32)
		case opI64Const:
			c.s64(lebLen64)
		case opF32Const:
			c.bytes(4)
		case opF64Const:
			c.bytes(8)
		case opGlobalGet:
			c.index(w.globals, "global")
		case opI32Add, opI32Sub, opI32Mul, opI64Add, opI64Sub, opI64Mul, opEnd:
		case opRefNull:
			nullType(c, w.types)
		case opRefFunc:
			w.out = append(w.out, op)
			w.reference(c)
			continue
		case opVector:
			if c.byte() != vecConst {
				c.failWith(ErrUnsupported, "vector instruction in a constant expression")
			}
			c.bytes(16)
		default:
			c.failWith(ErrUnsupported, "unknown instruction in a constant expression")
		}
		w.copyFrom(c, start)
		if op == opEnd {
			return
		}
	}
}

// nullType reads the type of ref.null: an abstract type in its short form, or a type index.
func nullType(c *cursor, types uint32) {
	if c.more() {
		switch c.b[c.p] {
		case typeFunc, typeExtern, typeExn:
			c.p++
			return
		}
	}
	c.index(types, "type")
}

// Flags of a data segment.
const (
	dataActive         = 0
	dataPassive        = 1
	dataActiveExplicit = 2
)

func (w *writer) dataSection(c *cursor) {
	n := c.count()
	w.out = appendU32(w.out, n)
	for ; n > 0 && c.err == nil; n-- {
		start := c.p
		flags := c.u32()
		switch flags {
		case dataActive, dataPassive:
		case dataActiveExplicit:
			c.u32()
		default:
			c.fail("unknown kind of data segment")
		}
		w.copyFrom(c, start)
		if flags != dataPassive {
			w.constExpr(c)
		}
		start = c.p
		c.name()
		w.copyFrom(c, start)
	}
}
