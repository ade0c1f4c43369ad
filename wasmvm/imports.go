package wasmvm

import (
	"context"
	"fmt"
	"slices"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

const (
	i32 = api.ValueTypeI32
	i64 = api.ValueTypeI64
)

// hostCall is one row of the table of host calls. Each answers a status, its only result.
type hostCall struct {
	// params has a letter for each parameter: i for i32, l for i64.
	params string
	// run makes the call: s holds the parameters. The upper half of an i32 is not to be trusted: use u32 and the like.
	run func(vm *VM, s []uint64) abi.Status
	// origin is where the call comes from.
	origin origin
	// phase says when the call may be made, deviation where it differs from Envoy's host, test which tests show that.
	phase, deviation, test string
}

// origin says who specified a host call.
type origin uint8

const (
	// spec is proxy-wasm ABI 0.2.1 (github.com/proxy-wasm/spec, abi-versions/v0.2.1).
	spec origin = iota
	// older is proxy-wasm ABI 0.1.0, dropped since.
	older
	// envoy is what Envoy's proxy-wasm host has beyond the specification.
	envoy
	// higress is the Higress extension, ABI 0.2.100.
	higress
)

// hostFunction is what an import resolves to.
type hostFunction struct {
	sig signature
	run api.GoModuleFunc
}

// importGroup is the functions of one namespace that a module imports.
type importGroup struct {
	module    string
	functions map[string]hostFunction
}

func (g importGroup) instantiate(ctx context.Context, rt wazero.Runtime) error {
	b := rt.NewHostModuleBuilder(g.module)
	for name, f := range g.functions {
		b.NewFunctionBuilder().WithGoModuleFunction(f.run, f.sig.params, f.sig.results).Export(name)
	}
	if _, err := b.Instantiate(ctx); err != nil {
		return fmt.Errorf("%w: namespace %s: %s", ErrImport, printable(g.module), oneLine(err.Error()))
	}
	return nil
}

// lookup finds the host's function for an import.
func lookup(module, name string) (hostFunction, bool) {
	switch module {
	case "env":
		if c, ok := hostCalls[name]; ok {
			return hostFunction{signature{paramTypes(c.params), []byte{i32}}, c.bind(name)}, true
		}
	case wasiPreview1, wasiUnstable:
		if c, ok := wasiCalls[name]; ok {
			return c.bind(name), true
		}
	}
	return hostFunction{}, false
}

func paramTypes(letters string) []api.ValueType {
	types := make([]api.ValueType, len(letters))
	for i, c := range letters {
		types[i] = i32
		if c == 'l' {
			types[i] = i64
		}
	}
	return types
}

// bind makes the function that wazero calls.
func (c hostCall) bind(name string) api.GoModuleFunc {
	run, early := c.run, name == "proxy_log"
	return func(ctx context.Context, mod api.Module, s []uint64) {
		vm := enter(ctx, mod)
		if vm.guarded {
			if !vm.allowed(name) {
				s[0] = uint64(abi.StatusInternalFailure)
				return
			}
			if vm.starting && !early {
				// Envoy's host traps here too: it answers nothing but proxy_log and WASI until the module has started.
				panic(fmt.Errorf("%w: %s", ErrRestricted, name))
			}
		}
		s[0] = uint64(run(vm, s))
	}
}

// standIn makes a function for an import that the host does not have: its first result says so, if it is an i32.
func standIn(imp functionImport) hostFunction {
	answer := uint64(abi.StatusUnimplemented)
	if imp.module == wasiPreview1 || imp.module == wasiUnstable {
		answer = uint64(errnoNoSys)
	}
	sig := signature{slices.Clone(imp.sig.params), slices.Clone(imp.sig.results)}
	n := 0 // slots
	for _, t := range sig.results {
		n++
		if t == 0x7b { // v128 has two
			n++
		}
	}
	first := len(sig.results) > 0 && sig.results[0] == i32
	return hostFunction{sig, func(ctx context.Context, mod api.Module, s []uint64) {
		enter(ctx, mod)
		clear(s[:n])
		if first {
			s[0] = answer
		}
	}}
}

// callContext is the context of every call into a module: it leads a host function to its VM, by a type assertion and
// so without an allocation.
type callContext struct {
	context.Context
	vm *VM
}

// enter begins a host function.
func enter(ctx context.Context, mod api.Module) *VM {
	vm := ctx.(*callContext).vm
	if vm.memory == nil { // in the start function of the module
		vm.memory = mod.Memory()
	}
	vm.charge(1)
	return vm
}
