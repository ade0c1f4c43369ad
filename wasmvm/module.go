package wasmvm

import (
	"context"
	"fmt"
	"strings"

	"github.com/tetratelabs/wazero"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

// Module is a compiled plugin module. It may be used by several goroutines.
type Module struct {
	uses
	engine   *Engine
	runtime  wazero.Runtime
	compiled wazero.CompiledModule
	cacheErr error

	version            abi.Version
	allocator          string
	has                [callbackCount]bool
	mainTakesNothing   bool
	minPages, maxPages uint32

	imports, unknown, extensions []string
}

// Version is the ABI version that the module declares; of several that the host knows, the first in its export section.
func (m *Module) Version() abi.Version { return m.version }

// Imports lists the functions that the module imports, in its order, as "env.proxy_log(i32,i32,i32)i32".
func (m *Module) Imports() []string { return append([]string(nil), m.imports...) }

// UnknownImports lists the imports that the host does not have: functions that answer abi.StatusUnimplemented (in the
// namespaces of WASI: 52, not supported). A name that the host has with another signature is among them, with the
// host's signature behind it.
func (m *Module) UnknownImports() []string { return append([]string(nil), m.unknown...) }

// Extensions lists the imports that Higress added to the ABI: stock Envoy does not load a module that has any.
func (m *Module) Extensions() []string { return append([]string(nil), m.extensions...) }

// CacheError tells why the engine's cache directory could not be used for this module, nil if it could. The module is
// none the worse for it.
func (m *Module) CacheError() error { return m.cacheErr }

// Close releases the module, now or when its last VM is closed.
func (m *Module) Close(ctx context.Context) error { return m.close(ctx) }

const goBuild = "GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -o plugin.wasm ."

// inspect finds out what the module exports, and refuses what is no plugin.
func (m *Module) inspect(o *outline) error {
	exports := make(map[string]signature, len(o.exports))
	plugin := false // has any callback
	var strange string
	for _, e := range o.exports {
		exports[e.name] = e.sig
		plugin = plugin || strings.HasPrefix(e.name, "proxy_on_")
		if m.version == abi.VersionUnknown && strings.HasPrefix(e.name, "proxy_abi_version_") {
			if m.version = versionOf(e.name); m.version == abi.VersionUnknown {
				strange = e.name
			}
		}
	}
	_, starts := exports["_start"]
	_, initializes := exports["_initialize"]
	if command := starts && !initializes; command && (o.goModule || !plugin && m.version == abi.VersionUnknown) {
		return fmt.Errorf("%w: it exports _start and no _initialize: built without -buildmode=c-shared? Build it with: %s",
			ErrNotReactor, goBuild)
	}
	if m.version == abi.VersionUnknown {
		if strange != "" {
			return fmt.Errorf("%w: the module exports %s; supported are 0.1.0, 0.2.0, 0.2.1 and 0.2.100", ErrNoABI, printable(strange))
		}
		return fmt.Errorf("%w: the module exports no proxy_abi_version_0_2_1 or the like; "+
			"is it a proxy-wasm plugin, and is its SDK imported?", ErrNoABI)
	}
	for _, name := range []string{abi.ExportMalloc, abi.ExportMemoryAllocate} {
		sig, ok := exports[name]
		if !ok {
			continue
		}
		if want := (signature{params: []byte{i32}, results: []byte{i32}}); !sig.equal(want) {
			return fmt.Errorf("%w: %s is %s, want %s", ErrSignature, name, sig, want)
		}
		m.allocator = name
		break
	}
	if m.allocator == "" {
		return fmt.Errorf("%w: the module exports neither %s nor %s", ErrNoAllocator, abi.ExportMalloc, abi.ExportMemoryAllocate)
	}
	if o.others["memory"] != kindMemory {
		return fmt.Errorf("%w: the module exports no memory called \"memory\"", ErrNoMemory)
	}
	return m.inspectCallbacks(o, exports)
}

func (m *Module) inspectCallbacks(o *outline, exports map[string]signature) error {
	for cb := range callbackCount {
		info := &callbacks[cb]
		if kind, ok := o.others[info.name]; ok && cb != onMain && int(kind) < len(kindNames) {
			return fmt.Errorf("%w: %s is a %s, want a function", ErrSignature, info.name, kindNames[kind])
		}
		sig, ok := exports[info.name]
		if !ok {
			continue
		}
		want := info.signature(m.version)
		if cb == onMain && len(sig.params) == 0 && len(sig.results) <= 1 {
			m.mainTakesNothing, want = true, sig
		}
		if !sig.equal(want) {
			return fmt.Errorf("%w: %s is %s, want %s in ABI %s", ErrSignature, info.name, sig, want, m.version)
		}
		m.has[cb] = true
	}
	return nil
}

func versionOf(export string) abi.Version {
	for v := abi.Version0_1_0; v <= abi.Version0_2_100; v++ {
		if v.Export() == export {
			return v
		}
	}
	return abi.VersionUnknown
}

// resolve finds a host function for each import, or makes one up, in groups by namespace.
func (m *Module) resolve(o *outline) ([]importGroup, error) {
	groups := []importGroup{{module: yieldModule, functions: map[string]hostFunction{yieldName: yieldFunction}}}
	index := map[string]int{}
	for _, imp := range o.imports {
		if imp.module == "" || imp.module == yieldModule {
			return nil, fmt.Errorf("%w: %s: that namespace cannot be imported from", ErrImport, imp.fullName())
		}
		at, ok := index[imp.module]
		if !ok {
			at = len(groups)
			index[imp.module] = at
			groups = append(groups, importGroup{module: imp.module, functions: map[string]hostFunction{}})
		}
		if before, again := groups[at].functions[imp.name]; again {
			if !before.sig.equal(imp.sig) {
				return nil, fmt.Errorf("%w: %s is imported with two signatures, %s and %s", ErrImport, imp.fullName(), before.sig, imp.sig)
			}
			continue
		}
		m.imports = append(m.imports, imp.String())
		f, known := lookup(imp.module, imp.name)
		switch {
		case !known:
			m.unknown = append(m.unknown, imp.String())
			f = standIn(imp)
		case !f.sig.equal(imp.sig):
			// Such a module loads too: it may never make the call, and a missing function would not stop it either.
			m.unknown = append(m.unknown, imp.String()+", the host's is "+f.sig.String())
			f = standIn(imp)
		case imp.module == "env" && hostCalls[imp.name].origin == higress:
			m.extensions = append(m.extensions, imp.String())
		}
		groups[at].functions[imp.name] = f
	}
	return groups, nil
}

// checkMemory compares what the module needs at its start with a limit in bytes.
func (m *Module) checkMemory(limit uint64) error {
	if need := uint64(m.minPages) * pageSize; need > limit {
		return fmt.Errorf("%w: it needs %d bytes at its start, the limit is %d", ErrMemoryLimit, need, limit)
	}
	return nil
}
