package wasmvm

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

var update = flag.Bool("update", false, "rewrite docs/abi.md")

const abiDocument = "../docs/abi.md"

// TestABIDocument compares docs/abi.md with what the tables make; go generate writes it.
func TestABIDocument(t *testing.T) {
	rest, err := os.ReadFile("testdata/abi-rest.md")
	if err != nil {
		t.Fatal(err)
	}
	want := abiText() + string(rest)
	if *update {
		if err := os.WriteFile(abiDocument, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(abiDocument)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/abi.md is not what the tables say; run go generate ./wasmvm")
	}
}

var originNames = map[origin]string{
	spec: "ABI 0.2.1", older: "ABI 0.1.0", envoy: "Envoy", higress: "Higress, ABI 0.2.100",
}

func abiText() string {
	var b strings.Builder
	b.WriteString(`# The ABI as this gateway has it

<!-- Made from the tables in wasmvm by go generate ./wasmvm, and from wasmvm/testdata/abi-rest.md. Do not edit. -->

What a module may import, what it may export, and how the answers differ from those of Envoy's host. The specification is
proxy-wasm ABI 0.2.1 (github.com/proxy-wasm/spec, abi-versions/v0.2.1), with what Envoy's host and Higress have beyond
it. Modules of ABI 0.1.0, 0.2.0, 0.2.1 and 0.2.100 are loaded.

An import that is not listed does not stop a module: it answers Unimplemented (12; in the namespaces of WASI 52), and is
named in a warning when the module is loaded. So does a listed one that is imported with another signature.

## Host calls

Namespace ` + "`env`" + `. Each answers a status, an i32. A pointer or length that leads out of the module's memory answers
InvalidMemoryAccess (6) and has no effect, also where Envoy would look at it later or not at all. A call that ` + "`capability_restriction_config`" + `
does not allow answers InternalFailure (10). During ` + "`_initialize`" + ` all but proxy_log trap.

| name | parameters | when | source | handler | differs from Envoy | tests |
| --- | --- | --- | --- | --- | --- | --- |
`)
	for _, name := range slices.Sorted(maps.Keys(hostCalls)) {
		c := hostCalls[name]
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s |\n", name, wasmTypes(c.params), c.phase, originNames[c.origin],
			handlerName(c.run), c.deviation, strings.ReplaceAll(c.test, " ", ", "))
	}
	b.WriteString(`
## WASI

Namespaces ` + "`wasi_snapshot_preview1`" + ` and ` + "`wasi_unstable`" + `. Each answers an errno, an i32; proc_exit has no result. What is not
for plugins (files, sockets) answers as in Envoy's host. Not allowed: 76.

| name | parameters |
| --- | --- |
`)
	for _, name := range slices.Sorted(maps.Keys(wasiCalls)) {
		fmt.Fprintf(&b, "| %s | %s |\n", name, wasmTypes(wasiCalls[name].params))
	}
	b.WriteString(`
## Callbacks

What the gateway calls if the module exports it. All parameters and results are i32.

| name | parameters | result | if it is not exported |
| --- | --- | --- | --- |
`)
	for cb := range callbackCount {
		c := callbacks[cb]
		params, result, absent := fmt.Sprint(c.params), "", "nothing"
		if c.params010 != 0 {
			params += fmt.Sprintf(" (in ABI 0.1.0: %d)", c.params010)
		}
		if c.result {
			result, absent = "i32", fmt.Sprintf("as if it answered %d", c.absent)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", c.name, params, result, absent)
	}
	return b.String()
}

func wasmTypes(letters string) string {
	names := make([]string, len(letters))
	for i, c := range letters {
		names[i] = map[rune]string{'i': "i32", 'l': "i64"}[c]
	}
	return strings.Join(names, " ")
}

func handlerName(run func(*VM, []uint64) abi.Status) string {
	name := runtime.FuncForPC(reflect.ValueOf(run).Pointer()).Name()
	return name[strings.LastIndexByte(name, '.')+1:]
}

// Every row says what it should, and the tests that it names are there.
func TestHostCallRows(t *testing.T) {
	tests := map[string]map[string]bool{}
	for name, c := range hostCalls {
		if c.phase == "" || c.test == "" || c.run == nil || strings.Trim(c.params, "il") != "" {
			t.Errorf("%s: row %+v", name, c)
		}
		if strings.Contains(c.phase+c.deviation, "|") {
			t.Errorf("%s: a bar would end the document's cell", name)
		}
		for _, test := range strings.Fields(c.test) {
			pkg, function, _ := strings.Cut(test, ".")
			if tests[pkg] == nil {
				tests[pkg] = testsOf(t, "../"+pkg)
			}
			if !tests[pkg][function] {
				t.Errorf("%s: there is no test %s", name, test)
			}
		}
	}
}

// testsOf returns the names of the tests in a folder.
func testsOf(t *testing.T, folder string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(folder + "/*_test.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no tests in %s: %v", folder, err)
	}
	names := map[string]bool{}
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && strings.HasPrefix(fn.Name.Name, "Test") {
				names[fn.Name.Name] = true
			}
		}
	}
	return names
}
