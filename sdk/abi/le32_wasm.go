package abi

import "unsafe"

// le32 reads a little-endian number from the first 4 bytes of b. Go's compiler does not make one load of four for wasm,
// whose loads need no alignment.
func le32(b []byte) uint32 {
	_ = b[3]
	return *(*uint32)(unsafe.Pointer(unsafe.SliceData(b)))
}

func le64(b []byte) uint64 {
	_ = b[7]
	return *(*uint64)(unsafe.Pointer(unsafe.SliceData(b)))
}
