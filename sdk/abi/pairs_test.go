package abi_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

// list copies pairs out by All.
func list(p abi.Pairs) [][2]string {
	var l [][2]string
	for k, v := range p.All() {
		l = append(l, [2]string{string(k), string(v)})
	}
	return l
}

func TestPairsRoundTrip(t *testing.T) {
	for name, pairs := range map[string][][2]string{
		"none":        {},
		"one":         {{"k", "v"}},
		"empty texts": {{"", ""}, {"k", ""}, {"", "v"}},
		"repeated":    {{"k", "1"}, {"k", "2"}},
		"any bytes":   {{"\x00\xff", "a\x00b"}, {"k\r\n", "\x00"}},
		"long":        {{"k", string(bytes.Repeat([]byte("v"), 70000))}},
	} {
		t.Run(name, func(t *testing.T) {
			b := abi.AppendPairs([]byte("before"), pairs)
			if string(b[:6]) != "before" {
				t.Fatal("what was there is gone")
			}
			p, err := abi.ParsePairs(b[6:])
			if err != nil {
				t.Fatal(err)
			}
			if len(p) != abi.PairsSize(pairs) || p.Len() != len(pairs) {
				t.Fatalf("%d bytes, %d pairs; want %d, %d", len(p), p.Len(), abi.PairsSize(pairs), len(pairs))
			}
			if got := list(p); len(got)+len(pairs) > 0 && !reflect.DeepEqual(got, pairs) {
				t.Fatalf("got %q, want %q", got, pairs)
			}
			for _, kv := range pairs {
				if v, ok := p.Find(kv[0]); !ok || len(v) != cap(v) {
					t.Fatalf("Find(%q): %q, %v", kv[0], v, ok)
				}
			}
		})
	}
}

// TestPairsWireFormat holds the encoding to the bytes of the specification.
func TestPairsWireFormat(t *testing.T) {
	want := "\x02\x00\x00\x00" + "\x01\x00\x00\x00\x02\x00\x00\x00" + "\x03\x00\x00\x00\x00\x00\x00\x00" + "a\x00bc\x00" + "def\x00\x00"
	if got := abi.AppendPairs(nil, [][2]string{{"a", "bc"}, {"def", ""}}); string(got) != want {
		t.Fatalf("got %q, want %q", got, want)
	}
}

func words(n ...uint32) []byte {
	var b []byte
	for _, w := range n {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	return b
}

func TestMalformedPairs(t *testing.T) {
	good := abi.AppendPairs(nil, [][2]string{{"k", "v"}, {"key", "value"}})
	change := func(at int, b ...byte) []byte {
		c := bytes.Clone(good)
		copy(c[at:], b)
		return c
	}
	for name, tc := range map[string]struct {
		b     []byte
		pairs int // that All still sees
	}{
		"short count":          {[]byte{1, 0, 0}, 0},
		"count without pairs":  {words(1), 0},
		"huge count":           {words(math.MaxUint32, 1, 1), 0},
		"huge key":             {append(words(1, math.MaxUint32, 1), "k\x00v\x00"...), 0},
		"huge value":           {append(words(1, 1, math.MaxUint32), "k\x00v\x00"...), 0},
		"lengths that wrap":    {append(words(1, math.MaxUint32, math.MaxUint32), "k\x00v\x00"...), 0},
		"no NUL behind key":    {change(21, 'x'), 2},
		"no NUL behind value":  {change(len(good)-1, 'x'), 2},
		"cut":                  {good[:len(good)-1], 1},
		"one byte too many":    {append(bytes.Clone(good), 0), 2},
		"second length is off": {change(12, 9), 1},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := abi.ParsePairs(tc.b)
			if !errors.Is(err, abi.ErrPairs) {
				t.Fatalf("error %v", err)
			}
			if got := list(p); len(got) != tc.pairs {
				t.Fatalf("All saw %d pairs %q, want %d", len(got), got, tc.pairs)
			}
			p.Find("key")
		})
	}
}

func TestPairsFind(t *testing.T) {
	p := abi.Pairs(abi.AppendPairs(nil, [][2]string{{"a", "1"}, {"ab", "2"}, {"a", "3"}, {"", "4"}}))
	for key, want := range map[string]string{"a": "1", "ab": "2", "": "4"} {
		if v, ok := p.Find(key); !ok || string(v) != want {
			t.Errorf("Find(%q): %q, %v, want %q", key, v, ok, want)
		}
	}
	if v, ok := p.Find("b"); ok {
		t.Errorf("Find(b): %q", v)
	}
	if _, ok := abi.Pairs(nil).Find(""); ok {
		t.Error("something in nothing")
	}
}

func TestPairsAllStops(t *testing.T) {
	n := 0
	for range abi.Pairs(abi.AppendPairs(nil, [][2]string{{"a", ""}, {"b", ""}, {"c", ""}})).All() {
		if n++; n == 2 {
			break
		}
	}
	if n != 2 {
		t.Fatalf("%d pairs", n)
	}
}

// FuzzPairs hands any bytes to the decoders: no panic, no memory beyond the bytes, and Validate's word holds for All.
func FuzzPairs(f *testing.F) {
	f.Add([]byte{})
	f.Add(abi.AppendPairs(nil, [][2]string{{"k", "v"}, {"", ""}}))
	f.Add(append(words(2, 1, 1, math.MaxUint32, 0), "k\x00v\x00"...))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := abi.ParsePairs(b)
		n, size := 0, 4
		for k, v := range p.All() {
			n++
			size += 8 + len(k) + 1 + len(v) + 1
			if len(k) != cap(k) || len(v) != cap(v) {
				t.Fatal("an append would overwrite what follows")
			}
		}
		if n > p.Len() || n > len(b)/8 || (n > 0 && size > len(b)) {
			t.Fatalf("%d pairs of %d bytes from %d", n, size, len(b))
		}
		for _, key := range []string{"", "k", "content-type"} {
			v, ok := p.Find(key)
			want, wantOK := []byte(nil), false
			for k, val := range p.All() {
				if string(k) == key {
					want, wantOK = val, true
					break
				}
			}
			if ok != wantOK || !bytes.Equal(v, want) {
				t.Fatalf("Find(%q): %q, %v; All has %q, %v", key, v, ok, want, wantOK)
			}
		}
		sameScan(t, p)
		samePseudo(t, p)
		if err != nil {
			return
		}
		if n != p.Len() {
			t.Fatalf("valid, but %d pairs of %d", n, p.Len())
		}
		if again := abi.AppendPairs(nil, list(p)); len(b) > 0 && !bytes.Equal(again, b) {
			t.Fatalf("encoded again: %q, was %q", again, b)
		}
	})
}

// sameScan sees that a scan comes by all the pairs that it looks for, in order.
func sameScan(t *testing.T, p abi.Pairs) {
	t.Helper()
	wanted := func(k []byte) bool {
		return (len(k) == 3 || len(k) == 12) && (k[0] == 'c' || k[0] == 'k')
	}
	scan := p.Scan(1<<3|1<<12, 1<<('c'-'a')|1<<('k'-'a'))
	for k, v := range p.All() {
		if !wanted(k) {
			continue
		}
		gotK, gotV, ok := scan.Next()
		for ok && !wanted(gotK) {
			gotK, gotV, ok = scan.Next()
		}
		if !ok || !bytes.Equal(gotK, k) || !bytes.Equal(gotV, v) {
			t.Fatalf("the scan has %q %q, %v; All has %q %q", gotK, gotV, ok, k, v)
		}
	}
	for k, _, ok := scan.Next(); ok; k, _, ok = scan.Next() {
		if wanted(k) {
			t.Fatalf("the scan has %q, All has no more", k)
		}
	}
}

// samePseudo sees that what AppendPseudo copies is what All begins with.
func samePseudo(t *testing.T, p abi.Pairs) {
	t.Helper()
	b, n := p.AppendPseudo([]byte("x"))
	var want [][2]string
	for k, v := range p.All() {
		if len(k) == 0 || k[0] != ':' {
			break
		}
		want = append(want, [2]string{string(k), string(v)})
	}
	if got := list(abi.Pairs(b[1:])); n != len(want) || len(got) != n || !slices.Equal(got, want) {
		t.Fatalf("AppendPseudo: %d, %q, want %q", n, got, want)
	}
}

func TestFindAndScan(t *testing.T) {
	var all [][2]string
	for i := range 40 {
		// Keys of 3 to 15 bytes, several of each length.
		key := strings.Repeat(string(rune('a'+i%25)), 3+i%13)
		if i < 3 {
			key = ":" + key
		}
		all = append(all, [2]string{key, fmt.Sprint(i)})
		p, err := abi.ParsePairs(abi.AppendPairs(nil, all))
		if err != nil {
			t.Fatal(err)
		}
		for _, kv := range all {
			if v, ok := p.Find(kv[0]); !ok || string(v) != kv[1] {
				t.Errorf("%d pairs: Find(%q) is %q, %v", i+1, kv[0], v, ok)
			}
		}
		for _, key := range []string{"zzz", "aab", ""} {
			if _, ok := p.Find(key); ok {
				t.Errorf("%d pairs: %q is found", i+1, key)
			}
		}
		sameScan(t, p)
		samePseudo(t, p)
	}
}

// TestDecodingDoesNotAllocate is what bounds the memory that hostile bytes can claim.
func TestDecodingDoesNotAllocate(t *testing.T) {
	huge := append(words(math.MaxUint32), make([]byte, 4096)...)
	good := abi.AppendPairs(nil, [][2]string{{"k", "v"}, {"key", "value"}})
	for name, b := range map[string][]byte{"hostile": huge, "good": good} {
		n := testing.AllocsPerRun(100, func() {
			p, _ := abi.ParsePairs(b)
			for k, v := range p.All() {
				_, _ = k, v
			}
			p.Find("none")
		})
		if n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func ExampleAppendPairs() {
	b := abi.AppendPairs(nil, [][2]string{{":path", "/"}, {"accept", "*/*"}})
	fmt.Println(len(b), b[:4])
	// Output: 39 [2 0 0 0]
}

func ExamplePairs_All() {
	pairs, err := abi.ParsePairs(abi.AppendPairs(nil, [][2]string{{":path", "/"}, {"accept", "*/*"}}))
	if err != nil {
		fmt.Println(err)
		return
	}
	for key, value := range pairs.All() {
		fmt.Printf("%s: %s\n", key, value)
	}
	// Output:
	// :path: /
	// accept: */*
}

func ExamplePairsEncoder() {
	headers := map[string]string{"accept": "*/*"}
	var e abi.PairsEncoder
	e.Reset(nil, len(headers))
	for k, v := range headers {
		e.Size(len(k), len(v))
	}
	for k, v := range headers {
		e.Add(k, v)
	}
	fmt.Println(abi.Pairs(e.Bytes()).Len())
	// Output: 1
}
