package wasmvm

import (
	"maps"
	"slices"
	"testing"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/wasmvm/wasmtest"
)

// trampoline is a guest that imports every function that the host has, and calls the one that it is told with the
// arguments that it is told.
type trampoline struct {
	*VM
	index map[string]int
}

const (
	trampolineResult = 32
	trampolineArgs   = 64 // 8 bytes each
)

// trampolineModule is its code: OnTick(n) calls the n-th import.
func trampolineModule() (*wasmtest.Module, map[string]int) {
	m := wasmtest.Plugin()
	index := map[string]int{}
	code := wasmtest.Code{}
	add := func(module, name, params, results string) {
		f := m.Import(module, name, params, results)
		index[name] = f
		code = code.LocalGet(0).I32(f).Op(0x46).If()
		if results != "" {
			code = code.I32(trampolineResult)
		}
		for i, c := range params {
			code = code.I32(trampolineArgs + 8*i)
			if c == 'l' {
				code = code.Load64(0)
			} else {
				code = code.Load32(0)
			}
		}
		code = code.Call(f)
		if results != "" {
			code = code.Store32(0)
		}
		code = code.Op(0x0f).End()
	}
	for _, name := range slices.Sorted(maps.Keys(hostCalls)) {
		add("env", name, hostCalls[name].params, "i")
	}
	for _, name := range slices.Sorted(maps.Keys(wasiCalls)) {
		results := "i"
		if name == "proc_exit" {
			results = ""
		}
		add(wasiPreview1, name, wasiCalls[name].params, results)
	}
	m.Func("proxy_on_tick", "i", "", code)
	return m, index
}

func newTrampoline(t testing.TB, host abi.Host, cfg VMConfig) *trampoline {
	t.Helper()
	m, index := trampolineModule()
	vm := testVM(t, m, host, cfg)
	if n := len(vm.module.UnknownImports()); n != 0 {
		t.Fatalf("%d unknown imports: %v", n, vm.module.UnknownImports())
	}
	return &trampoline{vm, index}
}

// invoke makes the guest call a function by its name and answers what it got.
func (tr *trampoline) invoke(name string, args ...uint64) (uint32, error) {
	tr.memory.WriteUint32Le(trampolineResult, 0xdead)
	for i, a := range args {
		tr.memory.WriteUint64Le(uint32(trampolineArgs+8*i), a)
	}
	if err := tr.OnTick(uint32(tr.index[name])); err != nil {
		return 0, err
	}
	r, _ := tr.memory.ReadUint32Le(trampolineResult)
	return r, nil
}

// must is invoke for calls that do not trap.
func (tr *trampoline) must(t testing.TB, name string, args ...uint64) abi.Status {
	t.Helper()
	r, err := tr.invoke(name, args...)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return abi.Status(r)
}

func (tr *trampoline) put(at uint32, b string) { tr.memory.WriteString(at, b) }

func (tr *trampoline) u32(at uint32) uint32 {
	v, _ := tr.memory.ReadUint32Le(at)
	return v
}

// result reads what a host call left behind the two pointers.
func (tr *trampoline) result(ptr, size uint32) string {
	b, _ := tr.memory.Read(tr.u32(ptr), tr.u32(size))
	return string(b)
}
