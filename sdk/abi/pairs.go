package abi

import (
	"errors"
	"iter"
	"math"
)

// Limits on encoded pairs that come from a plugin (source: Envoy's proxy-wasm host).
const (
	// MaxPairsBytes is the largest encoding a host accepts, in bytes.
	MaxPairsBytes = 1 << 20
	// MaxPairs is the largest number of pairs a host accepts.
	MaxPairs = 1024
)

// ErrPairs is wrapped by every error of [ParsePairs] and [Pairs.Validate].
var ErrPairs = errors.New("malformed pairs")

var (
	errPairsCount  = pairsError("more pairs than bytes")
	errPairsLength = pairsError("length past the end")
	errPairsNUL    = pairsError("missing NUL")
	errPairsTail   = pairsError("bytes after the last pair")
)

type pairsErr struct{ reason string }

func pairsError(reason string) error { return &pairsErr{reason} }

func (e *pairsErr) Error() string { return ErrPairs.Error() + ": " + e.reason }
func (e *pairsErr) Unwrap() error { return ErrPairs }

// Pairs is a header map as it crosses the boundary: a 32-bit count; for each pair the lengths of key and value, 32 bits
// each; then for each pair key, NUL, value, NUL. All numbers are little endian.
//
// A Pairs from untrusted bytes is made by [ParsePairs], which validates it; the methods trust their receiver no
// further than not to panic: on malformed bytes they see fewer pairs.
type Pairs []byte

// ParsePairs checks b and returns it as Pairs, aliasing b. Empty bytes are an empty map.
func ParsePairs(b []byte) (Pairs, error) {
	p := Pairs(b)
	return p, p.Validate()
}

// Validate reports what is wrong with p, nil if it is well formed. It does not apply MaxPairs or MaxPairsBytes: what is
// too large is for the host to say.
func (p Pairs) Validate() error {
	if len(p) == 0 {
		return nil
	}
	if len(p) < 4 {
		return errPairsLength
	}
	n := uint64(le32(p))
	off := 4 + 8*n
	if off > uint64(len(p)) {
		return errPairsCount
	}
	for i := uint64(0); i < n; i++ {
		for _, at := range [2]uint64{4 + 8*i, 8 + 8*i} {
			off += uint64(le32(p[at:]))
			if off >= uint64(len(p)) {
				return errPairsLength
			}
			if p[off] != 0 {
				return errPairsNUL
			}
			off++
		}
	}
	if off != uint64(len(p)) {
		return errPairsTail
	}
	return nil
}

// Len returns the number of pairs that p declares.
func (p Pairs) Len() int {
	if len(p) < 4 {
		return 0
	}
	if n := uint64(le32(p)); 4+8*n <= uint64(len(p)) {
		return int(n)
	}
	return 0
}

// All iterates over the pairs in order. The slices alias p.
func (p Pairs) All() iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) {
		n := p.Len()
		off := uint64(4 + 8*n)
		for i := range n {
			kn, vn := uint64(le32(p[4+8*i:])), uint64(le32(p[8+8*i:]))
			end := off + kn + 1 + vn + 1
			if end > uint64(len(p)) {
				return
			}
			if !yield(p[off:off+kn:off+kn], p[off+kn+1:end-1:end-1]) {
				return
			}
			off = end
		}
	}
}

// Find returns the first value of key, compared byte by byte: the keys of a header map are in lower case. The value
// aliases p.
func (p Pairs) Find(key string) (value []byte, ok bool) {
	n := p.Len()
	if n == 0 {
		return nil, false
	}
	off := uint64(4 + 8*n)
	for sizes := p[4:off]; len(sizes) >= 8; sizes = sizes[8:] {
		both := le64(sizes)
		kn := both & math.MaxUint32
		if kn == uint64(len(key)) {
			end := off + kn + both>>32 + 2
			if end > uint64(len(p)) {
				return nil, false
			}
			if string(p[off:off+kn]) == key {
				return p[off+kn+1 : end-1 : end-1], true
			}
		}
		off += kn + both>>32 + 2
	}
	return nil, false
}

// low has the bits of the first of two numbers that were read as one.
const low = math.MaxUint32

// PairsScanner goes through those pairs whose keys have one of a few lengths and first letters: cheaper than to look at
// each key where few are of interest.
type PairsScanner struct {
	pairs   Pairs
	sizes   []byte // of the pairs to come
	off     uint64
	lengths uint64
	letters uint32
}

// Scan begins a scan. Bit n of lengths is for keys of n bytes, up to 63; bit n of letters is for keys that begin with the
// letter 'a'+n. A few other keys may come too: the caller compares.
func (p Pairs) Scan(lengths uint64, letters uint32) PairsScanner {
	n := p.Len()
	if n == 0 {
		return PairsScanner{}
	}
	return PairsScanner{p, p[4 : 4+8*n], uint64(4 + 8*n), lengths, letters}
}

// Next returns the next pair, which aliases the pairs. ok is false when there are no more.
func (s *PairsScanner) Next() (key, value []byte, ok bool) {
	p, sizes, off, lengths := s.pairs, s.sizes, s.off, s.lengths
	for len(sizes) >= 8 {
		kn, vn := le64(sizes)&low, le64(sizes)>>32
		sizes = sizes[8:]
		end := off + kn + vn + 2
		if lengths>>(kn&63)&1 != 0 {
			if end > uint64(len(p)) {
				break
			}
			if s.letters>>((p[off]-'a')&31)&1 != 0 {
				s.sizes, s.off = sizes, end
				return p[off : off+kn : off+kn], p[off+kn+1 : end-1 : end-1], true
			}
		}
		off = end
	}
	s.sizes = nil
	return nil, nil, false
}

// AppendPseudo appends to dst, as Pairs of their own, those that p begins with whose keys begin with a colon, and returns
// how many they are. Where headers have pseudo headers, they come first.
func (p Pairs) AppendPseudo(dst []byte) (pseudo []byte, n int) {
	start := 4 + 8*uint64(p.Len())
	off, at := start, uint64(4)
	for ; at < start; at += 8 {
		end := off + uint64(le32(p[at:])) + uint64(le32(p[at+4:])) + 2
		if end > uint64(len(p)) || le32(p[at:]) == 0 || p[off] != ':' {
			break
		}
		off = end
	}
	n = int(at-4) / 8
	if n == 0 {
		return dst, 0
	}
	dst = append32(dst, uint32(n))
	dst = append(dst, p[4:at]...)
	return append(dst, p[start:off]...), n
}

// AppendPairs appends the encoding of pairs to dst.
func AppendPairs(dst []byte, pairs [][2]string) []byte {
	e := PairsEncoder{}
	e.Reset(dst, len(pairs))
	for _, p := range pairs {
		e.Size(len(p[0]), len(p[1]))
	}
	for _, p := range pairs {
		e.Add(p[0], p[1])
	}
	return e.Bytes()
}

// PairsSize returns the length of the encoding of pairs.
func PairsSize(pairs [][2]string) int {
	n := 4
	for _, p := range pairs {
		n += 8 + len(p[0]) + 1 + len(p[1]) + 1
	}
	return n
}

// PairsEncoder writes Pairs into a caller's buffer without an intermediate list: Reset, then Size for every pair, then
// Add for every pair in the same order, then Bytes. The sizes must be those of what is added.
type PairsEncoder struct{ b []byte }

// Reset starts an encoding of n pairs, appended to dst.
func (e *PairsEncoder) Reset(dst []byte, n int) { e.b = append32(dst, uint32(n)) }

// Size declares the next pair's lengths.
func (e *PairsEncoder) Size(key, value int) {
	e.b = append32(append32(e.b, uint32(key)), uint32(value))
}

// Add writes the next pair's bytes.
func (e *PairsEncoder) Add(key, value string) {
	e.b = append(append(e.b, key...), 0)
	e.b = append(append(e.b, value...), 0)
}

// Bytes returns the buffer with the encoding at its end.
func (e *PairsEncoder) Bytes() []byte { return e.b }

func append32(b []byte, v uint32) []byte {
	return append(b, byte(v), byte(v>>8), byte(v>>16), byte(v>>24))
}
