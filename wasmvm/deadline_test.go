package wasmvm

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/wasmvm/wasmtest"
)

// spinners are guests that never come back by themselves, in OnTick.
var spinners = map[string]func() *wasmtest.Module{
	"loop br 0": func() *wasmtest.Module {
		m := wasmtest.Plugin()
		m.Func("proxy_on_tick", "i", "", wasmtest.Code{}.Loop().Br(0).End())
		return m
	},
	"recursion without a loop": func() *wasmtest.Module {
		// A tail of frames that is kept short by returning: f calls itself 20 times over, 20 deep.
		m := wasmtest.Plugin()
		self := 2 // after the version and the allocator
		c := wasmtest.Code{}.LocalGet(0).Op(0x45).If().Op(0x0f).End()
		for range 20 {
			c = c.LocalGet(0).I32(1).Op(0x6b).CallLocal(self)
		}
		if f := m.Func("", "i", "", c); f != self {
			panic("wrong index")
		}
		m.Func("proxy_on_tick", "i", "", wasmtest.Code{}.I32(20).CallLocal(self))
		return m
	},
	"clear 64 MiB": func() *wasmtest.Module {
		m := wasmtest.Plugin()
		m.Func("proxy_on_tick", "i", "", wasmtest.Code{}.I32(1024).MemoryGrow().Drop().
			Loop().I32(1<<16).I32(0).I32(64<<20).MemoryFill().Br(0).End())
		return m
	},
	"cheap host calls": func() *wasmtest.Module {
		m := wasmtest.Plugin()
		done := m.Import("env", "proxy_done", "", "i")
		m.Func("proxy_on_tick", "i", "", wasmtest.Code{}.Loop().Call(done).Drop().Br(0).End())
		return m
	},
	"expensive host calls": func() *wasmtest.Module {
		m := wasmtest.Plugin()
		random := m.Import(wasiPreview1, "random_get", "ii", "i")
		m.Func("proxy_on_tick", "i", "", wasmtest.Code{}.Loop().I32(0).I32(maxRandom).Call(random).Drop().Br(0).End())
		return m
	},
	"sleeping": func() *wasmtest.Module {
		m := wasmtest.Plugin()
		poll := m.Import(wasiPreview1, "poll_oneoff", "iiii", "i")
		m.Func("proxy_on_tick", "i", "", wasmtest.Code{}.Loop().I32(0).I32(0).I32(0).I32(0).Call(poll).Drop().Br(0).End())
		return m
	},
}

func TestDeadline(t *testing.T) {
	for name, build := range spinners {
		t.Run(name, func(t *testing.T) {
			vm := testVM(t, build(), &hookHost{hook: func() {}}, VMConfig{CallbackDeadline: 50 * time.Millisecond})
			err := vm.OnTick(1)
			wantTrap(t, vm, err, "proxy_on_tick", "deadline exceeded: it ran for")
			if !errors.Is(err, ErrDeadline) {
				t.Errorf("err = %v", err)
			}
		})
	}
}

// TestDeadlineDuringCollection: guests that spin on every core, and then some, hold up neither each other nor the
// garbage collector, which stops the world all the while.
func TestDeadlineDuringCollection(t *testing.T) {
	const deadline = 500 * time.Millisecond
	names := []string{"loop br 0", "recursion without a loop", "clear 64 MiB", "expensive host calls"}
	var vms []*VM
	for _, name := range names {
		vms = append(vms, testVM(t, spinners[name](), abi.UnimplementedHost{}, VMConfig{CallbackDeadline: deadline}))
	}
	stop := make(chan struct{})
	var collections atomic.Int64
	var collector, guests sync.WaitGroup
	collector.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				runtime.GC()
				collections.Add(1)
			}
		}
	})
	for i, vm := range vms {
		guests.Go(func() {
			begin := time.Now()
			err := vm.OnTick(1)
			t.Logf("%s: ended after %v of %v", names[i], time.Since(begin).Round(time.Millisecond), deadline)
			if !errors.Is(err, ErrDeadline) {
				t.Errorf("%s: %v", names[i], err)
			}
		})
	}
	guests.Wait()
	during := collections.Load()
	close(stop)
	collector.Wait()
	if during == 0 {
		t.Error("no collection ended while the guests were spinning")
	}
	t.Logf("%d collections", during)
}

// TestDeadlineIsPerCallback: what one callback took is not held against the next.
func TestDeadlineIsPerCallback(t *testing.T) {
	m := wasmtest.Plugin()
	m.FuncLocals("proxy_on_tick", "i", "", "i", wasmtest.Code{}.I32(1_000_000).LocalSet(1).Repeat(1, wasmtest.Code{}))
	vm := testVM(t, m, abi.UnimplementedHost{}, VMConfig{CallbackDeadline: 300 * time.Millisecond})
	for begin := time.Now(); time.Since(begin) < 700*time.Millisecond; {
		if err := vm.OnTick(1); err != nil {
			t.Fatal(err)
		}
	}
}

// TestStartDeadline: callbacks that happen once have a deadline of their own.
func TestStartDeadline(t *testing.T) {
	m := wasmtest.Plugin()
	for _, name := range []string{"proxy_on_vm_start", "proxy_on_configure"} {
		m.Func(name, "ii", "i", wasmtest.Code{}.Loop().Br(0).End().I32(1))
	}
	for name, call := range map[string]func(*VM) error{
		"OnVMStart":   func(vm *VM) error { _, err := vm.OnVMStart(1, 0); return err },
		"OnConfigure": func(vm *VM) error { _, err := vm.OnConfigure(1, 0); return err },
	} {
		t.Run(name, func(t *testing.T) {
			vm := testVM(t, m, abi.UnimplementedHost{}, VMConfig{CallbackDeadline: time.Hour, StartDeadline: 20 * time.Millisecond})
			if err := call(vm); !errors.Is(err, ErrDeadline) {
				t.Errorf("err = %v", err)
			}
		})
	}
}

// TestNoDeadline: a negative deadline is none.
func TestNoDeadline(t *testing.T) {
	m := wasmtest.Plugin()
	m.FuncLocals("proxy_on_tick", "i", "", "i", wasmtest.Code{}.I32(20_000_000).LocalSet(1).Repeat(1, wasmtest.Code{}))
	vm := testVM(t, m, abi.UnimplementedHost{}, VMConfig{CallbackDeadline: -1})
	if err := vm.OnTick(1); err != nil {
		t.Error(err)
	}
}

// TestDeepRecursion: a guest that recurses for ever runs out of stack, or of time.
func TestDeepRecursion(t *testing.T) {
	m := wasmtest.Plugin()
	m.Func("proxy_on_tick", "i", "", wasmtest.Code{}.LocalGet(0).CallLocal(2))
	vm := testVM(t, m, abi.UnimplementedHost{}, VMConfig{CallbackDeadline: 10 * time.Second})
	trap := wantTrap(t, vm, vm.OnTick(1), "proxy_on_tick", "")
	if !errors.Is(trap, ErrDeadline) && trap.Reason.Error() != "stack overflow" {
		t.Errorf("reason = %v", trap.Reason)
	}
}

// TestCancelledCompile: a compilation may be cancelled or not, but must not leave anything behind.
func TestCancelledCompile(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	e := testEngine(t)
	if m, err := e.Compile(ctx, wasmtest.Plugin().Bytes()); err == nil {
		m.Close(context.Background())
	}
	if e.uses.n != 1 {
		t.Errorf("the engine has %d users", e.uses.n)
	}
}
