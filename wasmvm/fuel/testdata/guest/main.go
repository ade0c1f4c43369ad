//go:build wasip1

// A guest in Go for the tests of package fuel: work of several kinds, bounded and unbounded.
package main

import (
	"crypto/sha256"
	"encoding/json"
	"sort"
	"strconv"
	"strings"
)

func main() {}

var (
	sink   uint64
	buffer = make([]byte, 1<<20)
)

// The endless ones.

//go:wasmexport spin
func spin() {
	for {
	}
}

//go:wasmexport recurse
func recurse() { sink += descend(100) }

// descend makes 2^n calls, no more than n of them at a time, without a loop: it does not end in a lifetime.
func descend(n uint64) uint64 {
	if n == 0 {
		return 1
	}
	return descend(n-1) + descend(n-1)
}

//go:wasmexport clearing
func clearing() {
	b := make([]byte, 64<<20)
	for {
		clear(b)
	}
}

//go:wasmexport hashing
func hashing() {
	for {
		sink += uint64(hash())
	}
}

//go:wasmexport allocating
func allocating() {
	for {
		words := strings.Fields(text)
		sink += uint64(len(words))
	}
}

// The bounded ones: each answers a number that depends on its work.

//go:wasmexport sum
func sum(n uint32) uint64 {
	var s uint64
	for i := range n {
		s += uint64(i) ^ s<<1
	}
	return s
}

//go:wasmexport hash
func hash() uint32 {
	h := sha256.Sum256(buffer)
	return uint32(h[0]) | uint32(h[1])<<8
}

//go:wasmexport copies
func copies(n uint32) uint32 {
	var a, b [24]byte
	for i := range n {
		a[i%24] = byte(i)
		copy(b[:], a[:4+i%20])
	}
	return uint32(b[3])
}

//go:wasmexport fibonacci
func fibonacci(n uint32) uint32 {
	if n < 2 {
		return n
	}
	return fibonacci(n-1) + fibonacci(n-2)
}

const text = "the quick brown fox jumps over the lazy dog and runs away from the other dogs of the village at once"

//go:wasmexport words
func words() uint32 {
	counts := map[string]int{}
	for _, w := range strings.Fields(text) {
		counts[w]++
	}
	keys := make([]string, 0, len(counts))
	for k := range counts {
		keys = append(keys, k+strconv.Itoa(counts[k]))
	}
	sort.Strings(keys)
	return uint32(len(strings.Join(keys, ",")))
}

//go:wasmexport document
func document() uint32 {
	var v struct {
		Model    string
		Messages []struct{ Role, Content string }
	}
	if err := json.Unmarshal([]byte(request), &v); err != nil {
		return 0
	}
	v.Messages[0].Content = strings.ToUpper(v.Messages[0].Content)
	b, err := json.Marshal(v)
	if err != nil {
		return 0
	}
	return uint32(len(b))
}

var request = `{"model":"a-model","messages":[` + strings.Repeat(`{"role":"user","content":"`+text+`"},`, 15) +
	`{"role":"system","content":"short"}]}`
