package wasmvm

import (
	"cmp"
	"encoding/binary"
	"slices"
)

const (
	sectionData      = 11
	sectionDataCount = 12
	// A gap of so many bytes between two data segments is filled: copying them costs less than another segment.
	maxDataGap = 256
)

// mergeData joins the data segments of a module that lie side by side, with the zeros between them, which a new memory
// has there anyway. Go's linker leaves out every run of a few zeros: some forty thousand segments in a small plugin, and
// the engine makes garbage of each whenever it instantiates the module.
//
// A module is left as it is if its code could refer to single segments, if they overlap, and if anything about them is
// unusual: to judge that is the engine's business.
func mergeData(code []byte) []byte {
	r := reader{b: code, at: 8}
	var start, end int // of the data section, header and all
	var body []byte
	for r.at < len(r.b) {
		at := r.at
		id, b := r.byte(), r.bytes()
		switch {
		case r.err != nil || id == sectionDataCount:
			return code
		case id == sectionData:
			start, end, body = at, r.at, b
		}
	}
	merged, ok := mergeSegments(body)
	if !ok {
		return code
	}
	out := make([]byte, 0, len(code)-(end-start)+len(merged)+6)
	out = append(append(out, code[:start]...), sectionData)
	out = binary.AppendUvarint(out, uint64(len(merged)))
	out = append(out, merged...)
	return append(out, code[end:]...)
}

type dataSegment struct {
	at uint64
	b  []byte
}

func (s dataSegment) end() uint64 { return s.at + uint64(len(s.b)) }

// readSegments reads the body of a data section; ok is false if there are other segments than active ones in memory 0 at
// a constant place.
func readSegments(body []byte) (list []dataSegment, ok bool) {
	r := reader{b: body}
	for range r.u32() {
		if r.byte() != 0 || r.byte() != 0x41 {
			return nil, false
		}
		at := uint64(uint32(r.signed()))
		if r.byte() != 0x0b {
			return nil, false
		}
		list = append(list, dataSegment{at, r.bytes()})
	}
	return list, r.err == nil && r.at == len(body)
}

// mergeSegments returns the new body of a data section; ok is false if the old one is to stay.
func mergeSegments(body []byte) (_ []byte, ok bool) {
	list, ok := readSegments(body)
	if !ok || len(list) < 2 {
		return nil, false
	}
	slices.SortStableFunc(list, func(a, b dataSegment) int { return cmp.Compare(a.at, b.at) })
	var segments []byte
	count, filled := 0, uint64(0)
	for i := 0; i < len(list); count++ {
		begin, end, next := list[i].at, list[i].end(), i+1
		for ; next < len(list) && list[next].at <= end+maxDataGap; next++ {
			if list[next].at < end { // overlaps: the order counts
				return nil, false
			}
			filled += list[next].at - end
			end = list[next].end()
		}
		segments = appendSigned(append(segments, 0, 0x41), int32(uint32(begin)))
		segments = binary.AppendUvarint(append(segments, 0x0b), end-begin)
		for at := begin; i < next; i++ {
			segments = append(append(segments, make([]byte, list[i].at-at)...), list[i].b...)
			at = list[i].end()
		}
	}
	if count == len(list) || filled > uint64(len(body)) { // nothing to be gained, or made to grow by this
		return nil, false
	}
	return append(binary.AppendUvarint(nil, uint64(count)), segments...), true
}

// signed reads a signed number of 32 bits.
func (r *reader) signed() int32 {
	var v int64
	for shift := 0; shift < 35; shift += 7 {
		c := r.byte()
		v |= int64(c&0x7f) << shift
		if c < 0x80 {
			if shift < 28 {
				return int32(v << (57 - shift) >> (57 - shift))
			}
			if top := v >> 31; top != 0 && top != 0xf { // more than 32 bits
				break
			}
			return int32(v)
		}
	}
	r.fail(errTruncated)
	return 0
}

func appendSigned(out []byte, v int32) []byte {
	for {
		c := byte(v & 0x7f)
		v >>= 7
		if v == 0 && c&0x40 == 0 || v == -1 && c&0x40 != 0 {
			return append(out, c)
		}
		out = append(out, c|0x80)
	}
}
