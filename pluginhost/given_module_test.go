package pluginhost

import (
	"context"
	"testing"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/wasmvm"
)

// TestAModuleOfTheCallers: several hosts run it, without an engine of their own, and leave it to whoever compiled it.
func TestAModuleOfTheCallers(t *testing.T) {
	ctx := context.Background()
	e, err := wasmvm.NewEngine(ctx, wasmvm.EngineConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := e.Close(ctx); err != nil {
			t.Error(err)
		}
	}()
	m, err := e.Compile(ctx, testModule(abi.Version0_2_100, nil))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		log := &syncBuffer{}
		h := New(Options{Workers: 2, Logger: logger(log)})
		p, err := h.NewPlugin(ctx, Config{Name: "w", Module: m})
		if err != nil {
			t.Fatal(err)
		}
		q, err := h.NewPlugin(ctx, Config{Name: "x", Module: m})
		if err != nil {
			t.Fatal(err)
		}
		if p.group != q.group {
			t.Error("plugins of one module do not share their VMs")
		}
		cb := newStream()
		f := p.NewFilter(0, cb)
		wantEqual(t, "headers", f.DecodeHeaders(cb.request, true), abi.HeaderStopIteration)
		f.OnDestroy()
		closeHost(t, h)
		wantEqual(t, "modules of the host's own", len(h.modules), 0)
	}
	if err := m.Close(ctx); err != nil {
		t.Error(err)
	}
}
