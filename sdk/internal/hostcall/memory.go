package hostcall

import "unsafe"

// Small owned results share blocks, so that a request which reads ten headers costs a fraction of an allocation. A
// kept string keeps its block, which is why blocks are small, and why long results do not live in them.
const (
	blockSize = 1024
	blockMax  = 128
)

var block []byte

// alloc returns n bytes that nothing else refers to, n > 0.
func alloc(n int) []byte {
	if n > blockMax {
		return make([]byte, n)
	}
	if n > len(block) {
		block = make([]byte, blockSize)
	}
	b := block[:n:n]
	block = block[n:]
	return b
}

// OwnString returns a copy of b as a string.
func OwnString(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	o := alloc(len(b))
	copy(o, b)
	return unsafe.String(unsafe.SliceData(o), len(o))
}

// String returns b as a string without a copy. b must be owned and never change.
func String(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// view returns b as a string for the length of a call that keeps nothing.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// bytes returns s as bytes for the length of a call that keeps and changes nothing.
func bytes(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }
