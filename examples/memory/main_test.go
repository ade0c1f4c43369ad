package main

import (
	"strconv"
	"testing"

	"github.com/sluice-gateway/sluice/plugintest"
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
