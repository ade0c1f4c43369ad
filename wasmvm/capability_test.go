package wasmvm

import (
	"slices"
	"testing"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/wasmvm/wasmtest"
)

func TestCapabilities(t *testing.T) {
	all := Capabilities()
	for _, name := range []string{"proxy_log", "fd_write", "proxy_on_tick", "proxy_on_redis_call_response"} {
		if !slices.Contains(all, name) {
			t.Errorf("%s is missing", name)
		}
	}
	for _, name := range []string{"_initialize", "main", "malloc", "proxy_on_memory_allocate"} {
		if slices.Contains(all, name) {
			t.Errorf("%s is among them", name)
		}
	}
}

// Each import that is not allowed answers, whatever its arguments, without the host being asked.
func TestRestrictedImports(t *testing.T) {
	host := &recordingHost{}
	var denied []string
	tr := newTrampoline(t, host, VMConfig{AllowedCapabilities: []string{"proxy_on_tick", "proxy_done", "sched_yield", "no_such_thing"},
		Denied: func(name string) { denied = append(denied, name) }})
	names := 0
	for name, c := range hostCalls {
		want := abi.StatusInternalFailure
		if name == "proxy_done" {
			want = abi.StatusOK
		} else {
			names++
		}
		args := make([]uint64, len(c.params))
		for i := range args {
			args[i] = 1<<32 - 1
		}
		if status := tr.must(t, name, args...); status != want {
			t.Errorf("%s: %v", name, status)
		}
	}
	for name, c := range wasiCalls {
		want := abi.Status(errnoNotCapable)
		switch name {
		case "sched_yield":
			want = 0
		case "proc_exit":
			want = 0xdead // it has no result, and does not end the module
			names++
		default:
			names++
		}
		if status := tr.must(t, name, make([]uint64, len(c.params))...); status != want {
			t.Errorf("%s: %v", name, status)
		}
	}
	if !slices.Equal(host.calls, []string{"Done"}) {
		t.Errorf("the host was asked: %q", host.calls)
	}
	slices.Sort(denied)
	if denied = slices.Compact(denied); len(denied) != names {
		t.Errorf("told of %d of %d: %q", len(denied), names, denied)
	}
}

func TestRestrictedCallbacks(t *testing.T) {
	m := wasmtest.Plugin()
	m.Func("proxy_on_tick", "i", "", wasmtest.Code{}.Unreachable())
	m.Func("proxy_on_configure", "ii", "i", wasmtest.Code{}.I32(0))
	m.Func("proxy_on_vm_start", "ii", "i", wasmtest.Code{}.I32(0))
	vm := testVM(t, m, &recordingHost{}, VMConfig{AllowedCapabilities: []string{"proxy_on_vm_start"}})
	if err := vm.OnTick(1); err != nil {
		t.Error(err)
	}
	if ok, err := vm.OnConfigure(1, 0); !ok || err != nil {
		t.Error("configure:", ok, err)
	}
	if ok, err := vm.OnVMStart(1, 0); ok || err != nil {
		t.Error("start:", ok, err)
	}
}
