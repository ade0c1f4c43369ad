package migrate

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
)

// The published modules, and ours.
const (
	publishedWrapper = "github.com/higress-group/wasm-go"
	publishedABI     = "github.com/higress-group/proxy-wasm-go-sdk"
	sluiceModule     = "github.com/sluice-gateway/sluice"
)

// compat is where in a checkout the modules are that stand for the published ones.
var compat = map[string]string{
	publishedWrapper: "compat/wasm-go",
	publishedABI:     "compat/proxy-wasm-go-sdk",
}

// ErrNotSluice is wrapped by what [CheckSluice] answers of other folders.
var ErrNotSluice = errors.New("not a checkout of Sluice")

// mark is the comment on a line that a migration wrote.
const mark = "// sluice migrate"

// Migration moves the plugin in Dir.
type Migration struct {
	Dir string
	// Sluice is the checkout that the lines are to name. A relative path is written as one, relative to Dir.
	Sluice string
	// Tidy runs go mod tidy in a folder; nil does without.
	Tidy func(dir string) error
	// Say is told what is done, a line at a time.
	Say func(line string)
}

// CheckSluice answers an error that wraps [ErrNotSluice] where dir is no checkout with the compat modules.
func CheckSluice(dir string) error {
	for _, sub := range compat {
		if _, err := os.Stat(filepath.Join(dir, sub, "go.mod")); err != nil {
			return fmt.Errorf("%s is %w: it has no %s/go.mod", dir, ErrNotSluice, sub)
		}
	}
	return nil
}

// Run migrates. On an error the files are as they were.
func (m *Migration) Run() (err error) {
	f, before, err := m.read()
	if err != nil {
		return err
	}
	if f.modPath() == sluiceModule || compat[f.modPath()] != "" {
		return fmt.Errorf("%s is a module of Sluice itself", m.Dir)
	}
	if !slices.ContainsFunc(f.Require, func(r *modfile.Require) bool { return compat[r.Mod.Path] != "" }) {
		return fmt.Errorf("%s/go.mod requires neither %s nor %s: there is nothing to migrate", m.Dir, publishedWrapper, publishedABI)
	}
	local, err := localModules(m.Sluice)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, before.restore(m.Dir))
		}
	}()
	for _, module := range local {
		if err := m.replace(f, module); err != nil {
			return err
		}
	}
	if err := f.write(m.Dir); err != nil {
		return err
	}
	if err := m.noticeCode(); err != nil {
		return err
	}
	if m.Tidy != nil {
		if err := m.Tidy(m.Dir); err != nil {
			return fmt.Errorf("%w (go.mod and go.sum are as they were)", err)
		}
		m.say("ran      go mod tidy")
	}
	if err := m.noticeVersions(before); err != nil {
		return err
	}
	return m.keep(before)
}

// replace writes the replace line for a module.
func (m *Migration) replace(f *file, module localModule) error {
	path, err := m.pathTo(module.dir)
	if err != nil {
		return err
	}
	verb := "added   "
	for _, r := range slices.Clone(f.Replace) {
		if r.Old.Path != module.path {
			continue
		}
		verb = "replaced"
		if isMarked(r.Syntax) {
			verb = "renewed "
		} else {
			m.say("dropped  " + replaceText(r))
		}
		if err := f.DropReplace(r.Old.Path, r.Old.Version); err != nil {
			return err
		}
	}
	if err := f.AddReplace(module.path, "", path, ""); err != nil {
		return err
	}
	r := f.Replace[len(f.Replace)-1]
	r.Syntax.Suffix = []modfile.Comment{{Token: mark, Suffix: true}}
	m.say(verb + " " + replaceText(r))
	return nil
}

// pathTo returns the path of a folder in the checkout for a line in Dir's go.mod.
func (m *Migration) pathTo(dir string) (string, error) {
	path, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if !filepath.IsAbs(m.Sluice) {
		from, err := filepath.Abs(m.Dir)
		if err != nil {
			return "", err
		}
		if path, err = filepath.Rel(from, path); err != nil {
			return "", err
		}
		if !strings.HasPrefix(path, "..") {
			path = "." + string(filepath.Separator) + path
		}
	}
	return filepath.ToSlash(path), nil
}

func (m *Migration) say(line string) {
	if m.Say != nil {
		m.Say(line)
	}
}

func replaceText(r *modfile.Replace) string {
	text := "replace " + r.Old.Path
	if r.Old.Version != "" {
		text += " " + r.Old.Version
	}
	text += " => " + r.New.Path
	if r.New.Version != "" {
		text += " " + r.New.Version
	}
	return text
}

func isMarked(line *modfile.Line) bool {
	return slices.ContainsFunc(line.Suffix, func(c modfile.Comment) bool { return c.Token == mark })
}

// localModule is a module in the checkout.
type localModule struct{ path, dir string }

// localModules returns the modules that stand for the published ones, and those that they are built with from folders
// of the checkout.
func localModules(sluice string) ([]localModule, error) {
	var modules []localModule
	todo := []localModule{
		{publishedWrapper, filepath.Join(sluice, compat[publishedWrapper])},
		{publishedABI, filepath.Join(sluice, compat[publishedABI])},
	}
	for len(todo) > 0 {
		m := todo[0]
		todo = todo[1:]
		if slices.ContainsFunc(modules, func(o localModule) bool { return o.path == m.path }) {
			continue
		}
		modules = append(modules, m)
		data, err := os.ReadFile(filepath.Join(m.dir, "go.mod"))
		if err != nil {
			return nil, err
		}
		f, err := modfile.Parse(filepath.Join(m.dir, "go.mod"), data, nil)
		if err != nil {
			return nil, err
		}
		for _, r := range f.Replace {
			if r.New.Version == "" {
				todo = append(todo, localModule{r.Old.Path, filepath.Join(m.dir, filepath.FromSlash(r.New.Path))})
			}
		}
	}
	return modules, nil
}
