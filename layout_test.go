package sluice

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/sluice-gateway/sluice"

// rooms says which of our packages each package may import, itself and its sub-packages aside; the longest path that
// fits a package is the one that counts. A package that fits none of them fails the test: a new room is a decision.
var rooms = []struct {
	path string
	may  []string
	// outside, if not nil, are the only modules besides the standard library that may be imported.
	outside []string
	// tests are further packages that test files may import.
	tests []string
}{
	{path: "sdk/abi", outside: []string{}, tests: []string{"sdk"}},
	{path: "sdk", may: []string{"sdk"}, outside: []string{"github.com/tidwall"}},
	{path: "message", may: []string{"sdk/abi"}, outside: []string{}},
	{path: "wasmvm/fuel", outside: []string{}, tests: []string{"wasmvm"}},
	{path: "wasmvm", may: []string{"sdk/abi"}},
	{path: "redis"},
	{path: "pluginhost", may: []string{"sdk/abi", "message", "wasmvm", "redis"}, tests: []string{"sdk"}},
	{path: "gateway", may: []string{"sdk/abi", "message", "wasmvm", "pluginhost"}, tests: []string{"sdk", "envoyconfig"}},
	{path: "envoyconfig", may: []string{"sdk/abi", "wasmvm", "pluginhost", "gateway"}, tests: []string{"sdk"}},
	{path: "pluginbuild", outside: []string{}},
	{path: "plugintest", may: []string{"sdk", "message", "wasmvm", "pluginbuild", "pluginhost", "gateway", "envoyconfig"}, tests: []string{"redis"}},
	{path: "cmd/sluice", may: []string{"sdk", "message", "wasmvm", "pluginbuild", "pluginhost", "gateway", "envoyconfig", "echo", "plugintest"}},
	{path: "echo", outside: []string{}},
	{path: "examples", may: []string{"sdk"}, outside: []string{"github.com/tidwall"}, tests: []string{"plugintest", "pluginbuild", "redis/redistest"}},
	{path: "guests", outside: []string{}, tests: []string{"sdk/abi", "pluginhost", "wasmvm", "gateway"}},
	{path: "conformance", may: []string{"sdk/abi", "pluginhost", "wasmvm", "gateway", "envoyconfig", "pluginbuild"}},
	{path: "conformance/script", may: []string{"sdk"}, outside: []string{}},
	{path: "", may: nil, outside: []string{}},
}

// listed is what the test reads of `go list -json`.
type listed struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

// list runs `go list` on every package of the workspace, for the machine itself or for wasm.
func list(t *testing.T, wasm bool) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Imports,TestImports,XTestImports", "work")
	cmd.Env = os.Environ()
	if wasm {
		cmd.Env = append(cmd.Env, "GOOS=wasip1", "GOARCH=wasm")
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var all []listed
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) < 5 {
		t.Fatalf("go list names only %d packages: is it run from the workspace?", len(all))
	}
	return all
}

// within reports whether the package pkg is dir or below it.
func within(pkg, dir string) bool { return pkg == dir || strings.HasPrefix(pkg, dir+"/") }

func anyWithin(pkg string, dirs []string) bool {
	return slices.ContainsFunc(dirs, func(d string) bool { return within(pkg, d) })
}

// ours returns pkg without the module's path, and false if it is not one of our packages.
func ours(pkg string) (string, bool) {
	if pkg == module {
		return "", true
	}
	return strings.CutPrefix(pkg, module+"/")
}

func standard(pkg string) bool {
	first, _, _ := strings.Cut(pkg, "/")
	return !strings.Contains(first, ".")
}

// TestImportsFollowTheDesign holds the rules on who may know whom. They keep the contract (sdk/abi) apart from its two
// sides, so that a plugin never carries the gateway and the gateway never knows by which SDK a plugin was written.
func TestImportsFollowTheDesign(t *testing.T) {
	for _, wasm := range []bool{false, true} {
		name := map[bool]string{false: "native", true: "wasm"}[wasm]
		t.Run(name, func(t *testing.T) {
			for _, p := range list(t, wasm) {
				pkg, ok := ours(p.ImportPath)
				if !ok {
					t.Errorf("%s is in the workspace but not in the module", p.ImportPath)
					continue
				}
				best := -1
				for i, r := range rooms {
					if (r.path == pkg || r.path != "" && within(pkg, r.path)) && (best < 0 || len(r.path) > len(rooms[best].path)) {
						best = i
					}
				}
				if best < 0 {
					t.Errorf("%s is in no room of layout_test.go: say there what it may import", pkg)
					continue
				}
				r := rooms[best]
				check := func(kind, imported string, may []string) {
					if imported == "C" {
						t.Errorf("%s%s uses cgo; Sluice is pure Go", pkg, kind)
						return
					}
					if o, ok := ours(imported); ok {
						if !within(o, r.path) && !anyWithin(o, may) {
							t.Errorf("%s%s imports %s; it may import %s", pkg, kind, o, strings.Join(may, ", "))
						}
						return
					}
					if kind == "" && r.outside != nil && !standard(imported) && !anyWithin(imported, r.outside) {
						t.Errorf("%s imports %s; beyond the standard library it may import only %q", pkg, imported, r.outside)
					}
				}
				for _, i := range p.Imports {
					check("", i, r.may)
				}
				may := slices.Concat(r.may, r.tests)
				for _, i := range slices.Concat(p.TestImports, p.XTestImports) {
					check(" (test)", i, may)
				}
			}
		})
	}
}

// TestPackageNamesSayWhatTheyAreFor refuses names that any code could be put under.
func TestPackageNamesSayWhatTheyAreFor(t *testing.T) {
	banned := []string{"util", "utils", "common", "helper", "helpers", "manager", "misc", "shared", "base"}
	for _, p := range list(t, false) {
		if pkg, _ := ours(p.ImportPath); slices.Contains(banned, path.Base(pkg)) {
			t.Errorf("package %s: name it for what it is about", pkg)
		}
	}
}
