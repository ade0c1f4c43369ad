package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/wasmvm"
)

// wasmModule is a compiled WebAssembly module.
type wasmModule struct{ *wasmvm.Module }

var _ instance = (*wasmvm.VM)(nil)

func (m wasmModule) version() abi.Version            { return m.Version() }
func (m wasmModule) rebuilds() bool                  { return true }
func (m wasmModule) close(ctx context.Context) error { return m.Close(ctx) }

func (m wasmModule) instantiate(ctx context.Context, v *vm) (instance, error) {
	cfg := v.group.cfg
	vm, err := m.Instantiate(ctx, v, wasmvm.VMConfig{
		Name:                fmt.Sprintf("%s/%d", cfg.Name, v.worker),
		MemoryLimit:         cfg.MemoryLimit,
		CallbackDeadline:    cfg.CallbackDeadline,
		StartDeadline:       cfg.StartDeadline,
		Env:                 cfg.Env,
		AllowedCapabilities: cfg.AllowedCapabilities,
		Denied:              v.denied,
		Output:              v.output,
		Now:                 v.group.host.clock.Now,
	})
	if err != nil {
		return nil, err
	}
	return vm, nil
}

// denied complains about a call that the plugin may not make.
func (v *vm) denied(name string) {
	v.complain("capability "+name, "plugin makes a call that capability_restriction_config does not allow", slog.String("call", name))
}

// output logs what a module writes: stdout is information, stderr are errors, as in Envoy.
func (v *vm) output(o wasmvm.Output) {
	if o.Stderr {
		v.write(abi.LogError, []byte(o.Text), "stderr")
		return
	}
	v.write(abi.LogInfo, []byte(o.Text), "stdout")
}

func (h *Host) compileWasm(ctx context.Context, cfg *Config) (module, error) {
	m, err := h.engine.Compile(ctx, cfg.Code)
	if err != nil {
		return nil, err
	}
	h.tellOf(cfg, m)
	return wasmModule{m}, nil
}

// tellOf logs what an operator should know about a module.
func (h *Host) tellOf(cfg *Config, m *wasmvm.Module) {
	if unknown := m.UnknownImports(); len(unknown) > 0 {
		h.logger.Warn("plugin imports functions that this gateway does not have; they answer that they are unimplemented",
			"plugin", cfg.Name, "imports", strings.Join(unknown, " "))
	}
	if err := m.CacheError(); err != nil {
		h.logger.Warn("compilation cache not used", "plugin", cfg.Name, "error", err)
	}
}

// trapAttrs returns what a log record says of a trap beside the error's own text.
func trapAttrs(err error) []slog.Attr {
	var trap *wasmvm.TrapError
	if !errors.As(err, &trap) || trap.Stack == "" {
		return nil
	}
	return []slog.Attr{slog.String("stack", trap.Stack)}
}
