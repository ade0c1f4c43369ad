package migrate

import (
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/modfile"
)

// noticeCode says what the plugin's owner should know of its code: imports that Sluice has not. go mod tidy will not find
// them either.
func (m *Migration) noticeCode() error {
	missing, err := m.missingImports()
	if err != nil {
		return err
	}
	for _, path := range slices.Sorted(maps.Keys(missing)) {
		line := "problem  " + missing[path] + " imports " + path + ", which Sluice has not"
		if path == publishedWrapper+"/pkg/mcp" || strings.HasPrefix(path, publishedWrapper+"/pkg/mcp/") {
			line += " (MCP servers stay on the published SDK for now)"
		}
		m.say(line)
	}
	if exists(filepath.Join(m.Dir, "vendor")) {
		m.say("note     there is a vendor folder: run go mod vendor, or build with -mod=mod")
	}
	return nil
}

// noticeVersions says what go mod tidy changed beside.
func (m *Migration) noticeVersions(before snapshot) error {
	data, err := os.ReadFile(filepath.Join(m.Dir, "go.mod"))
	if err != nil {
		return err
	}
	now, err := modfile.Parse("go.mod", data, nil)
	if err != nil {
		return err
	}
	old, err := modfile.Parse("go.mod", before.mod, nil)
	if err != nil {
		return err
	}
	if was, is := goVersion(old), goVersion(now); was != is {
		m.say("changed  go " + was + " to go " + is)
	}
	for _, r := range now.Require {
		if was := version(old, r.Mod.Path); was != "" && was != r.Mod.Version {
			m.say("changed  " + r.Mod.Path + " " + was + " to " + r.Mod.Version)
		}
	}
	return nil
}

func goVersion(f *modfile.File) string {
	if f.Go == nil {
		return "(none)"
	}
	return f.Go.Version
}

func version(f *modfile.File, path string) string {
	for _, r := range f.Require {
		if r.Mod.Path == path {
			return r.Mod.Version
		}
	}
	return ""
}

// missingImports returns the imports of published packages that Sluice's modules have not, each with a file that has it.
func (m *Migration) missingImports() (map[string]string, error) {
	missing := map[string]string{}
	err := filepath.WalkDir(m.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if path != m.Dir && (name == "vendor" || name == "testdata" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") ||
				exists(filepath.Join(path, "go.mod"))) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return nil //nolint:nilerr // the compiler will say it better
		}
		for _, spec := range f.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err == nil && !m.has(imported) {
				missing[imported] = filepath.ToSlash(path)
			}
		}
		return nil
	})
	return missing, err
}

// has says whether a package of the published modules is in Sluice's; true for all others.
func (m *Migration) has(path string) bool {
	for module, dir := range compat {
		if path != module && !strings.HasPrefix(path, module+"/") {
			continue
		}
		files, err := filepath.Glob(filepath.Join(m.Sluice, dir, strings.TrimPrefix(path, module), "*.go"))
		return err == nil && len(files) > 0
	}
	return true
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
