package pluginhost

import (
	"context"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/wasmvm"
	"github.com/sluice-gateway/sluice/wasmvm/wasmtest"
)

// A plugin whose capabilities are restricted shares no VM with one that may do everything, its calls answer that they
// failed, each is logged once, and its other callbacks are not made.
func TestRestrictedCapabilities(t *testing.T) {
	engine, err := wasmvm.NewEngine(context.Background(), wasmvm.EngineConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close(context.Background())
	var log syncBuffer
	host := New(Options{Engine: engine, Workers: 1, Logger: logger(&log)})
	defer closeHost(t, host)

	m := wasmtest.PluginOf(abi.Version0_2_100)
	add := m.Import("env", "proxy_add_header_map_value", "iiiii", "i")
	reply := m.Import("env", "proxy_send_local_response", "iiiiiiii", "i")
	key := m.Data("x-k")
	m.Func("proxy_on_context_create", "ii", "", wasmtest.Code{})
	// Answers the request if it may, with the status of adding a header for the code.
	m.Func("proxy_on_request_headers", "iii", "i", wasmtest.Code{}.
		I32(0).I32(key).I32(3).I32(key).I32(3).Call(add).
		I32(0).I32(0).I32(0).I32(0).I32(0).I32(0).I32(-1).Call(reply))
	m.Func("proxy_on_response_headers", "iii", "i", wasmtest.Code{}.Unreachable())
	start := func(allowed ...string) *Plugin {
		t.Helper()
		p, err := host.NewPlugin(context.Background(), Config{Name: "p" + strings.Join(allowed, "+"), VMID: "vm", Code: m.Bytes(),
			LogLevel: abi.LogInfo, AllowedCapabilities: allowed})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	stream := func(p *Plugin) (string, *stream) {
		cb := newStream()
		for range 2 {
			f := p.NewFilter(0, cb)
			f.DecodeHeaders(cb.request, false)
			f.EncodeHeaders(cb.response, false)
			f.OnLog()
			f.OnDestroy()
		}
		return cb.happened(), cb
	}
	restricted := start("proxy_on_request_headers", "proxy_on_context_create", "proxy_send_local_response")
	happened, cb := stream(restricted)
	if happened != `reply 10 "" "" grpc -1; reply 10 "" "" grpc -1` || cb.request.Has("x-k") {
		t.Errorf("%s, headers %s", happened, list(cb.request))
	}
	if n := strings.Count(log.String(), "does not allow"); n != 1 || !strings.Contains(log.String(), "call=proxy_add_header_map_value") {
		t.Errorf("%d lines:\n%s", n, log.String())
	}
	if happened, _ = stream(start("proxy_log")); happened != "" {
		t.Errorf("without a callback: %s", happened)
	}
	free := start()
	if free.group == restricted.group {
		t.Error("they share their VM")
	}
	if happened, cb = stream(free); !strings.Contains(happened, "reply 0 ") || !cb.request.Has("x-k") {
		t.Errorf("%s, headers %s", happened, list(cb.request))
	}
}
