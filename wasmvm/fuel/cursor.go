package fuel

import (
	"fmt"
	"math"
)

// cursor reads the binary format. After the first error it stands at its end and answers zeros, so that callers need to
// look at err only once in a while; loops over a count end early because count never answers more than there are bytes.
type cursor struct {
	b   []byte // the module, up to the end of what may be read: offsets in errors are offsets in the module
	p   int
	err error
}

func (c *cursor) more() bool { return c.p < len(c.b) }

// fail notes that the module is malformed at the current offset.
func (c *cursor) fail(what string) { c.failWith(ErrMalformed, what) }

func (c *cursor) failWith(kind error, what string) {
	if c.err == nil {
		c.err = fmt.Errorf("%w: offset %#x: %s", kind, c.p, what)
	}
	c.p = len(c.b)
}

func (c *cursor) byte() byte {
	if c.p >= len(c.b) {
		c.fail("unexpected end")
		return 0
	}
	c.p++
	return c.b[c.p-1]
}

// bytes returns the next n bytes, which are part of the module.
func (c *cursor) bytes(n uint32) []byte {
	if uint64(n) > uint64(len(c.b)-c.p) {
		c.fail("length past the end")
		return nil
	}
	c.p += int(n)
	return c.b[c.p-int(n) : c.p]
}

// sub returns a cursor for the next n bytes.
func (c *cursor) sub(n uint32) cursor {
	start := c.p
	c.bytes(n)
	if c.err != nil {
		return cursor{b: c.b, p: len(c.b), err: c.err}
	}
	return cursor{b: c.b[:c.p], p: start}
}

// u32 reads an unsigned LEB128 number of at most five bytes.
func (c *cursor) u32() uint32 {
	if c.p < len(c.b) && c.b[c.p] < 0x80 {
		c.p++
		return uint32(c.b[c.p-1])
	}
	var v uint64
	for shift := 0; shift < 35; shift += 7 {
		b := c.byte()
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			if v > math.MaxUint32 {
				c.fail("number out of range")
				return 0
			}
			return uint32(v)
		}
	}
	c.fail("number too long")
	return 0
}

// s64 reads a signed LEB128 number of at most max bytes. Its value is right for numbers of up to 64 bits.
func (c *cursor) s64(max int) int64 {
	var v int64
	for i := range max {
		b := c.byte()
		v |= int64(b&0x7f) << (7 * i)
		if b < 0x80 {
			if b&0x40 != 0 && 7*(i+1) < 64 {
				v |= -1 << (7 * (i + 1))
			}
			return v
		}
	}
	c.fail("number too long")
	return 0
}

// Maximal lengths of signed LEB128 numbers.
const (
	lebLen32 = 5 // of 32 and of 33 bits
	lebLen64 = 10
)

// count reads the length of a vector whose entries take at least one byte each.
func (c *cursor) count() uint32 {
	n := c.u32()
	if uint64(n) > uint64(len(c.b)-c.p) {
		c.fail("count past the end")
		return 0
	}
	return n
}

// name reads a length and that many bytes.
func (c *cursor) name() []byte { return c.bytes(c.u32()) }

// index reads an index that must lie below n.
func (c *cursor) index(n uint32, what string) uint32 {
	i := c.u32()
	if i >= n && c.err == nil {
		c.fail(what + " index out of range")
		return 0
	}
	return i
}

// finish returns the error, or that something is left over.
func (c *cursor) finish() error {
	if c.err == nil && c.more() {
		c.fail("bytes left over")
	}
	return c.err
}

// Value type prefixes and the abstract heap types in their short form.
const (
	typeRefNull = 0x63
	typeRef     = 0x64
	typeExn     = 0x69
	typeExtern  = 0x6f
	typeFunc    = 0x70
)

// valueType reads a value type; types is the number of defined types.
func (c *cursor) valueType(types uint32) {
	switch b := c.byte(); b {
	case 0x7f, 0x7e, 0x7d, 0x7c, 0x7b, typeFunc, typeExtern, typeExn:
	case typeRefNull, typeRef:
		c.heapType(types)
	default:
		c.fail("unknown value type")
	}
}

// heapType reads what follows a reference type's prefix: an abstract type (negative) or a type index.
func (c *cursor) heapType(types uint32) {
	if t := c.s64(lebLen32); t >= int64(types) {
		c.fail("type index out of range")
	}
}

// blockType reads the type of a block: nothing, a value type, or a type index.
func (c *cursor) blockType(types uint32) {
	switch t := c.s64(lebLen32); {
	case t >= int64(types):
		c.fail("type index out of range")
	case t == typeRefNull-0x80, t == typeRef-0x80:
		c.heapType(types)
	}
}

// limits reads a memory's limits. Bit 0 of the flags: there is a maximum; bit 1: the memory is shared.
func (c *cursor) limits() {
	flags := c.byte()
	if flags > 3 {
		c.failWith(ErrUnsupported, "unknown kind of limits")
		return
	}
	c.u32()
	if flags&1 != 0 {
		c.u32()
	}
}

// appendU32 appends v as unsigned LEB128.
func appendU32(b []byte, v uint32) []byte {
	for v >= 0x80 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v))
}

// appendS32 appends v as signed LEB128.
func appendS32(b []byte, v int32) []byte {
	for {
		c := byte(v & 0x7f)
		v >>= 7
		if v == 0 && c&0x40 == 0 || v == -1 && c&0x40 != 0 {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}

// appendName appends a length and the bytes.
func appendName(b []byte, name string) []byte {
	return append(appendU32(b, uint32(len(name))), name...)
}

// sizeLen is the length of a size that putSize writes.
const sizeLen = 5

// putSize writes v as unsigned LEB128 of five bytes, so that room for it can be left before it is known.
func putSize(b []byte, v uint32) {
	for i := range sizeLen - 1 {
		b[i] = byte(v>>(7*i)) | 0x80
	}
	b[sizeLen-1] = byte(v >> (7 * (sizeLen - 1)))
}
