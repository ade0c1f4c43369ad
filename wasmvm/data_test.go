package wasmvm

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"
)

// dataModule is a module of a data section, with a custom section before and behind it.
func dataModule(body []byte) []byte {
	custom := []byte{0, 2, 1, 'c'}
	code := append([]byte("\x00asm\x01\x00\x00\x00"), custom...)
	code = binary.AppendUvarint(append(code, sectionData), uint64(len(body)))
	return append(append(code, body...), custom...)
}

func dataBody(segments ...dataSegment) []byte {
	body := binary.AppendUvarint(nil, uint64(len(segments)))
	for _, s := range segments {
		body = append(appendSigned(append(body, 0, 0x41), int32(uint32(s.at))), 0x0b)
		body = append(binary.AppendUvarint(body, uint64(len(s.b))), s.b...)
	}
	return body
}

func TestMergeData(t *testing.T) {
	at := func(at uint64, b string) dataSegment { return dataSegment{at, []byte(b)} }
	for _, test := range []struct {
		name string
		in   []byte
		want []dataSegment // nil: left as it is
	}{
		{"side by side", dataBody(at(8, "ab"), at(10, "cd")), []dataSegment{at(8, "abcd")}},
		{"a gap", dataBody(at(8, "ab"), at(13, "cd")), []dataSegment{at(8, "ab\x00\x00\x00cd")}},
		{"out of order", dataBody(at(13, "cd"), at(8, "ab")), []dataSegment{at(8, "ab\x00\x00\x00cd")}},
		{"far away", dataBody(at(8, "ab"), at(1000, "cd")), nil},
		{"two runs", dataBody(at(8, "ab"), at(10, "b"), at(1000, "cd"), at(1002, "ef")),
			[]dataSegment{at(8, "abb"), at(1000, "cdef")}},
		{"beyond 2 GiB", dataBody(at(1<<31-1, "a"), at(1<<31, "b"), at(1<<32-1, "c")),
			[]dataSegment{at(1<<31-1, "ab"), at(1<<32-1, "c")}},
		{"overlapping", dataBody(at(8, "abc"), at(10, "cd")), nil},
		{"one", dataBody(at(8, "abc")), nil},
		{"none", dataBody(), nil},
		{"passive", []byte{2, 1, 1, 'a', 1, 1, 'b'}, nil},
		{"at a global", []byte{2, 0, 0x23, 0, 0x0b, 1, 'a', 0, 0x41, 8, 0x0b, 1, 'b'}, nil},
		{"of memory 1", []byte{2, 2, 1, 0x41, 8, 0x0b, 1, 'a', 0, 0x41, 9, 0x0b, 1, 'b'}, nil},
		{"fewer than declared", []byte{3, 0, 0x41, 8, 0x0b, 1, 'a', 0, 0x41, 9, 0x0b, 1, 'b'}, nil},
		{"more than declared", []byte{1, 0, 0x41, 8, 0x0b, 1, 'a', 0, 0x41, 9, 0x0b, 1, 'b'}, nil},
		{"number too long", []byte{2, 0, 0x41, 0xff, 0xff, 0xff, 0xff, 0x3f, 0x0b, 0, 0, 0x41, 9, 0x0b, 1, 'b'}, nil},
		{"grows", dataBody(at(0, ""), at(100, ""), at(200, "a")), nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := dataModule(test.in)
			want := in
			if test.want != nil {
				want = dataModule(dataBody(test.want...))
			}
			if got := mergeData(in); !bytes.Equal(got, want) {
				t.Fatalf("%q, want %q", got, want)
			}
		})
	}
	counted := append(dataModule(dataBody(at(8, "ab"), at(10, "cd"))), sectionDataCount, 1, 2)
	if !bytes.Equal(mergeData(counted), counted) {
		t.Error("a module whose code may refer to segments was changed")
	}
}

// FuzzMergeData sees that what a module's memory begins with stays the same.
func FuzzMergeData(f *testing.F) {
	f.Add(dataBody(dataSegment{8, []byte("ab")}, dataSegment{13, []byte("cd")}))
	f.Add(dataBody(dataSegment{300, []byte("cd")}, dataSegment{8, []byte("ab")}, dataSegment{10, nil}))
	f.Add([]byte{2, 0, 0x41, 0x7f, 0x0b, 1, 'a', 0, 0x41, 0x7e, 0x0b, 1, 'b'})
	memory := func(list []dataSegment) (addresses []uint64, bytes []byte) {
		for _, s := range list {
			for i, c := range s.b {
				if c != 0 {
					addresses, bytes = append(addresses, s.at+uint64(i)), append(bytes, c)
				}
			}
		}
		return addresses, bytes
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		body = body[:min(len(body), 4096)]
		in := dataModule(body)
		if out := mergeData(in); len(out) > 2*len(in)+16 {
			t.Fatalf("%d bytes made of %d", len(out), len(in))
		}
		merged, ok := mergeSegments(body)
		if !ok {
			return
		}
		before, _ := readSegments(body)
		after, ok := readSegments(merged)
		if !ok || len(after) > len(before) {
			t.Fatalf("%q, unreadable or more segments than %q", merged, body)
		}
		slices.SortFunc(before, func(a, b dataSegment) int { return int(int64(a.at) - int64(b.at)) })
		a1, b1 := memory(before)
		a2, b2 := memory(after)
		if !slices.Equal(a1, a2) || !bytes.Equal(b1, b2) {
			t.Fatalf("memory differs: %q, was %q", merged, body)
		}
	})
}
