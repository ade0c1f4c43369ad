// Package examples has plugins, one in each folder. Here is what holds for all of them.
package examples

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/pluginbuild"
)

var update = flag.Bool("update", false, "write golden files anew")

// TestModulesImportWhatTheyUse holds the host calls that each example's module imports to a list. A host that does not have
// one of them does not load the module: what a plugin does not use must not be among them, and what the SDK
// begins to import for all of them is a decision.
func TestModulesImportWhatTheyUse(t *testing.T) {
	const golden = "testdata/imports.txt"
	sources, err := filepath.Glob("*/main.go")
	if err != nil || len(sources) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	var text strings.Builder
	for _, source := range sources {
		example := filepath.Dir(source)
		var said bytes.Buffer
		file, err := pluginbuild.Module(example, &said) // where the example's own tests have it from
		if err != nil {
			t.Fatalf("%v\n%s", err, said.String())
		}
		module, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		names, err := hostCalls(module)
		if err != nil {
			t.Fatalf("%s: %v", example, err)
		}
		fmt.Fprintf(&text, "%s\n\t%s\n", example, strings.Join(names, "\n\t"))
	}
	if *update {
		if err := os.WriteFile(golden, []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	compare(t, lists(string(want)), lists(text.String()))
}

// lists takes the text of lists apart: entries by the unindented line above them.
func lists(text string) map[string][]string {
	all, of := map[string][]string{}, ""
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if entry, ok := strings.CutPrefix(line, "\t"); ok {
			all[of] = append(all[of], entry)
		} else {
			of = line
			all[of] = nil
		}
	}
	return all
}

func compare(t *testing.T, want, got map[string][]string) {
	t.Helper()
	for example := range want {
		if _, ok := got[example]; !ok {
			t.Errorf("%s is in the list, and there is no such example", example)
		}
	}
	for example, names := range got {
		expected, ok := want[example]
		if !ok {
			t.Errorf("%s is not in the list: it imports %q", example, names)
			continue
		}
		for _, name := range names {
			if !slices.Contains(expected, name) {
				t.Errorf("%s imports %s", example, name)
			}
		}
		for _, name := range expected {
			if !slices.Contains(names, name) {
				t.Errorf("%s does not import %s any more", example, name)
			}
		}
	}
	if t.Failed() {
		t.Log("go test ./examples -update takes what there is as right")
	}
}

// hostCalls returns the names of a module's imports from env, in order: the rest is the Go runtime's.
func hostCalls(module []byte) (names []string, err error) {
	const imports = 2 // the section's number
	if len(module) < 8 {
		return nil, errNotAModule
	}
	r := &reader{b: module[8:]}
	for r.err == nil && len(r.b) > 0 {
		id := r.bytes(1)[0]
		section := &reader{b: r.bytes(r.number())}
		if id != imports {
			continue
		}
		for n := section.number(); n > 0; n-- {
			space, name := section.bytes(section.number()), section.bytes(section.number())
			if kind := section.bytes(1); kind[0] != 0 {
				return nil, fmt.Errorf("%s.%s is no function", space, name)
			}
			section.number() // its type
			if string(space) == "env" {
				names = append(names, string(name))
			}
		}
		if section.err != nil {
			return nil, section.err
		}
	}
	slices.Sort(names)
	return names, r.err
}

var errNotAModule = errors.New("not a module")

// reader reads a module's binary form.
type reader struct {
	b   []byte
	err error
}

func (r *reader) number() int {
	n, size := binary.Uvarint(r.b)
	if size <= 0 || n > 1<<31 {
		r.err, r.b = errNotAModule, nil
		return 0
	}
	r.b = r.b[size:]
	return int(n)
}

func (r *reader) bytes(n int) []byte {
	if n > len(r.b) {
		r.err, r.b = errNotAModule, nil
		return make([]byte, max(n, 1))
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}
