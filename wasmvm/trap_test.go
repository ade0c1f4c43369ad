package wasmvm

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/wasmvm/wasmtest"
)

// everyCallback calls each callback of a plugin by the name of its export.
var everyCallback = map[string]func(p abi.Plugin) (uint32, error){
	"proxy_on_context_create": func(p abi.Plugin) (uint32, error) { return 0, p.OnContextCreate(1, 2) },
	"proxy_on_vm_start":       func(p abi.Plugin) (uint32, error) { return boolean(p.OnVMStart(1, 2)) },
	"proxy_on_configure":      func(p abi.Plugin) (uint32, error) { return boolean(p.OnConfigure(1, 2)) },
	"proxy_on_tick":           func(p abi.Plugin) (uint32, error) { return 0, p.OnTick(1) },
	"proxy_on_queue_ready":    func(p abi.Plugin) (uint32, error) { return 0, p.OnQueueReady(1, 2) },
	"proxy_on_new_connection": func(p abi.Plugin) (uint32, error) { return action(p.OnNewConnection(1)) },
	"proxy_on_downstream_data": func(p abi.Plugin) (uint32, error) {
		return action(p.OnDownstreamData(1, 2, true))
	},
	"proxy_on_upstream_data": func(p abi.Plugin) (uint32, error) { return action(p.OnUpstreamData(1, 2, true)) },
	"proxy_on_downstream_connection_close": func(p abi.Plugin) (uint32, error) {
		return 0, p.OnDownstreamConnectionClose(1, abi.PeerRemote)
	},
	"proxy_on_upstream_connection_close": func(p abi.Plugin) (uint32, error) {
		return 0, p.OnUpstreamConnectionClose(1, abi.PeerRemote)
	},
	"proxy_on_request_headers":   func(p abi.Plugin) (uint32, error) { return action(p.OnRequestHeaders(1, 2, true)) },
	"proxy_on_request_body":      func(p abi.Plugin) (uint32, error) { return action(p.OnRequestBody(1, 2, true)) },
	"proxy_on_request_trailers":  func(p abi.Plugin) (uint32, error) { return action(p.OnRequestTrailers(1, 2)) },
	"proxy_on_response_headers":  func(p abi.Plugin) (uint32, error) { return action(p.OnResponseHeaders(1, 2, true)) },
	"proxy_on_response_body":     func(p abi.Plugin) (uint32, error) { return action(p.OnResponseBody(1, 2, true)) },
	"proxy_on_response_trailers": func(p abi.Plugin) (uint32, error) { return action(p.OnResponseTrailers(1, 2)) },
	"proxy_on_http_call_response": func(p abi.Plugin) (uint32, error) {
		return 0, p.OnHTTPCallResponse(1, 2, 1, 4, 5)
	},
	"proxy_on_redis_call_response": func(p abi.Plugin) (uint32, error) {
		return 0, p.OnRedisCallResponse(1, 2, 1, 4)
	},
	"proxy_on_grpc_receive_initial_metadata": func(p abi.Plugin) (uint32, error) {
		return 0, p.OnGRPCReceiveInitialMetadata(1, 2, 1)
	},
	"proxy_on_grpc_receive": func(p abi.Plugin) (uint32, error) { return 0, p.OnGRPCReceive(1, 2, 1) },
	"proxy_on_grpc_receive_trailing_metadata": func(p abi.Plugin) (uint32, error) {
		return 0, p.OnGRPCReceiveTrailingMetadata(1, 2, 1)
	},
	"proxy_on_grpc_close":       func(p abi.Plugin) (uint32, error) { return 0, p.OnGRPCClose(1, 2, 1) },
	"proxy_on_foreign_function": func(p abi.Plugin) (uint32, error) { return 0, p.OnForeignFunction(1, 2, 1) },
	"proxy_on_done":             func(p abi.Plugin) (uint32, error) { return boolean(p.OnDone(1)) },
	"proxy_on_log":              func(p abi.Plugin) (uint32, error) { return 0, p.OnLog(1) },
	"proxy_on_delete":           func(p abi.Plugin) (uint32, error) { return 0, p.OnDelete(1) },
}

func boolean(b bool, err error) (uint32, error)      { return bit(b), err }
func action(a abi.Action, err error) (uint32, error) { return uint32(a), err }

func letters(n int, result bool) (params, results string) {
	if result {
		results = "i"
	}
	return strings.Repeat("i", n), results
}

// TestCallbacks: every callback arrives with its arguments, and what it answers comes back; one that the module does
// not have answers as if it did nothing.
func TestCallbacks(t *testing.T) {
	m := wasmtest.Plugin()
	for _, info := range callbacks[onContextCreate:] {
		// It traps unless its arguments are 1, 2 (or a flag, which is 1), and answers the first.
		c := wasmtest.Code{}
		for i := range info.params {
			want := 1
			switch {
			case i == 1:
				want = 2
			case i > 2:
				want = i + 1
			}
			c = c.LocalGet(i).I32(want).Op(0x47).If().Unreachable().End()
		}
		params, results := letters(info.params, info.result)
		if info.result {
			c = c.LocalGet(0)
		}
		m.Func(info.name, params, results, c)
	}
	full := testVM(t, m, abi.UnimplementedHost{}, VMConfig{})
	empty := testVM(t, wasmtest.Plugin(), abi.UnimplementedHost{}, VMConfig{})
	for cb := onContextCreate; cb < callbackCount; cb++ {
		info := callbacks[cb]
		call := everyCallback[info.name]
		if call == nil {
			t.Fatalf("%s is not tested", info.name)
		}
		if r, err := call(full); err != nil || r != bit(info.result) {
			t.Errorf("%s = %d, %v", info.name, r, err)
		}
		if r, err := call(empty); err != nil || r != info.absent {
			t.Errorf("%s = %d, %v, without it", info.name, r, err)
		}
	}
}

func TestTrapInEachCallback(t *testing.T) {
	for cb := onContextCreate; cb < callbackCount; cb++ {
		info := callbacks[cb]
		t.Run(info.name, func(t *testing.T) {
			m := wasmtest.Plugin()
			params, results := letters(info.params, info.result)
			m.Func(info.name, params, results, wasmtest.Code{}.Unreachable())
			vm := testVM(t, m, abi.UnimplementedHost{}, VMConfig{Name: "test"})
			_, err := everyCallback[info.name](vm)
			wantTrap(t, vm, err, info.name, "unreachable")
		})
	}
}

// wantTrap checks a trap, and that nothing comes after it.
func wantTrap(t *testing.T, vm *VM, err error, callback, reason string) *TrapError {
	t.Helper()
	var trap *TrapError
	if !errors.As(err, &trap) {
		t.Fatalf("err = %v, want a trap", err)
	}
	if trap.Callback != callback || !strings.Contains(trap.Reason.Error(), reason) || trap.VM != vm.cfg.Name {
		t.Errorf("trap = %v, want %s of %s", trap, reason, callback)
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("message of several lines: %q", err)
	}
	if vm.Err() != error(trap) {
		t.Errorf("Err = %v", vm.Err())
	}
	for name, call := range everyCallback {
		if _, err := call(vm); !errors.Is(err, ErrDead) || !errors.Is(err, error(trap)) {
			t.Errorf("%s after a trap: %v", name, err)
		}
	}
	return trap
}

func TestTraps(t *testing.T) {
	tests := []struct {
		name, reason string
		code         func(m *wasmtest.Module) wasmtest.Code
		stack        string
	}{
		{"unreachable", "unreachable", func(m *wasmtest.Module) wasmtest.Code {
			inner := m.Func("inner", "", "", wasmtest.Code{}.Unreachable())
			return wasmtest.Code{}.CallLocal(inner)
		}, "inner()\nproxy_on_tick(i32)"},
		{"division by zero", "integer divide by zero", func(*wasmtest.Module) wasmtest.Code {
			return wasmtest.Code{}.I32(1).I32(0).Op(0x6d).Drop()
		}, "proxy_on_tick(i32)"},
		{"load past the end", "out of bounds memory access", func(*wasmtest.Module) wasmtest.Code {
			return wasmtest.Code{}.I32(-1).Load32(0).Drop()
		}, "proxy_on_tick(i32)"},
		{"exit", "module exited with code 3", func(m *wasmtest.Module) wasmtest.Code {
			return wasmtest.Code{}.I32(3).Call(m.Import(wasiPreview1, "proc_exit", "i", ""))
		}, "proxy_on_tick(i32)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := wasmtest.Plugin()
			m.Func("proxy_on_tick", "i", "", tt.code(m))
			vm := testVM(t, m, abi.UnimplementedHost{}, VMConfig{Name: "test"})
			trap := wantTrap(t, vm, vm.OnTick(1), "proxy_on_tick", tt.reason)
			// A host function that traps is on top of the stack.
			if !strings.HasSuffix(trap.Stack, tt.stack) {
				t.Errorf("stack = %q, want %q", trap.Stack, tt.stack)
			}
		})
	}
	t.Run("exit code", func(t *testing.T) {
		m := wasmtest.Plugin()
		m.Func("proxy_on_tick", "i", "", wasmtest.Code{}.I32(3).Call(m.Import(wasiUnstable, "proc_exit", "i", "")))
		err := testVM(t, m, abi.UnimplementedHost{}, VMConfig{}).OnTick(1)
		var exit *ExitError
		if !errors.As(err, &exit) || exit.Code != 3 {
			t.Errorf("err = %v", err)
		}
	})
}

// withAllocator is a plugin whose allocator is code, and which asks for the upstream hosts in OnDone.
func withAllocator(code func(hosts int) wasmtest.Code) *wasmtest.Module {
	m := wasmtest.Plugin()
	hosts := m.Import("env", "proxy_get_upstream_hosts", "ii", "i")
	m.Func("malloc", "i", "i", code(hosts))
	m.Func("proxy_on_new_connection", "i", "i", wasmtest.Code{}.I32(8).I32(12).Call(hosts))
	return m
}

func TestHostileAllocator(t *testing.T) {
	tests := []struct {
		name string
		code func(hosts int) wasmtest.Code
		want abi.Status
	}{
		{"answers null", func(int) wasmtest.Code { return wasmtest.Code{}.I32(0) }, abi.StatusInvalidMemoryAccess},
		{"answers the last byte", func(int) wasmtest.Code { return wasmtest.Code{}.I32(4<<16 - 1) }, abi.StatusInvalidMemoryAccess},
		{"answers far outside", func(int) wasmtest.Code { return wasmtest.Code{}.I32(-1) }, abi.StatusInvalidMemoryAccess},
		{"grows the memory", func(int) wasmtest.Code {
			return wasmtest.Code{}.I32(1).MemoryGrow().I32(16).Op(0x74)
		}, abi.StatusOK},
		{"needs the allocator itself", func(hosts int) wasmtest.Code {
			return wasmtest.Code{}.I32(16).I32(20).Call(hosts).I32(6).Op(0x47).If().Unreachable().End().I32(1024)
		}, abi.StatusOK},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			vm := testVM(t, withAllocator(tt.code), upstreams{}, VMConfig{})
			if a, err := vm.OnNewConnection(1); err != nil || abi.Status(a) != tt.want {
				t.Errorf("status = %v, %v, want %v", abi.Status(a), err, tt.want)
			}
			if tt.want == abi.StatusOK {
				ptr, _ := vm.memory.ReadUint32Le(8)
				if b, _ := vm.memory.Read(ptr, 5); string(b) != "hosts" {
					t.Errorf("result = %q", b)
				}
			}
		})
	}
	t.Run("traps", func(t *testing.T) {
		vm := testVM(t, withAllocator(func(int) wasmtest.Code { return wasmtest.Code{}.Unreachable() }), upstreams{}, VMConfig{})
		_, err := vm.OnNewConnection(1)
		trap := wantTrap(t, vm, err, "proxy_on_new_connection", "malloc: unreachable")
		if !strings.Contains(trap.Stack, "malloc(i32) i32\n") || !strings.HasSuffix(trap.Stack, "proxy_on_new_connection(i32) i32") {
			t.Errorf("stack = %q", trap.Stack)
		}
	})
	t.Run("never returns", func(t *testing.T) {
		vm := testVM(t, withAllocator(func(int) wasmtest.Code {
			return wasmtest.Code{}.Loop().Br(0).End().Unreachable()
		}), upstreams{}, VMConfig{CallbackDeadline: 20 * time.Millisecond})
		_, err := vm.OnNewConnection(1)
		wantTrap(t, vm, err, "proxy_on_new_connection", "malloc: deadline exceeded")
		if !errors.Is(err, ErrDeadline) {
			t.Errorf("err = %v", err)
		}
	})
}

// hookHost runs a function in Done.
type hookHost struct {
	abi.UnimplementedHost
	hook func()
}

func (h *hookHost) Done() abi.Status {
	h.hook()
	return abi.StatusOK
}

func doneOnTick() *wasmtest.Module {
	m := wasmtest.Plugin()
	done := m.Import("env", "proxy_done", "", "i")
	m.Func("proxy_on_tick", "i", "", wasmtest.Code{}.Call(done).Drop())
	return m
}

func TestHostMisbehaves(t *testing.T) {
	t.Run("calls back", func(t *testing.T) {
		host := &hookHost{}
		vm := testVM(t, doneOnTick(), host, VMConfig{})
		var inner error
		host.hook = func() { inner = vm.OnTick(1) }
		if err := vm.OnTick(1); err != nil || !errors.Is(inner, ErrReentrant) {
			t.Errorf("err = %v, inner = %v", err, inner)
		}
		if vm.Err() != nil {
			t.Errorf("Err = %v", vm.Err())
		}
	})
	t.Run("panics", func(t *testing.T) {
		host := &hookHost{hook: func() { var m map[string]int; m["x"] = 1 }}
		vm := testVM(t, doneOnTick(), host, VMConfig{})
		trap := wantTrap(t, vm, vm.OnTick(1), "proxy_on_tick", "bug in a host call: assignment to entry in nil map")
		if !strings.Contains(trap.Stack, "hookHost") {
			t.Errorf("no Go stack: %q", trap.Stack)
		}
	})
	t.Run("closes the VM", func(t *testing.T) {
		host := &hookHost{}
		vm := testVM(t, doneOnTick(), host, VMConfig{})
		host.hook = func() {
			if err := vm.Close(context.Background()); err != nil {
				t.Error(err)
			}
		}
		if err := vm.OnTick(1); err != nil {
			t.Error(err)
		}
		if err := vm.OnTick(1); !errors.Is(err, ErrDead) || !errors.Is(err, ErrClosed) {
			t.Errorf("err = %v", err)
		}
		if vm.MemorySize() != 0 || !errors.Is(vm.Err(), ErrClosed) {
			t.Errorf("memory %d, Err = %v", vm.MemorySize(), vm.Err())
		}
	})
}

func TestStart(t *testing.T) {
	nop := wasmtest.Code{}
	set := func(addr, v int) wasmtest.Code { return wasmtest.Code{}.I32(addr).I32(v).Store32(0) }
	tests := []struct {
		name  string
		build func(m *wasmtest.Module)
		ran   [3]uint32 // what is at 8, 12, 16 afterwards
		want  error
		says  string
	}{
		{name: "neither", build: func(*wasmtest.Module) {}},
		{name: "_initialize", build: func(m *wasmtest.Module) {
			m.Func("_initialize", "", "", set(8, 1))
			m.Func("_start", "", "", set(12, 1))
		}, ran: [3]uint32{1, 0, 0}},
		{name: "_initialize and main", build: func(m *wasmtest.Module) {
			m.Func("_initialize", "", "", set(8, 1))
			m.Func("main", "ii", "i", set(12, 1).LocalGet(0).LocalGet(1).Op(0x72).If().Unreachable().End().I32(0))
		}, ran: [3]uint32{1, 1, 0}},
		{name: "_initialize and main without arguments", build: func(m *wasmtest.Module) {
			m.Func("_initialize", "", "", set(8, 1))
			m.Func("main", "", "", set(12, 1))
		}, ran: [3]uint32{1, 1, 0}},
		{name: "_start", build: func(m *wasmtest.Module) {
			m.Func("_start", "", "", set(12, 1))
			m.Func("main", "ii", "i", set(16, 1).I32(0))
		}, ran: [3]uint32{0, 1, 0}},
		{name: "start function", build: func(m *wasmtest.Module) {
			random := m.Import(wasiPreview1, "random_get", "ii", "i")
			m.Start(m.Func("", "", "", set(16, 1).I32(20).I32(4).Call(random).If().Unreachable().End()))
		}, ran: [3]uint32{0, 0, 1}},
		{name: "_initialize traps", build: func(m *wasmtest.Module) {
			m.Func("_initialize", "", "", nop.Unreachable())
		}, says: "_initialize trapped: unreachable"},
		{name: "main traps", build: func(m *wasmtest.Module) {
			m.Func("_initialize", "", "", nop)
			m.Func("main", "ii", "i", nop.Unreachable())
		}, says: "main trapped: unreachable"},
		{name: "start function traps", build: func(m *wasmtest.Module) {
			m.Start(m.Func("", "", "", nop.Unreachable()))
		}, says: "start function trapped: unreachable"},
		{name: "start function exits", build: func(m *wasmtest.Module) {
			exit := m.Import(wasiPreview1, "proc_exit", "i", "")
			m.Start(m.Func("", "", "", nop.I32(4).Call(exit)))
		}, says: "start function trapped: module exited with code 4"},
		{name: "start function does not end", build: func(m *wasmtest.Module) {
			m.Start(m.Func("", "", "", nop.Loop().Br(0).End()))
		}, want: ErrDeadline, says: "start function trapped: deadline exceeded"},
		{name: "_start exits", build: func(m *wasmtest.Module) {
			exit := m.Import(wasiPreview1, "proc_exit", "i", "")
			m.Func("_start", "", "", nop.I32(0).Call(exit))
		}, want: ErrNotReactor, says: "go build -buildmode=c-shared"},
		{name: "_initialize calls the host", build: func(m *wasmtest.Module) {
			done := m.Import("env", "proxy_done", "", "i")
			m.Func("_initialize", "", "", nop.Call(done).Drop())
		}, want: ErrRestricted, says: "proxy_done"},
		{name: "_initialize logs", build: func(m *wasmtest.Module) {
			log := m.Import("env", "proxy_log", "iii", "i")
			m.Func("_initialize", "", "", set(8, 1).I32(2).I32(0).I32(0).Call(log).Drop())
		}, ran: [3]uint32{1, 0, 0}},
		{name: "data past the end of memory", build: func(m *wasmtest.Module) {
			m.DataAt(4<<16, "x")
		}, want: ErrInvalid, says: "out of bounds"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := wasmtest.Plugin()
			tt.build(m)
			mod := testModule(t, m.Bytes())
			vm, err := mod.Instantiate(context.Background(), &recordingHost{}, VMConfig{StartDeadline: 50 * time.Millisecond})
			if tt.says != "" {
				if err == nil || !strings.Contains(err.Error(), tt.says) || tt.want != nil && !errors.Is(err, tt.want) {
					t.Fatalf("err = %v, want %q", err, tt.says)
				}
				if mod.uses.n != 1 {
					t.Errorf("the failed VM still uses the module: %d", mod.uses.n)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer vm.Close(context.Background())
			for i, want := range tt.ran {
				if got, _ := vm.memory.ReadUint32Le(uint32(8 + 4*i)); got != want {
					t.Errorf("at %d: %d, want %d", 8+4*i, got, want)
				}
			}
		})
	}
}
