package pluginhost

import (
	"context"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/wasmvm"
	"github.com/sluice-gateway/sluice/wasmvm/wasmtest"
)

// wasmHost is a host that runs modules, and what it logs.
func wasmHost(t testing.TB) (*Host, *syncBuffer) {
	t.Helper()
	e, err := wasmvm.NewEngine(context.Background(), wasmvm.EngineConfig{})
	if err != nil {
		t.Fatal(err)
	}
	log := &syncBuffer{}
	h := New(Options{Engine: e, Workers: 2, Logger: logger(log)})
	t.Cleanup(func() {
		closeHost(t, h)
		if err := e.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return h, log
}

// module is a plugin that stops at request headers and logs when it is configured, which edit may add to.
func testModule(v abi.Version, edit func(m *wasmtest.Module)) []byte {
	m := wasmtest.PluginOf(v)
	log := m.Import("env", "proxy_log", "iii", "i")
	at := m.Data("configured")
	m.Func("proxy_on_configure", "ii", "i", wasmtest.Code{}.I32(int(abi.LogWarn)).I32(at).I32(10).Call(log).Drop().I32(1))
	m.Func("proxy_on_request_headers", "iii", "i", wasmtest.Code{}.I32(1))
	if edit != nil {
		edit(m)
	}
	return m.Bytes()
}

func TestWasmStopIterationByVersion(t *testing.T) {
	for _, tc := range []struct {
		name    string
		version abi.Version
		allow   bool
		want    abi.Action
	}{
		{"0.2.0", abi.Version0_2_0, false, abi.HeaderStopAllIterationAndWatermark},
		{"0.2.1", abi.Version0_2_1, false, abi.HeaderStopAllIterationAndWatermark},
		{"0.2.1 with the option", abi.Version0_2_1, true, abi.HeaderStopIteration},
		{"0.2.100", abi.Version0_2_100, false, abi.HeaderStopIteration},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h, log := wasmHost(t)
			p, err := h.NewPlugin(t.Context(), Config{Name: "w", Code: testModule(tc.version, nil),
				AllowOnHeadersStopIteration: tc.allow})
			if err != nil {
				t.Fatal(err)
			}
			wantEqual(t, "version", p.Version(), tc.version)
			wantEqual(t, "VMs configured", strings.Count(log.String(), "level=WARN msg=configured plugin=w worker="), 2)
			for worker := range h.Workers() {
				cb := newStream()
				f := p.NewFilter(worker, cb)
				wantEqual(t, "action", f.DecodeHeaders(cb.request, true), tc.want)
				f.OnLog()
				f.OnDestroy()
			}
			memory, status := p.roots[0].Load().vm.GetProperty(nil, abi.Path(abi.PropertyPluginVMMemory))
			wantEqual(t, "memory outside of callbacks", status, abi.StatusNotFound)
			wantEqual(t, "memory outside of callbacks", len(memory), 0)
		})
	}
}

func TestWasmStartFailure(t *testing.T) {
	for _, tc := range []struct {
		name  string
		code  []byte
		step  string
		cause error
		says  string
	}{
		{"not wasm", []byte("plugin"), StepCompile, wasmvm.ErrNotWasm, ""},
		{"no ABI", wasmtest.New().Bytes(), StepCompile, wasmvm.ErrNoABI, ""},
		{"initialize traps", testModule(abi.Version0_2_100, func(m *wasmtest.Module) {
			m.Func("_initialize", "", "", wasmtest.Code{}.Unreachable())
		}), StepInstantiate, nil, "unreachable"},
		{"start traps", testModule(abi.Version0_2_100, func(m *wasmtest.Module) {
			m.Func("proxy_on_vm_start", "ii", "i", wasmtest.Code{}.Unreachable())
		}), StepStart, nil, "unreachable"},
		{"start loops", testModule(abi.Version0_2_100, func(m *wasmtest.Module) {
			m.Func("proxy_on_vm_start", "ii", "i", wasmtest.Code{}.Loop().Br(0).End().I32(1))
		}), StepStart, wasmvm.ErrDeadline, ""},
		{"start refused", testModule(abi.Version0_2_100, func(m *wasmtest.Module) {
			m.Func("proxy_on_vm_start", "ii", "i", wasmtest.Code{}.I32(0))
		}), StepStart, ErrRefused, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h, _ := wasmHost(t)
			_, err := h.NewPlugin(t.Context(), Config{Name: "w", CodeSource: "w.wasm", Code: tc.code,
				StartDeadline: 50 * time.Millisecond})
			var start *StartError
			if !errors.As(err, &start) || start.Step != tc.step || tc.cause != nil && !errors.Is(err, tc.cause) ||
				!strings.Contains(err.Error(), tc.says) || !strings.HasPrefix(err.Error(), `plugin "w" (w.wasm): `+tc.step) {
				t.Errorf("error: %v", err)
			}
			if n := len(h.groups) + len(h.plugins) + len(h.modules) + len(h.data.spaces); n != 0 {
				t.Errorf("%d things left in the host", n)
			}
		})
	}
}

func TestWasmCrashAndReload(t *testing.T) {
	h, log := wasmHost(t)
	code := testModule(abi.Version0_2_100, func(m *wasmtest.Module) {
		m.Func("proxy_on_response_headers", "iii", "i", wasmtest.Code{}.Unreachable())
		m.Func("proxy_on_request_body", "iii", "i", wasmtest.Code{}.Loop().Br(0).End().I32(0))
	})
	p, err := h.NewPlugin(t.Context(), Config{Name: "w", Code: code, FailurePolicy: FailReload,
		ReloadBackoff: time.Nanosecond, CallbackDeadline: 30 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	paused, cb := newStream(), newStream()
	fp, f := p.NewFilter(0, paused), p.NewFilter(0, cb)
	wantEqual(t, "paused", fp.DecodeHeaders(paused.request, false), abi.HeaderStopIteration)
	wantEqual(t, "paused", f.DecodeHeaders(cb.request, false), abi.HeaderStopIteration)
	wantEqual(t, "traps", f.EncodeHeaders(cb.response, true), abi.HeaderStopAllIterationAndWatermark)
	wantEqual(t, "events", cb.happened(), failReply)
	wantEqual(t, "events of the paused stream", paused.happened(), failReply)

	next := newStream()
	fn := p.NewFilter(0, next)
	wantEqual(t, "next stream", fn.DecodeHeaders(next.request, false), abi.HeaderStopIteration)
	wantEqual(t, "loops", fn.DecodeData(buffer("x"), true), abi.DataStopIterationNoBuffer)
	wantEqual(t, "events", next.happened(), failReply)
	for _, f := range []*Filter{fp, f, fn} {
		f.OnLog()
		f.OnDestroy()
	}
	for _, want := range []string{"callback=proxy_on_response_headers", "unreachable", "stack=", "plugin VM reloaded",
		"callback=proxy_on_request_body", wasmvm.ErrDeadline.Error()} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("log does not say %q:\n%s", want, log.String())
		}
	}
}

// Plugins share a compiled module where they cannot share VMs.
func TestWasmSharedModule(t *testing.T) {
	h, _ := wasmHost(t)
	code := testModule(abi.Version0_2_1, nil)
	var plugins []*Plugin
	for _, id := range []string{"a", "b", "a"} {
		p, err := h.NewPlugin(t.Context(), Config{Name: id, VMID: id, Code: code})
		if err != nil {
			t.Fatal(err)
		}
		plugins = append(plugins, p)
	}
	wantEqual(t, "modules", len(h.modules), 1)
	wantEqual(t, "groups", len(h.groups), 2)
	for i, p := range plugins {
		if err := p.Close(t.Context()); err != nil {
			t.Error(err)
		}
		wantEqual(t, "groups", len(h.groups), []int{2, 1, 0}[i])
	}
	wantEqual(t, "modules", len(h.modules), 0)
}

// printing adds a function to m that writes text to a file descriptor, under an exported name, and then runs code.
func printing(m *wasmtest.Module, fd int, text, name, params, results string, code wasmtest.Code) {
	write := m.Import("wasi_snapshot_preview1", "fd_write", "iiii", "i")
	at := m.Data(text)
	iovec := m.Data(string(binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, uint32(at)), uint32(len(text)))))
	m.Func(name, params, results, wasmtest.Code{}.I32(fd).I32(iovec).I32(1).I32(16).Call(write).Drop().Append(code))
}

func TestWasmOutput(t *testing.T) {
	h, log := wasmHost(t)
	m := wasmtest.PluginOf(abi.Version0_2_1)
	m.Import("env", "proxy_no_such_call", "i", "i")
	printing(m, 1, "hello\n", "proxy_on_request_headers", "iii", "i", wasmtest.Code{}.I32(0))
	p, err := h.NewPlugin(t.Context(), Config{Name: "w", Code: m.Bytes(), LogLevel: abi.LogInfo})
	if err != nil {
		t.Fatal(err)
	}
	cb := newStream()
	f := p.NewFilter(1, cb)
	f.DecodeHeaders(cb.request, true)
	f.OnDestroy()
	for _, want := range []string{
		"level=INFO msg=hello plugin=w worker=1 context=2 stream=stdout",
		"level=WARN", "env.proxy_no_such_call(i32)i32",
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("log does not say %q:\n%s", want, log.String())
		}
	}
}

// A plugin that panics when it is configured is refused with its own words, once in the error and once in the log.
func TestWasmPanicAtStart(t *testing.T) {
	h, log := wasmHost(t)
	m := wasmtest.PluginOf(abi.Version0_2_1)
	printing(m, 2, "panic: no key\n\ngoroutine 1\n", "proxy_on_configure", "ii", "i", wasmtest.Code{}.Unreachable())
	_, err := h.NewPlugin(t.Context(), Config{Name: "w", Code: m.Bytes()})
	if err == nil || strings.Count(err.Error(), "panic: no key") != 1 {
		t.Errorf("error: %v", err)
	}
	if !strings.Contains(log.String(), `level=ERROR msg="panic: no key\n\ngoroutine 1" plugin=w worker=0 stream=stderr`) {
		t.Errorf("log:\n%s", log.String())
	}
}
