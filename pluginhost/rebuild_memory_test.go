//go:build linux

package pluginhost

import (
	"bytes"
	"context"
	"os"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/wasmvm/wasmtest"
)

// resident returns the process's resident memory in bytes, what is garbage given back.
func resident(t *testing.T) int64 {
	t.Helper()
	debug.FreeOSMemory()
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	fields := bytes.Fields(statm)
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}

// A VM's memory goes back to the system with it. What users of other hosts see is that a rebuild frees nothing.
func TestRebuildReturnsMemory(t *testing.T) {
	const guest = 200 << 20
	h, _ := wasmHost(t)
	code := testModule(abi.Version0_2_100, func(m *wasmtest.Module) {
		m.NoMemory()
		m.Memory(guest>>16+16, 0)
		m.Func("proxy_on_vm_start", "ii", "i", wasmtest.Code{}.I32(1<<16).I32(1).I32(guest).Op(0xfc, 11, 0).I32(1))
	})
	p, err := h.NewPlugin(t.Context(), Config{Name: "w", Code: code, VMID: "memory"})
	if err != nil {
		t.Fatal(err)
	}
	before := resident(t)
	if before < 2*guest {
		t.Fatalf("resident memory %d MiB with two guests of 200 MiB", before>>20)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	var served, failed atomic.Int64
	for worker := range h.Workers() {
		wg.Go(func() {
			for ctx.Err() == nil {
				cb := newStream()
				f := p.NewFilter(worker, cb)
				a := f.DecodeHeaders(cb.request, true)
				f.OnLog()
				f.OnDestroy()
				served.Add(1)
				if a != abi.HeaderStopIteration || cb.happened() != "" {
					failed.Add(1)
				}
			}
		})
	}
	const rebuilds = 8
	for range rebuilds {
		if err := p.Rebuild(t.Context()); err != nil {
			t.Error(err)
		}
	}
	cancel()
	wg.Wait()
	// The last of them may have left one to follow, when a VM that drained had gone.
	for busy := true; busy; time.Sleep(time.Millisecond) {
		busy = false
		for worker := range h.Workers() {
			v := p.group.vmOf(worker)
			v.lock.Lock()
			busy = busy || v.rebuild != "" || v.rebuilding
			v.unlock()
		}
		p.group.mu.Lock()
		busy = busy || p.group.draining[0] != nil || p.group.draining[1] != nil
		p.group.unlock()
	}
	after := resident(t)
	t.Logf("%d streams during %d rebuilds of 2 VMs; resident %d MiB before, %d MiB after", served.Load(), rebuilds, before>>20, after>>20)
	if failed.Load() > 0 || served.Load() == 0 {
		t.Errorf("%d of %d streams failed", failed.Load(), served.Load())
	}
	if after > before+before/10 {
		t.Errorf("resident memory %d MiB before, %d MiB after", before>>20, after>>20)
	}
}
