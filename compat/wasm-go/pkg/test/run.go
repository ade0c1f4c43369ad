package test

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/higress-group/proxy-wasm-go-sdk/proxywasm"
	"github.com/higress-group/proxy-wasm-go-sdk/proxywasm/proxytest"
	"github.com/higress-group/proxy-wasm-go-sdk/proxywasm/types"
	"github.com/sluice-gateway/sluice/pluginbuild"
)

func init() {
	// Before the plugin's own init functions, which register it.
	if err := os.Setenv("WASM_DISABLE_PANIC_RECOVERY", "true"); err != nil {
		panic(err)
	}
}

// RunTest runs f as the subtests "go" and "wasm": with the plugin natively, and as its module.
func RunTest(t *testing.T, f func(*testing.T)) {
	t.Helper()
	RunGoTest(t, f)
	RunWasmTest(t, f)
}

// RunTestWithPath is [RunTest] with the module in a file.
func RunTestWithPath(t *testing.T, wasmPath string, f func(*testing.T)) {
	t.Helper()
	RunGoTest(t, f)
	RunWasmTestWithPath(t, wasmPath, f)
}

// RunGoTest runs f as the subtest "go", with the plugin natively.
func RunGoTest(t *testing.T, f func(*testing.T)) {
	t.Helper()
	t.Run("go", func(t *testing.T) {
		defer use(nil)()
		f(t)
	})
}

// RunWasmTest runs f as the subtest "wasm", with the plugin's module.
func RunWasmTest(t *testing.T, f func(*testing.T)) {
	t.Helper()
	t.Run("wasm", func(t *testing.T) {
		path, err := modulePath()
		if err != nil {
			t.Fatal(err)
		}
		runWasm(t, path, f)
	})
}

// RunWasmTestWithPath is [RunWasmTest] with the module in a file. It fails if there is none.
func RunWasmTestWithPath(t *testing.T, wasmPath string, f func(*testing.T)) {
	t.Helper()
	t.Run("wasm", func(t *testing.T) { runWasm(t, wasmPath, f) })
}

// runWasm runs f with an instance of its own.
func runWasm(t *testing.T, path string, f func(*testing.T)) {
	wasm, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("the plugin's module: %v", err)
	}
	vm, err := proxytest.NewWasmVMContext(wasm)
	if err != nil {
		t.Fatalf("the plugin's module %s: %v", path, err)
	}
	defer func() {
		if err := vm.Close(); err != nil {
			t.Errorf("closing the module's instance: %v", err)
		}
	}()
	defer use(vm)()
	f(t)
}

// modulePath is the module of the plugin in this folder. Sources do not change while their tests run.
var modulePath = sync.OnceValues(func() (string, error) {
	if path := os.Getenv("WASM_FILE_PATH"); path != "" {
		return path, nil
	}
	var said strings.Builder
	path, err := pluginbuild.Module(".", &said)
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, strings.TrimSpace(said.String()))
	}
	return path, nil
})

// What the subtest that is running tests. There is one at a time: a native plugin has its package variables once.
var (
	running sync.Mutex
	module  proxytest.WasmVMContext // nil: the native plugin
)

// use begins a subtest, the function that it returns ends it.
func use(vm proxytest.WasmVMContext) (end func()) {
	running.Lock()
	module = vm
	return func() {
		module = nil
		running.Unlock()
	}
}

// own is the plugin that this test binary is compiled with: what is registered when the first host is made. Tests may
// register others later.
var own types.VMContext

// plugin is what the next host runs.
func plugin() types.VMContext {
	if own == nil {
		own = proxywasm.GetVMContext()
	}
	if module != nil {
		return module
	}
	return own
}
