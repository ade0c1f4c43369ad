package migrate

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// checkout makes a Sluice whose modules need each other as the real ones do.
func checkout(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	write(t, filepath.Join(root, "compat/wasm-go/go.mod"), `module github.com/higress-group/wasm-go

replace github.com/sluice-gateway/sluice/sdk => ../../sdk
replace github.com/higress-group/proxy-wasm-go-sdk => ../proxy-wasm-go-sdk
replace example.com/fork => example.com/forked v1.0.0
`)
	write(t, filepath.Join(root, "compat/wasm-go/pkg/wrapper/wrapper.go"), "package wrapper\n")
	write(t, filepath.Join(root, "compat/proxy-wasm-go-sdk/go.mod"), `module github.com/higress-group/proxy-wasm-go-sdk

replace github.com/sluice-gateway/sluice/sdk => ../../sdk
`)
	write(t, filepath.Join(root, "sdk/go.mod"), "module github.com/sluice-gateway/sluice/sdk\n")
	return root
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

const plugin = `module example.com/plugin

go 1.24.1

// The published modules.
require (
	github.com/higress-group/wasm-go v1.1.1 // pinned
	github.com/tidwall/gjson v1.18.0
)

replace github.com/higress-group/wasm-go => ../fork
`

// migration is one of a plugin, with what it says.
func migration(t *testing.T, mod string) (*Migration, *[]string) {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "go.mod"), mod)
	write(t, filepath.Join(dir, "go.sum"), "sum\n")
	var said []string
	m := &Migration{Dir: dir, Sluice: checkout(t), Say: func(line string) { said = append(said, line) }}
	// Like the real one it adds requirements and changes the sums.
	m.Tidy = func(dir string) error {
		path := filepath.Join(dir, "go.mod")
		text := read(t, path)
		if strings.Contains(text, mark) && !strings.Contains(text, "sluice/sdk v") {
			text += "\nrequire github.com/sluice-gateway/sluice/sdk v0.0.0 // indirect\n"
		}
		write(t, path, text)
		write(t, filepath.Join(dir, "go.sum"), "other sum\n")
		return nil
	}
	return m, &said
}

func (m *Migration) run(t *testing.T, f func() error) {
	t.Helper()
	if err := f(); err != nil {
		t.Fatal(err)
	}
}

func TestRun(t *testing.T) {
	m, said := migration(t, plugin)
	m.run(t, m.Run)
	text := read(t, filepath.Join(m.Dir, "go.mod"))
	for module, dir := range map[string]string{
		publishedWrapper: "compat/wasm-go", publishedABI: "compat/proxy-wasm-go-sdk", sluiceModule + "/sdk": "sdk",
	} {
		line := module + " => " + filepath.ToSlash(filepath.Join(m.Sluice, dir)) + " " + mark + "\n"
		if !strings.Contains(text, line) {
			t.Errorf("go.mod has no line %q:\n%s", line, text)
		}
	}
	for _, keep := range []string{"// The published modules.", "v1.1.1 // pinned"} {
		if !strings.Contains(text, keep) {
			t.Errorf("go.mod lost %q:\n%s", keep, text)
		}
	}
	if strings.Contains(text, "../fork") || strings.Contains(text, "example.com/fork") {
		t.Errorf("go.mod has replace lines that it should not:\n%s", text)
	}
	if !slices.Contains(*said, "dropped  replace github.com/higress-group/wasm-go => ../fork") {
		t.Errorf("said: %q", *said)
	}
}

func TestRunRelative(t *testing.T) {
	m, _ := migration(t, plugin)
	t.Chdir(filepath.Dir(m.Sluice))
	m.Sluice = filepath.Base(m.Sluice)
	m.run(t, m.Run)
	want, err := filepath.Rel(m.Dir, filepath.Join(filepath.Dir(mustAbs(t, m.Sluice)), m.Sluice, "sdk"))
	if err != nil {
		t.Fatal(err)
	}
	if text := read(t, filepath.Join(m.Dir, "go.mod")); !strings.Contains(text, "sluice/sdk => "+want+" ") {
		t.Errorf("want %s:\n%s", want, text)
	}
}

func mustAbs(t *testing.T, path string) string {
	t.Helper()
	abs, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return abs
}

// What did not change since is restored byte by byte, also after several runs.
func TestUndo(t *testing.T) {
	for name, runs := range map[string]int{"after one run": 1, "after two": 2} {
		t.Run(name, func(t *testing.T) {
			m, said := migration(t, plugin)
			for range runs {
				m.run(t, m.Run)
			}
			if runs > 1 && !slices.ContainsFunc(*said, func(l string) bool { return strings.HasPrefix(l, "renewed ") }) {
				t.Errorf("said: %q", *said)
			}
			m.run(t, m.Undo)
			if text := read(t, filepath.Join(m.Dir, "go.mod")); text != plugin {
				t.Errorf("go.mod is\n%s", text)
			}
			if text := read(t, filepath.Join(m.Dir, "go.sum")); text != "sum\n" {
				t.Errorf("go.sum is\n%s", text)
			}
			if exists(filepath.Join(m.Dir, stateDir)) {
				t.Error("the state is left")
			}
			if err := m.Undo(); !errors.Is(err, ErrNotMigrated) {
				t.Errorf("undone again: %v", err)
			}
		})
	}
}

// A migration that was undone by hand, and go.mod changed then, is restored to that.
func TestUndoByHand(t *testing.T) {
	m, _ := migration(t, plugin)
	m.run(t, m.Run)
	changed := strings.Replace(plugin, "v1.18.0", "v1.17.0", 1)
	write(t, filepath.Join(m.Dir, "go.mod"), changed)
	m.run(t, m.Run)
	m.run(t, m.Undo)
	if text := read(t, filepath.Join(m.Dir, "go.mod")); text != changed {
		t.Errorf("go.mod is\n%s", text)
	}
}

// Without what was there before, a second run and Undo drop the lines, and restore nothing.
func TestUndoWithoutState(t *testing.T) {
	m, _ := migration(t, plugin)
	m.run(t, m.Run)
	if err := os.RemoveAll(filepath.Join(m.Dir, stateDir)); err != nil {
		t.Fatal(err)
	}
	m.run(t, m.Run)
	m.run(t, m.Undo)
	if text := read(t, filepath.Join(m.Dir, "go.mod")); strings.Contains(text, mark) {
		t.Errorf("go.mod is\n%s", text)
	}
}

// What changed since keeps the change; the lines go, and those that they stood for come back.
func TestUndoAfterAChange(t *testing.T) {
	for name, tc := range map[string]struct {
		forget bool // the folder with what was there before is gone
		want   string
	}{
		"state kept": {want: "github.com/higress-group/wasm-go => ../fork"},
		"state gone": {forget: true},
	} {
		t.Run(name, func(t *testing.T) {
			m, _ := migration(t, plugin)
			m.run(t, m.Run)
			path := filepath.Join(m.Dir, "go.mod")
			write(t, path, read(t, path)+"\nrequire example.com/new v1.0.0\n")
			if tc.forget {
				if err := os.RemoveAll(filepath.Join(m.Dir, stateDir)); err != nil {
					t.Fatal(err)
				}
			}
			m.run(t, m.Undo)
			text := read(t, path)
			if strings.Contains(text, mark) || strings.Contains(text, "sluice/sdk") {
				t.Errorf("lines are left:\n%s", text)
			}
			if !strings.Contains(text, "example.com/new v1.0.0") || !strings.Contains(text, tc.want) {
				t.Errorf("the change or %q is lost:\n%s", tc.want, text)
			}
		})
	}
}

// On an error the files are as they were.
func TestFailures(t *testing.T) {
	tidyFails := func(string) error { return errors.New("no network") }
	for name, tc := range map[string]struct {
		mod    string
		change func(m *Migration)
		want   string
	}{
		"go mod tidy fails": {plugin, func(m *Migration) { m.Tidy = tidyFails }, "no network"},
		"nothing published": {"module example.com/plugin\n", func(*Migration) {}, "nothing to migrate"},
		"Sluice itself":     {"module github.com/higress-group/wasm-go\n", func(*Migration) {}, "a module of Sluice itself"},
		"not a go.mod":      {"modul x\n", func(*Migration) {}, "unknown directive"},
		"no checkout":       {plugin, func(m *Migration) { m.Sluice = t.TempDir() }, "compat/wasm-go/go.mod"},
	} {
		t.Run(name, func(t *testing.T) {
			m, _ := migration(t, tc.mod)
			tc.change(m)
			err := m.Run()
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("error %v, want %q", err, tc.want)
			}
			if text := read(t, filepath.Join(m.Dir, "go.mod")); text != tc.mod {
				t.Errorf("go.mod is\n%s", text)
			}
			if exists(filepath.Join(m.Dir, stateDir)) {
				t.Error("there is a state")
			}
		})
	}
}

// Imports that Sluice has not are said, those of tests too; what is no package of the plugin is not looked at.
func TestNotice(t *testing.T) {
	m, said := migration(t, plugin)
	for file, imported := range map[string]string{
		"main.go":            publishedWrapper + "/pkg/wrapper",
		"main_test.go":       publishedABI + "/proxywasm/gone",
		"sub/sub.go":         publishedWrapper + "/pkg/mcp/server",
		"vendor/v/v.go":      publishedWrapper + "/pkg/vendored",
		"testdata/d.go":      publishedWrapper + "/pkg/data",
		"nested/go.mod":      "",
		"nested/nested.go":   publishedWrapper + "/pkg/nested",
		"does_not_parse.go":  `"`,
		"like/but_not_it.go": publishedWrapper + "x/pkg/other",
	} {
		write(t, filepath.Join(m.Dir, file), "package p\n\nimport _ \""+imported+"\"\n")
	}
	m.run(t, m.Run)
	var problems []string
	for _, line := range *said {
		if strings.HasPrefix(line, "problem") {
			problems = append(problems, line)
		}
	}
	if len(problems) != 2 || !strings.Contains(problems[0], "/proxywasm/gone, which Sluice has not") ||
		!strings.Contains(problems[1], "sub/sub.go imports "+publishedWrapper+"/pkg/mcp/server, which Sluice has not (MCP") {
		t.Errorf("problems: %q", problems)
	}
	if !slices.ContainsFunc(*said, func(l string) bool { return strings.Contains(l, "vendor folder") }) {
		t.Errorf("nothing about the vendor folder: %q", *said)
	}
}
