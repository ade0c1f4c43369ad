package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/sluice-gateway/sluice/bench/guests/count"
	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/wasmvm"
)

// guest is a plugin module under measurement.
type guest struct {
	name string // header/sluice
	size int64  // of the module in bytes
	host *host
	vm   *wasmvm.VM
	next uint32 // context id
	body []byte // of each request, nil for none
}

// body is 2 KiB of JSON as a chat client sends it.
var body = func() []byte {
	const head = `{"model":"small","temperature":0.2,"messages":[`
	const tail = `{"role":"user","content":"And in one sentence?"}]}`
	b := []byte(head)
	for i := 0; len(b) < 2048-len(tail)-120; i++ {
		role := [2]string{"user", "assistant"}[i%2]
		b = fmt.Appendf(b, `{"role":%q,"content":"%03d: the quick brown fox jumps over the lazy dog"},`, role, i)
	}
	return append(b, tail...)
}()

// moduleFile is where a guest's module is built.
func moduleFile(dir, name string) string {
	return filepath.Join(dir, strings.ReplaceAll(name, "/", "-")+".wasm")
}

// build compiles a guest's source with default flags.
func build(ctx context.Context, dir, name string) (string, error) {
	out := moduleFile(dir, name)
	cmd := exec.CommandContext(ctx, "go", "build", "-buildmode=c-shared", "-o", out, "./guests/"+name)
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "GOWORK=off")
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", name, err, text)
	}
	return out, nil
}

// start builds a guest and runs it up to its configuration.
func start(ctx context.Context, engine *wasmvm.Engine, dir, name string) (*guest, error) {
	file, err := build(ctx, dir, name)
	if err != nil {
		return nil, err
	}
	code, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return load(ctx, engine, name, code)
}

func load(ctx context.Context, engine *wasmvm.Engine, name string, code []byte) (*guest, error) {
	module, err := engine.Compile(ctx, code)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	g := &guest{name: name, size: int64(len(code)), host: &host{config: []byte(`{"value":"v1"}`)}, next: 1}
	if strings.HasPrefix(name, "body/") {
		g.body = body
	}
	g.vm, err = module.Instantiate(ctx, g.host, wasmvm.VMConfig{Name: name, Output: func(o wasmvm.Output) {
		fmt.Fprintln(os.Stderr, name+":", o.Text)
	}})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := g.vm.OnContextCreate(1, 0); err != nil {
		return nil, err
	}
	if ok, err := g.vm.OnVMStart(1, 0); err != nil || !ok {
		return nil, fmt.Errorf("%s: %w: %w", name, errConfigure, err)
	}
	if ok, err := g.vm.OnConfigure(1, uint32(len(g.host.config))); err != nil || !ok {
		return nil, fmt.Errorf("%s: %w: %w %v", name, errConfigure, err, g.host.logged)
	}
	return g, nil
}

// request takes one request through all its phases.
func (g *guest) request() error {
	g.host.reset(g.body)
	g.next++
	id, vm := g.next, g.vm
	if err := vm.OnContextCreate(id, 1); err != nil {
		return err
	}
	if _, err := vm.OnRequestHeaders(id, 14, g.body == nil); err != nil {
		return err
	}
	if g.body != nil {
		if _, err := vm.OnRequestBody(id, uint32(len(g.body)), true); err != nil {
			return err
		}
	}
	if _, err := vm.OnResponseHeaders(id, 7, true); err != nil {
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
	if g.body != nil {
		if want := `"model":"small-v1"`; !strings.Contains(string(g.host.body), want) {
			return fmt.Errorf("%s: body without %s: %s", g.name, want, g.host.body)
		}
		return nil
	}
	wantRequest := requestFields.Value(":path") + " " + requestFields.Value("user-agent")
	if got := g.host.maps[abi.MapHTTPRequestHeaders].Value("x-gw-path"); got != wantRequest {
		return fmt.Errorf("%s: x-gw-path is %q", g.name, got)
	}
	if got := g.host.maps[abi.MapHTTPResponseHeaders].Value("x-gw-resp"); got != "v1" {
		return fmt.Errorf("%s: x-gw-resp is %q", g.name, got)
	}
	return nil
}

// allocations asks the guest for its counters.
func (g *guest) allocations() ([count.Collections + 1]uint64, error) {
	err := g.vm.OnForeignFunction(1, 0, 0)
	return g.host.metrics, err
}
