package plugintest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/sluice-gateway/sluice/wasmvm"
)

// cacheDir is where built modules and their machine code are kept between runs: below the user's cache directory, or
// where there is none, below the system's directory for temporary files.
var cacheDir = sync.OnceValues(func() (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		base = os.TempDir()
	}
	dir := filepath.Join(base, "sluice", "plugintest")
	return dir, os.MkdirAll(dir, 0o755)
})

// engine is the one engine of the process. It lives as long as the process does: machine code is shared by all tests.
var engine = sync.OnceValues(func() (*wasmvm.Engine, error) {
	dir, err := cacheDir()
	if err != nil {
		return nil, err
	}
	return wasmvm.NewEngine(context.Background(), wasmvm.EngineConfig{CacheDir: filepath.Join(dir, "code")})
})

// built has what was built already, by absolute path. Sources do not change while their tests run.
var built sync.Map // string -> func() ([]byte, error)

// module returns the module that source, a directory of plugin source or a .wasm file, stands for.
func module(source string) ([]byte, error) {
	path, err := filepath.Abs(source)
	if err != nil {
		return nil, err
	}
	load, _ := built.LoadOrStore(path, sync.OnceValues(func() ([]byte, error) {
		info, err := os.Stat(path)
		switch {
		case err != nil:
			return nil, err
		case info.IsDir():
			return buildModule(path)
		default:
			return os.ReadFile(path)
		}
	}))
	return load.(func() ([]byte, error))()
}

// buildModule builds the plugin whose source is in dir. Go's build cache makes a second time cheap.
func buildModule(dir string) ([]byte, error) {
	cache, err := cacheDir()
	if err != nil {
		return nil, err
	}
	id := sha256.Sum256([]byte(dir + "\x00" + runtime.Version()))
	out := filepath.Join(cache, "built", hex.EncodeToString(id[:8]), "plugin.wasm")
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return nil, err
	}
	cmd := exec.Command("go", "build", "-buildmode=c-shared", "-o", out, ".")
	cmd.Dir = dir
	// The temporary directory is on the same file system as the result, so that go build moves it there in one step:
	// another process that builds the same plugin never sees half a module.
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0", "GOTMPDIR="+filepath.Dir(out))
	if text, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build of the plugin in %s: %w\n%s", dir, err, strings.TrimSpace(string(text)))
	}
	return os.ReadFile(out)
}
