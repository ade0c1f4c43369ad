package wasmvm

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/wasmvm/wasmtest"
)

func TestCompileRefuses(t *testing.T) {
	nop := wasmtest.Code{}
	good := wasmtest.Plugin().Bytes()
	one := wasmtest.Code{}.I32(0)
	tests := []struct {
		name string
		code []byte
		want error
		says string
	}{
		{"nothing", nil, ErrNotWasm, "does not begin with"},
		{"a text file", []byte("kind: WasmPlugin\n"), ErrNotWasm, "does not begin with"},
		{"magic alone", good[:4], ErrNotWasm, "truncated"},
		{"half a version", good[:6], ErrNotWasm, "truncated"},
		{"a component", []byte("\x00asm\x0d\x00\x01\x00"), ErrNotWasm, "component"},
		{"another version", []byte("\x00asm\x02\x00\x00\x00"), ErrNotWasm, "binary version"},
		{"truncated", good[:len(good)/2], ErrNotWasm, "not whole"},
		{"one byte short", good[:len(good)-1], ErrNotWasm, "not whole"},
		{"section twice", slices.Concat(good, []byte{1, 1, 0}), ErrInvalid, "twice"},
		{"empty module", wasmtest.New().Bytes(), ErrNoABI, "exports no proxy_abi_version_0_2_1"},
		{"command", func() []byte {
			m := wasmtest.New()
			m.Memory(1, 0)
			m.Func("_start", "", "", nop)
			return m.Bytes()
		}(), ErrNotReactor, "go build -buildmode=c-shared"},
		{"Go command with plugin exports", func() []byte {
			m := wasmtest.Plugin()
			m.Func("_start", "", "", nop)
			m.Custom("go:buildid", nil)
			return m.Bytes()
		}(), ErrNotReactor, "GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared"},
		{"future ABI", func() []byte {
			m := wasmtest.New()
			m.Func("proxy_abi_version_0_3_0", "", "", nop)
			return m.Bytes()
		}(), ErrNoABI, "proxy_abi_version_0_3_0"},
		{"no allocator", func() []byte {
			m := wasmtest.New()
			m.Memory(1, 0)
			m.Func("proxy_abi_version_0_2_1", "", "", nop)
			return m.Bytes()
		}(), ErrNoAllocator, "neither malloc nor proxy_on_memory_allocate"},
		{"allocator of another type", func() []byte {
			m := wasmtest.New()
			m.Memory(1, 0)
			m.Func("proxy_abi_version_0_2_1", "", "", nop)
			m.Func("malloc", "l", "i", one)
			return m.Bytes()
		}(), ErrSignature, "malloc is (i64)i32, want (i32)i32"},
		{"no memory", func() []byte {
			m := wasmtest.Plugin()
			m.NoMemory()
			return m.Bytes()
		}(), ErrNoMemory, "exports no memory"},
		{"memory is a global", func() []byte {
			m := wasmtest.Plugin()
			m.NoMemory()
			m.Export("memory", 3, m.Global(0))
			return m.Bytes()
		}(), ErrNoMemory, "exports no memory"},
		{"imported memory", func() []byte {
			m := wasmtest.Plugin()
			m.ImportOther("env", "memory", 2, 0, 1)
			return m.Bytes()
		}(), ErrImport, "env.memory is a memory"},
		{"imported table", func() []byte {
			m := wasmtest.Plugin()
			m.ImportOther("env", "__indirect_function_table", 1, 0x70, 0, 1)
			return m.Bytes()
		}(), ErrImport, "is a table"},
		{"import without a namespace", func() []byte {
			m := wasmtest.Plugin()
			m.Import("", "f", "", "")
			return m.Bytes()
		}(), ErrImport, "cannot be imported from"},
		{"import of the yield", func() []byte {
			m := wasmtest.Plugin()
			m.Import(yieldModule, yieldName, "", "")
			return m.Bytes()
		}(), ErrImport, "cannot be imported from"},
		{"import with two signatures", func() []byte {
			m := wasmtest.Plugin()
			m.Import("env", "proxy_done", "", "i")
			m.Import("env", "proxy_done", "i", "i")
			return m.Bytes()
		}(), ErrImport, "two signatures, ()i32 and (i32)i32"},
		{"callback with too few parameters", func() []byte {
			m := wasmtest.Plugin()
			m.Func("proxy_on_request_headers", "ii", "i", one)
			return m.Bytes()
		}(), ErrSignature, "proxy_on_request_headers is (i32,i32)i32, want (i32,i32,i32)i32 in ABI 0.2.1"},
		{"callback without its result", func() []byte {
			m := wasmtest.Plugin()
			m.Func("proxy_on_response_body", "iii", "", nop)
			return m.Bytes()
		}(), ErrSignature, "proxy_on_response_body is (i32,i32,i32), want (i32,i32,i32)i32"},
		{"callback with a result too many", func() []byte {
			m := wasmtest.Plugin()
			m.Func("proxy_on_tick", "i", "i", one)
			return m.Bytes()
		}(), ErrSignature, "proxy_on_tick is (i32)i32, want (i32)"},
		{"headers of 0.2 in 0.1.0", func() []byte {
			m := wasmtest.PluginOf(abi.Version0_1_0)
			m.Func("proxy_on_response_headers", "iii", "i", one)
			return m.Bytes()
		}(), ErrSignature, "want (i32,i32)i32 in ABI 0.1.0"},
		{"callback is a global", func() []byte {
			m := wasmtest.Plugin()
			m.Export("proxy_on_tick", 3, m.Global(0))
			return m.Bytes()
		}(), ErrSignature, "proxy_on_tick is a global"},
		{"main of another type", func() []byte {
			m := wasmtest.Plugin()
			m.Func("main", "l", "i", one)
			return m.Bytes()
		}(), ErrSignature, "main is (i64)i32"},
		{"code that does not validate", func() []byte {
			m := wasmtest.Plugin()
			m.Func("f", "", "i", nop)
			return m.Bytes()
		}(), ErrInvalid, ""},
		{"export of a function that is not there", func() []byte {
			m := wasmtest.Plugin()
			m.Export("f", 0, 99)
			return m.Bytes()
		}(), ErrInvalid, "99"},
		{"a table of a gigabyte", func() []byte {
			m := wasmtest.Plugin()
			m.Table(1 << 27)
			return m.Bytes()
		}(), ErrInvalid, ""},
	}
	e := testEngine(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, err := e.Compile(context.Background(), tt.code)
			if m != nil || !errors.Is(err, tt.want) {
				t.Fatalf("err = %v, want %v", err, tt.want)
			}
			if !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "\n") {
				t.Errorf("err = %q, want one line with %q", err, tt.says)
			}
		})
	}
}

func TestVersions(t *testing.T) {
	for v := abi.Version0_1_0; v <= abi.Version0_2_100; v++ {
		t.Run(v.String(), func(t *testing.T) {
			m := wasmtest.PluginOf(v)
			params := "iii"
			if v == abi.Version0_1_0 {
				params = "ii"
			}
			m.Func("proxy_on_request_headers", params, "i", wasmtest.Code{}.LocalGet(1))
			vm := testVM(t, m, abi.UnimplementedHost{}, VMConfig{})
			if got := vm.module.Version(); got != v {
				t.Errorf("Version = %v", got)
			}
			if a, err := vm.OnRequestHeaders(7, 3, true); a != 3 || err != nil {
				t.Errorf("OnRequestHeaders = %v, %v", a, err)
			}
		})
	}
	t.Run("the first export counts", func(t *testing.T) {
		m := wasmtest.New()
		m.Memory(1, 0)
		for _, name := range []string{"proxy_abi_version_0_9_9", "proxy_abi_version_0_2_100", "proxy_abi_version_0_2_1"} {
			m.Func(name, "", "", wasmtest.Code{})
		}
		m.Allocator("malloc")
		if got := testModule(t, m.Bytes()).Version(); got != abi.Version0_2_100 {
			t.Errorf("Version = %v", got)
		}
	})
}

func TestAllocatorPrefersMalloc(t *testing.T) {
	m := wasmtest.Plugin()
	hosts := m.Import("env", "proxy_get_upstream_hosts", "ii", "i")
	m.Func("malloc", "i", "i", wasmtest.Code{}.I32(2000))
	m.Func("proxy_on_done", "i", "i", wasmtest.Code{}.I32(8).I32(12).Call(hosts).Drop().I32(8).Load32(0).I32(2000).Op(0x46))
	vm := testVM(t, m, upstreams{}, VMConfig{})
	if ok, err := vm.OnDone(1); !ok || err != nil {
		t.Errorf("OnDone = %v, %v: malloc was not used", ok, err)
	}
}

type upstreams struct{ abi.UnimplementedHost }

func (upstreams) GetUpstreamHosts(dst []byte) ([]byte, abi.Status) {
	return append(dst, "hosts"...), abi.StatusOK
}

func TestUnknownImports(t *testing.T) {
	m := wasmtest.Plugin()
	m.Import("env", "proxy_log", "iii", "i")
	foo := m.Import("env", "proxy_foo", "il", "i")
	two := m.Import("other", "two", "", "ili")
	none := m.Import("other", "none", "i", "")
	long := m.Import("env", "long", "", "l")
	clock := m.Import(wasiUnstable, "clock_warp", "i", "i")
	wrong := m.Import("env", "proxy_done", "i", "i")
	m.Import("env", "proxy_foo", "il", "i") // twice the same is fine
	c := wasmtest.Code{}
	check := func(call wasmtest.Code, want int) { // traps if the popped value is another
		c = c.Append(call).I32(want).Op(0x47).If().Unreachable().End()
	}
	check(wasmtest.Code{}.I32(1).I64(2).Call(foo), 12)
	check(wasmtest.Code{}.Call(two).Drop().Drop(), 12)                                      // first result
	check(wasmtest.Code{}.Call(two).Op(0x21, 1).Op(0xa7).Op(0x21, 2).Drop().LocalGet(1), 0) // third
	check(wasmtest.Code{}.Call(two).Drop().Op(0xa7).Op(0x21, 2).Drop().LocalGet(2), 0)      // second
	check(wasmtest.Code{}.Call(long).Op(0xa7), 0)
	check(wasmtest.Code{}.I32(1).Call(clock), 52)
	check(wasmtest.Code{}.I32(1).Call(wrong), 12)
	m.FuncLocals("proxy_on_tick", "i", "", "ii", c.I32(5).Call(none))
	vm := testVM(t, m, abi.UnimplementedHost{}, VMConfig{})
	if err := vm.OnTick(1); err != nil {
		t.Error(err)
	}
	want := []string{
		"env.proxy_foo(i32,i64)i32", "other.two()(i32,i64,i32)", "other.none(i32)", "env.long()i64",
		"wasi_unstable.clock_warp(i32)i32", "env.proxy_done(i32)i32, the host's is ()i32",
	}
	if got := vm.module.UnknownImports(); !slices.Equal(got, want) {
		t.Errorf("UnknownImports = %q", got)
	}
	if got := vm.module.Extensions(); len(got) != 0 {
		t.Errorf("Extensions = %q", got)
	}
	if got := vm.module.Imports(); len(got) != 7 || got[0] != "env.proxy_log(i32,i32,i32)i32" {
		t.Errorf("Imports = %q", got)
	}
}

func TestExtensions(t *testing.T) {
	want := []string{
		"env.proxy_get_upstream_hosts(i32,i32)i32",
		"env.proxy_inject_encoded_data_to_filter_chain(i32,i32,i32)i32",
		"env.proxy_redis_call(i32,i32,i32,i32,i32)i32",
		"env.proxy_redis_init(i32,i32,i32,i32,i32,i32,i32)i32",
		"env.proxy_set_upstream_override_host(i32,i32)i32",
	}
	if got := testModule(t, trampolineCode()).Extensions(); !slices.Equal(got, want) {
		t.Errorf("Extensions = %q", got)
	}
}

// TestNamesAreNotTrusted: a module may have names that would forge a line of a log.
func TestNamesAreNotTrusted(t *testing.T) {
	evil := "x\n2026-01-01 all is well \x1b[2J" + strings.Repeat("y", 1<<16)
	m := wasmtest.Plugin()
	m.Import(evil, evil, "", "")
	mod := testModule(t, m.Bytes())
	for _, s := range append(mod.Imports(), mod.UnknownImports()...) {
		if len(s) > 300 || strings.ContainsAny(s, "\n\x1b") {
			t.Errorf("%.300q", s)
		}
	}
	for name, build := range map[string]func(m *wasmtest.Module){
		"import":   func(m *wasmtest.Module) { m.ImportOther(evil, evil, 2, 0, 1) },
		"twice":    func(m *wasmtest.Module) { m.Import(evil, evil, "", ""); m.Import(evil, evil, "i", "") },
		"function": func(m *wasmtest.Module) { m.Func(evil, "", "i", wasmtest.Code{}) },
	} {
		t.Run(name, func(t *testing.T) {
			m := wasmtest.Plugin()
			build(m)
			_, err := testEngine(t).Compile(context.Background(), m.Bytes())
			if err == nil || len(err.Error()) > 1200 || strings.ContainsAny(err.Error(), "\n\x1b") {
				t.Errorf("err = %.300q", err)
			}
		})
	}
}
