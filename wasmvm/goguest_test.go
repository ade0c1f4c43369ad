package wasmvm

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

// goGuest is testdata/goguest, built by the toolchain that runs the test.
var goGuest = sync.OnceValues(func() ([]byte, error) { return buildGuest("-buildmode=c-shared") })

func buildGuest(flags ...string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "wasmvm")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "guest.wasm")
	cmd := exec.Command("go", append(append([]string{"build"}, flags...), "-o", out, "./testdata/goguest")...)
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if b, err := cmd.CombinedOutput(); err != nil {
		return nil, errors.Join(err, errors.New(string(b)))
	}
	return os.ReadFile(out)
}

// goModule is compiled once for all tests: that takes a second or two.
var goModule = sync.OnceValues(func() (*Module, error) {
	code, err := goGuest()
	if err != nil {
		return nil, err
	}
	e, err := NewEngine(context.Background(), EngineConfig{})
	if err != nil {
		return nil, err
	}
	return e.Compile(context.Background(), code)
})

func testGoModule(t testing.TB) *Module {
	t.Helper()
	m, err := goModule()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func goVM(t *testing.T, cfg VMConfig) *VM {
	t.Helper()
	vm, err := testGoModule(t).Instantiate(context.Background(), abi.UnimplementedHost{}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { vm.Close(context.Background()) })
	return vm
}

func TestGoGuest(t *testing.T) {
	short := VMConfig{StartDeadline: 300 * time.Millisecond}
	tests := []struct {
		name   string
		how    uint32
		cfg    VMConfig
		reason string
		is     error
		output []string // parts of the report; the first is how it begins
	}{
		{"panic", 1, VMConfig{}, "unreachable", nil, []string{"panic: told to", "by 1", "goroutine 1 [running]", "main.configure", "main.go:"}},
		{"nil map", 2, VMConfig{}, "unreachable", nil, []string{"panic: assignment to entry in nil map", "goroutine 1 [running]"}},
		{"deadlock", 3, VMConfig{}, "", nil, []string{"fatal error: all goroutines are asleep - deadlock!", "goroutine 1 [select (no cases)]"}},
		{"os.Exit", 4, VMConfig{}, "module exited with code 7", nil, nil},
		{"endless loop", 5, short, "deadline exceeded", ErrDeadline, nil},
		{"recursion", 6, short, "", nil, nil},
		{"clearing memory", 7, short, "deadline exceeded", ErrDeadline, nil},
		{"allocating without end", 8, VMConfig{MemoryLimit: 32 << 20}, "", nil, []string{"fatal error: out of memory"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var records []Output
			tt.cfg.Output = func(o Output) { records = append(records, o) }
			vm := goVM(t, tt.cfg)
			_, err := vm.OnConfigure(1, tt.how)
			trap := wantTrap(t, vm, err, "proxy_on_configure", tt.reason)
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("err = %v, want %v", err, tt.is)
			}
			if tt.output == nil {
				return
			}
			if len(records) != 1 || !records[0].Stderr || records[0].Text != trap.Output {
				t.Fatalf("%d records: %+v, want one that is %q", len(records), records, trap.Output)
			}
			if !strings.Contains(trap.Output[:min(200, len(trap.Output))], tt.output[0]) {
				t.Errorf("output does not begin with %q: %q", tt.output[0], trap.Output)
			}
			for _, part := range tt.output {
				if !strings.Contains(trap.Output, part) {
					t.Errorf("no %q in %q", part, trap.Output)
				}
			}
			if trap.Stack == "" {
				t.Error("no wasm stack")
			}
		})
	}
}

func TestGoGuestLives(t *testing.T) {
	var records []Output
	vm := goVM(t, VMConfig{
		Env:    map[string]string{"GREETING": "hello", "A": "b"},
		Output: func(o Output) { records = append(records, o) },
	})
	for _, how := range []uint32{0, 9, 12, 13} {
		if ok, err := vm.OnConfigure(1, how); !ok || err != nil {
			t.Errorf("OnConfigure(%d) = %v, %v", how, ok, err)
		}
	}
	if len(records) != 0 {
		t.Errorf("records = %+v", records)
	}
	for _, how := range []uint32{10, 11} {
		if ok, err := vm.OnConfigure(1, how); !ok || err != nil {
			t.Errorf("OnConfigure(%d) = %v, %v", how, ok, err)
		}
	}
	want := []Output{{false, "a line on stdout"}, {true, "half a line, and its end"}, {true, "panic: not really"}}
	if len(records) != 3 || records[0] != want[0] || records[1] != want[1] || records[2] != want[2] {
		t.Errorf("records = %+v, want %+v", records, want)
	}
	if len(vm.module.UnknownImports()) != 0 {
		t.Errorf("UnknownImports = %q", vm.module.UnknownImports())
	}
}

func TestGoPanicInInit(t *testing.T) {
	var records []Output
	_, err := testGoModule(t).Instantiate(context.Background(), abi.UnimplementedHost{}, VMConfig{
		Env:    map[string]string{"PANIC_IN_INIT": "1"},
		Output: func(o Output) { records = append(records, o) },
	})
	var trap *TrapError
	if !errors.As(err, &trap) || trap.Callback != "_initialize" || !strings.Contains(err.Error(), "(panic: no start)") {
		t.Errorf("err = %v", err)
	}
	if len(records) != 1 || !strings.Contains(records[0].Text, "goroutine 1") {
		t.Errorf("records = %+v", records)
	}
}

func TestGoCommandIsRefused(t *testing.T) {
	code, err := buildGuest()
	if err != nil {
		t.Fatal(err)
	}
	_, err = testEngine(t).Compile(context.Background(), code)
	if !errors.Is(err, ErrNotReactor) || !strings.Contains(err.Error(), "-buildmode=c-shared") {
		t.Errorf("err = %v", err)
	}
}
