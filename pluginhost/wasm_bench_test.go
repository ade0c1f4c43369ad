package pluginhost

import (
	"context"
	"fmt"
	"testing"

	"github.com/sluice-gateway/sluice/message"
	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/wasmvm"
	"github.com/sluice-gateway/sluice/wasmvm/wasmtest"
)

// BenchmarkWasmHostCalls is what host calls cost a module, crossing included: it makes b.N of them in one callback, to a
// request of 20 headers. "callback" is an empty callback instead.
func BenchmarkWasmHostCalls(b *testing.B) {
	engine, err := wasmvm.NewEngine(context.Background(), wasmvm.EngineConfig{})
	if err != nil {
		b.Fatal(err)
	}
	defer engine.Close(context.Background())
	for _, name := range []string{"callback", "get header", "replace header", "get 20 headers", "get shared data", "get property", "crossing"} {
		b.Run(name, func(b *testing.B) {
			h := New(Options{Engine: engine, Workers: 1})
			defer closeHost(b, h)
			m := wasmtest.PluginOf(abi.Version0_2_100)
			get := m.Import("env", "proxy_get_header_map_value", "iiiii", "i")
			replace := m.Import("env", "proxy_replace_header_map_value", "iiiii", "i")
			pairs := m.Import("env", "proxy_get_header_map_pairs", "iii", "i")
			data := m.Import("env", "proxy_get_shared_data", "iiiii", "i")
			set := m.Import("env", "proxy_set_shared_data", "iiiii", "i")
			property := m.Import("env", "proxy_get_property", "iiii", "i")
			level := m.Import("env", "proxy_get_log_level", "i", "i")
			key, route := m.Data("x-header-7"), m.Data("route_name")
			call := map[string]wasmtest.Code{
				"crossing":       wasmtest.Code{}.I32(0).Call(level).Drop(), // a call that does next to nothing
				"callback":       {},
				"get header":     wasmtest.Code{}.I32(0).I32(key).I32(10).I32(16).I32(20).Call(get).Drop(),
				"replace header": wasmtest.Code{}.I32(0).I32(key).I32(10).I32(key).I32(10).Call(replace).Drop(),
				"get 20 headers": wasmtest.Code{}.I32(0).I32(16).I32(20).Call(pairs).Drop(),
				"get shared data": wasmtest.Code{}.I32(key).I32(10).I32(16).I32(20).I32(24).
					Call(data).Drop(),
				"get property": wasmtest.Code{}.I32(route).I32(10).I32(16).I32(20).Call(property).Drop(),
			}[name]
			m.Func("proxy_on_context_create", "ii", "", wasmtest.Code{})
			m.Func("proxy_on_configure", "ii", "i", wasmtest.Code{}.I32(key).I32(10).I32(key).I32(10).I32(0).Call(set).Drop().I32(1))
			m.Func("proxy_on_request_body", "iii", "i", wasmtest.Code{}.Repeat(1, call).I32(0))
			m.Func("proxy_on_request_headers", "iii", "i", wasmtest.Code{}.I32(1))
			m.Func("proxy_on_delete", "i", "", wasmtest.Code{})
			p, err := h.NewPlugin(context.Background(), Config{Code: m.Bytes(), CallbackDeadline: -1})
			if err != nil {
				b.Fatal(err)
			}
			cb := newStream()
			cb.properties["route_name"] = "route"
			cb.request = message.NewHeaders(":method", "GET", ":path", "/some/path", ":authority", "example.com", ":scheme", "http")
			for i := range 16 {
				cb.request.Add(fmt.Sprintf("x-header-%d", i), "a value of 21 letters")
			}
			f := p.NewFilter(0, &silent{cb})
			f.DecodeHeaders(cb.request, false)
			defer f.OnDestroy()
			v := f.vm
			b.ReportAllocs()
			b.ResetTimer()
			if name == "callback" {
				for range b.N {
					if _, err := v.plugin.OnRequestBody(f.id, 0, false); err != nil {
						b.Fatal(err)
					}
				}
				return
			}
			const batch = 1000 // what a callback may have copied is bounded
			for done := 0; done < b.N; done += batch {
				v.lock.Lock()
				v.begin(f.root, f)
				_, err := v.plugin.OnRequestBody(f.id, uint32(min(batch, b.N-done)), false)
				v.finish("bench", err)
				v.unlock()
				if err != nil {
					b.Fatal(err)
				}
			}
			b.StopTimer()
		})
	}
}
