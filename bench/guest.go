package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/sluice-gateway/sluice/bench/guests/count"
	"github.com/sluice-gateway/sluice/wasmvm"
)

// guest is a plugin module under measurement.
type guest struct {
	scenario *scenario
	name     string // header/sluice
	size     int64  // of the module in bytes
	host     *host
	vm       *wasmvm.VM
	next     uint32 // context id
}

// moduleFile is where a guest's module is built.
func moduleFile(dir, name string) string {
	return filepath.Join(dir, strings.ReplaceAll(name, "/", "-")+".wasm")
}

// build compiles a guest's source, with default flags if none are given.
func build(ctx context.Context, dir, name string, flags ...string) (string, error) {
	out := moduleFile(dir, name)
	args := append(append([]string{"build", "-buildmode=c-shared", "-o", out}, flags...), "./guests/"+name)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "GOWORK=off")
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", name, err, text)
	}
	return out, nil
}

// start builds a guest of a scenario and runs it up to its configuration.
func start(ctx context.Context, engine *wasmvm.Engine, dir string, of *scenario, which string) (*guest, error) {
	file, err := build(ctx, dir, of.folder+"/"+which)
	if err != nil {
		return nil, err
	}
	code, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return load(ctx, engine, of, which, code)
}

func load(ctx context.Context, engine *wasmvm.Engine, of *scenario, which string, code []byte) (*guest, error) {
	g := &guest{scenario: of, name: of.name + "/" + which, size: int64(len(code)), host: &host{config: []byte(of.config)}, next: 1}
	module, err := engine.Compile(ctx, code)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", g.name, err)
	}
	if g.vm, err = startVM(ctx, module, g.name, g.host); err != nil {
		return nil, err
	}
	return g, nil
}

// startVM makes a VM of a module and takes it up to its configuration.
func startVM(ctx context.Context, module *wasmvm.Module, name string, h *host) (*wasmvm.VM, error) {
	vm, err := module.Instantiate(ctx, h, wasmvm.VMConfig{Name: name, Output: func(o wasmvm.Output) {
		fmt.Fprintln(os.Stderr, name+":", o.Text)
	}})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := vm.OnContextCreate(1, 0); err != nil {
		return nil, err
	}
	if ok, err := vm.OnVMStart(1, 0); err != nil || !ok {
		return nil, fmt.Errorf("%s: %w: %w", name, errConfigure, err)
	}
	if ok, err := vm.OnConfigure(1, uint32(len(h.config))); err != nil || !ok {
		return nil, fmt.Errorf("%s: %w: %w %v", name, errConfigure, err, h.logged)
	}
	return vm, nil
}

// request takes one request through all its phases.
func (g *guest) request() error {
	g.host.reset()
	g.next++
	id, vm := g.next, g.vm
	if err := vm.OnContextCreate(id, 1); err != nil {
		return err
	}
	if err := g.scenario.run(g, id); err != nil {
		return err
	}
	if err := vm.OnLog(id); err != nil {
		return err
	}
	if _, err := vm.OnDone(id); err != nil {
		return err
	}
	return vm.OnDelete(id)
}

// check sees that a guest does its work before it is measured.
func (g *guest) check() error {
	if err := g.request(); err != nil {
		return fmt.Errorf("%s: %w", g.name, err)
	}
	if len(g.host.logged) > 0 {
		return fmt.Errorf("%s: %q", g.name, g.host.logged)
	}
	if err := g.scenario.check(g.host); err != nil {
		return fmt.Errorf("%s: %w", g.name, err)
	}
	return nil
}

// allocations asks the guest for its counters.
func (g *guest) allocations() ([count.Collections + 1]uint64, error) {
	err := g.vm.OnForeignFunction(1, 0, 0)
	return g.host.metrics, err
}
