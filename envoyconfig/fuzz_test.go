package envoyconfig

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// FuzzParse sees that no text makes the reader panic, that a configuration comes with no error and an error with no
// configuration, and that every error names the file.
func FuzzParse(f *testing.F) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range txtar.Parse(data).Files {
			if file.Name == "envoy.yaml" || file.Name == "envoy.json" {
				f.Add(file.Data, file.Name == "envoy.json")
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, isJSON bool) {
		name := "fuzz.yaml"
		if isJSON {
			name = "fuzz.json"
		}
		cfg, _, err := Parse(name, data,
			WithReadFile(func(string) ([]byte, error) { return nil, fs.ErrNotExist }),
			WithLookupEnv(func(string) (string, bool) { return "", false }))
		if (cfg == nil) == (err == nil) {
			t.Fatalf("got %v and %v", cfg, err)
		}
		var refused Errors
		var single *Error
		switch {
		case errors.As(err, &refused):
			for _, e := range refused {
				if e.File != name || e.Message == "" || e.Line < 1 {
					t.Errorf("an error that does not say where and what: %+v", e)
				}
			}
		case errors.As(err, &single):
			if single.File != name || single.Message == "" {
				t.Errorf("an error that does not say where and what: %+v", single)
			}
		case err != nil:
			t.Errorf("an error of another kind: %v", err)
		}
	})
}

// FuzzPluginConfiguration sees that what a plugin is given is JSON, whatever was written.
func FuzzPluginConfiguration(f *testing.F) {
	f.Add([]byte(`{"a": 1}`))
	f.Add([]byte("a: [1, 1.5, yes, ~, .nan, \"\\x01\"]\nb: &x {c: d}\ne: *x"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if got, err := PluginConfiguration("fuzz", data); err == nil && !json.Valid(got) {
			t.Errorf("%q became %q", data, got)
		}
	})
}
