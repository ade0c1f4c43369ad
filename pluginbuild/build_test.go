package pluginbuild_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/sluice-gateway/sluice/pluginbuild"
)

// ownCache gives the test a cache folder of its own, but for what the go command compiled of its standard library.
func ownCache(t *testing.T) {
	t.Helper()
	out, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOCACHE", strings.TrimSpace(string(out)))
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
}

// source makes a folder with a module of its own and one Go file.
func source(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module example.com/plugin\n\ngo 1.24\n", "main.go": text} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("GOWORK", "off")
	return dir
}

func TestModule(t *testing.T) {
	ownCache(t)
	dir := source(t, "package main\n\nfunc main() {}\n")
	file, err := pluginbuild.Module(dir, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	code, err := os.ReadFile(file)
	if err != nil || !strings.HasPrefix(string(code), "\x00asm") {
		t.Fatalf("%s begins with %.8q, %v", file, code, err)
	}
}

// TestModuleByManyAtOnce holds that whoever reads a module gets a whole one, while others build it.
func TestModuleByManyAtOnce(t *testing.T) {
	ownCache(t)
	dir := source(t, "package main\n\nfunc main() {}\n")
	first, err := pluginbuild.Module(dir, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(first)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 3 {
				file, err := pluginbuild.Module(dir, io.Discard)
				if err != nil {
					t.Error(err)
					return
				}
				if got, err := os.ReadFile(file); err != nil || len(got) != len(want) {
					t.Errorf("%d of %d bytes, %v", len(got), len(want), err)
				}
			}
		})
	}
	wg.Wait()
}

func TestModuleThatCannotBeMade(t *testing.T) {
	ownCache(t)
	t.Run("does not compile", func(t *testing.T) {
		var said strings.Builder
		_, err := pluginbuild.Module(source(t, "package main\n\nfunc main() { nowhere() }\n"), &said)
		if err == nil || !strings.Contains(err.Error(), "does not build") || !strings.Contains(said.String(), "undefined: nowhere") {
			t.Errorf("%v; the compiler says %q", err, said.String())
		}
	})
	t.Run("no source", func(t *testing.T) {
		if _, err := pluginbuild.Module(t.TempDir(), io.Discard); !errors.Is(err, pluginbuild.ErrNoSource) {
			t.Error(err)
		}
	})
	t.Run("no folder", func(t *testing.T) {
		if _, err := pluginbuild.Module(filepath.Join(t.TempDir(), "nowhere"), io.Discard); !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
	})
	t.Run("no go command", func(t *testing.T) {
		dir := source(t, "package main\n\nfunc main() {}\n")
		t.Setenv("PATH", t.TempDir())
		if _, err := pluginbuild.Module(dir, io.Discard); !errors.Is(err, pluginbuild.ErrNoGo) {
			t.Error(err)
		}
	})
}
