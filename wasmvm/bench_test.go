package wasmvm

import (
	"context"
	"testing"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/wasmvm/wasmtest"
)

// headerHost answers header reads without doing anything.
type headerHost struct{ abi.UnimplementedHost }

func (headerHost) GetHeaderMapValue(dst []byte, _ abi.MapType, _ []byte) ([]byte, abi.Status) {
	return append(dst, "/some/path?and=query"...), abi.StatusOK
}

func (headerHost) AddHeaderMapValue(abi.MapType, []byte, []byte) abi.Status { return abi.StatusOK }

func (headerHost) GetHeaderMapPairs(dst []byte, _ abi.MapType) ([]byte, abi.Status) {
	return append(dst, samplePairs...), abi.StatusOK
}

func (headerHost) SetHeaderMapPairs(abi.MapType, abi.Pairs) abi.Status { return abi.StatusOK }

var samplePairs = abi.AppendPairs(nil, [][2]string{
	{":method", "GET"}, {":path", "/some/path?and=query"}, {":authority", "example.com"}, {":scheme", "https"},
	{"user-agent", "curl/8.0"}, {"accept", "*/*"}, {"x-request-id", "0c9d1b9e-8d1d-4a0c-8f0b-8d6f1d7f4a57"},
})

// hostCallsGuest makes calls in OnTick, as often as it is told.
func hostCallsGuest(kind string) *wasmtest.Module {
	m := wasmtest.Plugin()
	get := m.Import("env", "proxy_get_header_map_value", "iiiii", "i")
	add := m.Import("env", "proxy_add_header_map_value", "iiiii", "i")
	pairs := m.Import("env", "proxy_get_header_map_pairs", "iii", "i")
	set := m.Import("env", "proxy_set_header_map_pairs", "iii", "i")
	key := m.Data(":path")
	sample := m.Data(string(samplePairs))
	calls := map[string]wasmtest.Code{
		"get value": wasmtest.Code{}.I32(0).I32(key).I32(5).I32(256).I32(260).Call(get).Drop(),
		"add value": wasmtest.Code{}.I32(0).I32(key).I32(5).I32(key).I32(5).Call(add).Drop(),
		"get pairs": wasmtest.Code{}.I32(0).I32(256).I32(260).Call(pairs).Drop(),
		"set pairs": wasmtest.Code{}.I32(0).I32(sample).I32(len(samplePairs)).Call(set).Drop(),
	}
	m.Func("proxy_on_tick", "i", "", wasmtest.Code{}.Repeat(0, calls[kind]))
	return m
}

var hostCallKinds = []string{"get value", "add value", "get pairs", "set pairs"}

// TestNoAllocation: neither a callback nor a host call allocates on the host.
func TestNoAllocation(t *testing.T) {
	for _, kind := range hostCallKinds {
		t.Run(kind, func(t *testing.T) {
			vm := testVM(t, hostCallsGuest(kind), headerHost{}, VMConfig{})
			if err := vm.OnTick(1); err != nil { // the scratch buffer is made once
				t.Fatal(err)
			}
			allocs := testing.AllocsPerRun(100, func() {
				if err := vm.OnTick(100); err != nil {
					t.Fatal(err)
				}
			})
			if allocs != 0 {
				t.Errorf("%v allocations for a callback with 100 host calls", allocs)
			}
		})
	}
}

func BenchmarkCallback(b *testing.B) {
	m := wasmtest.Plugin()
	m.Func("proxy_on_request_headers", "iii", "i", wasmtest.Code{}.I32(0))
	for name, deadline := range map[string]VMConfig{"default": {}, "no deadline": {CallbackDeadline: -1}} {
		b.Run(name, func(b *testing.B) {
			vm := testVM(b, m, abi.UnimplementedHost{}, deadline)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := vm.OnRequestHeaders(1, 2, false); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkHostCall(b *testing.B) {
	for _, kind := range hostCallKinds {
		b.Run(kind, func(b *testing.B) {
			vm := testVM(b, hostCallsGuest(kind), headerHost{}, VMConfig{CallbackDeadline: -1})
			b.ReportAllocs()
			b.ResetTimer()
			if err := vm.OnTick(uint32(b.N)); err != nil {
				b.Fatal(err)
			}
		})
	}
}

func BenchmarkInstantiateGo(b *testing.B) {
	m := testGoModule(b)
	b.ReportAllocs()
	for b.Loop() {
		vm, err := m.Instantiate(context.Background(), abi.UnimplementedHost{}, VMConfig{})
		if err != nil {
			b.Fatal(err)
		}
		if err := vm.Close(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompileGo(b *testing.B) {
	code, err := goGuest()
	if err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	compile := func(b *testing.B, cfg EngineConfig) {
		ctx := context.Background()
		for b.Loop() {
			e, err := NewEngine(ctx, cfg)
			if err != nil {
				b.Fatal(err)
			}
			m, err := e.Compile(ctx, code)
			if err != nil {
				b.Fatal(err)
			}
			m.Close(ctx)
			e.Close(ctx)
		}
	}
	b.Run("cold", func(b *testing.B) { compile(b, EngineConfig{}) })
	b.Run("cached", func(b *testing.B) {
		e, err := NewEngine(context.Background(), EngineConfig{CacheDir: dir})
		if err != nil {
			b.Fatal(err)
		}
		m, err := e.Compile(context.Background(), code)
		if err != nil {
			b.Fatal(err)
		}
		m.Close(context.Background())
		e.Close(context.Background())
		compile(b, EngineConfig{CacheDir: dir})
	})
}
