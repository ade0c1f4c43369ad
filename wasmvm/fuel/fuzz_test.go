package fuel_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/sluice-gateway/sluice/wasmvm/fuel"
)

// FuzzRewrite: any bytes are rewritten or refused; what the engine takes, it takes rewritten, too; and functions without
// parameters, where they end soon, compute the same.
func FuzzRewrite(f *testing.F) {
	for _, c := range endless {
		f.Add(c.module())
	}
	for _, c := range refused {
		f.Add(c.module)
	}
	for _, c := range bounded {
		f.Add(c.module())
	}
	f.Fuzz(func(t *testing.T, module []byte) {
		rewritten, err := fuel.Rewrite(module, fuel.Options{Refill: 500})
		if err != nil {
			if !errors.Is(err, fuel.ErrMalformed) && !errors.Is(err, fuel.ErrUnsupported) {
				t.Fatalf("neither malformed nor unsupported: %v", err)
			}
			// The engine is not given what was refused: it believes every count.
			return
		}
		ctx := context.Background()
		r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter().
			WithMemoryLimitPages(16).WithCoreFeatures(allFeatures))
		defer r.Close(ctx)
		compiled, err := r.CompileModule(ctx, module)
		if err != nil {
			return
		}
		again, err := r.CompileModule(ctx, rewritten)
		if err != nil {
			t.Fatalf("the rewritten module does not compile: %v", err)
		}
		if !slices.Equal(exports(compiled), exports(again)) {
			t.Fatalf("exports %v, before %v", exports(again), exports(compiled))
		}
		if len(compiled.ImportedFunctions())+len(compiled.ImportedMemories()) > 0 {
			return
		}
		for _, name := range exports(compiled) {
			if d := compiled.ExportedFunctions()[name]; len(d.ParamTypes()) == 0 {
				compare(t, module, rewritten, name, d.ResultTypes())
			}
		}
	})
}

func exports(m wazero.CompiledModule) []string {
	var names []string
	for name := range m.ExportedFunctions() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// compare calls a function of both modules, if the rewritten one shows that it ends.
func compare(t *testing.T, module, rewritten []byte, name string, results []api.ValueType) {
	got, gotErr, ended := call(t, rewritten, name)
	if !ended {
		return
	}
	if bytes.Contains(module, []byte{0xfc, 15}) {
		return // table.grow may end earlier
	}
	want, wantErr, _ := call(t, module, name)
	if (gotErr == nil) != (wantErr == nil) {
		t.Fatalf("%q ends with %v, before with %v", name, gotErr, wantErr)
	}
	for i, typ := range results {
		if i >= len(got) {
			break
		}
		switch typ {
		case api.ValueTypeI32, api.ValueTypeF32:
			if uint32(got[i]) != uint32(want[i]) {
				t.Fatalf("%q answers %#x, before %#x", name, got, want)
			}
		case api.ValueTypeI64, api.ValueTypeF64:
			if got[i] != want[i] {
				t.Fatalf("%q answers %#x, before %#x", name, got, want)
			}
		default:
			return // references differ, vectors take two slots
		}
	}
}

// call instantiates a module and calls a function. It says that the function has not ended where it was stopped, and
// where it ran out of stack, which another module may do at another depth.
func call(t *testing.T, module []byte, name string) (results []uint64, err error, ended bool) {
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter().
		WithMemoryLimitPages(16).WithCoreFeatures(allFeatures))
	defer r.Close(ctx)
	yields := 0
	_, err = r.NewHostModuleBuilder(fuel.DefaultYieldModule).NewFunctionBuilder().
		WithGoFunction(api.GoFunc(func(context.Context, []uint64) {
			if yields++; yields > 100 {
				panic(errStop)
			}
		}), nil, nil).
		Export(fuel.DefaultYieldName).Instantiate(ctx)
	if err != nil {
		t.Fatal(err)
	}
	m, err := r.Instantiate(ctx, module)
	if err == nil {
		results, err = m.ExportedFunction(name).Call(ctx)
	}
	overflow := err != nil && strings.Contains(err.Error(), "stack overflow")
	return results, err, !errors.Is(err, errStop) && !overflow
}

// bounded are programs that end, to start from.
var bounded = []program{
	one(count),
	one(0x02, none, 0x03, none, count, 0x23, 0, 0x42, 20, 0x54, 0x0d, 0, 0x0b, 0x0b),
	dispatched(cat(count, goTo(1, 2)), cat(count, goTo(2, 1)), count),
	dispatched(cat(count, 0x23, 0, 0x42, 9, 0x54, 0x04, none, goTo(0, 3), 0x0b), count, count),
	calls(count, 0x00),
	one(constI32(3), constI32(7), constI32(2000), 0xfc, 11, 0),
	one(constI32(0), 0x04, i32, constI32(1), 0x05, constI32(2), 0x0b, 0x1a),
	one(0xfd, 12, make(code, 16), 0xfd, 0x80, 1, 0x1a),
}
