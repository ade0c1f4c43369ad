package migrate

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/mod/modfile"
)

// ErrNotMigrated is wrapped by what [Migration.Undo] answers where there is nothing to undo.
var ErrNotMigrated = errors.New("not migrated")

// Undo takes a migration back. On an error the files are as they were.
func (m *Migration) Undo() (err error) {
	f, now, err := m.read()
	if err != nil {
		return err
	}
	before, after, err := m.kept()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		before = snapshot{}
	case err != nil:
		return err
	case after == now.hash():
		if err := before.restore(m.Dir); err != nil {
			return err
		}
		m.say("restored go.mod and go.sum, byte by byte")
		return m.forget()
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, now.restore(m.Dir))
		}
	}()
	if err := m.dropLines(f, before); err != nil {
		return err
	}
	if err := f.write(m.Dir); err != nil {
		return err
	}
	if m.Tidy != nil {
		if err := m.Tidy(m.Dir); err != nil {
			return fmt.Errorf("%w (go.mod and go.sum are as they were)", err)
		}
		m.say("ran      go mod tidy")
	}
	return m.forget()
}

// dropLines drops what is marked, and the requirements of what only the migration brought, and puts back the replace
// lines of before.
func (m *Migration) dropLines(f *file, before snapshot) error {
	var old modfile.File
	if before.mod != nil {
		o, err := modfile.Parse("before.mod", before.mod, nil)
		if err != nil {
			return err
		}
		old = *o
	}
	dropped := false
	for _, r := range slices.Clone(f.Replace) {
		if !isMarked(r.Syntax) {
			continue
		}
		dropped = true
		m.say("dropped  " + replaceText(r))
		path := r.Old.Path
		if err := f.DropReplace(path, r.Old.Version); err != nil {
			return err
		}
		for _, o := range old.Replace {
			if o.Old.Path == path {
				m.say("put back " + replaceText(o))
				if err := f.AddReplace(o.Old.Path, o.Old.Version, o.New.Path, o.New.Version); err != nil {
					return err
				}
			}
		}
		if compat[path] != "" || slices.ContainsFunc(old.Require, func(q *modfile.Require) bool { return q.Mod.Path == path }) {
			continue
		}
		if slices.ContainsFunc(f.Require, func(q *modfile.Require) bool { return q.Mod.Path == path }) {
			m.say("dropped  require " + path)
			if err := f.DropRequire(path); err != nil {
				return err
			}
		}
	}
	if !dropped {
		return fmt.Errorf("%s is %w: its go.mod has no line marked %q", m.Dir, ErrNotMigrated, mark)
	}
	m.say("note      go.mod or go.sum changed since the migration, so they are not what they were byte by byte")
	return nil
}

func (m *Migration) forget() error { return os.RemoveAll(filepath.Join(m.Dir, stateDir)) }
