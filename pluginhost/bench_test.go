package pluginhost

import (
	"context"
	"testing"

	"github.com/sluice-gateway/sluice/message"
	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/wasmvm"
	"github.com/sluice-gateway/sluice/wasmvm/wasmtest"
)

// trivial is a plugin that reads one header and lets everything go.
type trivial struct {
	abi.Plugin
	host abi.Host
	dst  []byte
}

func (p *trivial) OnContextCreate(_, _ uint32) error                         { return nil }
func (p *trivial) OnVMStart(_, _ uint32) (bool, error)                       { return true, nil }
func (p *trivial) OnConfigure(_, _ uint32) (bool, error)                     { return true, nil }
func (p *trivial) OnLog(_ uint32) error                                      { return nil }
func (p *trivial) OnDone(_ uint32) (bool, error)                             { return true, nil }
func (p *trivial) OnDelete(_ uint32) error                                   { return nil }
func (p *trivial) OnTick(_ uint32) error                                     { return nil }
func (p *trivial) OnResponseHeaders(_, _ uint32, _ bool) (abi.Action, error) { return 0, nil }
func (p *trivial) OnRequestHeaders(_, _ uint32, _ bool) (abi.Action, error) {
	p.dst, _ = p.host.GetHeaderMapValue(p.dst[:0], abi.MapHTTPRequestHeaders, pathName)
	return 0, nil
}

var pathName = []byte(":path")

// BenchmarkStream is what a stream costs that passes a plugin: headers both ways, log and end.
func BenchmarkStream(b *testing.B) {
	b.Run("native", func(b *testing.B) {
		h := New(Options{Workers: 1})
		defer closeHost(b, h)
		p, err := h.NewPlugin(context.Background(), Config{Native: func(h abi.Host) abi.Plugin { return &trivial{host: h} }})
		if err != nil {
			b.Fatal(err)
		}
		benchmarkStream(b, p)
	})
	b.Run("wasm", func(b *testing.B) {
		e, err := wasmvm.NewEngine(context.Background(), wasmvm.EngineConfig{})
		if err != nil {
			b.Fatal(err)
		}
		defer e.Close(context.Background())
		h := New(Options{Engine: e, Workers: 1})
		defer closeHost(b, h)
		m := wasmtest.PluginOf(abi.Version0_2_100)
		get := m.Import("env", "proxy_get_header_map_value", "iiiii", "i")
		at := m.Data(":path")
		m.Func("proxy_on_context_create", "ii", "", wasmtest.Code{})
		m.Func("proxy_on_request_headers", "iii", "i",
			wasmtest.Code{}.I32(0).I32(at).I32(5).I32(16).I32(20).Call(get))
		m.Func("proxy_on_response_headers", "iii", "i", wasmtest.Code{}.I32(0))
		m.Func("proxy_on_log", "i", "", wasmtest.Code{})
		m.Func("proxy_on_done", "i", "i", wasmtest.Code{}.I32(1))
		m.Func("proxy_on_delete", "i", "", wasmtest.Code{})
		p, err := h.NewPlugin(context.Background(), Config{Code: m.Bytes()})
		if err != nil {
			b.Fatal(err)
		}
		benchmarkStream(b, p)
	})
}

func benchmarkStream(b *testing.B, p *Plugin) {
	cb := newStream()
	b.ReportAllocs()
	for b.Loop() {
		f := p.NewFilter(0, cb)
		if f.DecodeHeaders(cb.request, true) != 0 || f.EncodeHeaders(cb.response, true) != 0 {
			b.Fatal("stopped")
		}
		f.OnLog()
		f.OnDestroy()
	}
}

// BenchmarkHostCalls is what host calls cost in the middle of a callback.
func BenchmarkHostCalls(b *testing.B) {
	cb := newStream()
	cb.properties["route_name"] = "route"
	chunk := message.Borrow(make([]byte, 4096))
	key, value := []byte("X-Key"), []byte("value")
	route, log, logged := abi.Path("route_name"), abi.Path("custom_log"), []byte("x")
	for _, bc := range []struct {
		name string
		call func(c abi.Host, dst []byte)
	}{
		{"get header", func(c abi.Host, dst []byte) { c.GetHeaderMapValue(dst, 0, pathName) }},
		{"get pairs", func(c abi.Host, dst []byte) { c.GetHeaderMapPairs(dst, 0) }},
		{"replace header", func(c abi.Host, _ []byte) { c.ReplaceHeaderMapValue(0, key, value) }},
		{"remove header", func(c abi.Host, _ []byte) { c.RemoveHeaderMapValue(0, key) }},
		{"get body", func(c abi.Host, dst []byte) { c.GetBufferBytes(dst, 0, 0, 4096) }},
		{"get property", func(c abi.Host, dst []byte) { c.GetProperty(dst, route) }},
		{"set property", func(c abi.Host, _ []byte) { c.SetProperty(log, logged) }},
		{"effective context", func(c abi.Host, _ []byte) { c.SetEffectiveContext(1); c.SetEffectiveContext(2) }},
		{"log level", func(c abi.Host, _ []byte) { c.GetLogLevel() }},
		{"log below the level", func(c abi.Host, _ []byte) { c.Log(abi.LogDebug, value) }},
	} {
		b.Run(bc.name, func(b *testing.B) {
			s := start(b, map[string]handler{"request_body": func(c call) (uint32, error) {
				dst := make([]byte, 0, 8192)
				v := c.Host.(*vm)
				b.ReportAllocs()
				b.ResetTimer()
				for range b.N {
					v.spent = 0
					bc.call(c.Host, dst)
				}
				b.StopTimer()
				return 0, nil
			}, "request_headers": answer(1)})
			quiet := &silent{cb}
			f := s.plugin.NewFilter(0, quiet)
			f.DecodeHeaders(cb.request, false)
			f.DecodeData(&chunk, false)
			f.OnDestroy()
		})
	}
}

// silent is a stream that remembers nothing.
type silent struct{ *stream }

func (*silent) ClearRouteCache()                  {}
func (*silent) SetFilterState(_ string, _ []byte) {}
