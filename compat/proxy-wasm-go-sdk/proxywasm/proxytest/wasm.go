package proxytest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"log"
	"os"
	"sync"
	"time"

	"github.com/sluice-gateway/sluice/pluginbuild"
	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
	"github.com/sluice-gateway/sluice/wasmvm"
)

// WasmVMContext is an instance of a module, to hand to [EmulatorOption.WithVMContext]. Emulators that are made with it,
// one after another, find its memory as the one before left it, as natively they find the package variables. After a
// trap the next emulator gets a new instance.
type WasmVMContext interface {
	types.VMContext
	// Close releases the instance.
	io.Closer
}

// deadline bounds a callback of a module. It is there to end an endless loop before the test's own time limit does,
// which shows no guest stack; no plugin should meet it on a slow machine.
const deadline = time.Minute

// NewWasmVMContext makes an instance of a module. The module is compiled once in a process, whatever the number of
// instances, and its machine code is kept in the user's cache folder for the next process. What the instance writes to
// stdout or stderr goes to stderr.
func NewWasmVMContext(wasm []byte) (WasmVMContext, error) {
	module, err := compile(wasm)
	if err != nil {
		return nil, err
	}
	c := &wasmVMContext{module: module}
	c.host.Host = starting{}
	if err := c.instantiate(); err != nil {
		return nil, err
	}
	return c, nil
}

// engine is the one engine of the process. It lives as long as the process does.
var engine = sync.OnceValues(func() (*wasmvm.Engine, error) {
	dir, err := pluginbuild.CacheDir("wasm")
	if err != nil {
		dir = "" // in memory, then
	}
	return wasmvm.NewEngine(context.Background(), wasmvm.EngineConfig{CacheDir: dir})
})

// modules are compiled modules by the hash of their bytes, kept as long as the process lives.
var modules sync.Map // [32]byte -> func() (*wasmvm.Module, error)

func compile(wasm []byte) (*wasmvm.Module, error) {
	once := sync.OnceValues(func() (*wasmvm.Module, error) {
		e, err := engine()
		if err != nil {
			return nil, err
		}
		return e.Compile(context.Background(), wasm)
	})
	compile, _ := modules.LoadOrStore(sha256.Sum256(wasm), once)
	return compile.(func() (*wasmvm.Module, error))()
}

// wasmVMContext is an instance and the emulator that has it now.
type wasmVMContext struct {
	module *wasmvm.Module
	vm     *wasmvm.VM
	host   relay
	// discarded says that vm is of no use any more.
	discarded bool
}

// relay is the instance's host: the emulator that has the instance.
type relay struct{ abi.Host }

// starting is the host of an instance that no emulator has yet.
type starting struct{ abi.UnimplementedHost }

// Log implements [abi.Host].
func (starting) Log(level abi.LogLevel, message []byte) abi.Status {
	log.Printf("proxy_%s_log: %s", level, message)
	return abi.StatusOK
}

func (c *wasmVMContext) instantiate() error {
	vm, err := c.module.Instantiate(context.Background(), &c.host, wasmvm.VMConfig{
		CallbackDeadline: deadline,
		StartDeadline:    deadline,
		Output:           func(o wasmvm.Output) { fmt.Fprintln(os.Stderr, o.Text) },
	})
	if err != nil {
		return fmt.Errorf("starting the module: %w", explain(err))
	}
	c.vm, c.discarded = vm, false
	return nil
}

// discard has the next emulator get a new instance: this one's callback was left in its midst.
func (c *wasmVMContext) discard() {
	_ = c.vm.Close(context.Background()) // what it leaves is released with the process
	c.discarded = true
}

// talkTo gives the instance to an emulator.
func (c *wasmVMContext) talkTo(host abi.Host) abi.Plugin {
	c.host.Host = host
	if c.discarded || c.vm.Err() != nil {
		if err := c.instantiate(); err != nil {
			panic(err)
		}
	}
	return c.vm
}

// Close implements [io.Closer].
func (c *wasmVMContext) Close() error { return c.vm.Close(context.Background()) }
