package fuel

// walk copies the instructions, with checks and new function indices, and returns the cost at their end.
func (b *body) walk(c *cursor) int {
	code, p, cost := c.b, c.p, 0
	b.from, b.constEnd, b.setEnd = p, 0, 0
	for p < len(code) {
		if cost >= stretch {
			b.flush(code, p)
			b.out = b.check(b.out, cost)
			cost = 0
		}
		op := code[p]
		p++
		switch shapes[op] {
		case bare:
			cost++
			if slow[op] {
				cost += costDivide - 1
			}
			continue
		case number:
			cost++
			if p < len(code) && code[p] < 0x80 {
				p++
				continue
			}
			c.p = p
			c.u32()
		case local:
			cost++
			afterConst := b.constEnd == p-1
			if !afterConst && p < len(code) && code[p] < 0x80 && uint32(code[p]) < b.locals {
				p++
				continue
			}
			c.p = p
			i := c.index(b.locals, "local")
			if afterConst && op == opLocalSet {
				b.setLocal, b.setValue, b.setEnd = i, uint32(b.constant), c.p
			}
		case access:
			cost++
			if p+1 < len(code) && code[p] < maxAlign && code[p+1] < 0x80 {
				p += 2
				continue
			}
			c.p = p
			memoryAccess(c)
		case signed32:
			cost++
			c.p = p
			b.constant = int32(c.s64(lebLen32))
			b.constEnd = c.p
		case signed64:
			cost++
			c.p = p
			c.s64(lebLen64)
		case bytes4:
			cost++
			c.p = p
			c.bytes(4)
		case bytes8:
			cost++
			c.p = p
			c.bytes(8)
		case special:
			c.p, b.cost = p, cost
			b.special(c, op)
			cost = b.cost
			if len(b.frames) == 0 {
				b.flush(code, c.p)
				return cost
			}
		default:
			c.p = p - 1
			c.failWith(ErrUnsupported, "unknown instruction")
		}
		if c.err != nil {
			return 0
		}
		p = c.p
	}
	c.fail("instructions do not end")
	return 0
}

// flush copies what has not been copied yet, up to the offset.
func (b *body) flush(code []byte, to int) {
	b.out = append(b.out, code[b.from:to]...)
	b.from = to
}

// maxAlign: an alignment's exponent from here on up would say something else, such as which memory is meant.
const maxAlign = 32

func memoryAccess(c *cursor) {
	if c.u32() >= maxAlign {
		c.failWith(ErrUnsupported, "unknown kind of memory access")
	}
	c.u32()
}

// special treats an instruction whose opcode has just been read.
func (b *body) special(c *cursor, op byte) {
	at := c.p - 1
	switch op {
	case opRefNull:
		nullType(c, b.w.types)
	case opRefFunc:
		b.function(c)
	case opGlobalGet, opGlobalSet:
		c.index(b.w.globals, "global")
	case opMemorySize:
		c.u32()
	case opMemoryGrow:
		c.u32()
		b.cost += costGrow
	case opTypedSelect:
		if c.byte() != 1 {
			c.fail("select of other than one type")
		}
		c.valueType(b.w.types)
	case opMisc:
		b.misc(c, at)
	case opVector:
		vector(c)
	case opAtomic:
		atomic(c)
	case opEnd:
		b.end()
		return
	case opElse:
		b.orElse(c)
		return
	default:
		b.control(c, op, at)
		return
	}
	b.cost++
}

// control treats the beginnings of blocks, branches and calls; at is the instruction's offset. Blocks and loops cost
// nothing in themselves.
func (b *body) control(c *cursor, op byte, at int) {
	straight := b.straight
	b.straight = straight && op == opBlock
	if op != opBlock && op != opLoop {
		b.cost++
	}
	switch op {
	case opUnreachable:
		b.cost = unreachable
	case opBlock:
		c.blockType(b.w.types)
		f := frame{kind: opBlock, cost: unreachable}
		if b.pending > 0 {
			b.pending--
			f.kind, f.at = opRegion, len(b.dispatches)-1
		}
		b.frames = append(b.frames, f)
	case opIf:
		c.blockType(b.w.types)
		b.frames = append(b.frames, frame{kind: opIf, cost: unreachable, from: b.cost})
	case opLoop:
		b.loop(c, straight)
	case opTryTable:
		b.tryTable(c)
	case opBrIf, opBrOnNull, opBrOnNonNull:
		label := c.u32()
		if b.target(label) != nil {
			b.checkAt(c, at)
		}
		b.branch(c, label, b.cost)
	case opBr:
		b.jump(c, c.u32(), at)
	case opBrTable:
		b.table(c, at)
	case opThrow:
		c.u32()
		b.leave(costImport)
	case opThrowRef:
		b.leave(costImport)
	case opReturn:
		b.leave(0)
	case opCall:
		b.cost += b.call(c)
	case opReturnCall:
		b.leave(b.call(c))
	case opCallIndirect, opReturnCallIndirect:
		c.index(b.w.types, "type")
		c.u32()
		b.indirect(op == opReturnCallIndirect)
	case opCallRef, opReturnCallRef:
		c.index(b.w.types, "type")
		b.indirect(op == opReturnCallRef)
	}
}

// loop opens a loop; straight says whether nothing but plain instructions come before it.
func (b *body) loop(c *cursor, straight bool) {
	c.blockType(b.w.types)
	if c.err != nil {
		return
	}
	if b.matchDispatch(*c) {
		b.frames = append(b.frames, frame{kind: opDispatch, at: len(b.dispatches) - 1})
		// A checked branch may have led here.
		b.cost = max(b.cost, 1)
		return
	}
	b.flush(c.b, c.p)
	f := frame{kind: opLoop, cost: b.cost, at: b.openCheck()}
	if straight {
		b.mainLoop = f.at
	}
	b.frames = append(b.frames, f)
	b.cost = 0
}

// jump treats a br.
func (b *body) jump(c *cursor, label uint32, at int) {
	if d := b.target(label); d == nil {
		b.branch(c, label, b.cost)
	} else if to, ok := b.forward(d, at); ok {
		f := &b.frames[to]
		f.cost = max(f.cost, b.cost+1)
	} else {
		b.checkAt(c, at)
	}
	b.cost = unreachable
}

// table treats a br_table.
func (b *body) table(c *cursor, at int) {
	checked := false
	for range uint64(c.count()) + 1 {
		label := c.u32()
		if !checked && b.target(label) != nil {
			b.checkAt(c, at)
			checked = true
		}
		b.branch(c, label, b.cost)
	}
	b.cost = unreachable
}

// checkAt puts a check before the instruction at the offset.
func (b *body) checkAt(c *cursor, at int) {
	if c.err != nil {
		return
	}
	b.flush(c.b, at)
	b.out = b.check(b.out, max(b.cost, 1))
	b.cost = 1 // the instruction itself
}

// end closes the innermost block: what runs off its end and what branches to it meet. A loop's label is at its start.
func (b *body) end() {
	f := b.frames[len(b.frames)-1]
	b.frames = b.frames[:len(b.frames)-1]
	switch f.kind {
	case opDispatch:
		return
	case opRegion:
		b.dispatches[f.at].closed++
	case opLoop:
		b.setWeight(f.at, f.cost)
		if f.at == b.mainLoop {
			b.mainCost = f.cost
		}
		return
	case opIf: // without else
		b.cost = max(b.cost, f.from)
	}
	b.cost = max(b.cost, f.cost)
}

func (b *body) orElse(c *cursor) {
	f := &b.frames[len(b.frames)-1]
	if f.kind != opIf {
		c.fail("else without if")
		return
	}
	f.kind, f.cost = opBlock, max(f.cost, b.cost)
	b.cost = f.from
}

// leave notes that the function is left, at the given additional cost.
func (b *body) leave(more int) {
	b.frames[0].cost = max(b.frames[0].cost, b.cost+more)
	b.cost = unreachable
}

// tryTable opens a block whose calls may branch to the labels of its catch clauses. These count from outside the block.
// An exception may come at any cost up to the stretch.
func (b *body) tryTable(c *cursor) {
	c.blockType(b.w.types)
	for n := c.count(); n > 0 && c.err == nil; n-- {
		switch c.byte() {
		case 0, 1: // catch, catch_ref
			c.u32()
		case 2, 3: // catch_all, catch_all_ref
		default:
			c.fail("unknown kind of catch")
		}
		label := c.u32()
		if b.target(label) != nil {
			// There is no place for a check.
			c.failWith(ErrUnsupported, "exceptions caught by a dispatch loop")
		}
		b.branch(c, label, stretch)
	}
	b.frames = append(b.frames, frame{kind: opBlock, cost: unreachable})
}

// function reads a function index and puts the new one into the code.
func (b *body) function(c *cursor) uint32 {
	at := c.p
	i := c.index(b.w.funcs, "function")
	if c.err == nil && i >= b.w.imported {
		b.flush(c.b, at)
		b.out = appendU32(b.out, b.w.moved(i))
		b.from = c.p
	}
	return i
}

// call returns the cost of a direct call.
func (b *body) call(c *cursor) int {
	if b.function(c) < b.w.imported {
		return costImport
	}
	b.calls = true
	return costCall
}

func (b *body) indirect(leaves bool) {
	b.calls = true
	if leaves {
		b.leave(b.callCost)
		return
	}
	b.cost += b.callCost
}

// misc treats an instruction with the prefix opMisc, at the given offset.
func (b *body) misc(c *cursor, at int) {
	switch sub := c.u32(); sub {
	case miscMemoryInit, miscMemoryCopy, miscTableInit, miscTableCopy:
		c.u32()
		c.u32()
		b.charge(c, at)
	case miscMemoryFill, miscTableFill:
		c.u32()
		b.charge(c, at)
	case miscTableGrow:
		c.u32()
		b.charge(c, at)
		b.cost += costGrow
	case miscDataDrop, miscElemDrop, miscTableSize:
		c.u32()
	default:
		if sub > miscLastConvert {
			c.failWith(ErrUnsupported, "unknown instruction")
		}
	}
}

// charge makes the instruction at the offset pay for the length of its range, which is on top of the stack, if that is
// long. A copy of it is kept in an additional local.
func (b *body) charge(c *cursor, at int) {
	b.cost += costRange
	if c.err != nil || b.constEnd == at && b.constant >= 0 && b.constant <= shortRange {
		return
	}
	b.flush(c.b, at)
	b.scratch = true
	b.out = appendU32(append(b.out, opLocalTee), b.locals)
	b.out = appendS32(append(b.out, opI32Const), shortRange)
	b.out = append(b.out, opI32GtU, opIf, blockEmpty)
	b.out = appendU32(append(b.out, opLocalGet), b.locals)
	b.out = appendU32(append(b.out, opCall), b.w.rangeFunc())
	b.out = append(b.out, opEnd)
	b.out = appendU32(append(b.out, opLocalGet), b.locals)
}

// vector reads the rest of an instruction with the prefix opVector. Engines that take the opcode for a single byte see a
// nop after each one from 0x80 up, and would see other instructions than this package if it were written in more bytes
// than it needs; so it must not be.
func vector(c *cursor) {
	sub := c.byte()
	if sub >= 0x80 && c.byte() != 1 {
		c.failWith(ErrUnsupported, "unknown instruction")
		return
	}
	switch {
	case sub <= vecLastLoad, sub == vecLoadZero32, sub == vecLoadZero64:
		memoryAccess(c)
	case sub == vecConst, sub == vecShuffle:
		c.bytes(16)
	case sub >= vecFirstLane && sub <= vecLastLane:
		c.byte()
	case sub >= vecFirstLaneMem && sub <= vecLastLaneMem:
		memoryAccess(c)
		c.byte()
	}
}

// atomic reads the rest of an instruction with the prefix opAtomic. All defined opcodes take a single byte.
func atomic(c *cursor) {
	switch sub := c.byte(); {
	case sub == atomicWait32 || sub == atomicWait64:
		c.failWith(ErrUnsupported, "memory.atomic.wait cannot be interrupted")
	case sub == atomicFence:
		c.byte()
	case sub > atomicLast:
		c.failWith(ErrUnsupported, "unknown instruction")
	default:
		memoryAccess(c)
	}
}
