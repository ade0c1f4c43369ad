package wasmvm

import (
	"bytes"
	"context"
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/wasmvm/wasmtest"
)

// grower answers, in OnNewConnection, what memory.grow by so many pages answers.
func grower(minPages, maxPages uint32) *wasmtest.Module {
	m := wasmtest.New()
	m.Memory(minPages, maxPages)
	m.Func("proxy_abi_version_0_2_1", "", "", wasmtest.Code{})
	m.Func("malloc", "i", "i", wasmtest.Code{}.I32(0))
	m.Func("proxy_on_new_connection", "i", "i", wasmtest.Code{}.LocalGet(0).MemoryGrow())
	return m
}

func TestMemoryLimit(t *testing.T) {
	const failed = 1<<32 - 1
	tests := []struct {
		name     string
		min, max uint32
		limit    uint64
		grow     []uint32
		want     []uint32
	}{
		{"by its own maximum", 1, 3, 0, []uint32{2, 1}, []uint32{1, failed}},
		{"by the limit", 1, 0, 3 * pageSize, []uint32{1, 1, 1}, []uint32{1, 2, failed}},
		{"all at once", 1, 0, 3 * pageSize, []uint32{3, 2}, []uint32{failed, 1}},
		{"a limit that is no whole page", 1, 0, 3*pageSize - 1, []uint32{2, 1}, []uint32{failed, 1}},
		{"by nothing", 1, 0, pageSize, []uint32{0, 1}, []uint32{1, failed}},
		{"wrap around", 1, 0, 3 * pageSize, []uint32{failed, 1 << 31, 1}, []uint32{failed, failed, 1}},
		{"none at first", 0, 0, pageSize, []uint32{1, 1}, []uint32{0, failed}},
		{"a page is the least", 0, 0, 1, []uint32{1, 1}, []uint32{0, failed}},
		{"the default", 1, 0, 0, []uint32{1<<14 - 1, 1}, []uint32{1, failed}},
		{"never all of 4 GiB", 1, 0, 1 << 40, []uint32{1<<16 - 1}, []uint32{failed}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			vm := testVM(t, grower(tt.min, tt.max), abi.UnimplementedHost{}, VMConfig{MemoryLimit: tt.limit})
			size := tt.min
			for i, n := range tt.grow {
				got, err := vm.OnNewConnection(n)
				if err != nil || uint32(got) != tt.want[i] {
					t.Errorf("grow %d = %d, %v, want %d", n, int32(got), err, int32(tt.want[i]))
				}
				if uint32(got) != failed {
					size += n
				}
				if vm.MemorySize() != uint64(size)*pageSize {
					t.Errorf("MemorySize = %d, want %d pages", vm.MemorySize(), size)
				}
			}
		})
	}
	t.Run("less than the module needs", func(t *testing.T) {
		m := testModule(t, grower(4, 0).Bytes())
		_, err := m.Instantiate(context.Background(), abi.UnimplementedHost{}, VMConfig{MemoryLimit: 2 * pageSize})
		if !errors.Is(err, ErrMemoryLimit) || !strings.Contains(err.Error(), "needs 262144 bytes at its start, the limit is 131072") {
			t.Errorf("err = %v", err)
		}
	})
	t.Run("a maximum below the minimum of what is needed", func(t *testing.T) {
		_, err := testEngine(t).Compile(context.Background(), grower(4, 2).Bytes())
		if !errors.Is(err, ErrInvalid) {
			t.Errorf("err = %v", err)
		}
	})
}

// TestAllMemoryIsThere writes to the last byte of all that was granted.
func TestAllMemoryIsThere(t *testing.T) {
	m := grower(1, 0)
	m.Func("proxy_on_tick", "i", "", wasmtest.Code{}.LocalGet(0).I32(42).Op(0x3a, 0, 0))
	vm := testVM(t, m, abi.UnimplementedHost{}, VMConfig{MemoryLimit: 64 << 20})
	if _, err := vm.OnNewConnection(64<<20/pageSize - 1); err != nil {
		t.Fatal(err)
	}
	if err := vm.OnTick(64<<20 - 1); err != nil {
		t.Error(err)
	}
	if err := vm.OnTick(64 << 20); err == nil || !strings.Contains(err.Error(), "out of bounds") {
		t.Errorf("err = %v", err)
	}
}

// TestCloseReleasesMemory makes and closes many VMs, of modules that start, and that do not.
func TestCloseReleasesMemory(t *testing.T) {
	good := testModule(t, grower(64, 0).Bytes())
	bad := wasmtest.Plugin()
	bad.DataAt(4<<16, "too far")
	failing := testModule(t, bad.Bytes())
	cycle := func() {
		vm, err := good.Instantiate(context.Background(), abi.UnimplementedHost{}, VMConfig{})
		if err != nil {
			t.Fatal(err)
		}
		linear := vm.linear
		for range 2 {
			if err := vm.Close(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
		if linear.b != nil {
			t.Fatal("the memory is still there")
		}
		if vm.MemorySize() != 0 {
			t.Fatal("a closed VM has memory")
		}
		if _, err := failing.Instantiate(context.Background(), abi.UnimplementedHost{}, VMConfig{}); !errors.Is(err, ErrInvalid) {
			t.Fatal(err)
		}
	}
	cycle()
	before := addressSpace(t)
	for range 300 {
		cycle()
	}
	// Each reserves a GiB: ten that were left behind could not be missed.
	if after := addressSpace(t); after > before+10<<20 {
		t.Errorf("address space grew from %d to %d KiB", before, after)
	}
}

// addressSpace is what the process has mapped, in KiB, where the system tells.
func addressSpace(t *testing.T) (kib int) {
	if runtime.GOOS != "linux" {
		return 0
	}
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(b) {
		if rest, ok := bytes.CutPrefix(line, []byte("VmSize:")); ok {
			for _, c := range bytes.TrimSpace(rest) {
				if c >= '0' && c <= '9' {
					kib = kib*10 + int(c-'0')
				}
			}
		}
	}
	return kib
}

func TestCloseOrder(t *testing.T) {
	ctx := context.Background()
	e, err := NewEngine(ctx, EngineConfig{})
	if err != nil {
		t.Fatal(err)
	}
	code := wasmtest.Plugin().Bytes()
	m, err := e.Compile(ctx, code)
	if err != nil {
		t.Fatal(err)
	}
	vm, err := m.Instantiate(ctx, abi.UnimplementedHost{}, VMConfig{})
	if err != nil {
		t.Fatal(err)
	}
	// The wrong way round, and twice: what is in use stays.
	for range 2 {
		if err := errors.Join(e.Close(ctx), m.Close(ctx)); err != nil {
			t.Fatal(err)
		}
	}
	if err := vm.OnTick(1); err != nil {
		t.Error(err)
	}
	if _, err := m.Instantiate(ctx, abi.UnimplementedHost{}, VMConfig{}); !errors.Is(err, ErrClosed) {
		t.Errorf("Instantiate: %v", err)
	}
	if _, err := e.Compile(ctx, code); !errors.Is(err, ErrClosed) {
		t.Errorf("Compile: %v", err)
	}
	if err := vm.Close(ctx); err != nil {
		t.Error(err)
	}
	if m.uses.n != 0 || e.uses.n != 0 {
		t.Errorf("users left: %d, %d", m.uses.n, e.uses.n)
	}
	if err := vm.OnTick(1); !errors.Is(err, ErrClosed) {
		t.Errorf("err = %v", err)
	}
}
