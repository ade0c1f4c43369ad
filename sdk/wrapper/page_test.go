//go:build !wasip1

package wrapper_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The page of the Higress documentation that this SDK is made after, as text, and its snippets by their headings: what a
// plugin needs beside what is printed.
const page = "testdata/advanced-patterns.md"

// Declarations that several snippets leave to the reader.
const (
	pageConfig      = "type MyConfig struct{}\n"
	pageParseConfig = "func parseConfig(json gjson.Result, config *MyConfig) error { return nil }\n"
)

var snippets = []struct {
	heading string
	missing []string // declarations
	why     string   // they are missing
	link    bool     // also as a module: it uses what other modules do not
}{
	{
		"Streaming Body Processing", []string{pageConfig, pageParseConfig},
		"the plugin's own", false,
	},
	{
		"Buffered Body Processing", []string{pageConfig, pageParseConfig,
			"func onResponseBody(ctx wrapper.HttpContext, config MyConfig, body []byte) types.Action { return types.ActionContinue }\n"},
		"the plugin's own; the page shows one of the two body functions that it registers", false,
	},
	{
		"Route Call Pattern", []string{pageConfig, pageParseConfig,
			"func init() { wrapper.SetCtx(\"route\", wrapper.ParseConfig(parseConfig), wrapper.ProcessRequestBody(onRequestBody)) }\n"},
		"the plugin's own; the page shows the function alone", true,
	},
	{
		"Tick Functions (Periodic Tasks)", []string{pageConfig,
			"func init() { wrapper.SetCtx(\"ticks\", wrapper.ParseConfig(parseConfig)) }\n"},
		"the plugin's own; the page shows the function alone", false,
	},
	{
		"Leader Election", []string{pageConfig, "var ctx wrapper.PluginContext\n"},
		"the plugin's own; the page's ctx in parseConfig is no parameter of it, so it can only be a variable", true,
	},
	{
		"Plugin Context Storage", []string{
			"func onHttpRequestHeaders(ctx wrapper.HttpContext, config MyConfig) types.Action { return types.HeaderContinue }\n"},
		"the page registers the function without showing it", false,
	},
	{
		"Rule-Level Config Isolation", []string{pageConfig},
		"the plugin's own", true,
	},
	{
		"Memory Management", []string{pageConfig, pageParseConfig},
		"the plugin's own", false,
	},
	{
		"Custom Logging", []string{pageConfig, pageParseConfig, pageHeaders},
		"the plugin's own; the page shows the functions alone", false,
	},
	{
		"Disable Re-routing", []string{pageConfig, pageParseConfig,
			"func init() { wrapper.SetCtx(\"p\", wrapper.ParseConfig(parseConfig), wrapper.ProcessRequestHeaders(onHttpRequestHeaders)) }\n"},
		"the plugin's own; the page shows the function alone", false,
	},
	{
		"Buffer Limits", []string{pageConfig, pageParseConfig, pageHeaders},
		"the plugin's own; the page shows the functions alone", false,
	},
}

const pageHeaders = "func init() { wrapper.SetCtx(\"p\", wrapper.ParseConfig(parseConfig), " +
	"wrapper.ProcessRequestHeaders(onHttpRequestHeaders), wrapper.ProcessResponseHeaders(onHttpResponseHeaders)) }\n"

// pageImports are the packages of the page's selectors.
var pageImports = map[string]string{
	"bytes": "bytes", "json": "encoding/json", "time": "time", "gjson": "github.com/tidwall/gjson",
	"log":       "github.com/sluice-gateway/sluice/sdk/log",
	"proxywasm": "github.com/sluice-gateway/sluice/sdk/proxywasm",
	"types":     "github.com/sluice-gateway/sluice/sdk/proxywasm/types",
	"wrapper":   "github.com/sluice-gateway/sluice/sdk/wrapper",
}

// pageCode returns the page's code by heading. A block begins with a declaration, and ends where a line is none and
// belongs to none; the heading is two lines of text before.
func pageCode(t *testing.T) (headings []string, code map[string]string) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	code = map[string]string{}
	var prose []string
	in := ""
	for _, line := range strings.Split(string(text), "\n") {
		declares := strings.HasPrefix(line, "func ") || strings.HasPrefix(line, "type ")
		goesOn := line == "" || strings.HasPrefix(line, " ") || strings.HasPrefix(line, "}") || strings.HasPrefix(line, ")")
		switch {
		case declares && in == "":
			if len(prose) < 2 {
				t.Fatalf("code without a heading: %q", line)
			}
			in = prose[len(prose)-2]
			headings = append(headings, in)
		case !declares && !goesOn:
			in = ""
		}
		switch {
		case in != "":
			code[in] += line + "\n"
		case line != "":
			prose = append(prose, line)
		}
	}
	return headings, code
}

// program makes a plugin's source of a snippet.
func program(code string, missing []string) string {
	body := code + "\n" + strings.Join(missing, "\n") + "\nfunc main() {}\n"
	var imports []string
	for name, path := range pageImports {
		used := regexp.MustCompile(`\b` + name + `\.`).MatchString(body)
		if name == "json" { // the name of a parameter too
			used = strings.Contains(body, "json.Marshal(") || strings.Contains(body, "json.Unmarshal(")
		}
		if used {
			imports = append(imports, path)
		}
	}
	slices.Sort(imports)
	return "package main\n\nimport (\n\t\"" + strings.Join(imports, "\"\n\t\"") + "\"\n)\n\n" + body
}

// TestPageCompiles holds that the page's snippets compile as they are printed, natively and as modules.
func TestPageCompiles(t *testing.T) {
	headings, code := pageCode(t)
	var want []string
	for _, s := range snippets {
		want = append(want, s.heading)
	}
	if !slices.Equal(headings, want) {
		t.Fatalf("the page has %q, the test %q", headings, want)
	}
	sdk, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	// To the go command they lie in the SDK's module, where there is nothing.
	dir, overlay := t.TempDir(), map[string]string{}
	var packages, link []string
	for i, s := range snippets {
		name := "snippet" + string(rune('a'+i))
		file := filepath.Join(dir, name+".go")
		if err := os.WriteFile(file, []byte(program(code[s.heading], s.missing)), 0o600); err != nil {
			t.Fatal(err)
		}
		overlay[filepath.Join(sdk, "internal", "page", name, "main.go")] = file
		packages = append(packages, "./internal/page/"+name)
		if s.link {
			link = append(link, "./internal/page/"+name)
		}
	}
	text, err := json.Marshal(map[string]any{"Replace": overlay})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(wasm bool, args ...string) {
		t.Helper()
		cmd := exec.Command("go", args...)
		cmd.Dir, cmd.Env = sdk, os.Environ()
		if wasm {
			cmd.Env = append(cmd.Env, "GOOS=wasip1", "GOARCH=wasm")
		}
		var said strings.Builder
		cmd.Stderr = &said
		if err := cmd.Run(); err != nil {
			t.Errorf("go %s (wasm: %v): %v\n%s", args[0], wasm, err, said.String())
		}
	}
	// With -export, go list compiles what it lists; linking all of them would take a minute.
	compile := append([]string{"list", "-overlay", file, "-export"}, packages...)
	run(false, compile...)
	run(true, compile...)
	for i, p := range link {
		if testing.Short() && i > 0 {
			break
		}
		run(true, "build", "-overlay", file, "-buildmode=c-shared", "-o", filepath.Join(dir, "plugin.wasm"), p)
	}
}
