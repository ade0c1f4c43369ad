package proxywasm

import "testing"

// FuzzTable does what the bytes say to a table and to a map, and compares.
func FuzzTable(f *testing.F) {
	f.Add([]byte{1, 2, 3, 129, 2, 66, 130})
	f.Fuzz(func(t *testing.T, ops []byte) {
		var tab table
		want := map[uint32]*stream{}
		for i, op := range ops[:min(len(ops), 200)] { // each looks at all ids: longer ones only take longer
			// Few distinct ids, many of which collide in a table of 64.
			id := uint32(op&0x1f) | uint32(op&0x60)<<4
			if op&0x80 == 0 {
				if want[id] == nil {
					s := &stream{id: id}
					tab.put(s)
					want[id] = s
				}
			} else {
				if got := tab.remove(id); got != want[id] {
					t.Fatalf("op %d: remove(%d) is %v, want %v", i, id, got, want[id])
				}
				delete(want, id)
			}
			if tab.live != len(want) {
				t.Fatalf("op %d: %d live, want %d", i, tab.live, len(want))
			}
			for id := range uint32(0x20 | 0x60<<4 + 1) {
				if got := tab.get(id); got != want[id] {
					t.Fatalf("op %d: get(%d) is %v, want %v", i, id, got, want[id])
				}
			}
		}
	})
}

func TestTableGrows(t *testing.T) {
	var tab table
	for id := range uint32(1000) {
		tab.put(&stream{id: id * 64}) // one home for all
	}
	for id := range uint32(1000) {
		if s := tab.get(id * 64); s == nil || s.id != id*64 {
			t.Fatalf("stream %d is gone", id*64)
		}
	}
	for id := range uint32(1000) {
		if tab.remove(id*64) == nil {
			t.Fatalf("stream %d cannot be removed", id*64)
		}
	}
	for i, s := range tab.slots {
		if s != nil {
			t.Fatalf("slot %d is still taken by %d", i, s.id)
		}
	}
}
