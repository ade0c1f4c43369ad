package plugintest

import (
	"context"

	"github.com/sluice-gateway/sluice/pluginhost"
)

// Workers is the number of VMs; default 1, and more in mode [Wasm] only. One, so that what one request leaves behind the next one finds.
func Workers(n int) Option { return func(o *options) { o.workers = n } }

// FailReload has a VM that died made anew when the next request comes, one second after the last time (which a
// [FakeClock] must be advanced by); requests until then are answered 503. Without it a VM that died stays dead.
func FailReload() Option { return func(o *options) { o.plugin.FailurePolicy = pluginhost.FailReload } }

// UseWorker has the VM of a number, from 0, serve the requests that are sent from now on; less than 0 is each in turn, as
// it is at first.
func (p *Plugin) UseWorker(n int) {
	p.t.Helper()
	if n >= p.workers {
		p.t.Fatalf("plugintest: UseWorker(%d): the workers are 0 to %d", n, p.workers-1)
	}
	p.worker.Store(int64(n))
}

// pickWorker is [pluginhost.Options.PickWorker].
func (p *instance) pickWorker(workers int) int {
	if n := p.worker.Load(); n >= 0 {
		return int(n)
	}
	return int((p.turn.Add(1) - 1) % uint64(workers))
}

// Trap kills the VM of a worker between two callbacks, as a trap in one of them does: streams that it holds are failed,
// its ticks and call-outs end, and [FailOpen], [FailReload] or neither says what becomes of new requests. It is for mode
// [Wasm]: natively there is no VM to lose.
func (p *Plugin) Trap(worker int) {
	p.t.Helper()
	if p.mode == Native {
		p.t.Fatalf("plugintest: Trap: a native plugin cannot trap; use wasm mode")
	}
	if !p.running().Kill(p.checkWorker(worker)) {
		p.t.Fatalf("plugintest: Trap: the VM of worker %d is dead already", worker)
	}
}

// Alive reports whether the VM of a worker is not dead.
func (p *Plugin) Alive(worker int) bool {
	p.t.Helper()
	return p.running().Alive(p.checkWorker(worker))
}

// Rebuild has the VM of each worker replaced, as the gateway does it when the plugin asks: the new VM starts and is
// configured off to the side and takes the requests that come, the old one ends with its last stream. A VM that does not
// start leaves the old one in its place and fails the test. It is for mode [Wasm]: natively there is one VM in a process.
func (p *Plugin) Rebuild() {
	p.t.Helper()
	if p.mode == Native {
		p.t.Fatalf("plugintest: Rebuild: a native plugin has one VM in a process; use wasm mode")
	}
	if err := p.running().Rebuild(context.Background()); err != nil {
		p.t.Fatalf("plugintest: Rebuild: %v", err)
	}
}

// Generation returns a number of the VM that serves the new requests of a worker. It grows with each VM that is made.
func (p *Plugin) Generation(worker int) uint64 {
	p.t.Helper()
	return p.running().Generation(p.checkWorker(worker))
}

// RebuildAsked reports whether the plugin has asked for its VM of a worker to be made anew (WithRebuildAfterRequests,
// WithRebuildMaxMemBytes), also if that was done since. The gateway does it when the VM is a second old, which a
// [FakeClock] must be advanced by; natively it has none to put in its place.
func (p *Plugin) RebuildAsked(worker int) bool {
	p.t.Helper()
	return p.running().RebuildAsked(p.checkWorker(worker))
}

func (p *Plugin) checkWorker(n int) int {
	p.t.Helper()
	if n < 0 || n >= p.workers {
		p.t.Fatalf("plugintest: there is no worker %d: the workers are 0 to %d", n, p.workers-1)
	}
	return n
}
