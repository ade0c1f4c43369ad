//go:build unix

package wasmvm

import "golang.org/x/sys/unix"

// linearMemory is a module's memory, outside of the Go heap: address space is reserved for all that it may become, and
// committed as it grows. So it never moves, growing copies nothing, and the garbage collector does not see it.
type linearMemory struct {
	b    []byte
	size uint64 // committed
}

func reserveMemory(limit uint64) (*linearMemory, error) {
	b, err := unix.Mmap(-1, 0, int(limit), unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return nil, err
	}
	return &linearMemory{b: b}, nil
}

// Reallocate implements experimental.LinearMemory.
func (m *linearMemory) Reallocate(size uint64) []byte {
	if size > uint64(len(m.b)) {
		return nil
	}
	if size > m.size {
		if unix.Mprotect(m.b[m.size:size], unix.PROT_READ|unix.PROT_WRITE) != nil {
			return nil
		}
		m.size = size
	}
	return m.b[:size]
}

// Free implements experimental.LinearMemory. It may be called twice.
func (m *linearMemory) Free() {
	if m.b != nil {
		_ = unix.Munmap(m.b) // fails only for what is not a mapping
		m.b, m.size = nil, 0
	}
}
