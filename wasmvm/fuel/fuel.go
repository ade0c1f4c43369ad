// Package fuel rewrites a WebAssembly module so that it can be interrupted.
//
// A guest that loops cannot be stopped from outside at a bearable price: an engine that asks after every few
// instructions whether it should stop makes guests several times slower, and one that does not lets a loop hold up the
// whole process, since Go's garbage collector waits for the guest to reach a safepoint. So the module itself is changed
// when it is loaded. [Rewrite] adds a counter, the fuel, that the guest's own code lowers as it runs, and a call of an
// imported function, the yield, whenever the counter falls below zero. The host implements the yield. It is a safepoint
// in itself; beyond that it may read a clock and end the guest by a panic, or return, upon which the guest runs on with
// new fuel. No other goroutine and no timer takes part, so it works while a garbage collection is waiting.
//
// # What is added
//
// One import, after the module's last function import; one mutable i32 global, after the module's last global; two
// functions, after the module's last function; and checks in the code, each of which lowers the fuel by a weight and
// calls the yield when it is used up. Every function index is adapted to the additional import, wherever one may stand.
// Nothing is exported, and a module whose code names a function or global past its own last one is refused, so guest
// code can neither read nor change the fuel.
//
// # What is promised
//
// Between two checks, on any path through the code, lies a bounded amount of work (see [Options.Refill] for the units):
// loops are checked on each round, functions that call others on each entry, long straight-line code in between, and
// operations on ranges of memory or tables pay by the length they are given when they run. The exceptions are single
// operations, which run to their end (memory.fill of a gigabyte takes as long as it takes), and imported functions,
// which the host answers for. memory.atomic.wait32 and memory.atomic.wait64 could block for ever and are refused.
//
// # What is not
//
// Rewrite is no validator: it checks what it must understand, and a module that is invalid in other ways stays invalid.
// But whatever counts and lengths it has let through are true ones, so that whoever decodes the result need not fear a
// vector of four billion entries in a file of thirty bytes.
package fuel

import (
	"errors"
	"fmt"
)

// Errors of [Rewrite], wrapped with the section and the offset in the module.
var (
	// ErrMalformed: the bytes are not a WebAssembly module in the binary format, or name things that are not there.
	ErrMalformed = errors.New("malformed module")
	// ErrUnsupported: the module is or may be valid, but uses what cannot be rewritten, cannot be interrupted or passes a
	// limit: an unknown instruction or section, memory.atomic.wait, more than 50,000 locals in a function, tables larger
	// than [Options.MaxTable], more than 512 MiB.
	ErrUnsupported = errors.New("unsupported module")
)

// Defaults of [Options].
const (
	DefaultYieldModule = "sluice"
	DefaultYieldName   = "yield"
	DefaultRefill      = 1_000_000
	DefaultMaxTable    = 1 << 20
)

// maxModule keeps every length and offset of the new module within 32 bits.
const maxModule = 1 << 29

// Options says what Rewrite adds. The zero value is ready for use.
type Options struct {
	// YieldModule and YieldName name the import that is called when the fuel is used up, a function without parameters
	// and results. The defaults are "sluice" and "yield". A module that already has an import of that name gets a second
	// one.
	YieldModule, YieldName string

	// Refill is the amount of fuel between two yields. One unit is about one instruction, about a nanosecond or less; a
	// call of an imported function costs 100, an operation on a range of memory or table 32 and, if it is longer than
	// 1024, one more for each four bytes or entries. Zero or less means the default of 1,000,000: ordinary code yields
	// every 0.3 to 1 ms, at a cost that cannot be measured, and code that misses the cache with each instruction still
	// yields within about 100 ms.
	Refill int32

	// MaxTable is the number of entries that the module's own tables together may grow to, shared out evenly between
	// them. Each entry takes eight bytes of the host's memory, outside the guest's memory limit. Beyond it table.grow
	// answers -1, as WebAssembly lets it do at any time; a table that starts out larger is refused. Zero means the
	// default of 1,048,576.
	MaxTable uint32
}

// Rewrite returns the module with fuel checks. It does not change its argument and keeps no reference to it.
//
// Custom sections stay as they are, with two exceptions. The function names in the section "name" follow their
// functions, so that stack traces remain readable. Sections that describe the code by function index or by offset would
// be wrong afterwards, and are dropped: "linking", "reloc.*", ".debug_*" and "metadata.code.*".
//
// Any bytes may be given. The errors are [ErrMalformed] and [ErrUnsupported].
func Rewrite(module []byte, opts Options) ([]byte, error) {
	if opts.YieldModule == "" {
		opts.YieldModule = DefaultYieldModule
	}
	if opts.YieldName == "" {
		opts.YieldName = DefaultYieldName
	}
	if opts.Refill <= 0 {
		opts.Refill = DefaultRefill
	}
	if opts.MaxTable == 0 {
		opts.MaxTable = DefaultMaxTable
	}
	if len(module) > maxModule {
		return nil, fmt.Errorf("fuel: %w: %d bytes, more than %d", ErrUnsupported, len(module), maxModule)
	}
	secs, customs, err := split(module)
	if err != nil {
		return nil, fmt.Errorf("fuel: %w", err)
	}
	w := writer{opts: opts, in: module, sections: secs, customs: customs}
	if err := w.module(); err != nil {
		return nil, fmt.Errorf("fuel: %w", err)
	}
	return w.out, nil
}
