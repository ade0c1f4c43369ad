package pluginhost

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/wasmvm"
)

const defaultReloadBackoff = time.Second

type codeHash [sha256.Size]byte

// groupKey says which plugins share VMs: those with equal vm_id, VM configuration and code, as in Envoy; and, since a
// VM can have only one of each, equal VM settings.
type groupKey struct {
	vmID          string
	configuration string
	code          codeHash
	native        unsafe.Pointer
	module        *wasmvm.Module
	env           string
	memoryLimit   uint64
	rebuildMemory uint64
	drain         time.Duration
	callback      time.Duration
	start         time.Duration
	capabilities  string
}

func groupKeyOf(cfg *Config) groupKey {
	k := groupKey{vmID: cfg.VMID, configuration: string(cfg.VMConfiguration)}
	if cfg.Native != nil {
		// A function value has no identity in Go but the closure that it points to.
		k.native = *(*unsafe.Pointer)(unsafe.Pointer(&cfg.Native))
		return k
	}
	if k.module = cfg.Module; k.module == nil {
		k.code = sha256.Sum256(cfg.Code)
	}
	for _, name := range slices.Sorted(maps.Keys(cfg.Env)) {
		k.env += name + "=" + cfg.Env[name] + "\x00"
	}
	k.capabilities = strings.Join(slices.Compact(slices.Sorted(slices.Values(cfg.AllowedCapabilities))), "\x00")
	k.rebuildMemory, k.drain = cfg.RebuildMemory, cfg.DrainDeadline
	k.memoryLimit, k.callback, k.start = cfg.MemoryLimit, cfg.CallbackDeadline, cfg.StartDeadline
	return k
}

// group is the VMs, one for each worker, that plugins share.
type group struct {
	host *Host
	key  groupKey
	// cfg is what the first plugin said; its VM settings are every member's.
	cfg *Config
	// users counts the plugins. The host's mutex guards it.
	users int
	// data is the shared data of the group's vm_id.
	data *dataSpace
	// complaints are the lines about its plugins that are not to be repeated too often.
	complaints complaints

	// mu is held while the group's VMs are made or replaced and plugins started in them. It is taken before VM locks.
	mu     sync.Mutex
	module module
	vms    []*vm
	made   []time.Time
	// draining has the VM of each worker that was replaced and has streams left.
	draining []*vm
	// generation counts the VMs.
	generation uint64
	// asks counts, by worker, how often the plugins have asked for a new VM.
	asks    []atomic.Uint32
	plugins []*Plugin
	left    leftover
}

// unlock gives the group's lock back, and then does what was left over: that may need the lock again.
func (g *group) unlock() {
	left := g.left
	g.left = leftover{}
	g.mu.Unlock()
	left.do()
}

func newGroup(h *Host, key groupKey, cfg *Config) *group {
	n := h.workers
	if cfg.Native != nil {
		n = 1
	}
	h.queues.retain(cfg.VMID)
	return &group{host: h, key: key, cfg: cfg, data: h.data.retain(cfg.VMID), vms: make([]*vm, n),
		made: make([]time.Time, n), draining: make([]*vm, n), asks: make([]atomic.Uint32, n)}
}

// start starts p on every worker.
func (g *group) start(ctx context.Context, p *Plugin) error {
	g.mu.Lock()
	defer g.unlock()
	if p.closed {
		return p.startError(StepCompile, nil, ErrClosed)
	}
	if g.module == nil {
		m, err := g.host.compile(ctx, g.cfg, g.key.code)
		if err != nil {
			return p.startError(StepCompile, nil, err)
		}
		g.module = m
	}
	p.keepStopIteration = p.cfg.AllowOnHeadersStopIteration || g.module.version() >= abi.Version0_2_100
	for w := range g.vms {
		if err := ctx.Err(); err != nil {
			return p.startError(StepInstantiate, nil, context.Cause(ctx))
		}
		if v := g.vms[w]; v == nil || v.isDead() {
			if err := g.replace(ctx, w); err != nil {
				return p.asStartError(err)
			}
		}
		if err := g.startRoot(p, w); err != nil {
			return err
		}
	}
	g.plugins = append(g.plugins, p)
	return nil
}

// startRoot starts p in the VM of worker w.
func (g *group) startRoot(p *Plugin, w int) error {
	v := g.vms[w]
	r, step, err := v.startRoot(p)
	if err != nil {
		return p.startError(step, v, err)
	}
	p.roots[w].Store(r)
	return nil
}

// replace makes a new VM for worker w and starts in it every plugin of the group that is up.
func (g *group) replace(ctx context.Context, w int) error {
	g.made[w] = g.host.clock.Now()
	v, err := g.newVM(ctx, w)
	if err != nil {
		return err
	}
	g.vms[w] = v
	for _, p := range g.plugins {
		if err := g.startRoot(p, w); err != nil {
			v.lock.Lock()
			v.kill(fmt.Errorf("restart: %w", err))
			g.left.add(v.release())
			return err
		}
	}
	return nil
}

// newVM makes a VM for worker w, with nothing in it yet.
func (g *group) newVM(ctx context.Context, w int) (*vm, error) {
	v := newVM(g, w)
	inst, err := g.module.instantiate(ctx, v)
	if err != nil {
		return nil, &StartError{Plugin: g.cfg.Name, Source: g.cfg.CodeSource, Step: StepInstantiate,
			LastLog: v.lastLog(), Err: err}
	}
	v.plugin = inst
	g.generation++
	v.generation = g.generation
	return v, nil
}

// reload replaces a dead VM of worker w, unless it was made less than backoff ago. It returns when the worker's VM is
// as good as it gets.
func (g *group) reload(w int, backoff time.Duration) {
	g.mu.Lock()
	defer g.unlock()
	if !g.vms[w].isDead() || g.host.clock.Now().Sub(g.made[w]) < backoff {
		return
	}
	if err := g.replace(context.Background(), w); err != nil {
		g.host.logger.Error("plugin VM not reloaded", "plugin", g.cfg.Name, "worker", w, "error", err)
		return
	}
	g.host.logger.Info("plugin VM reloaded", "plugin", g.cfg.Name, "worker", w)
}

// repair replaces VMs that a plugin which failed to start took with it, for the sake of those that share them.
func (g *group) repair() {
	g.mu.Lock()
	shared := len(g.plugins) > 0
	g.mu.Unlock()
	for w := range g.vms {
		if shared {
			g.reload(w, 0)
		}
	}
}

// remove takes p out of the plugins that a new VM is to have.
func (g *group) remove(p *Plugin) {
	g.mu.Lock()
	p.closed = true
	g.plugins = slices.DeleteFunc(g.plugins, func(q *Plugin) bool { return q == p })
	g.mu.Unlock()
}

// close closes the VMs. No plugin is left in them, so nothing runs and nothing will.
func (g *group) close() {
	for _, v := range g.vms {
		if v != nil {
			v.lock.Lock()
			v.kill(errVMClosed)
			v.unlock()
		}
	}
	if g.module != nil && g.cfg.Native == nil && g.cfg.Module == nil {
		g.host.releaseModule(g.key.code)
	}
	g.host.data.release(g.cfg.VMID)
	g.host.queues.release(g.cfg.VMID)
}

var errVMClosed = errors.New("vm is closed")

// sharedModule is a compiled module and how many groups use it.
type sharedModule struct {
	mu     sync.Mutex
	module module
	users  int
}

// compile returns the module of cfg, compiled if no other group has it already.
func (h *Host) compile(ctx context.Context, cfg *Config, hash codeHash) (module, error) {
	if cfg.Native != nil {
		return nativeModule{cfg.Native, cfg.nativeRebuilds}, nil
	}
	if cfg.Module != nil {
		h.tellOf(cfg, cfg.Module)
		return wasmModule{cfg.Module}, nil
	}
	h.mu.Lock()
	s := h.modules[hash]
	if s == nil {
		s = &sharedModule{}
		h.modules[hash] = s
	}
	s.users++
	h.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.module == nil {
		m, err := h.compileWasm(ctx, cfg)
		if err != nil {
			h.mu.Lock()
			h.dropModule(hash, s)
			h.mu.Unlock()
			return nil, err
		}
		s.module = m
	}
	return s.module, nil
}

func (h *Host) releaseModule(hash codeHash) {
	h.mu.Lock()
	s := h.modules[hash]
	last := h.dropModule(hash, s)
	h.mu.Unlock()
	if last {
		if err := s.module.close(context.Background()); err != nil {
			h.logger.Warn("module not closed", "error", err)
		}
	}
}

func (h *Host) dropModule(hash codeHash, s *sharedModule) (last bool) {
	s.users--
	if s.users == 0 {
		delete(h.modules, hash)
	}
	return s.users == 0
}
