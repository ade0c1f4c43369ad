package main

import (
	"strconv"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/plugintest"
	"github.com/sluice-gateway/sluice/sdk/wrapper"
)

// request makes a request and returns how many the VM has kept something of.
func request(t *testing.T, p *plugintest.Plugin) int {
	t.Helper()
	got := p.Do(plugintest.Get("/"))
	if got.Status != 200 || got.Upstream == nil {
		t.Fatalf("status %d (%s)", got.Status, got.Details)
	}
	kept, err := strconv.Atoi(got.Upstream.Header.Get("x-kept"))
	if err != nil {
		t.Fatal(err)
	}
	return kept
}

// TestAsksForANewVMForItsSize is for wasm: natively a plugin has no memory of its own.
func TestAsksForANewVMForItsSize(t *testing.T) {
	tests := []struct {
		name, config    string
		atLeast, atMost int // requests until it asks
	}{
		{"8 MiB of each request", `{"keep_bytes": 8388608}`, 4, 14},
		{"1 MiB of each request", `{"keep_bytes": 1048576}`, 40, 101},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := plugintest.Start(t, plugintest.Wasm, plugintest.Config(tt.config))
			requests, kept := 0, 0
			for requests <= tt.atMost {
				requests++
				now := request(t, p)
				if p.RebuildAsked(0) || now < kept { // or the VM has been replaced already
					break
				}
				kept = now
			}
			if requests < tt.atLeast || requests > tt.atMost {
				t.Errorf("it asked after %d requests", requests)
			}
		})
	}
}

// TestIsReplaced sees the wish fulfilled: a request that is in the old VM ends there, the next ones find an empty one.
func TestIsReplaced(t *testing.T) {
	p := plugintest.Start(t, plugintest.Wasm, plugintest.FakeClock(), plugintest.Config(`{"keep_bytes": 8388608}`))
	first := p.Generation(0)
	for !p.RebuildAsked(0) {
		request(t, p)
	}
	held := p.Stream(plugintest.Get("/"))
	upstream := held.Upstream()
	p.Advance(time.Second)
	full := request(t, p) // it is noticed at the next callback
	for deadline := time.Now().Add(10 * time.Second); p.Generation(0) == first; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the VM is not replaced")
		}
	}
	if kept := request(t, p); kept != 1 {
		t.Errorf("%d were kept in the old VM, the new one has %d", full, kept)
	}
	upstream.Close()
	if got := held.Response(); got.Status != 200 {
		t.Errorf("the request that was in the old VM: status %d (%s)", got.Status, got.Details)
	}
}

func TestDoesNotAskWithoutNeed(t *testing.T) {
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := plugintest.Start(t, mode, plugintest.Config(`{"keep_bytes": 0}`))
		for i := range 100 {
			if kept := request(t, p); kept != i+1 {
				t.Fatalf("request %d: %d are kept", i, kept)
			}
		}
		if p.RebuildAsked(0) {
			t.Error("it asked")
		}
	})
}

// TestTrapsWhereTheOperatorSaysSo is what becomes of it on a stock Envoy, which takes no wishes: the VM ends itself when no
// request is in it, and the failure policy has another in its place for the next one. It is for wasm, where there are VMs.
func TestTrapsWhereTheOperatorSaysSo(t *testing.T) {
	p := plugintest.Start(t, plugintest.Wasm, plugintest.Env(wrapper.RebuildByTrap, "true"), plugintest.FailReload(),
		plugintest.FakeClock(), plugintest.Config(`{"keep_bytes": 8388608}`))
	full := 0
	for range 14 {
		full = request(t, p)
	}
	if p.RebuildAsked(0) || !p.Alive(0) {
		t.Fatal("it asked the host, or is dead while it is young")
	}
	p.Advance(time.Minute)
	held := p.Stream(plugintest.Get("/"))
	upstream := held.Upstream()
	if kept := request(t, p); kept <= full || !p.Alive(0) {
		t.Fatalf("%d are kept: it is not the same VM, though a request is in it", kept)
	}
	upstream.Close()
	if got := held.Response(); got.Status != 200 {
		t.Fatalf("the request that was in it: status %d (%s)", got.Status, got.Details)
	}
	if !p.Logged("this VM ends itself") {
		t.Fatal("it has not ended itself")
	}
	p.Advance(time.Second)
	if kept := request(t, p); kept != 1 {
		t.Errorf("the next request is in a VM that keeps %d", kept)
	}
}

// TestAsksForANewVMAfterManyRequests runs natively only, where no VM is replaced: the count is the SDK's, and the same.
func TestAsksForANewVMAfterManyRequests(t *testing.T) {
	if testing.Short() {
		t.Skip("10,000 requests")
	}
	p := plugintest.Start(t, plugintest.Native, plugintest.Config(`{"keep_bytes": 0}`))
	for i := range 10_000 {
		if p.RebuildAsked(0) {
			t.Fatalf("it asked after %d requests", i)
		}
		request(t, p)
	}
	if !p.RebuildAsked(0) {
		t.Error("it did not ask")
	}
}

func TestStartsWithoutComplaint(t *testing.T) {
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := plugintest.Start(t, mode)
		for _, l := range p.Logs() {
			if l.Level > 0 {
				t.Errorf("it complains: %v", l)
			}
		}
	})
}
