package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/wasmvm/wasmtest"
)

// generations is a plugin whose VMs note their callbacks as "generation: callback id".
type generations struct {
	mu    sync.Mutex
	made  int
	calls []string
	on    map[string]handler
	fails func(generation int) bool // whether it refuses its configuration
	alive atomic.Int64
}

type generationVM struct {
	*fake
	of *generations
}

func (v *generationVM) Close() error { v.of.alive.Add(-1); return nil }

func (g *generations) start(h abi.Host) abi.Plugin {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.made++
	n := g.made
	g.alive.Add(1)
	on := map[string]handler{}
	for _, name := range []string{"context_create", "configure", "request_headers", "request_body", "tick", "log", "done", "delete"} {
		otherwise := uint32(0)
		if name == "configure" || name == "done" {
			otherwise = 1
		}
		on[name] = func(c call) (uint32, error) {
			g.mu.Lock()
			g.calls = append(g.calls, fmt.Sprintf("%d: %s %d", n, name, c.id))
			f := g.on[name]
			g.mu.Unlock()
			if name == "configure" && g.fails != nil && g.fails(n) {
				return 0, nil
			}
			if f != nil {
				return f(c)
			}
			return otherwise, nil
		}
	}
	return &generationVM{&fake{host: h, on: on}, g}
}

func (g *generations) took() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := strings.Join(g.calls, ", ")
	g.calls = nil
	return s
}

func (g *generations) config(c *Config) { c.Native, c.nativeRebuilds = g.start, true }

func askForRebuild(c call) (uint32, error) {
	c.SetProperty(abi.Path(abi.PropertyNeedRebuild), []byte("true"))
	return 0, nil
}

// soon lets the VM of worker 0 be rebuilt at once.
func (s *setup) soon() *vm {
	v := s.plugin.roots[0].Load().vm
	v.lock.Lock()
	v.mayRebuild = time.Time{}
	v.unlock()
	return v
}

// settle waits for the rebuilds under way.
func (s *setup) settle() {
	for {
		v := s.plugin.group.vmOf(0)
		v.lock.Lock()
		busy := v.rebuilding
		v.unlock()
		if !busy {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

func (g *group) vmOf(w int) *vm {
	g.mu.Lock()
	defer g.unlock()
	return g.vms[w]
}

func TestRebuildKeepsStreamsWhereTheyAre(t *testing.T) {
	g := &generations{}
	s := start(t, nil, g.config)
	wantEqual(t, "start", g.took(), "1: context_create 1, 1: configure 1")

	older := newStream()
	f := s.filter(older)
	f.DecodeHeaders(older.request, false)
	if err := s.plugin.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "rebuild", g.took(), "1: context_create 2, 1: request_headers 2, 2: context_create 1, 2: configure 1")

	newer := newStream()
	n := s.filter(newer)
	n.DecodeHeaders(newer.request, false)
	f.DecodeData(buffer("x"), true)
	wantEqual(t, "both", g.took(), "2: context_create 2, 2: request_headers 2, 1: request_body 2")
	wantEqual(t, "VMs", g.alive.Load(), 2)
	f.OnLog()
	f.OnDestroy()
	wantEqual(t, "the old VM's end", g.took(), "1: log 2, 1: done 2, 1: delete 2, 1: done 1, 1: delete 1")
	wantEqual(t, "VMs", g.alive.Load(), 1)
	n.OnLog()
	n.OnDestroy()
	wantEqual(t, "the new VM goes on", g.took(), "2: log 2, 2: done 2, 2: delete 2")
	if log := s.log.String(); !strings.Contains(log, `msg="plugin VM rebuilt" plugin=test worker=0 reason=requested generation=2`) ||
		!strings.Contains(log, "streams=1") {
		t.Errorf("log:\n%s", log)
	}
}

func TestRebuildOnThePluginsWish(t *testing.T) {
	g := &generations{on: map[string]handler{"request_headers": askForRebuild}}
	s := start(t, nil, g.config)
	old := s.soon()
	cb := newStream()
	f := s.filter(cb)
	wantEqual(t, "action", f.DecodeHeaders(cb.request, true), abi.HeaderContinue)
	s.settle()
	if s.plugin.roots[0].Load().vm == old {
		t.Fatal("the VM was not replaced")
	}
	f.OnLog()
	f.OnDestroy()
	wantEqual(t, "old VM dead", old.isDead(), true)
	// It asks again in the new VM, but that one is too young.
	f = s.filter(cb)
	f.DecodeHeaders(cb.request, true)
	f.OnDestroy()
	s.settle()
	wantEqual(t, "VMs made", g.made, 2)
	if log := s.log.String(); strings.Count(log, "reason=asked") != 1 {
		t.Errorf("log:\n%s", log)
	}
}

func TestRebuildThatFailsLeavesTheOldVM(t *testing.T) {
	g := &generations{fails: func(n int) bool { return n == 2 }, on: map[string]handler{"request_headers": askForRebuild}}
	s := start(t, nil, g.config)
	v := s.soon()
	cb := newStream()
	f := s.filter(cb)
	f.DecodeHeaders(cb.request, true)
	s.settle()
	wantEqual(t, "VM", s.plugin.roots[0].Load().vm == v, true)
	wantEqual(t, "VMs alive", g.alive.Load(), 1)
	if log := s.log.String(); !strings.Contains(log, "plugin VM not rebuilt, the old one goes on") {
		t.Errorf("log:\n%s", log)
	}
	f.OnLog()
	f.OnDestroy()
	v.lock.Lock()
	wantEqual(t, "next attempt waits", v.interval, rebuildInterval)
	v.unlock()
	var start *StartError
	g.fails = func(int) bool { return true }
	if err := s.plugin.Rebuild(t.Context()); !errors.As(err, &start) || start.Step != StepConfigure || !errors.Is(err, ErrRefused) {
		t.Errorf("error %v", err)
	}
}

// One VM of a worker drains at a time: memory is bounded.
func TestRebuildWaitsForTheVMThatDrains(t *testing.T) {
	g := &generations{}
	s := start(t, nil, g.config)
	cb := newStream()
	f := s.filter(cb)
	f.DecodeHeaders(cb.request, true)
	for range 3 {
		if err := s.plugin.Rebuild(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	wantEqual(t, "VMs made", g.made, 2)
	f.OnLog()
	f.OnDestroy() // the first VM is gone: the second one's turn
	s.settle()
	for s.plugin.roots[0].Load().vm.generation != 3 || g.alive.Load() != 1 {
		time.Sleep(time.Millisecond)
	}
	wantEqual(t, "VMs made", g.made, 3)
}

func TestDrainDeadline(t *testing.T) {
	for _, tc := range []struct {
		name   string
		policy FailurePolicy
		events string
	}{
		{"closed", FailClosed, failReply},
		{"open", FailOpen, "continue request"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := &generations{on: map[string]handler{"request_headers": func(call) (uint32, error) { return 4, nil }}}
			s := start(t, nil, g.config, func(c *Config) { c.FailurePolicy, c.DrainDeadline = tc.policy, time.Millisecond })
			cb := newStream()
			f := s.filter(cb)
			cb.onTurn(func() { f.DecodeHeaders(cb.request, true) })
			if err := s.plugin.Rebuild(t.Context()); err != nil {
				t.Fatal(err)
			}
			for g.alive.Load() != 1 {
				time.Sleep(time.Millisecond)
			}
			got := ""
			for deadline := time.Now().Add(10 * time.Second); got == "" && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
				cb.onTurn(func() { got = cb.happened() })
			}
			wantEqual(t, "events", got, tc.events)
			f.OnLog()
			f.OnDestroy()
			if log := s.log.String(); !strings.Contains(log, "plugin VM stopped before its last streams have ended") {
				t.Errorf("log:\n%s", log)
			}
		})
	}
}

func TestCrashOfAVMThatDrains(t *testing.T) {
	g := &generations{on: map[string]handler{"request_body": trap}}
	s := start(t, nil, g.config)
	cb := newStream()
	f := s.filter(cb)
	f.DecodeHeaders(cb.request, false)
	if err := s.plugin.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "action", f.DecodeData(buffer("x"), true), abi.DataStopIterationNoBuffer)
	wantEqual(t, "events", cb.happened(), failReply)
	wantEqual(t, "VMs", g.alive.Load(), 1)
	f.OnLog()
	f.OnDestroy()
	g.on = nil
	other := newStream()
	f = s.filter(other)
	f.DecodeHeaders(other.request, false)
	wantEqual(t, "the new VM", f.DecodeData(buffer("x"), true), abi.DataContinue)
	f.OnDestroy()
}

func TestRebuildOfANativePlugin(t *testing.T) {
	s := start(t, map[string]handler{"request_headers": askForRebuild})
	if err := s.plugin.Rebuild(t.Context()); !errors.Is(err, ErrNative) {
		t.Errorf("error %v", err)
	}
	cb := newStream()
	f := s.filter(cb)
	f.DecodeHeaders(cb.request, true)
	f.OnDestroy()
	if log := s.log.String(); !strings.Contains(log, "plugin VM not rebuilt") {
		t.Errorf("log:\n%s", log)
	}
}

// Each stream grows the memory of its VM by a page; the VM is replaced when it has too much.
func TestRebuildOnMemory(t *testing.T) {
	h, log := wasmHost(t)
	code := testModule(abi.Version0_2_100, func(m *wasmtest.Module) {
		m.Func("proxy_on_response_headers", "iii", "i", wasmtest.Code{}.I32(1).Op(0x40, 0).Drop().I32(0))
	})
	p, err := h.NewPlugin(t.Context(), Config{Name: "w", Code: code, RebuildMemory: 8 << 16, AllowOnHeadersStopIteration: true})
	if err != nil {
		t.Fatal(err)
	}
	var largest uint64
	for deadline := time.Now().Add(20 * time.Second); strings.Count(log.String(), "reason=memory") < 2; {
		if time.Now().After(deadline) {
			t.Fatalf("no two rebuilds\n%s", log)
		}
		cb := newStream()
		f := p.NewFilter(0, cb)
		f.DecodeHeaders(cb.request, true)
		if a := f.EncodeHeaders(cb.response, true); a != abi.HeaderContinue {
			t.Fatalf("action %v: %s", a, cb.happened())
		}
		largest = max(largest, f.vm.plugin.MemorySize())
		f.OnLog()
		f.OnDestroy()
		time.Sleep(10 * time.Millisecond)
	}
	if largest <= 8<<16 {
		t.Errorf("largest memory %d", largest)
	}
}

// Streams come and go while VMs are rebuilt over and over: none fails, none is left, no VM either.
func TestRebuildHammer(t *testing.T) {
	g := &generations{}
	s := start(t, nil, g.config)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	var failed atomic.Int64
	for range 4 {
		wg.Go(func() {
			for ctx.Err() == nil {
				cb := newStream()
				f := s.filter(cb)
				a := f.DecodeHeaders(cb.request, false)
				b := f.DecodeData(buffer("x"), true)
				c := f.EncodeHeaders(cb.response, true)
				f.OnLog()
				f.OnDestroy()
				if a != abi.HeaderContinue || b != abi.DataContinue || c != abi.HeaderContinue || cb.happened() != "" {
					failed.Add(1)
				}
			}
		})
	}
	for range 300 {
		if err := s.plugin.Rebuild(ctx); err != nil {
			t.Error(err)
			break
		}
	}
	cancel()
	wg.Wait()
	wantEqual(t, "failed streams", failed.Load(), 0)
	closeHost(t, s.host)
	wantEqual(t, "VMs", g.alive.Load(), 0)
	if n := len(s.host.groups) + len(s.host.plugins) + len(s.host.data.spaces); n != 0 {
		t.Errorf("%d things left in the host", n)
	}
}

func TestCloseDuringRebuild(t *testing.T) {
	for range 50 {
		g := &generations{}
		s := start(t, nil, g.config)
		var wg sync.WaitGroup
		wg.Go(func() { _ = s.plugin.Rebuild(context.Background()) })
		closeHost(t, s.host)
		wg.Wait()
		wantEqual(t, "VMs", g.alive.Load(), 0)
	}
}
