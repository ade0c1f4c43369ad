package proxywasm

// table maps context ids to streams. Gateways count ids up, so their low bits spread them with next to no collisions:
// cheaper than a map, for something done several times in a request. Open addressing, at most half full, never shrunk.
type table struct {
	slots []*stream // length is a power of two
	live  int
}

func (t *table) get(id uint32) *stream {
	if len(t.slots) == 0 {
		return nil
	}
	mask := uint32(len(t.slots) - 1)
	for i := id & mask; ; i = (i + 1) & mask {
		if s := t.slots[i]; s == nil || s.id == id {
			return s
		}
	}
}

// put adds s, whose id is not in the table.
func (t *table) put(s *stream) {
	if 2*t.live >= len(t.slots) {
		old := t.slots
		t.slots = make([]*stream, max(64, 2*len(old)))
		for _, o := range old {
			if o != nil {
				t.insert(o)
			}
		}
	}
	t.insert(s)
	t.live++
}

func (t *table) insert(s *stream) {
	mask := uint32(len(t.slots) - 1)
	i := s.id & mask
	for t.slots[i] != nil {
		i = (i + 1) & mask
	}
	t.slots[i] = s
}

// remove takes the stream out and returns it, nil if it is not there.
func (t *table) remove(id uint32) *stream {
	s := t.get(id)
	if s == nil {
		return nil
	}
	mask := uint32(len(t.slots) - 1)
	i := id & mask
	for t.slots[i] != s {
		i = (i + 1) & mask
	}
	// Close the gap: a later stream of the same run moves up, if its place is not past the gap.
	for j := i; ; {
		t.slots[i] = nil
		for {
			j = (j + 1) & mask
			o := t.slots[j]
			if o == nil {
				t.live--
				return s
			}
			if (j-o.id&mask)&mask >= (j-i)&mask {
				t.slots[i] = o
				i = j
				break
			}
		}
	}
}
