package migrate

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"
)

// stateDir is the folder in the plugin's that keeps what was there before.
const stateDir = ".sluice-migrate"

// file is a go.mod.
type file struct{ *modfile.File }

func (f *file) modPath() string {
	if f.Module == nil {
		return ""
	}
	return f.Module.Mod.Path
}

func (f *file) write(dir string) error {
	f.Cleanup()
	return os.WriteFile(filepath.Join(dir, "go.mod"), modfile.Format(f.Syntax), 0o644)
}

// snapshot is the bytes of a module's two files; sum is nil where there is no go.sum.
type snapshot struct{ mod, sum []byte }

func (m *Migration) read() (*file, snapshot, error) {
	before, err := take(m.Dir, "go.mod", "go.sum")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, before, fmt.Errorf("%s has no go.mod: name the folder with the plugin's", m.Dir)
	}
	if err != nil {
		return nil, before, err
	}
	f, err := modfile.Parse(filepath.Join(m.Dir, "go.mod"), before.mod, nil)
	if err != nil {
		return nil, before, err
	}
	return &file{f}, before, nil
}

func take(dir, mod, sum string) (s snapshot, err error) {
	if s.mod, err = os.ReadFile(filepath.Join(dir, mod)); err != nil {
		return s, err
	}
	if s.sum, err = os.ReadFile(filepath.Join(dir, sum)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return s, err
	}
	return s, nil
}

func (s snapshot) put(dir, mod, sum string) error {
	if err := os.WriteFile(filepath.Join(dir, mod), s.mod, 0o644); err != nil {
		return err
	}
	if s.sum == nil {
		if err := os.Remove(filepath.Join(dir, sum)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	return os.WriteFile(filepath.Join(dir, sum), s.sum, 0o644)
}

func (s snapshot) restore(dir string) error { return s.put(dir, "go.mod", "go.sum") }

// hash names the snapshot's bytes.
func (s snapshot) hash() string {
	h := sha256.New()
	fmt.Fprintf(h, "%d %d ", len(s.mod), len(s.sum))
	h.Write(s.mod)
	h.Write(s.sum)
	return hex.EncodeToString(h.Sum(nil))
}

// keep writes down what was there before, unless that was migrated already, and what there is now.
func (m *Migration) keep(before snapshot) error {
	dir := filepath.Join(m.Dir, stateDir)
	if !bytes.Contains(before.mod, []byte(mark)) {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if err := before.put(dir, "before.mod", "before.sum"); err != nil {
			return err
		}
		// The folder keeps itself out of repositories.
		if err := os.WriteFile(filepath.Join(dir, ".gitignore"), []byte("*\n"), 0o644); err != nil {
			return err
		}
	} else if !exists(dir) {
		return nil // lost: Undo drops the lines
	}
	after, err := take(m.Dir, "go.mod", "go.sum")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "after"), []byte(after.hash()+"\n"), 0o644)
}

// kept returns what keep wrote down: what was there before the first migration, and the hash of what the last one made.
func (m *Migration) kept() (before snapshot, after string, err error) {
	dir := filepath.Join(m.Dir, stateDir)
	if before, err = take(dir, "before.mod", "before.sum"); err != nil {
		return before, "", err
	}
	data, err := os.ReadFile(filepath.Join(dir, "after"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return before, "", err
	}
	return before, strings.TrimSpace(string(data)), nil
}
