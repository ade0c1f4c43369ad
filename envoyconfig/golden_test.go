package envoyconfig

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "rewrite the golden files and the documentation")

// TestGolden reads each testdata/*.txtar: its envoy.yaml or envoy.json is parsed, with its other files around it, and
// what comes of it is compared with its sections "config", "errors" and "warnings", of which those that would be empty
// are left out.
func TestGolden(t *testing.T) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatal("there are no golden files", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			a := txtar.Parse(data)
			got := parseArchive(t, a)
			if *update {
				a.Files = append(inputs(a), got...)
				if err := os.WriteFile(name, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want := &txtar.Archive{Files: a.Files[len(inputs(a)):]}
			if g, w := txtar.Format(&txtar.Archive{Files: got}), txtar.Format(want); !bytes.Equal(g, w) {
				t.Errorf("got\n%s\nwant\n%s", g, w)
			}
		})
	}
}

func isResult(name string) bool { return name == "config" || name == "errors" || name == "warnings" }

func inputs(a *txtar.Archive) []txtar.File {
	for i, f := range a.Files {
		if isResult(f.Name) {
			return a.Files[:i:i]
		}
	}
	return a.Files
}

func parseArchive(t *testing.T, a *txtar.Archive) []txtar.File {
	t.Helper()
	files := map[string][]byte{}
	for _, f := range inputs(a) {
		files[f.Name] = f.Data
	}
	name := "envoy.yaml"
	if files["envoy.json"] != nil {
		name = "envoy.json"
	}
	cfg, warnings, err := Parse(name, files[name],
		WithReadFile(func(name string) ([]byte, error) {
			if data, ok := files[name]; ok {
				return data, nil
			}
			return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
		}),
		WithLookupEnv(func(name string) (string, bool) { return "value of " + name, strings.HasPrefix(name, "SET") }),
	)
	var out []txtar.File
	if err != nil {
		if cfg != nil {
			t.Error("there is a configuration beside an error")
		}
		out = append(out, txtar.File{Name: "errors", Data: []byte(err.Error() + "\n")})
	} else {
		var b bytes.Buffer
		dump(&b, "", reflect.ValueOf(*cfg))
		out = append(out, txtar.File{Name: "config", Data: b.Bytes()})
	}
	if len(warnings) > 0 {
		var b bytes.Buffer
		for _, w := range warnings {
			fmt.Fprintln(&b, w)
		}
		out = append(out, txtar.File{Name: "warnings", Data: b.Bytes()})
	}
	return out
}

// dump writes each field that is not its zero value as a line, path = value.
func dump(b *bytes.Buffer, path string, v reflect.Value) {
	switch x := v.Interface().(type) {
	case time.Duration:
		if x != 0 {
			fmt.Fprintf(b, "%s = %v\n", path, x)
		}
		return
	case []byte:
		if len(x) > 0 {
			fmt.Fprintf(b, "%s = %q\n", path, x)
		}
		return
	case *regexp.Regexp:
		if x != nil {
			fmt.Fprintf(b, "%s = regexp %q\n", path, x)
		}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if !v.Type().Field(i).IsExported() {
				continue
			}
			name := v.Type().Field(i).Name
			if path != "" {
				name = path + "." + name
			}
			dump(b, name, v.Field(i))
		}
	case reflect.Slice:
		for i := range v.Len() {
			dump(b, fmt.Sprintf("%s[%d]", path, i), v.Index(i))
		}
	case reflect.Map:
		if v.Type().Elem().Kind() != reflect.String { // metadata
			if !v.IsNil() {
				text, _ := json.Marshal(v.Interface())
				fmt.Fprintf(b, "%s = %s\n", path, text)
			}
			return
		}
		if v.Len() > 0 {
			fmt.Fprintf(b, "%s = %q\n", path, v.Interface())
		}
	case reflect.Pointer:
		if !v.IsNil() {
			if e := v.Elem(); e.Kind() != reflect.Struct && e.IsZero() {
				fmt.Fprintf(b, "%s = %#v\n", path, e.Interface())
			} else {
				dump(b, path, e)
			}
		}
	default:
		if !v.IsZero() {
			fmt.Fprintf(b, "%s = %#v\n", path, v.Interface())
		}
	}
}
