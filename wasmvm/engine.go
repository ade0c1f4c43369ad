package wasmvm

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"
)

// EngineConfig configures an [Engine].
type EngineConfig struct {
	// CacheDir is where compiled code is kept between processes; it is made if it does not exist. Processes may share
	// it. Whoever can write to it can run code in this process. "" keeps compiled code in memory only.
	CacheDir string
}

// Engine compiles modules. It may be used by several goroutines.
type Engine struct {
	uses
	// disk is nil without a CacheDir. memory serves when there is none, and when the disk fails.
	disk, memory wazero.CompilationCache
}

// NewEngine makes an engine. It fails if the cache directory cannot be used. The caller closes it.
func NewEngine(_ context.Context, cfg EngineConfig) (*Engine, error) {
	e := &Engine{memory: wazero.NewCompilationCache()}
	if cfg.CacheDir != "" {
		disk, err := wazero.NewCompilationCacheWithDir(cfg.CacheDir)
		if err != nil {
			return nil, fmt.Errorf("compilation cache: %w", err)
		}
		e.disk = disk
	}
	e.open(func(ctx context.Context) error {
		err := e.memory.Close(ctx)
		if e.disk != nil {
			err = errors.Join(err, e.disk.Close(ctx))
		}
		return err
	})
	return e, nil
}

// Close releases the engine, now or when its last module is closed.
func (e *Engine) Close(ctx context.Context) error { return e.close(ctx) }

// Compile makes a module of its bytes, which it neither keeps nor changes. That takes about a second for a plugin
// written in Go, less than a tenth of that if the cache has it.
//
// The error says what is wrong with the module and, where there is one, what to do; it wraps [ErrNotWasm],
// [ErrInvalid], [ErrNotReactor], [ErrNoABI], [ErrNoAllocator], [ErrNoMemory], [ErrSignature] or [ErrImport].
// The caller closes the module.
func (e *Engine) Compile(ctx context.Context, code []byte) (*Module, error) {
	o, err := readOutline(code)
	if err != nil {
		return nil, err
	}
	m := &Module{engine: e}
	if err := m.inspect(o); err != nil {
		return nil, err
	}
	groups, err := m.resolve(o)
	if err != nil {
		return nil, err
	}
	if code, err = interruptible(code); err != nil {
		return nil, fmt.Errorf("%w: %s", ErrInvalid, oneLine(err.Error()))
	}
	code = mergeData(code)
	if !e.acquire() {
		return nil, fmt.Errorf("engine is %w", ErrClosed)
	}
	err = m.compile(ctx, code, groups, e.disk)
	if err != nil && e.disk != nil && ctx.Err() == nil {
		// A full disk or a damaged cache entry is no reason not to run a plugin.
		m.cacheErr = err
		err = m.compile(ctx, code, groups, nil)
	}
	if err != nil {
		return nil, errors.Join(err, e.release(ctx))
	}
	return m, nil
}

// compile makes the runtime of one module: imports that fit it exactly, and its code.
func (m *Module) compile(ctx context.Context, code []byte, groups []importGroup, cache wazero.CompilationCache) (err error) {
	if cache == nil {
		cache = m.engine.memory
	}
	// The rewritten code is not where its debug information thinks it is.
	config := wazero.NewRuntimeConfig().WithCompilationCache(cache).WithDebugInfoEnabled(false)
	rt := wazero.NewRuntimeWithConfig(ctx, config)
	var compiled wazero.CompiledModule
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: the engine failed on it: %s", ErrInvalid, oneLine(fmt.Sprint(r)))
		}
		if err != nil {
			err = errors.Join(err, rt.Close(ctx))
		}
		if err != nil && compiled != nil {
			err = errors.Join(err, compiled.Close(ctx))
		}
	}()
	for _, g := range groups {
		if err := g.instantiate(ctx, rt); err != nil {
			return err
		}
	}
	compiled, err = rt.CompileModule(experimental.WithCompilationWorkers(ctx, runtime.GOMAXPROCS(0)), code)
	if err != nil {
		return fmt.Errorf("%w: %s", ErrInvalid, oneLine(err.Error()))
	}
	mem, ok := compiled.ExportedMemories()["memory"]
	if !ok {
		return fmt.Errorf("%w called \"memory\"", ErrNoMemory)
	}
	m.minPages, m.maxPages = mem.Min(), maxPages
	if n, ok := mem.Max(); ok {
		m.maxPages = min(n, maxPages)
	}
	m.runtime, m.compiled = rt, compiled
	m.open(func(ctx context.Context) error {
		return errors.Join(rt.Close(ctx), compiled.Close(ctx), m.engine.release(ctx))
	})
	return nil
}

// oneLine is the engine's text as it may stand in a message: it has line breaks of its own, and names from the module.
func oneLine(s string) string {
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\n\t", "; "), "\n", "; ")
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(s[:min(len(s), 1000)], "?"))
}

// uses counts who uses a thing that can be closed while it is still used: its owner, and others.
type uses struct {
	mu     sync.Mutex
	n      int
	closed bool
	free   func(context.Context) error
}

func (u *uses) open(free func(context.Context) error) { u.n, u.free = 1, free }

// acquire adds a user, unless the owner has closed it.
func (u *uses) acquire() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closed {
		return false
	}
	u.n++
	return true
}

func (u *uses) release(ctx context.Context) error {
	u.mu.Lock()
	u.n--
	last := u.n == 0
	u.mu.Unlock()
	if last {
		return u.free(ctx)
	}
	return nil
}

// close ends the owner's use. A second close does nothing.
func (u *uses) close(ctx context.Context) error {
	u.mu.Lock()
	again := u.closed
	u.closed = true
	u.mu.Unlock()
	if again {
		return nil
	}
	return u.release(ctx)
}
