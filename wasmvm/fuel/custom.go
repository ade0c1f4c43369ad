package fuel

import "strings"

// Subsections of the section "name" that speak of functions by their index.
const (
	namesFunctions = 1
	namesLocals    = 2
	namesLabels    = 3
)

// Names of the appended functions in stack traces.
const (
	nameYield = "fuel.yield"
	nameRange = "fuel.range"
)

// custom copies a custom section, adapts it, or drops it.
func (w *writer) custom(e extent) error {
	c := cursor{b: w.in[:e.end], p: e.start}
	name := string(c.name())
	if c.err != nil {
		return c.err
	}
	if describesCode(name) {
		return nil
	}
	mark := len(w.out)
	size := w.begin(secCustom)
	if name != "name" {
		w.out = append(w.out, w.in[e.start:e.end]...)
		w.end(size)
		return nil
	}
	w.copyFrom(&c, e.start)
	w.names(&c)
	if c.err != nil {
		// Wrong names are no reason to refuse a module: it goes without.
		w.out = w.out[:mark]
		return nil //nolint:nilerr // it is dealt with
	}
	w.end(size)
	return nil
}

// describesCode reports whether a custom section speaks of the code by offset or function index in a way that Rewrite
// does not follow.
func describesCode(name string) bool {
	return name == "linking" || strings.HasPrefix(name, "reloc.") || strings.HasPrefix(name, ".debug_") ||
		strings.HasPrefix(name, "metadata.code.")
}

// names copies the subsections of the section "name", with new function indices.
func (w *writer) names(c *cursor) {
	for c.more() {
		id := c.byte()
		sub := c.sub(c.u32())
		start := sub.p
		w.out = append(w.out, id, 0, 0, 0, 0, 0)
		size := len(w.out) - sizeLen
		switch id {
		case namesFunctions:
			w.functionNames(&sub)
		case namesLocals, namesLabels:
			w.innerNames(&sub)
		default:
			sub.p = len(sub.b)
			w.copyFrom(&sub, start)
		}
		w.end(size)
		if err := sub.finish(); err != nil {
			c.err = err
			return
		}
	}
}

func (w *writer) functionNames(c *cursor) {
	n := c.count()
	w.out = appendU32(w.out, n+2)
	for ; n > 0 && c.err == nil; n-- {
		w.function(c)
		start := c.p
		c.name()
		w.copyFrom(c, start)
	}
	w.out = appendName(appendU32(w.out, w.yieldFunc()), nameYield)
	w.out = appendName(appendU32(w.out, w.rangeFunc()), nameRange)
}

// innerNames adapts names of what is inside functions.
func (w *writer) innerNames(c *cursor) {
	n := c.count()
	w.out = appendU32(w.out, n)
	for ; n > 0 && c.err == nil; n-- {
		w.function(c)
		start := c.p
		for k := c.count(); k > 0; k-- {
			c.u32()
			c.name()
		}
		w.copyFrom(c, start)
	}
}
