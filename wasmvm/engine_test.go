package wasmvm

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/wasmvm/wasmtest"
)

// files lists what a directory holds.
func files(t *testing.T, dir string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			all = append(all, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// runCached makes an engine with the directory, and a VM in it, and calls it.
func runCached(t *testing.T, dir string, code []byte) (cacheErr error) {
	t.Helper()
	ctx := context.Background()
	e, err := NewEngine(ctx, EngineConfig{CacheDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close(ctx)
	m, err := e.Compile(ctx, code)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close(ctx)
	vm, err := m.Instantiate(ctx, abi.UnimplementedHost{}, VMConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer vm.Close(ctx)
	if a, err := vm.OnNewConnection(41); a != 42 || err != nil {
		t.Errorf("OnNewConnection = %d, %v", a, err)
	}
	return m.CacheError()
}

func TestDiskCache(t *testing.T) {
	m := wasmtest.Plugin()
	m.Func("proxy_on_new_connection", "i", "i", wasmtest.Code{}.LocalGet(0).I32(1).Op(0x6a))
	code := m.Bytes()
	dir := filepath.Join(t.TempDir(), "made", "when", "needed")
	if err := runCached(t, dir, code); err != nil {
		t.Error(err)
	}
	first := files(t, dir)
	if len(first) != 1 {
		t.Fatalf("files = %q", first)
	}
	info, err := os.Stat(first[0])
	if err != nil {
		t.Fatal(err)
	}
	t.Run("reused", func(t *testing.T) {
		if err := runCached(t, dir, code); err != nil {
			t.Error(err)
		}
		again, err := os.Stat(first[0])
		if err != nil || !os.SameFile(info, again) || len(files(t, dir)) != 1 {
			t.Errorf("compiled again: %v, %v", files(t, dir), err)
		}
	})
	for name, damage := range map[string]func([]byte) []byte{
		"truncated": func(b []byte) []byte { return b[:len(b)/2] },
		"empty":     func([]byte) []byte { return nil },
		"changed": func(b []byte) []byte {
			b[len(b)/2] ^= 0xff
			return b
		},
	} {
		t.Run("an entry that is "+name, func(t *testing.T) {
			b, err := os.ReadFile(first[0])
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(first[0], damage(append([]byte(nil), b...)), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := runCached(t, dir, code); err == nil {
				t.Error("nothing was said of it")
			}
			if err := os.WriteFile(first[0], b, 0o600); err != nil {
				t.Fatal(err)
			}
		})
	}
	t.Run("a directory that is a file", func(t *testing.T) {
		if _, err := NewEngine(context.Background(), EngineConfig{CacheDir: first[0]}); err == nil {
			t.Error("no error")
		}
	})
}

// TestHammer compiles the same and different modules, makes VMs of them and uses them, all at once.
func TestHammer(t *testing.T) {
	ctx := context.Background()
	e := testEngine(t)
	shared := testModule(t, trampolineCode())
	var wg sync.WaitGroup
	for g := range 6 {
		wg.Go(func() {
			for i := range 5 {
				m := wasmtest.Plugin()
				m.Func("proxy_on_new_connection", "i", "i", wasmtest.Code{}.LocalGet(0).I32(i).Op(0x6a))
				mod, err := e.Compile(ctx, m.Bytes())
				if err != nil {
					t.Error(err)
					return
				}
				vm, err := mod.Instantiate(ctx, abi.UnimplementedHost{}, VMConfig{})
				if err != nil {
					t.Error(err)
					return
				}
				other, err := shared.Instantiate(ctx, &recordingHost{result: "result"}, VMConfig{})
				if err != nil {
					t.Error(err)
					return
				}
				for n := range uint32(20) {
					if a, err := vm.OnNewConnection(n); uint32(a) != n+uint32(i) || err != nil {
						t.Errorf("goroutine %d: OnNewConnection(%d) = %d, %v", g, n, a, err)
					}
					if err := other.OnTick(n); err != nil {
						t.Errorf("goroutine %d: %v", g, err)
					}
				}
				if i%2 == 0 { // either order
					mod.Close(ctx)
				}
				if err := vm.Close(ctx); err != nil {
					t.Error(err)
				}
				other.Close(ctx)
				mod.Close(ctx)
			}
		})
	}
	wg.Wait()
}

func trampolineCode() []byte {
	m, _ := trampolineModule()
	return m.Bytes()
}
