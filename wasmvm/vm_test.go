package wasmvm

import (
	"context"
	"testing"

	"go.uber.org/goleak"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/wasmvm/wasmtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testEngine makes an engine that ends with the test.
func testEngine(t testing.TB) *Engine {
	t.Helper()
	e, err := NewEngine(context.Background(), EngineConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return e
}

func testModule(t testing.TB, code []byte) *Module {
	t.Helper()
	m, err := testEngine(t).Compile(context.Background(), code)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return m
}

// testVM makes a VM that ends with the test.
func testVM(t testing.TB, m *wasmtest.Module, host abi.Host, cfg VMConfig) *VM {
	t.Helper()
	vm, err := testModule(t, m.Bytes()).Instantiate(context.Background(), host, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := vm.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return vm
}

type logHost struct {
	abi.UnimplementedHost
	lines []string
}

func (h *logHost) Log(level abi.LogLevel, message []byte) abi.Status {
	h.lines = append(h.lines, level.String()+" "+string(message))
	return abi.StatusOK
}

func TestCallbackMakesHostCall(t *testing.T) {
	m := wasmtest.Plugin()
	log := m.Import("env", "proxy_log", "iii", "i")
	at := m.Data("hello")
	m.Func("proxy_on_tick", "i", "", wasmtest.Code{}.I32(2).I32(at).I32(5).Call(log).Drop())
	host := &logHost{}
	vm := testVM(t, m, host, VMConfig{})
	if err := vm.OnTick(1); err != nil {
		t.Fatal(err)
	}
	if len(host.lines) != 1 || host.lines[0] != "info hello" {
		t.Errorf("lines = %q", host.lines)
	}
	if got := vm.MemorySize(); got != 4*pageSize {
		t.Errorf("MemorySize = %d", got)
	}
}
