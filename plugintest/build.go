package plugintest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/sluice-gateway/sluice/pluginbuild"
	"github.com/sluice-gateway/sluice/wasmvm"
)

// engine is the one engine of the process. It lives as long as the process does. Machine code is kept where `sluice run`
// keeps it, or, where there is no folder for it, in memory.
var engine = sync.OnceValues(func() (*wasmvm.Engine, error) {
	dir, err := pluginbuild.CacheDir("wasm")
	if err != nil {
		dir = ""
	}
	return wasmvm.NewEngine(context.Background(), wasmvm.EngineConfig{CacheDir: dir})
})

// built and compiled have what was made already, by absolute path. Sources do not change while their tests run.
var built, compiled once

// once makes things once for each path.
type once struct{ sync.Map }

func of[T any](o *once, source string, make func(path string) (T, error)) (none T, _ error) {
	path, err := filepath.Abs(source)
	if err != nil {
		return none, err
	}
	f, _ := o.LoadOrStore(path, sync.OnceValues(func() (T, error) { return make(path) }))
	return f.(func() (T, error))()
}

// module returns the code of the module that source, a folder of plugin source or a .wasm file, stands for.
func module(source string) ([]byte, error) {
	return of(&built, source, func(path string) ([]byte, error) {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if info.IsDir() {
			var said strings.Builder
			if path, err = pluginbuild.Module(path, &said); err != nil {
				return nil, fmt.Errorf("%w\n%s", err, strings.TrimSpace(said.String()))
			}
		}
		return os.ReadFile(path)
	})
}

// compile returns the module that source stands for, compiled. It lives as long as the process does: to start a plugin
// again takes milliseconds so.
func compile(source string) (*wasmvm.Module, error) {
	return of(&compiled, source, func(path string) (*wasmvm.Module, error) {
		code, err := module(path)
		if err != nil {
			return nil, err
		}
		e, err := engine()
		if err != nil {
			return nil, err
		}
		m, err := e.Compile(context.Background(), code)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return m, nil
	})
}
