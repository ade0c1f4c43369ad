package fuel

// A dispatch is a loop of the form in which Go's compiler writes every function that it cannot structure:
//
//	loop
//	  block … block        n of them
//	    local.get P
//	    br_table …         to the ends of the blocks
//	  end … end            each followed by a part of the function
//	end
//
// To jump, a part sets P to a constant and branches to the loop. Most such jumps lead forward, to a part further down,
// and a check at the loop's header would be paid for by all of them. So this loop has none. A jump whose P is set by the
// two instructions before it, to a part that has not begun yet, is what a branch to that part's block would be, and is
// counted like one. Any other branch to the loop is checked where it stands.
//
// This is sound whoever wrote the module: it relies on no more than that instructions do what they say, in order.
type dispatch struct {
	local  uint32   // P
	labels []uint32 // the targets by the value of P, 0 for the innermost block; the last one for all other values
	blocks int      // n
	frame  int      // place of the loop among the frames
	closed int      // blocks that have ended
}

// matchDispatch looks whether the loop, whose block type ends at the cursor, is a dispatch, and if so, adds it. It reads
// ahead, on a copy of the cursor, no further than to the end of the br_table.
func (b *body) matchDispatch(ahead cursor) bool {
	d := dispatch{frame: len(b.frames)}
	for ahead.p+1 < len(ahead.b) && ahead.b[ahead.p] == opBlock && ahead.b[ahead.p+1] == blockEmpty {
		d.blocks++
		ahead.p += 2
	}
	if d.blocks == 0 || ahead.byte() != opLocalGet {
		return false
	}
	if d.local = ahead.u32(); ahead.byte() != opBrTable {
		return false
	}
	start := len(b.labels)
	for range uint64(ahead.count()) + 1 {
		label := ahead.u32()
		if ahead.err != nil || uint64(label) >= uint64(d.blocks) {
			b.labels = b.labels[:start]
			return false
		}
		b.labels = append(b.labels, label)
	}
	d.labels = b.labels[start:len(b.labels):len(b.labels)]
	b.dispatches = append(b.dispatches, d)
	b.pending = d.blocks
	return true
}

// forward reports whether a br at the offset, to a dispatch, is a jump to a part that has not begun yet, and to the end
// of which block.
func (b *body) forward(d *dispatch, at int) (frame int, ok bool) {
	if b.setEnd != at || b.setLocal != d.local {
		return 0, false
	}
	other := len(d.labels) - 1
	label := int(d.labels[other])
	if uint64(b.setValue) < uint64(other) {
		label = int(d.labels[b.setValue])
	}
	return d.frame + d.blocks - label, label >= d.closed
}

// target returns the dispatch that a label belongs to, or nil.
func (b *body) target(label uint32) *dispatch {
	if uint64(label) >= uint64(len(b.frames)) {
		return nil
	}
	if f := &b.frames[len(b.frames)-1-int(label)]; f.kind == opDispatch {
		return &b.dispatches[f.at]
	}
	return nil
}
