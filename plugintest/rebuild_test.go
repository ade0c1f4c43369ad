package plugintest

import "testing"

// A rebuild on demand: streams stay where they are, new ones find a new VM.
func TestRebuild(t *testing.T) {
	p := Start(t, Wasm, Source("../examples/memory"), Config(`{"keep_bytes": 1}`), Workers(2))
	kept := func(worker int) string {
		t.Helper()
		p.UseWorker(worker)
		return p.Do(Get("/")).Upstream.Header.Get("x-kept")
	}
	for worker := range 2 {
		if got := kept(worker) + kept(worker); got != "12" {
			t.Fatalf("worker %d keeps %s", worker, got)
		}
	}
	p.UseWorker(0)
	held := p.Stream(Get("/"))
	upstream := held.Upstream()
	before := []uint64{p.Generation(0), p.Generation(1)}
	p.Rebuild()
	for worker := range 2 {
		if p.Generation(worker) <= before[worker] {
			t.Errorf("worker %d still has VM %d", worker, before[worker])
		}
		if got := kept(worker); got != "1" {
			t.Errorf("the new VM of worker %d keeps %s", worker, got)
		}
	}
	upstream.Close()
	if got := held.Response(); got.Status != 200 {
		t.Errorf("the stream in the old VM: %d (%s)", got.Status, got.Details)
	}
	if p.RebuildAsked(0) {
		t.Error("the plugin did not ask")
	}
}
