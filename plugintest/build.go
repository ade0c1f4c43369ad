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

// built has what was built already, by absolute path. Sources do not change while their tests run.
var built sync.Map // string -> func() (*wasmvm.Module, error)

// module returns the module that source, a folder of plugin source or a .wasm file, stands for. It lives as long as the
// process does.
func module(source string) (*wasmvm.Module, error) {
	path, err := filepath.Abs(source)
	if err != nil {
		return nil, err
	}
	load, _ := built.LoadOrStore(path, sync.OnceValues(func() (*wasmvm.Module, error) { return load(path) }))
	return load.(func() (*wasmvm.Module, error))()
}

func load(path string) (*wasmvm.Module, error) {
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
	code, err := os.ReadFile(path)
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
}
