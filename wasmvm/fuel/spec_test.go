package fuel_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/sluice-gateway/sluice/wasmvm/fuel"
)

// specDir finds the specification's tests, which the wazero module carries. Where the module is vendored or pruned they
// are missing.
func specDir(t *testing.T) string {
	t.Helper()
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/tetratelabs/wazero").Output()
	if err != nil {
		t.Skipf("cannot find wazero's sources: %v", err)
	}
	spec := filepath.Join(strings.TrimSpace(string(dir)), "internal", "integration_test", "spectest")
	if _, err := os.Stat(filepath.Join(spec, "testdata", "spectest.wasm")); err != nil {
		t.Skipf("the wazero module carries no specification tests: %v", err)
	}
	return spec
}

const allFeatures = api.CoreFeaturesV2 | experimental.CoreFeaturesThreads | experimental.CoreFeaturesTailCall |
	experimental.CoreFeaturesExtendedConst | experimental.CoreFeaturesExceptionHandling |
	experimental.CoreFeaturesTypedFunctionReferences

// TestSpecification runs the specification's scripts on rewritten modules, with so little fuel that nearly every check
// yields. Valid modules must be rewritten and give the results that the script expects; invalid ones must stay invalid.
func TestSpecification(t *testing.T) {
	dir := specDir(t)
	scripts, err := filepath.Glob(filepath.Join(dir, "*", "testdata", "*.json"))
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	cache := wazero.NewCompilationCache()
	t.Cleanup(func() { cache.Close(context.Background()) })
	var total specCounts
	for _, script := range scripts {
		rel, _ := filepath.Rel(dir, script)
		t.Run(filepath.ToSlash(rel), func(t *testing.T) {
			r := newSpecRunner(t, dir, script, cache)
			defer r.runtime.Close(r.ctx)
			r.run()
			total.add(r.counts)
		})
	}
	t.Logf("%d modules rewritten, %d actions as expected, %d invalid modules still refused, %d yields",
		total.modules, total.actions, total.invalid, total.yields)
}

type specCounts struct{ modules, actions, invalid, yields int }

func (c *specCounts) add(o specCounts) {
	c.modules += o.modules
	c.actions += o.actions
	c.invalid += o.invalid
	c.yields += o.yields
}

type specRunner struct {
	t         *testing.T
	ctx       context.Context
	dir, name string
	runtime   wazero.Runtime
	commands  []specCommand
	named     map[string]api.Module
	current   api.Module
	counts    specCounts
}

type specCommand struct {
	Type       string
	Line       int
	Name       string
	Filename   string
	As         string
	ModuleType string `json:"module_type"`
	Action     specAction
	Expected   []specValue
}

type specAction struct {
	Type, Field, Module string
	Args                []specValue
}

type specValue struct {
	Type     string
	LaneType string `json:"lane_type"`
	Value    json.RawMessage
}

func newSpecRunner(t *testing.T, dir, script string, cache wazero.CompilationCache) *specRunner {
	t.Helper()
	raw, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	var parsed struct{ Commands []specCommand }
	if err := json.Unmarshal(raw, &parsed); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	r := &specRunner{
		t: t, ctx: ctx, dir: filepath.Dir(script), name: strings.TrimSuffix(filepath.Base(script), ".json"),
		commands: parsed.Commands, named: map[string]api.Module{},
	}
	features := allFeatures
	if filepath.Base(filepath.Dir(r.dir)) == "v1" {
		features = api.CoreFeaturesV1
	}
	r.runtime = wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().
		WithCoreFeatures(features).WithCompilationCache(cache))
	_, err = r.runtime.NewHostModuleBuilder(fuel.DefaultYieldModule).NewFunctionBuilder().
		WithGoFunction(api.GoFunc(func(context.Context, []uint64) { r.counts.yields++ }), nil, nil).
		Export(fuel.DefaultYieldName).Instantiate(ctx)
	if err != nil {
		t.Fatal(err)
	}
	host, err := os.ReadFile(filepath.Join(dir, "testdata", "spectest.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.runtime.InstantiateWithConfig(ctx, host, wazero.NewModuleConfig().WithName("spectest")); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *specRunner) run() {
	for i, c := range r.commands {
		switch c.Type {
		case "module":
			r.instantiate(i)
		case "action", "assert_return":
			r.assertReturn(c)
		case "assert_trap", "assert_exhaustion", "assert_exception":
			r.assertFails(c)
		case "assert_invalid", "assert_malformed":
			r.assertInvalid(c)
		case "assert_uninstantiable", "assert_unlinkable":
			r.assertUninstantiable(c)
		}
	}
}

func (r *specRunner) read(file string) []byte {
	b, err := os.ReadFile(filepath.Join(r.dir, file))
	if err != nil {
		r.t.Fatal(err)
	}
	return b
}

var specOptions = fuel.Options{Refill: 7, MaxTable: 1 << 27}

// instantiate makes the module of command i the current one, under the name by which later commands import it.
func (r *specRunner) instantiate(i int) {
	c := r.commands[i]
	r.current = nil
	code := r.read(c.Filename)
	if _, err := r.runtime.CompileModule(r.ctx, code); err != nil {
		r.t.Logf("line %d: the engine refuses the original: %v", c.Line, err)
		return
	}
	rewritten, err := fuel.Rewrite(code, specOptions)
	if err != nil {
		if errors.Is(err, fuel.ErrUnsupported) && strings.Contains(err.Error(), "memory.atomic.wait") {
			return // refused on purpose
		}
		r.t.Errorf("line %d: %s: %v", c.Line, c.Filename, err)
		return
	}
	name := ""
	for _, next := range r.commands[i+1:] {
		if next.Type == "module" && next.Name == "" && c.Name == "" {
			break
		}
		if next.Type == "register" && next.Name == c.Name {
			name = next.As
			break
		}
	}
	m, err := r.runtime.InstantiateWithConfig(r.ctx, rewritten, wazero.NewModuleConfig().WithName(name))
	if err != nil {
		r.t.Errorf("line %d: %s: rewritten: %v", c.Line, c.Filename, err)
		return
	}
	r.counts.modules++
	r.current = m
	if c.Name != "" {
		r.named[c.Name] = m
	}
}

func (r *specRunner) act(c specCommand) ([]uint64, error, bool) {
	m := r.current
	if c.Action.Module != "" {
		m = r.named[c.Action.Module]
	}
	if m == nil {
		return nil, nil, false
	}
	if c.Action.Type == "get" {
		g := m.ExportedGlobal(c.Action.Field)
		if g == nil {
			r.t.Errorf("line %d: no global %q", c.Line, c.Action.Field)
			return nil, nil, false
		}
		return []uint64{g.Get()}, nil, true
	}
	f := m.ExportedFunction(c.Action.Field)
	if f == nil {
		r.t.Errorf("line %d: no function %q", c.Line, c.Action.Field)
		return nil, nil, false
	}
	var stack []uint64
	for _, a := range c.Action.Args {
		bits, _ := a.bits(r.t)
		stack = append(stack, bits...)
	}
	// Each slot holds 64 bits, so a vector takes two.
	want := 0
	for _, e := range c.Expected {
		want++
		if e.Type == "v128" {
			want++
		}
	}
	// Scripts leave the results of plain actions unsaid.
	want = max(want, 2*len(f.Definition().ResultTypes()))
	for len(stack) < want {
		stack = append(stack, 0)
	}
	err := f.CallWithStack(r.ctx, stack)
	return stack, err, true
}

func (r *specRunner) assertReturn(c specCommand) {
	got, err, ok := r.act(c)
	if !ok {
		return
	}
	if err != nil {
		r.t.Errorf("line %d: %s: %v", c.Line, c.Action.Field, err)
		return
	}
	r.counts.actions++
	for _, e := range c.Expected {
		bits, nan := e.bits(r.t)
		for i := range bits {
			if !equalBits(got[i], bits[i], nan[i]) {
				r.t.Errorf("line %d: %s: got %#x, want %#x (%s)", c.Line, c.Action.Field, got[i], bits[i], e.Value)
			}
		}
		got = got[len(bits):]
	}
}

func (r *specRunner) assertFails(c specCommand) {
	if _, err, ok := r.act(c); ok {
		if err == nil {
			r.t.Errorf("line %d: %s: no error", c.Line, c.Action.Field)
		}
		r.counts.actions++
	}
}

// specNullInit is the engine's complaint about a null initialiser for a table of non-null references. It makes it only for
// modules without functions; in others it takes the null for function 0 (with wazero 1.12).
const specNullInit = "table[0] init: const expression type mismatch"

// assertInvalid checks that rewriting does not make an invalid module valid. Custom sections are an exception: wrong names
// are dropped.
func (r *specRunner) assertInvalid(c specCommand) {
	if c.ModuleType == "text" {
		return
	}
	code := r.read(c.Filename)
	_, original := r.runtime.CompileModule(r.ctx, code)
	if original == nil {
		return // the engine is laxer than the specification
	}
	rewritten, err := fuel.Rewrite(code, specOptions)
	if err == nil {
		_, err = r.runtime.CompileModule(r.ctx, rewritten)
	}
	if err == nil && !strings.Contains(original.Error(), specNullInit) {
		r.t.Errorf("line %d: %s: valid after, but before: %v", c.Line, c.Filename, original)
	}
	r.counts.invalid++
}

func (r *specRunner) assertUninstantiable(c specCommand) {
	code := r.read(c.Filename)
	if _, err := r.runtime.CompileModule(r.ctx, code); err != nil {
		return
	}
	if _, err := r.runtime.InstantiateWithConfig(r.ctx, code, wazero.NewModuleConfig().WithName("")); err == nil {
		return // the engine is laxer than the specification
	}
	rewritten, err := fuel.Rewrite(code, specOptions)
	if err != nil {
		r.t.Errorf("line %d: %s: %v", c.Line, c.Filename, err)
		return
	}
	if _, err = r.runtime.InstantiateWithConfig(r.ctx, rewritten, wazero.NewModuleConfig().WithName("")); err == nil {
		r.t.Errorf("line %d: %s: rewritten module can be instantiated", c.Line, c.Filename)
	}
}

// nanKind says how much of a value a script fixes.
type nanKind uint8

const (
	exact nanKind = iota
	low32         // the lower half; the upper one is undefined
	any64
	nan32     // any NaN in the lower half; the upper one is undefined
	nan64     // any NaN
	nan32Low  // any NaN in the lower half; the upper one is exact
	nan32High // any NaN in the upper half; the lower one is exact
	nan32Both // any NaN in both halves
)

func equalBits(got, want uint64, nan nanKind) bool {
	low, high := math.Float32frombits(uint32(got)), math.Float32frombits(uint32(got>>32))
	switch nan {
	case low32:
		return uint32(got) == uint32(want)
	case any64:
		return true
	case nan32:
		return low != low
	case nan32Low:
		return low != low && got>>32 == want>>32
	case nan64:
		f := math.Float64frombits(got)
		return f != f
	case nan32High:
		return high != high && uint32(got) == uint32(want)
	case nan32Both:
		return low != low && high != high
	}
	return got == want
}

// bits returns a value as slots of the call's stack.
func (v specValue) bits(t *testing.T) ([]uint64, []nanKind) {
	t.Helper()
	var single string
	if v.Type != "v128" {
		if len(v.Value) == 0 {
			return []uint64{0}, []nanKind{any64} // some reference
		}
		if err := json.Unmarshal(v.Value, &single); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(single, "nan:") {
			if v.Type == "f32" {
				return []uint64{0}, []nanKind{nan32}
			}
			return []uint64{0}, []nanKind{nan64}
		}
		if single == "null" {
			return []uint64{0}, []nanKind{exact}
		}
		n := parse(t, single, 64)
		if v.Type == "externref" {
			n++ // zero is the null reference
		}
		if v.Type == "i32" || v.Type == "f32" {
			return []uint64{n}, []nanKind{low32}
		}
		return []uint64{n}, []nanKind{exact}
	}
	var lanes []string
	if err := json.Unmarshal(v.Value, &lanes); err != nil {
		t.Fatal(err)
	}
	width := 128 / len(lanes)
	out, nan := []uint64{0, 0}, []nanKind{exact, exact}
	for i, lane := range lanes {
		slot, shift := i*width/64, i*width%64
		if strings.HasPrefix(lane, "nan:") {
			kind := nan64
			if width == 32 {
				kind = nan32Low
				if shift != 0 {
					kind = nan32High
					if nan[slot] == nan32Low {
						kind = nan32Both
					}
				}
			}
			nan[slot] = kind
			continue
		}
		out[slot] |= parse(t, lane, width) << shift
	}
	return out, nan
}

func parse(t *testing.T, s string, width int) uint64 {
	t.Helper()
	if n, err := strconv.ParseUint(s, 10, 64); err == nil {
		return n
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		t.Fatal(fmt.Errorf("value %q: %w", s, err))
	}
	if width == 64 {
		return uint64(n)
	}
	return uint64(n) & (1<<width - 1)
}
