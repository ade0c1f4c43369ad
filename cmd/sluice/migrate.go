package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/sluice-gateway/sluice/cmd/sluice/migrate"
)

const migrateUsage = `
sluice migrate moves a plugin that is written for the published Higress SDK over to Sluice. The plugin's code stays as it
is: replace lines in its go.mod have the published modules' import paths lead to Sluice's modules of the same paths.

Usage:
  sluice migrate [flags] DIR     DIR is the folder with the plugin's go.mod
  sluice migrate --undo DIR      take it back

It writes the replace lines, runs go mod tidy, and says line by line what it changed and what it noticed, such as an
import that Sluice has not. If go mod tidy fails, all is as it was. What was there before is kept in DIR/.sluice-migrate,
which --undo needs; keep that folder out of your repository, or delete it when you are sure.

A second run renews the lines, for a Sluice that has moved.
`

const migrateExamples = `
Examples:
  sluice migrate ./my-plugin                      then: cd my-plugin && go test ./...
  sluice migrate --sluice ../sluice ./my-plugin   a checkout by a relative path, which is written as one
  sluice migrate --undo ./my-plugin

docs/migrating.md says what differs, and how to switch it.
`

func migrateCommand(s streams, args []string) error {
	f := newFlagSet("migrate", migrateUsage, migrateExamples)
	var undo, noTidy bool
	var checkout string
	f.BoolVar(&undo, "undo", false, "take a migration back: byte by byte where nothing changed since,\n"+helpIndent+
		"else only the lines it wrote")
	f.BoolVar(&noTidy, "no-tidy", false, "do not run go mod tidy")
	f.StringVar(&checkout, "sluice", "", "where Sluice's source is: `path` of a checkout. Default: the one that\n"+helpIndent+
		"this program was built from, else the one around the current folder")
	dirs, err := f.parse(s, args)
	if err != nil {
		return err
	}
	if len(dirs) != 1 {
		return &usageError{"migrate", fmt.Errorf("want one folder, not %d", len(dirs))}
	}
	if undo && checkout != "" {
		return &usageError{"migrate", errors.New("--undo needs no --sluice")}
	}
	m := migrate.Migration{Dir: dirs[0], Say: func(line string) { fmt.Fprintln(s.stdout, line) }}
	if !noTidy {
		m.Tidy = func(dir string) error { return goModTidy(dir, s.stderr) }
	}
	if undo {
		return m.Undo()
	}
	if m.Sluice, err = findCheckout(checkout); err != nil {
		return err
	}
	return m.Run()
}

// findCheckout returns the checkout that a path names; without one, the checkout that this program was built from, or
// the one around the current folder.
func findCheckout(path string) (string, error) {
	if path != "" {
		if err := migrate.CheckSluice(path); err != nil {
			return "", err
		}
		return path, nil
	}
	if _, source, _, ok := runtime.Caller(0); ok {
		root := filepath.Dir(filepath.Dir(filepath.Dir(source)))
		if filepath.IsAbs(root) && migrate.CheckSluice(root) == nil {
			return root, nil
		}
	}
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if migrate.CheckSluice(dir) == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("cannot find Sluice's source, which the replace lines are to name: " +
				"check it out and give --sluice PATH")
		}
		dir = parent
	}
}

func goModTidy(dir string, stderr io.Writer) error {
	var out strings.Builder
	cmd := exec.Command("go", "mod", "tidy")
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &out
	if err := cmd.Run(); err != nil {
		fmt.Fprint(stderr, out.String())
		if errors.Is(err, exec.ErrNotFound) {
			return errors.New("there is no go command to run go mod tidy with: install Go, or give --no-tidy")
		}
		return fmt.Errorf("go mod tidy: %w", err)
	}
	return nil
}
