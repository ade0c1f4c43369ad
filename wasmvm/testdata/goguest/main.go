// Command goguest is a plugin that misbehaves as it is told: OnConfigure's second argument says how.
package main

import (
	"crypto/rand"
	"fmt"
	"os"
	"time"
	"unsafe"
)

func main() {}

func init() {
	if os.Getenv("PANIC_IN_INIT") != "" {
		panic("no start")
	}
}

var buf = make([]byte, 1<<16)

//go:wasmexport proxy_on_memory_allocate
func allocate(n uint32) unsafe.Pointer { return unsafe.Pointer(&buf[:n][0]) }

//go:wasmexport proxy_abi_version_0_2_100
func version() {}

var sink [][]byte

//go:wasmexport proxy_on_configure
func configure(root, how uint32) uint32 {
	switch how {
	case 1:
		panic(fmt.Sprintf("told to\nby %d", root))
	case 2:
		var m map[string]int
		m["x"] = 1
	case 3:
		select {} // all goroutines are asleep: a fatal error
	case 4:
		os.Exit(7)
	case 5:
		for {
		}
	case 6:
		return deep(int(root))
	case 7:
		for {
			clear(big())
		}
	case 8:
		for {
			sink = append(sink, make([]byte, 1<<20))
		}
	case 9:
		time.Sleep(10 * time.Millisecond)
	case 10:
		fmt.Println("a line on stdout")
		fmt.Fprint(os.Stderr, "half a line, ")
	case 11:
		fmt.Fprintln(os.Stderr, "and its end")
		fmt.Fprintln(os.Stderr, "panic: not really")
	case 12:
		func() {
			defer func() { recover() }()
			panic("recovered")
		}()
	case 13:
		a, b := make([]byte, 8), make([]byte, 8)
		rand.Read(a)
		rand.Read(b)
		now := time.Now()
		if string(a) == string(b) || now.Year() < 2024 || os.Getenv("GREETING") != "hello" || len(os.Args) != 0 {
			return 0
		}
	}
	return 1
}

func deep(n int) uint32 {
	var pad [64]int
	pad[n%64] = n
	return deep(n+1) + uint32(pad[(n+1)%64])
}

var bigs []byte

func big() []byte {
	if bigs == nil {
		bigs = make([]byte, 64<<20)
	}
	return bigs
}
