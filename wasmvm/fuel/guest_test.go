package fuel_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/sluice-gateway/sluice/wasmvm/fuel"
)

// buildGuest builds testdata/guest once.
var buildGuest = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "fuel-guest")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "guest.wasm")
	cmd := exec.Command("go", "build", "-buildmode=c-shared", "-o", out, ".")
	cmd.Dir = filepath.Join("testdata", "guest")
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if msg, err := cmd.CombinedOutput(); err != nil {
		return nil, errors.New(string(msg) + err.Error())
	}
	return os.ReadFile(out)
})

func goGuest(tb testing.TB) []byte {
	tb.Helper()
	code, err := buildGuest()
	if err != nil {
		tb.Fatal(err)
	}
	return code
}

func rewrite(tb testing.TB, code []byte, opts fuel.Options) []byte {
	tb.Helper()
	out, err := fuel.Rewrite(code, opts)
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

// guestCache keeps compiled guests for all tests of the package.
var guestCache = wazero.NewCompilationCache()

// startGuest instantiates a Go guest, the rewritten kind if yield is not nil.
func startGuest(tb testing.TB, code []byte, yield func()) api.Module {
	tb.Helper()
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithCompilationCache(guestCache))
	tb.Cleanup(func() { r.Close(ctx) })
	wasi_snapshot_preview1.MustInstantiate(ctx, r)
	if yield != nil {
		_, err := r.NewHostModuleBuilder(fuel.DefaultYieldModule).NewFunctionBuilder().
			WithGoFunction(api.GoFunc(func(context.Context, []uint64) { yield() }), nil, nil).
			Export(fuel.DefaultYieldName).Instantiate(ctx)
		if err != nil {
			tb.Fatal(err)
		}
	}
	m, err := r.InstantiateWithConfig(ctx, code, wazero.NewModuleConfig().WithStartFunctions("_initialize"))
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

var errStop = errors.New("stopped by the yield")

// guestOptions are the same in all tests, so that the guest is compiled only once.
var guestOptions = fuel.Options{Refill: 1000}

// TestGoGuestStops runs guests that never end, until the garbage collector has stopped the world three times meanwhile.
func TestGoGuestStops(t *testing.T) {
	code := rewrite(t, goGuest(t), guestOptions)
	for _, name := range []string{"spin", "recurse", "clearing", "hashing", "allocating"} {
		t.Run(name, func(t *testing.T) {
			var started atomic.Bool
			var collections atomic.Int32
			m := startGuest(t, code, func() {
				if collections.Load() >= 3 {
					panic(errStop)
				}
				started.Store(true)
			})
			started.Store(false)
			stop, stopped := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(stopped)
				for {
					select {
					case <-stop:
						return
					default:
						runtime.GC()
						if started.Load() {
							collections.Add(1)
						}
					}
				}
			}()
			_, err := m.ExportedFunction(name).Call(t.Context())
			close(stop)
			<-stopped
			if !errors.Is(err, errStop) {
				t.Errorf("ended with %v, want %v", err, errStop)
			}
		})
	}
}

// TestGoGuestSame compares a guest's answers with and without rewriting.
func TestGoGuestSame(t *testing.T) {
	plain := startGuest(t, goGuest(t), nil)
	yields := 0
	rewritten := startGuest(t, rewrite(t, goGuest(t), guestOptions), func() { yields++ })
	for _, c := range []struct {
		name string
		args []uint64
	}{
		{"sum", []uint64{100_000}},
		{"hash", nil},
		{"copies", []uint64{1000}},
		{"fibonacci", []uint64{20}},
		{"words", nil},
		{"document", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			want, err := plain.ExportedFunction(c.name).Call(t.Context(), c.args...)
			if err != nil {
				t.Fatal(err)
			}
			before := yields
			got, err := rewritten.ExportedFunction(c.name).Call(t.Context(), c.args...)
			if err != nil {
				t.Fatal(err)
			}
			if got[0] != want[0] || got[0] == 0 {
				t.Errorf("got %d, want %d", got[0], want[0])
			}
			if yields == before {
				t.Error("no yield")
			}
		})
	}
}

// TestNames expects a trap's stack to name the guest's functions.
func TestNames(t *testing.T) {
	stop := false
	m := startGuest(t, rewrite(t, goGuest(t), guestOptions), func() {
		if stop {
			panic(errStop)
		}
	})
	stop = true
	_, err := m.ExportedFunction("fibonacci").Call(t.Context(), 30)
	if err == nil {
		t.Fatal("not stopped")
	}
	for _, name := range []string{"main.fibonacci", "fuel.yield"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("no %q in %v", name, err)
		}
	}
}

func BenchmarkRewrite(b *testing.B) {
	code := goGuest(b)
	b.SetBytes(int64(len(code)))
	b.ReportAllocs()
	var out []byte
	for b.Loop() {
		out = rewrite(b, code, fuel.Options{})
	}
	b.ReportMetric(float64(len(out))/float64(len(code)), "growth")
}

func BenchmarkGuest(b *testing.B) {
	code := goGuest(b)
	rewritten := rewrite(b, code, fuel.Options{})
	for _, c := range []struct {
		name string
		args []uint64
	}{
		{"sum", []uint64{1_000_000}},
		{"hash", nil},
		{"copies", []uint64{10_000}},
		{"fibonacci", []uint64{22}},
		{"words", nil},
		{"document", nil},
	} {
		for _, variant := range []string{"plain", "fuel"} {
			b.Run(c.name+"/"+variant, func(b *testing.B) {
				yields := 0
				var m api.Module
				if variant == "plain" {
					m = startGuest(b, code, nil)
				} else {
					m = startGuest(b, rewritten, func() { yields++ })
				}
				f := m.ExportedFunction(c.name)
				ctx := context.Background()
				stack := make([]uint64, 1)
				yields = 0
				b.ResetTimer()
				for b.Loop() {
					copy(stack, c.args)
					if err := f.CallWithStack(ctx, stack); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(yields)/float64(b.N), "yields/op")
			})
		}
	}
}
