package main

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/plugintest"
	"github.com/sluice-gateway/sluice/sdk/wrapper"
)

// leaders asks each VM that lives whether it leads.
func leaders(t *testing.T, p *plugintest.Plugin, vms int) (leads []int) {
	t.Helper()
	for i := range vms {
		if !p.Alive(i) {
			continue
		}
		p.UseWorker(i)
		got := p.Do(plugintest.Get("/"))
		if got.Status != 200 || got.Worker != i {
			t.Fatalf("VM %d: status %d of worker %d", i, got.Status, got.Worker)
		}
		if got.Header.Get("x-leader") == "true" {
			leads = append(leads, i)
		}
	}
	return leads
}

func runs(t *testing.T, p *plugintest.Plugin) int {
	t.Helper()
	text, ok := p.SharedData(runsKey)
	n, err := strconv.Atoi(text)
	if ok && err != nil {
		t.Fatal(err)
	}
	return n
}

func TestOneVMDoesIt(t *testing.T) {
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := plugintest.Start(t, mode, plugintest.FakeClock())
		if got := p.Do(plugintest.Get("/")); got.Header.Get("x-leader") != "false" {
			t.Errorf("leader before the first tick: %v", got.Header)
		}
		p.Advance(time.Minute)
		if got := p.Do(plugintest.Get("/")); got.Header.Get("x-leader") != "true" || got.Header.Get("x-runs") != "6" {
			t.Errorf("after a minute: %v", got.Header)
		}
	})
}

// TestOneOfManyVMs needs several VMs, which there are in wasm mode only.
func TestOneOfManyVMs(t *testing.T) {
	const vms = 4
	p := plugintest.Start(t, plugintest.Wasm, plugintest.Workers(vms), plugintest.FakeClock())
	if l := leaders(t, p, vms); len(l) != 0 {
		t.Fatalf("before the first tick lead %v", l)
	}
	p.Advance(time.Second)
	first := leaders(t, p, vms)
	if len(first) != 1 {
		t.Fatalf("after a second lead %v", first)
	}
	for range 100 {
		p.Advance(time.Second)
		if l := leaders(t, p, vms); len(l) != 1 || l[0] != first[0] {
			t.Fatalf("at %v lead %v, it was %v", p.Now(), l, first)
		}
	}
	if n := runs(t, p); n != 10 {
		t.Errorf("%d runs in 101 seconds", n)
	}
}

// TestLeadersFollowEachOther kills each leader. Until another leads nobody does, and never do two.
func TestLeadersFollowEachOther(t *testing.T) {
	const vms = 4
	p := plugintest.Start(t, plugintest.Wasm, plugintest.Workers(vms), plugintest.FakeClock())
	for left := vms; left > 0; left-- {
		gone := time.Duration(0)
		for ; ; gone += 250 * time.Millisecond {
			l := leaders(t, p, vms)
			if len(l) > 1 {
				t.Fatalf("with %d VMs lead %v", left, l)
			}
			if len(l) == 1 {
				p.Trap(l[0])
				break
			}
			if gone > 15*time.Second {
				t.Fatalf("with %d VMs nobody has led for %v", left, gone)
			}
			p.Advance(250 * time.Millisecond)
		}
		if left < vms && gone < 8*time.Second {
			t.Errorf("a leader was followed after %v: nobody could know that it was gone", gone)
		}
	}
}

// TestRunsGoOn holds that the task is done all the time while VMs come and go, and never twice in a period.
func TestRunsGoOn(t *testing.T) {
	const vms = 3
	p := plugintest.Start(t, plugintest.Wasm, plugintest.Workers(vms), plugintest.FakeClock(), plugintest.FailReload())
	p.Advance(10 * time.Second)
	before := runs(t, p)
	const rounds = 10
	for i := range rounds {
		p.Trap(i % vms)
		p.Advance(30 * time.Second)
		p.UseWorker(i % vms)
		if got := p.Do(plugintest.Get("/")); got.Status != 200 { // which makes the VM anew
			t.Fatalf("status %d", got.Status)
		}
		p.Advance(30 * time.Second)
	}
	if n := runs(t, p) - before; n < 4*rounds || n > 6*rounds {
		t.Errorf("%d runs in %d minutes", n, rounds)
	}
}

func TestLeaseIsReadable(t *testing.T) {
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := plugintest.Start(t, mode, plugintest.FakeClock(), plugintest.Name("ns.plugin"))
		p.Advance(time.Second)
		value, ok := p.SharedData(wrapper.VMLeaseKeyPrefix + ":sluice:leader-election:ns.plugin")
		if !ok || !strings.HasPrefix(value, `{"vmID":"`) || !strings.HasSuffix(value, `,"timestamp":946684800}`) {
			t.Errorf("lease %q", value)
		}
	})
}
