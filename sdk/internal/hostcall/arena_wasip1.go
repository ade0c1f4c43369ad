package hostcall

import "unsafe"

// Whether the host call that is running owns its result. Owned is the answer where nobody asked: a host that allocates
// out of turn gets memory that stays.
var borrow bool

// Borrowed results land here. What does not fit is allocated.
var (
	arena    [16 << 10]byte
	arenaOff uint32
)

// The host writes a result's address, its length and other numbers here. Locals would escape to the heap, once for
// each call: their addresses are given away.
var (
	outData uint32
	outSize uint32
	outWord uint32
	outLong uint64
)

// last is the memory handed to the host, held here until the result is taken: an address in outData keeps nothing
// alive.
var last []byte

var empty [1]byte

func resetBorrowed() { arenaOff = 0 }

//go:wasmexport proxy_on_memory_allocate
func allocate(size uint32) unsafe.Pointer {
	switch {
	case size == 0:
		return unsafe.Pointer(&empty)
	case borrow && size <= uint32(len(arena))-arenaOff:
		last = arena[arenaOff : arenaOff+size : arenaOff+size]
		arenaOff += size
	case borrow:
		last = make([]byte, size)
	default:
		last = alloc(int(size))
	}
	return unsafe.Pointer(unsafe.SliceData(last))
}

// prepare readies the slots for a call: a host may answer an empty result by writing nothing.
func prepare() (data, size unsafe.Pointer) {
	outData, outSize = 0, 0
	return unsafe.Pointer(&outData), unsafe.Pointer(&outSize)
}

// take returns the result of a call, nil for an empty one.
func take() []byte {
	b := last
	last = nil
	if outSize == 0 || outData == 0 {
		return nil
	}
	if uint32(len(b)) == outSize && uint32(uintptr(unsafe.Pointer(unsafe.SliceData(b)))) == outData {
		return b
	}
	// Not what was allocated last: trust the host about its address.
	return unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(nil), uintptr(outData))), int(outSize))
}

func word() unsafe.Pointer {
	outWord = 0
	return unsafe.Pointer(&outWord)
}
