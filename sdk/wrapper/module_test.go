//go:build !wasip1

package wrapper_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// build compiles a plugin with default flags.
func build(t *testing.T, dir string) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "plugin.wasm")
	cmd := exec.Command("go", "build", "-buildmode=c-shared", "-o", out, ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", dir, err, text)
	}
	code, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// names returns the names of a module's imports, as module.name, and of its exports, in order.
func names(t *testing.T, code []byte) (imports, exports []string) {
	t.Helper()
	number := func(b []byte) (int, []byte) {
		n, size := binary.Uvarint(b)
		if size <= 0 {
			t.Fatal("not a module")
		}
		return int(n), b[size:]
	}
	text := func(b []byte) (string, []byte) {
		n, b := number(b)
		return string(b[:n]), b[n:]
	}
	for b := code[8:]; len(b) > 0; {
		id := b[0]
		size, rest := number(b[1:])
		section := rest[:size]
		b = rest[size:]
		if id != 2 && id != 7 {
			continue
		}
		n, section := number(section)
		for range n {
			var name string
			if id == 7 {
				name, section = text(section)
				exports = append(exports, name)
			} else {
				var space string
				space, section = text(section)
				name, section = text(section)
				imports = append(imports, space+"."+name)
			}
			_, section = number(section[1:]) // of a function its type or index
		}
	}
	return imports, exports
}

// TestModule holds what the SDK puts into the smallest plugin.
func TestModule(t *testing.T) {
	code := build(t, "../internal/testdata/hello")
	if len(code) >= 3_000_000 {
		t.Errorf("the module has %d bytes: 3 MB are too many", len(code))
	}
	for _, name := range []string{"encoding/json.", "fmt.Sprint", "net/url.", "routeCall", "bodyTrailers", "sortedKeys"} {
		if bytes.Contains(code, []byte(name)) {
			t.Errorf("the module has %s, which its plugin does not use", name)
		}
	}
	_, exports := names(t, code)
	// Hosts take the first version that they know.
	first, second := slices.Index(exports, "proxy_abi_version_0_2_100"), slices.Index(exports, "proxy_abi_version_0_2_1")
	if first < 0 || second < first {
		t.Errorf("exports %q: 0_2_100 must come before 0_2_1", exports)
	}
	for _, name := range []string{"_initialize", "memory", "proxy_on_memory_allocate", "proxy_on_request_headers", "proxy_on_log"} {
		if !slices.Contains(exports, name) {
			t.Errorf("no export %s", name)
		}
	}
	for _, name := range []string{"malloc", "_start", "main"} {
		if slices.Contains(exports, name) {
			t.Errorf("export %s", name)
		}
	}
}

// TestImports holds that a module imports what its plugin uses and nothing else: hosts refuse a module that imports what
// they do not have.
func TestImports(t *testing.T) {
	always := []string{
		"add_header_map_value", "get_buffer_bytes", "get_header_map_pairs", "get_header_map_value", "get_log_level",
		"get_property", "log", "send_local_response",
	}
	for plugin, more := range map[string][]string{
		"hello":      nil,
		"body":       {"remove_header_map_value", "set_buffer_bytes"},
		"route":      {"remove_header_map_value", "set_buffer_bytes", "set_header_map_pairs"},
		"attributes": {"set_property"},
	} {
		t.Run(plugin, func(t *testing.T) {
			imports, _ := names(t, build(t, "../internal/testdata/"+plugin))
			var got []string
			for _, name := range imports {
				if name, ok := strings.CutPrefix(name, "env.proxy_"); ok {
					got = append(got, name)
				}
			}
			slices.Sort(got)
			want := append(slices.Clone(always), more...)
			if plugin != "hello" { // which adds a header itself
				want = slices.DeleteFunc(want, func(s string) bool { return s == "add_header_map_value" })
			}
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("imports\n%q, want\n%q", got, want)
			}
		})
	}
}

// TestDependencies holds what a plugin's go.mod has to carry.
func TestDependencies(t *testing.T) {
	const ours = "github.com/sluice-gateway/sluice/sdk"
	deps := func(goos string, tests bool, packages string) []string {
		args := []string{"list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}"}
		if tests {
			args = append(args, "-test")
		}
		cmd := exec.Command("go", append(args, packages)...)
		cmd.Dir = ".."
		cmd.Env = os.Environ()
		if goos != "" {
			cmd.Env = append(cmd.Env, "GOOS="+goos, "GOARCH=wasm")
		}
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.Fields(string(out))
	}
	for _, d := range deps("", true, "./...") {
		if d != ours && !strings.HasPrefix(d, ours+"/") && !strings.HasPrefix(d, ours+".") && !strings.HasPrefix(d, "github.com/tidwall/") &&
			!strings.HasPrefix(d, "[") {
			t.Errorf("the SDK depends on %s", d)
		}
	}
	// gjson is for a plugin to choose; the contract knows nobody.
	for _, d := range deps("wasip1", false, "./wrapper") {
		if !strings.HasPrefix(d, ours+"/") {
			t.Errorf("package wrapper depends on %s", d)
		}
	}
	if d := deps("wasip1", false, "./abi"); len(d) != 1 || d[0] != ours+"/abi" {
		t.Errorf("package abi depends on %q", d)
	}
}
