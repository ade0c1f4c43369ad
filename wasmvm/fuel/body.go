package fuel

import "math"

// Costs, in units of fuel. An instruction that is not named here costs one.
const (
	// costCall is for a call of one of the module's own functions. Those without a check of their own cost at most
	// costUnchecked more.
	costCall      = 8
	costUnchecked = 32
	// costImport is for a call of an imported function, of which all that is known is that it enters and leaves the guest.
	costImport = 100
	// costDivide is for the slowest arithmetic.
	costDivide = 8
	// costGrow is for enlarging a memory or table, which may mean a system call.
	costGrow = 1000
	// costRange is for an operation on a range of up to shortRange bytes or entries. A longer one also pays one unit for
	// each 1 << rangeShift of them.
	costRange  = 32
	shortRange = 1024
	rangeShift = 2

	// stretch is what may be spent between two checks before a further one is put in. It is also, but for the last
	// instruction's own cost, what a loop can be charged for one round.
	stretch = 2000
)

// unreachable is the cost at a place that cannot be reached: less than any cost, whatever is added to it.
const unreachable = math.MinInt / 2

// A body rewrites function bodies, one after the other.
//
// It walks through the instructions once and keeps, at each place, the cost of the most expensive way there since the
// last check. Control flow is structured, so one pass sees all of it: where ways meet, the dearer one counts. When the
// cost reaches the stretch, a check is put in that charges for it. At a loop header one is always put in; what it
// charges for is the dearest way back to it, or to it, known only when the loop ends, so room is left for the number. A
// way that leaves the function is charged for by a check at the entry, which is left out where there is nothing to
// charge for and no call that might lead back here, and where the function runs into a loop header before anything else
// can happen, which then charges for both.
//
// An additional rule spares Go's functions most of that, see [dispatch].
type body struct {
	w      *writer
	lower  []byte // check, before the weight
	test   []byte // check, after the weight
	frames []frame
	out    []byte
	entry  []byte

	locals   uint32 // parameters and locals
	scratch  bool   // an additional local is needed, of type i32
	calls    bool   // the function may call a function of the module
	straight bool   // nothing but plain instructions so far
	mainLoop int    // where the weight of the loop is that every way leads through, 0 for none
	mainCost int
	callCost int // of an indirect call

	// State of the walk.
	cost     int   // at the current instruction
	from     int   // start of what is not copied yet
	constant int32 // value of the last i32.const
	constEnd int   // where that instruction ended

	// The last local.set of a constant: local, value and where it ended.
	setLocal, setValue uint32
	setEnd             int

	dispatches []dispatch
	labels     []uint32 // of the dispatches
	pending    int      // blocks of the last dispatch that are yet to begin
}

// frame is an enclosing block. The outermost is the function itself.
type frame struct {
	kind byte // opBlock, opLoop, opIf, or one of those below
	cost int  // of the dearest way by which a branch gets to the label
	from int  // opIf: cost at its start
	at   int  // opLoop: where in out its weight is; opDispatch, opRegion: the number of the dispatch
}

// Kinds of frames that are not opcodes.
const (
	opDispatch = 0xf0 // a loop that is a dispatch
	opRegion   = 0xf1 // one of a dispatch's blocks
)

func newBody(w *writer) *body {
	b := &body{w: w, callCost: costCall}
	b.lower = append(appendU32([]byte{opGlobalGet}, w.fuelGlobal()), opI32Const)
	b.test = appendU32([]byte{opI32Sub, opGlobalSet}, w.fuelGlobal())
	b.test = append(b.test, w.test()...)
	if w.importEscapes {
		b.callCost = costImport
	}
	return b
}

// check appends a check of the given weight.
func (b *body) check(to []byte, weight int) []byte {
	to = append(to, b.lower...)
	to = appendS32(to, int32(weight))
	return append(to, b.test...)
}

// weightLen is the length of a weight that is filled in later: signed LEB128 of 14 bits.
const (
	weightLen = 2
	maxWeight = 1<<13 - 1
)

// openCheck appends a check whose weight is filled in later by setWeight, and returns its place.
func (b *body) openCheck() int {
	b.out = append(b.out, b.lower...)
	at := len(b.out)
	b.out = append(b.out, 0, 0)
	b.out = append(b.out, b.test...)
	return at
}

func (b *body) setWeight(at, weight int) {
	weight = min(max(weight, 1), maxWeight)
	b.out[at] = byte(weight&0x7f) | 0x80
	b.out[at+1] = byte(weight >> 7)
}

// branch notes that a label can be reached at the given cost.
func (b *body) branch(c *cursor, label uint32, cost int) {
	if uint64(label) >= uint64(len(b.frames)) {
		c.fail("no such label")
		return
	}
	f := &b.frames[len(b.frames)-1-int(label)]
	f.cost = max(f.cost, cost)
}

// rewrite walks through the instructions at c, to its end. The new ones are in out afterwards; they are to be preceded
// by the check that it returns, which may be empty.
func (b *body) rewrite(c *cursor, locals uint32) (entry []byte) {
	b.out = b.out[:0]
	b.frames = append(b.frames[:0], frame{kind: opBlock, cost: unreachable})
	b.dispatches, b.labels, b.pending = b.dispatches[:0], b.labels[:0], 0
	b.locals, b.scratch = locals, false
	b.calls, b.straight, b.mainLoop, b.mainCost = false, true, 0, 0

	cost := b.walk(c)
	if c.err != nil {
		return nil
	}
	if c.more() || len(b.frames) != 0 {
		c.fail("instructions do not end with the function")
		return nil
	}
	exit := max(cost, 1)
	switch {
	// A tight loop is not to pay on each round for a long way out.
	case b.mainLoop != 0 && exit <= max(8*b.mainCost, 4*costUnchecked):
		b.setWeight(b.mainLoop, max(exit, b.mainCost))
		return nil
	case !b.calls && exit <= costUnchecked:
		return nil
	}
	b.entry = b.check(b.entry[:0], exit)
	return b.entry
}
