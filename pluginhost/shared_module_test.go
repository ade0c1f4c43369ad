package pluginhost

import (
	"context"
	"sync"
	"testing"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/wasmvm"
	"github.com/sluice-gateway/sluice/wasmvm/wasmtest"
)

// Streams on many VMs of a module, and of another plugin with the same code in another vm_id, share data, a queue and a
// metric: nothing is lost.
func TestHammerSharedWasm(t *testing.T) {
	engine, err := wasmvm.NewEngine(context.Background(), wasmvm.EngineConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close(context.Background())
	const workers, goroutines, streams = 4, 8, 60
	host := New(Options{Engine: engine, Workers: workers})
	defer closeHost(t, host)

	const queue, counter, taken, out = 32, 36, 40, 48 // where the module keeps ids
	m := wasmtest.PluginOf(abi.Version0_2_100)
	register := m.Import("env", "proxy_register_shared_queue", "iii", "i")
	enqueue := m.Import("env", "proxy_enqueue_shared_queue", "iii", "i")
	dequeue := m.Import("env", "proxy_dequeue_shared_queue", "iii", "i")
	define := m.Import("env", "proxy_define_metric", "iiii", "i")
	increment := m.Import("env", "proxy_increment_metric", "il", "i")
	set := m.Import("env", "proxy_set_shared_data", "iiiii", "i")
	get := m.Import("env", "proxy_get_shared_data", "iiiii", "i")
	name, other := m.Data("adds"), m.Data("took")
	count := func(at int) wasmtest.Code {
		return wasmtest.Code{}.I32(0).Load32(at).I64(1).Call(increment).Drop()
	}
	m.Func("proxy_on_context_create", "ii", "", wasmtest.Code{})
	m.Func("proxy_on_configure", "ii", "i", wasmtest.Code{}.
		I32(name).I32(4).I32(queue).Call(register).Drop().
		I32(0).I32(name).I32(4).I32(counter).Call(define).Drop().
		I32(0).I32(other).I32(4).I32(taken).Call(define).Drop().
		I32(name).I32(4).I32(name).I32(4).I32(0).Call(set).Drop().I32(1))
	m.Func("proxy_on_request_headers", "iii", "i", wasmtest.Code{}.
		I32(0).Load32(queue).I32(name).I32(4).Call(enqueue).
		If().Unreachable().End().
		I32(name).I32(4).I32(out).I32(out+4).I32(out+8).Call(get).
		If().Unreachable().End().
		I32(name).I32(4).I32(name).I32(4).I32(0).Call(set).
		If().Unreachable().End().
		Append(count(counter)).I32(0))
	m.Func("proxy_on_queue_ready", "ii", "", wasmtest.Code{}.
		LocalGet(1).I32(out).I32(out+4).Call(dequeue).
		If().Unreachable().End().
		Append(count(taken)))
	var plugins []*Plugin
	for _, vmID := range []string{"a", "b"} {
		p, err := host.NewPlugin(context.Background(), Config{Name: vmID, VMID: vmID, Code: m.Bytes()})
		if err != nil {
			t.Fatal(err)
		}
		plugins = append(plugins, p)
	}
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			for range streams {
				worker := host.PickWorker()
				for _, p := range plugins {
					cb := newStream()
					f := p.NewFilter(worker, cb)
					f.DecodeHeaders(cb.request, true)
					f.OnLog()
					f.OnDestroy()
					if s := cb.happened(); s != "" {
						t.Error(s)
					}
				}
			}
		})
	}
	wg.Wait()
	host.queues.deliveries.Wait()
	metrics := host.Metrics()
	wantEqual(t, "metrics", len(metrics), 2)
	for _, m := range metrics {
		wantEqual(t, m.Name, m.Value, 2*goroutines*streams)
	}
}
