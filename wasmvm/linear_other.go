//go:build !unix

package wasmvm

// linearMemory is a module's memory, on the Go heap.
type linearMemory struct {
	b     []byte
	limit uint64
}

func reserveMemory(limit uint64) (*linearMemory, error) { return &linearMemory{limit: limit}, nil }

// Reallocate implements experimental.LinearMemory.
func (m *linearMemory) Reallocate(size uint64) []byte {
	if size > m.limit {
		return nil
	}
	if n := uint64(len(m.b)); size > n {
		m.b = append(m.b, make([]byte, size-n)...)
	}
	return m.b[:size]
}

// Free implements experimental.LinearMemory.
func (m *linearMemory) Free() { m.b, m.limit = nil, 0 }
