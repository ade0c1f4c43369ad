package wasmtest

// Code is the body of a function, instruction by instruction. Each method returns the code with one more; the final end
// is added by the module.
type Code struct {
	b     []byte
	fixes []fix
	calls bool
}

// fix is a call of a function of the module itself: its index is known when all imports are.
type fix struct{ at, local int }

// Op adds raw bytes.
func (c Code) Op(b ...byte) Code {
	c.b = append(c.b[:len(c.b):len(c.b)], b...)
	return c
}

// I32 pushes a constant. A value of 32 bits without sign will do.
func (c Code) I32(v int) Code { return c.Op(sleb([]byte{0x41}, int64(int32(v)))...) }

// I64 pushes a constant.
func (c Code) I64(v int64) Code { return c.Op(sleb([]byte{0x42}, v)...) }

// LocalGet pushes a parameter or local variable.
func (c Code) LocalGet(i int) Code { return c.Op(uleb([]byte{0x20}, uint64(i))...) }

// LocalSet pops into a local variable.
func (c Code) LocalSet(i int) Code { return c.Op(uleb([]byte{0x21}, uint64(i))...) }

// GlobalGet pushes a global.
func (c Code) GlobalGet(i int) Code { return c.Op(uleb([]byte{0x23}, uint64(i))...) }

// GlobalSet pops into a global.
func (c Code) GlobalSet(i int) Code { return c.Op(uleb([]byte{0x24}, uint64(i))...) }

// Call calls an imported function.
func (c Code) Call(index int) Code {
	c.calls = true
	return c.Op(uleb([]byte{0x10}, uint64(index))...)
}

// CallLocal calls a function of the module, by what Func returned.
func (c Code) CallLocal(local int) Code {
	c.fixes = append(c.fixes[:len(c.fixes):len(c.fixes)], fix{len(c.b) + 1, local})
	return c.Op(0x10, 0x80, 0x80, 0)
}

// Drop pops.
func (c Code) Drop() Code { return c.Op(0x1a) }

// Unreachable traps.
func (c Code) Unreachable() Code { return c.Op(0x00) }

// Loop, If and Block begin a block without a result; End ends it.
func (c Code) Loop() Code { return c.Op(0x03, 0x40) }

// Block begins a block.
func (c Code) Block() Code { return c.Op(0x02, 0x40) }

// If begins a block that runs if the popped value is not 0.
func (c Code) If() Code { return c.Op(0x04, 0x40) }

// End ends a block.
func (c Code) End() Code { return c.Op(0x0b) }

// Br jumps to the end of a block, the beginning of a loop.
func (c Code) Br(depth int) Code { return c.Op(uleb([]byte{0x0c}, uint64(depth))...) }

// BrIf does so if the popped value is not 0.
func (c Code) BrIf(depth int) Code { return c.Op(uleb([]byte{0x0d}, uint64(depth))...) }

// Load32 and Store32 access an i32: pop the address; pop the value, then the address.
func (c Code) Load32(offset int) Code { return c.Op(uleb([]byte{0x28, 0}, uint64(offset))...) }

// Store32 stores an i32.
func (c Code) Store32(offset int) Code { return c.Op(uleb([]byte{0x36, 0}, uint64(offset))...) }

// Load64 loads an i64.
func (c Code) Load64(offset int) Code { return c.Op(uleb([]byte{0x29, 0}, uint64(offset))...) }

// MemoryGrow pops a number of pages and pushes the former size, or -1.
func (c Code) MemoryGrow() Code { return c.Op(0x40, 0) }

// MemoryFill pops a length, a value and an address.
func (c Code) MemoryFill() Code { return c.Op(0xfc, 11, 0) }

// Repeat runs code until the i32 local, which it counts down, is 0.
func (c Code) Repeat(local int, code Code) Code {
	c = c.Block().LocalGet(local).Op(0x45).BrIf(0).Loop()
	c = c.Append(code)
	return c.LocalGet(local).I32(1).Op(0x6b).Op(0x22, byte(local)).BrIf(0).End().End()
}

// Append adds code.
func (c Code) Append(more Code) Code {
	for _, f := range more.fixes {
		c.fixes = append(c.fixes[:len(c.fixes):len(c.fixes)], fix{len(c.b) + f.at, f.local})
	}
	c.calls = c.calls || more.calls
	return c.Op(more.b...)
}

// resolve appends the code to out.
func (c Code) resolve(out []byte, offset int) []byte {
	base := len(out)
	out = append(out, c.b...)
	for _, f := range c.fixes {
		index := f.local + offset
		out[base+f.at], out[base+f.at+1], out[base+f.at+2] = byte(index)|0x80, byte(index>>7)|0x80, byte(index>>14)
	}
	return out
}

func sleb(out []byte, v int64) []byte {
	for {
		b := byte(v & 0x7f)
		v >>= 7
		if v == 0 && b&0x40 == 0 || v == -1 && b&0x40 != 0 {
			return append(out, b)
		}
		out = append(out, b|0x80)
	}
}
