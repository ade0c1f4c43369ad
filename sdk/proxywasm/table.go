package proxywasm

// table maps context ids to streams. Gateways count ids up, so their low bits spread them with next to no collisions:
// cheaper than a map, for something done several times in a request. Go's compiler makes each loop and each jump in a wasm
// function dear: where a stream is in its place, there are none. Open addressing, at most half full, never shrunk.
type table struct {
	slots []*stream // length is a power of two
	mask  uint32    // length - 1
	live  int
}

// get returns the stream, nil if it is not there. Most are where they belong: that case is small enough to be inlined.
func (t *table) get(id uint32) *stream {
	if len(t.slots) > 0 {
		if s := t.slots[id&t.mask]; s != nil && s.id == id {
			return s
		}
	}
	return t.probe(id)
}

func (t *table) probe(id uint32) *stream {
	if len(t.slots) == 0 {
		return nil
	}
	return t.slots[t.slot(id)]
}

// put adds s, unless there is one with its id: then it answers false.
func (t *table) put(s *stream) bool {
	if 2*t.live >= len(t.slots) {
		t.grow()
	}
	i := s.id & t.mask
	if t.slots[i] != nil {
		if i = t.slot(s.id); t.slots[i] != nil {
			return false
		}
	}
	t.slots[i] = s
	t.live++
	return true
}

// slot returns the slot that has id, or the free one that it would get.
func (t *table) slot(id uint32) uint32 {
	i := id & t.mask
	for t.slots[i] != nil && t.slots[i].id != id {
		i = (i + 1) & t.mask
	}
	return i
}

func (t *table) grow() {
	old := t.slots
	t.slots = make([]*stream, max(64, 2*len(old)))
	t.mask = uint32(len(t.slots) - 1)
	t.live = 0
	for _, s := range old {
		if s != nil {
			t.put(s)
		}
	}
}

// remove takes the stream out and returns it, nil if it is not there.
func (t *table) remove(id uint32) *stream {
	if len(t.slots) == 0 {
		return nil
	}
	i := id & t.mask
	s := t.slots[i]
	if s == nil || s.id != id {
		i = t.slot(id)
		if s = t.slots[i]; s == nil {
			return nil
		}
	}
	t.live--
	t.slots[i] = nil
	if t.slots[(i+1)&t.mask] != nil {
		t.closeGap(i)
	}
	return s
}

// closeGap fills slot i, which was freed: a later stream of the same run moves up, if its place is not past the gap.
func (t *table) closeGap(i uint32) {
	for j := (i + 1) & t.mask; t.slots[j] != nil; j = (j + 1) & t.mask {
		s := t.slots[j]
		if (j-s.id&t.mask)&t.mask >= (j-i)&t.mask {
			t.slots[i], t.slots[j] = s, nil
			i = j
		}
	}
}
