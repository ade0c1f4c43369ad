package fuel_test

import (
	"context"
	"errors"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/sluice-gateway/sluice/wasmvm/fuel"
)

// endless are programs that never end, or not in a lifetime. Each counts what it does; per says how much of the fuel one
// count uses up at the least.
var endless = []struct {
	name string
	per  int
	program
}{
	{"br to a loop", 4, one(0x03, none, count, 0x0c, 0, 0x0b)},
	{"br_if to a loop", 4, one(0x03, none, count, constI32(1), 0x0d, 0, 0x0b)},
	{"br_table to a loop", 4, one(0x03, none, count, constI32(0), 0x0e, 1, 0, 1, 0x0b)},
	{"br_table to a loop by default", 4, one(0x03, none, count, constI32(9), 0x0e, 1, 1, 0, 0x0b)},
	{"br out of blocks to a loop", 4, one(0x03, none, 0x02, none, 0x02, none, count, 0x0c, 2, 0x0b, 0x0b, 0x0b)},
	{"loop with parameter and result", 4, one(constI32(5), 0x03, 2, count, 0x0c, 0, 0x0b, 0x1a)},
	{"loop in an if", 4, one(constI32(1), 0x04, none, 0x03, none, count, 0x0c, 0, 0x0b, 0x0b)},
	{"loop in an else", 4, one(constI32(0), 0x04, none, 0x05, 0x03, none, count, 0x0c, 0, 0x0b, 0x0b)},
	{"loop after unreachable code", 4, one(0x02, none, 0x0c, 0, 0x03, none, 0x0b, 0x0b, 0x03, none, count, 0x0c, 0, 0x0b)},
	{"empty loop around a loop of three rounds", 4, program{types: []int{0}, bodies: []code{body(vec(cat(1, i32)),
		0x03, none,
		constI32(3), 0x21, 0,
		0x03, none, count, 0x20, 0, constI32(1), 0x6b, 0x22, 0, 0x0d, 0, 0x0b,
		0x0c, 0, 0x0b)}}},
	{"long straight line in a loop", 4, one(0x03, none, repeat(50_000, count), 0x0c, 0, 0x0b)},
	{"long straight lines, each skipped or not", 4, one(0x03, none,
		repeat(300, cat(0x02, none, constI32(0), 0x0d, 0, repeat(100, count), 0x0b)), 0x0c, 0, 0x0b)},
	{"function with a long straight line", 4, calls(repeat(50_000, count))},
	{"function too short for a check", 1, calls(repeat(7, count))},
	{"function that returns early", 4, calls(repeat(1000, count), 0x0f, repeat(1000, count))},
	{"recursion", 4, program{types: []int{0, 1}, bodies: []code{
		body(noLocals, constI32(100), 0x10, 1),
		body(noLocals, recursion(cat(0x10, 1)))}}},
	{"mutual recursion", 4, program{types: []int{0, 1, 1}, bodies: []code{
		body(noLocals, constI32(100), 0x10, 1),
		body(noLocals, recursion(cat(0x10, 2))),
		body(noLocals, recursion(cat(0x10, 1)))}}},
	{"indirect recursion", 4, program{types: []int{0, 1}, bodies: []code{
		body(noLocals, constI32(100), constI32(3), 0x11, 1, 0),
		body(noLocals, recursion(cat(constI32(3), 0x11, 1, 0)))}}},
	{"tail call", 4, program{types: []int{0, 0}, bodies: []code{
		body(noLocals, 0x12, 1),
		body(noLocals, count, 0x12, 1)}}},
	{"indirect tail call", 4, program{types: []int{0, 0}, bodies: []code{
		body(noLocals, 0x12, 1),
		body(noLocals, count, constI32(3), 0x13, 0, 0)}}},
	{"memory.fill of a length that varies", 1 << 14, ranged(constI32(0), constI32(7), 0x20, 0, 0xfc, 11, 0)},
	{"memory.fill of a constant length", 1 << 14, one(0x03, none, count,
		constI32(0), constI32(7), constI32(1<<16), 0xfc, 11, 0, 0x0c, 0, 0x0b)},
	{"memory.copy", 1 << 14, ranged(constI32(0), constI32(0), 0x20, 0, 0xfc, 10, 0, 0)},
	{"memory.init", 1 << 14, withData(1<<16, ranged(constI32(0), constI32(0), 0x20, 0, 0xfc, 8, 0, 0))},
	{"memory.grow", 1000, one(0x03, none, count, constI32(0), 0x40, 0, 0x1a, 0x0c, 0, 0x0b)},
	{"table.fill", 32, tables(cat(constI32(0), 0xd0, funcref, constI32(10), 0xfc, 17, 0))},
	{"table.copy", 32, tables(cat(constI32(0), constI32(0), constI32(10), 0xfc, 14, 0, 0))},
	{"table.init", 32, tables(cat(constI32(0), constI32(0), constI32(10), 0xfc, 12, 1, 0))},
	{"table.grow", 1000, tables(cat(0xd0, funcref, constI32(0), 0xfc, 15, 0, 0x1a))},
	{"division", 8, one(0x03, none, count, constI32(1), constI32(1), 0x6d, 0x1a, 0x0c, 0, 0x0b)},

	// The form in which Go's compiler writes functions, see dispatch.go.
	{"dispatch: jump back", 4, dispatched(
		cat(count, goTo(1, 2)),
		cat(count, goTo(0, 1)),
		nil)},
	{"dispatch: jump to the part itself", 4, dispatched(
		cat(count, goTo(0, 2)),
		nil, nil)},
	{"dispatch: jump back from an inner block", 4, dispatched(
		nil,
		cat(0x02, none, count, goTo(0, 2), 0x0b),
		nil)},
	{"dispatch: jump back from where a block of that depth was opened anew", 4, dispatched(
		cat(0x02, none, count, goTo(0, 3), 0x0b), nil, nil)},
	{"dispatch: jump by default", 4, dispatched(
		nil, nil, cat(count, goTo(-1, 0)))},
	{"dispatch: target set by other means", 4, dispatched(
		cat(count, constI32(2), constI32(2), 0x6b, 0x21, 0, 0x0c, 2), nil, nil)},
	{"dispatch: target set, then set anew by other means", 4, dispatched(
		cat(count, constI32(2), 0x21, 0, constI32(2), constI32(2), 0x6b, 0x21, 0, 0x0c, 2), nil, nil)},
	{"dispatch: another local set", 4, dispatched(
		cat(count, constI32(0), 0x21, 0, constI32(1), 0x21, 1, 0x0c, 2), nil, nil)},
	{"dispatch: conditional branch", 4, dispatched(
		cat(count, constI32(1), 0x0d, 2), nil, nil)},
	{"dispatch: branch by table", 4, dispatched(
		cat(count, constI32(0), 0x0e, 1, 2, 2), nil, nil)},
	{"dispatch: jumps forward between long parts", 4, dispatched(
		cat(repeat(400, count), goTo(1, 2)), cat(repeat(400, count), goTo(2, 1)), cat(repeat(400, count), goTo(0, 0)))},
	{"dispatch: long parts", 4, dispatched(
		cat(repeat(5000, count), goTo(2, 2)), nil, cat(repeat(5000, count), goTo(0, 0)))},
}

// one is a program of one function.
func one(instructions ...any) program {
	return program{types: []int{0}, bodies: []code{body(noLocals, instructions...)}}
}

// calls is a program that calls the function in a loop.
func calls(instructions ...any) program {
	return program{types: []int{0, 0}, bodies: []code{
		body(noLocals, 0x03, none, 0x10, 1, 0x0c, 0, 0x0b),
		body(noLocals, instructions...),
	}}
}

// recursion is the body of a function that calls twice, with its parameter lowered by 1, until that is 0.
func recursion(call code) code {
	again := cat(0x20, 0, constI32(1), 0x6b, call)
	return cat(count, 0x20, 0, 0x04, none, again, again, 0x0b)
}

// ranged repeats the instructions; local 0 holds 65536.
func ranged(instructions ...any) program {
	return program{types: []int{0}, bodies: []code{body(vec(cat(1, i32)),
		constI32(1<<16), 0x21, 0,
		0x03, none, count, cat(instructions...), 0x0c, 0, 0x0b)}}
}

func withData(n int, p program) program {
	p.data = n
	return p
}

// tables repeats instructions on the table of ten entries.
func tables(instructions code) program {
	return one(0x03, none, count, instructions, 0x0c, 0, 0x0b)
}

// dispatched is a function of three parts, to which local 0 leads by its value, or by default to the last one.
func dispatched(parts ...code) program {
	return program{types: []int{0}, bodies: []code{body(vec(cat(2, i32)),
		0x03, none, 0x02, none, 0x02, none, 0x02, none,
		0x20, 0, 0x0e, 2, 0, 1, 2,
		0x0b, parts[0], 0x0b, parts[1], 0x0b, parts[2],
		0x0b)}}
}

// goTo jumps to a part, from where the dispatch is that many labels out.
func goTo(part int64, labels uint32) code { return cat(constI32(part), 0x21, 0, 0x0c, u(labels)) }

// start instantiates a module with a yield, on the compiler or the interpreter.
func start(tb testing.TB, config wazero.RuntimeConfig, code []byte, yield func(api.Module)) api.Module {
	tb.Helper()
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, config.WithCoreFeatures(allFeatures))
	tb.Cleanup(func() { r.Close(ctx) })
	_, err := r.NewHostModuleBuilder(fuel.DefaultYieldModule).NewFunctionBuilder().
		WithGoModuleFunction(api.GoModuleFunc(func(_ context.Context, m api.Module, _ []uint64) { yield(m) }), nil, nil).
		Export(fuel.DefaultYieldName).Instantiate(ctx)
	if err != nil {
		tb.Fatal(err)
	}
	m, err := r.Instantiate(ctx, code)
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

var engines = map[string]func() wazero.RuntimeConfig{
	"compiler":    wazero.NewRuntimeConfig,
	"interpreter": wazero.NewRuntimeConfigInterpreter,
}

// TestStops runs each endless program until its hundredth yield, and checks that between two yields it never did more
// than the fuel allows.
func TestStops(t *testing.T) {
	const refill = 20_000
	for _, c := range endless {
		rewritten := rewrite(t, c.module(), fuel.Options{Refill: refill})
		for engine, config := range engines {
			t.Run(c.name+"/"+engine, func(t *testing.T) {
				yields, before, most := 0, uint64(0), uint64(0)
				m := start(t, config(), rewritten, func(m api.Module) {
					n := m.ExportedGlobal("n").Get()
					most, before = max(most, n-before), n
					if yields++; yields == 100 {
						panic(errStop)
					}
				})
				_, err := m.ExportedFunction("run").Call(t.Context())
				if !errors.Is(err, errStop) {
					t.Fatalf("ended with %v, want %v", err, errStop)
				}
				// A check may come as late as a stretch of straight-line code and one large operation afterwards.
				if limit := uint64((refill+2000)/c.per + 2); most > limit {
					t.Errorf("%d counts between two yields, want at most %d", most, limit)
				}
				if before == 0 {
					t.Error("nothing was done")
				}
			})
		}
	}
}
