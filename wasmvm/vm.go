package wasmvm

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

// Defaults of [VMConfig].
const (
	// DefaultMemoryLimit is Envoy's.
	DefaultMemoryLimit = 1 << 30
	// DefaultCallbackDeadline is far above what a callback takes, and below what a client waits.
	DefaultCallbackDeadline = time.Second
	// DefaultStartDeadline leaves room for compiling regular expressions and parsing large configurations.
	DefaultStartDeadline = 10 * time.Second
)

// VMConfig configures a [VM]. The zero value is useful.
type VMConfig struct {
	// Name is the VM's in errors.
	Name string
	// MemoryLimit bounds the linear memory, in bytes, rounded down to pages of 64 KiB, of which there is at least one;
	// memory.grow fails beyond it. 0 is DefaultMemoryLimit; more than 4 GiB less a page is taken as that.
	MemoryLimit uint64
	// CallbackDeadline bounds a callback by the wall clock, the host calls that it makes included. A callback that runs
	// past it traps, with ErrDeadline. 0 is DefaultCallbackDeadline, less is none.
	CallbackDeadline time.Duration
	// StartDeadline takes its place for the callbacks that happen once: _initialize (or _start), main, OnVMStart,
	// OnConfigure. 0 is DefaultStartDeadline, less is none.
	StartDeadline time.Duration
	// Env is the environment that the module sees.
	Env map[string]string
	// AllowedCapabilities, if not empty, has the only imports and callbacks that the module may use (see [Capabilities]). A
	// call of another import answers [abi.StatusInternalFailure], in the namespaces of WASI 76 (ENOTCAPABLE), and does
	// nothing; another callback is taken as one that the module does not export. As in Envoy, names that nobody knows have
	// no effect, and initialization and the allocator need no permission.
	AllowedCapabilities []string
	// Denied is given the name of each import that is called though it may not be. It must not use the VM. It may be nil.
	Denied func(name string)
	// Output is given what the module writes to stdout and stderr. It is called during a callback, on its goroutine,
	// and must not use the VM. Nil discards it.
	Output func(Output)
	// Now is what the module's clocks go by, the monotonic one too; nil is the real time. Deadlines go by the real one.
	Now func() time.Time
}

func (c VMConfig) withDefaults() VMConfig {
	if c.MemoryLimit == 0 {
		c.MemoryLimit = DefaultMemoryLimit
	}
	c.MemoryLimit = max(min(c.MemoryLimit, maxPages*pageSize)&^(pageSize-1), pageSize)
	if c.CallbackDeadline == 0 {
		c.CallbackDeadline = DefaultCallbackDeadline
	}
	if c.StartDeadline == 0 {
		c.StartDeadline = DefaultStartDeadline
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// VM is an instance of a module, and an [abi.Plugin]. One goroutine at a time may use it. It has one host, which is
// called only while a callback runs.
type VM struct {
	cfg    VMConfig
	host   abi.Host
	module *Module
	ctx    *callContext

	instance api.Module
	memory   api.Memory
	linear   *linearMemory
	// Each function is one that wazero can call while no other call of it runs. The allocator has one of its own: it is
	// called inside of callbacks.
	functions [callbackCount]api.Function
	allocator api.Function
	stack     [8]uint64
	allocated [1]uint64

	// scratch is where results of host calls are put together; it is nil while one is.
	scratch []byte
	out     console
	environ [][]byte
	born    time.Time

	clock    clock
	running  bool
	current  callback
	starting bool // no host calls but proxy_log and WASI
	guarded  bool // starting, or not every capability is allowed: host calls look first
	// capabilities are those that are allowed, nil for all.
	capabilities map[string]bool
	allocating   bool
	closing      bool // Close was called by the host while a callback runs
	err          error
	dead         error // err, wrapped in ErrDead
}

// Instantiate makes a VM, with memory of its own, and runs what the module has to run first: _initialize, and main if
// there is one; without _initialize, _start. Meanwhile the module may call proxy_log and WASI, nothing else of host.
//
// The error wraps [ErrMemoryLimit] if the module needs more memory than it may have, and is a *[TrapError] if it traps.
// ctx is not kept. The caller closes the VM.
func (m *Module) Instantiate(ctx context.Context, host abi.Host, cfg VMConfig) (*VM, error) {
	vm := &VM{cfg: cfg.withDefaults(), host: host, module: m, starting: true, guarded: true}
	vm.born = vm.cfg.Now()
	vm.restrict()
	vm.out.sink = cfg.Output
	vm.environ = environment(cfg.Env)
	if err := m.checkMemory(vm.cfg.MemoryLimit); err != nil {
		return nil, err
	}
	if !m.acquire() {
		return nil, fmt.Errorf("module is %w", ErrClosed)
	}
	if err := vm.start(ctx); err != nil {
		return nil, errors.Join(err, vm.Close(ctx))
	}
	vm.starting, vm.guarded = false, vm.capabilities != nil
	return vm, nil
}

func (vm *VM) start(ctx context.Context) (err error) {
	// The memory grows to its own maximum, or to the limit, whichever is less. An empty one is reserved a page all the
	// same, since there is no mapping of nothing.
	reserve := max(min(uint64(vm.module.maxPages)*pageSize, vm.cfg.MemoryLimit), pageSize)
	if vm.linear, err = reserveMemory(reserve); err != nil {
		return fmt.Errorf("reserve %d bytes of address space for the module's memory: %w", reserve, err)
	}
	own := experimental.MemoryAllocatorFunc(func(_, _ uint64) experimental.LinearMemory { return vm.linear })
	vm.ctx = &callContext{experimental.WithMemoryAllocator(ctx, own), vm}
	vm.begin(onStart)
	vm.instance, err = vm.module.runtime.InstantiateModule(vm.ctx, vm.module.compiled,
		wazero.NewModuleConfig().WithName("").WithStartFunctions())
	vm.running = false
	if err != nil {
		if inner := errors.Unwrap(err); inner != nil {
			return vm.trapped("start function", inner)
		}
		return fmt.Errorf("%w: %s", ErrInvalid, oneLine(err.Error())) // say, data past the end of its memory
	}
	vm.memory = vm.instance.Memory()
	vm.ctx.Context = context.Background() // calls outlive Instantiate; wazero only looks for values in it
	vm.allocator = vm.instance.ExportedFunction(vm.module.allocator)
	for i, has := range vm.module.has {
		cb := callback(i)
		if has && (cb <= onMain || vm.allows(callbacks[cb].name)) {
			vm.functions[cb] = vm.instance.ExportedFunction(callbacks[cb].name)
		}
	}
	return vm.initialize()
}

// initialize runs the module's own entry points, as Envoy does.
func (vm *VM) initialize() error {
	if vm.functions[onInitialize] == nil {
		err := vm.run(onStart)
		var exit *ExitError
		if errors.As(err, &exit) && exit.Code == 0 {
			return fmt.Errorf("%w: its _start ran to its end and left; if it is Go, build it with: %s: %w",
				ErrNotReactor, goBuild, err)
		}
		return err
	}
	if err := vm.run(onInitialize); err != nil {
		return err
	}
	if vm.functions[onMain] != nil && vm.module.mainTakesNothing {
		return vm.run(onMain)
	}
	return vm.run(onMain, 0, 0)
}

// MemorySize is the size of the linear memory in bytes, 0 once the VM is closed.
func (vm *VM) MemorySize() uint64 {
	if vm.instance == nil {
		return 0
	}
	return uint64(vm.memory.Size())
}

// Err tells why the VM is dead: a *[TrapError], or [ErrClosed]. It is nil while the VM lives.
func (vm *VM) Err() error { return vm.err }

// Close releases the VM's memory; called by the host during a callback, when that has ended. A second Close does
// nothing. What the module left in its output without a newline is written.
func (vm *VM) Close(ctx context.Context) error {
	if vm.running {
		vm.closing = true
		return nil
	}
	if vm.module == nil {
		return nil
	}
	vm.kill(ErrClosed)
	vm.out.flush()
	var err error
	if vm.instance != nil {
		err = vm.instance.Close(ctx)
	}
	if vm.linear != nil {
		vm.linear.Free() // wazero forgets it when an instantiation fails
	}
	module := vm.module
	vm.module, vm.instance, vm.memory, vm.allocator = nil, nil, nil, nil
	vm.functions = [callbackCount]api.Function{}
	return errors.Join(err, module.release(ctx))
}

// call makes a callback and answers its result, if it has one.
func (vm *VM) call(cb callback, args ...uint32) (uint32, error) {
	if vm.err != nil {
		return 0, vm.dead
	}
	f := vm.functions[cb]
	if f == nil {
		return callbacks[cb].absent, nil
	}
	if vm.running {
		return 0, fmt.Errorf("%w: %s", ErrReentrant, callbacks[cb].name)
	}
	for i, a := range args {
		vm.stack[i] = uint64(a)
	}
	vm.begin(cb)
	err := f.CallWithStack(vm.ctx, vm.stack[:])
	vm.running = false
	if err != nil {
		err = vm.trapped(callbacks[cb].name, err)
	}
	vm.out.callbackEnded()
	if vm.closing {
		err = errors.Join(err, vm.Close(context.Background()))
	}
	if err != nil {
		return 0, err
	}
	return uint32(vm.stack[0]), nil
}

func (vm *VM) begin(cb callback) {
	limit := vm.cfg.CallbackDeadline
	if callbacks[cb].starts {
		limit = vm.cfg.StartDeadline
	}
	vm.running, vm.current = true, cb
	vm.clock.begin(limit)
	vm.out.callbackBegan()
}

// trapped kills the VM and says how it died.
func (vm *VM) trapped(callback string, err error) error {
	reason, stack := explain(err)
	trap := &TrapError{VM: vm.cfg.Name, Callback: callback, Reason: reason, Stack: stack}
	var inner *TrapError
	if errors.Is(reason, errNested) && errors.As(vm.err, &inner) {
		trap.Reason = fmt.Errorf("%s: %w", inner.Callback, inner.Reason)
		trap.Stack = inner.Stack + "\n" + stack
		vm.err = nil // the outer trap says it all
	}
	trap.Output = vm.out.crashed()
	vm.kill(trap)
	// A recursion may have left a hundred megabytes of stack behind.
	vm.functions, vm.allocator = [callbackCount]api.Function{}, nil
	return trap
}

func (vm *VM) kill(why error) {
	if vm.err == nil {
		vm.err = why
		vm.dead = fmt.Errorf("%w: %w", ErrDead, why)
	}
}

// allocate has the module allocate n bytes, n not 0, and answers where; the memory may have grown. It does not return
// if the module traps: a trap inside a callback ends the callback.
func (vm *VM) allocate(n uint32) (ptr uint32, ok bool) {
	// An allocator that makes a host call whose result must be allocated would enter itself.
	if vm.allocating || vm.allocator == nil {
		return 0, false
	}
	vm.allocating = true
	vm.allocated[0] = uint64(n)
	err := vm.allocator.CallWithStack(vm.ctx, vm.allocated[:])
	vm.allocating = false
	if err != nil {
		reason, stack := explain(err)
		vm.kill(&TrapError{VM: vm.cfg.Name, Callback: vm.module.allocator, Reason: reason, Stack: stack})
		panic(errNested)
	}
	ptr = uint32(vm.allocated[0])
	return ptr, ptr != 0
}
