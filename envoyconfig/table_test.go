package envoyconfig

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// TestTableNamesRealFields holds the table against Envoy's API: each message, field, enum value and type is there, and
// each row says something that Envoy's API leaves open.
func TestTableNamesRealFields(t *testing.T) {
	seen := map[protoreflect.FullName]bool{}
	for _, m := range Table() {
		if seen[m.Name] {
			t.Errorf("%s is there twice", m.Name)
		}
		seen[m.Name] = true
		typ, ok := messageType(m.Name)
		if !ok {
			t.Errorf("%s: no such message", m.Name)
			continue
		}
		fields := map[string]bool{}
		for _, row := range m.Rows {
			if fields[row.Field] {
				t.Errorf("%s.%s is there twice", m.Name, row.Field)
			}
			fields[row.Field] = true
			fd := typ.Descriptor().Fields().ByName(protoreflect.Name(row.Field))
			if fd == nil {
				t.Errorf("%s.%s: no such field", m.Name, row.Field)
				continue
			}
			checkRow(t, fd, row)
		}
	}
}

func checkRow(t *testing.T, fd protoreflect.FieldDescriptor, row Row) {
	t.Helper()
	for _, v := range row.Values {
		if fd.Enum() == nil || fd.Enum().Values().ByName(protoreflect.Name(v)) == nil {
			t.Errorf("%s: no such value %s", fd.FullName(), v)
		}
	}
	value := fd
	if fd.IsMap() {
		value = fd.MapValue()
	}
	if isAny := value.Message() != nil && value.Message().FullName() == "google.protobuf.Any"; isAny != (row.Types != nil) && row.Support == Implemented {
		t.Errorf("%s: the types %q of a field that is or is not an Any", fd.FullName(), row.Types)
	}
	for _, name := range row.Types {
		if _, ok := messageType(protoreflect.FullName(name)); !ok && name != "*" {
			t.Errorf("%s: no such type %s", fd.FullName(), name)
		}
	}
	if row.Support != Implemented && row.Note == "" {
		t.Errorf("%s: %s, and no word why", fd.FullName(), row.Support)
	}
}

// TestTableReachesImplementedFields finds implemented message fields whose own message has no rows: everything in it
// would be refused, which is seldom meant.
func TestTableReachesImplementedFields(t *testing.T) {
	rows := rowsByField(table)
	for _, m := range Table() {
		typ, _ := messageType(m.Name)
		for _, row := range m.Rows {
			fd := typ.Descriptor().Fields().ByName(protoreflect.Name(row.Field))
			if row.Support != Implemented || fd.IsMap() || !isMessage(fd) || fd.Message().FullName() == "google.protobuf.Any" {
				continue
			}
			if _, ok := rows[fd.Message().FullName()]; !ok {
				t.Errorf("%s is implemented, but its message %s has no rows", fd.FullName(), fd.Message().FullName())
			}
		}
	}
}

// TestRenamedFieldsAreGone holds the hints about old fields against Envoy's API.
func TestRenamedFieldsAreGone(t *testing.T) {
	for field := range renamed {
		name := protoreflect.FullName(field)
		typ, ok := messageType(name.Parent())
		if !ok {
			t.Errorf("%s: no such message", name.Parent())
		} else if typ.Descriptor().Fields().ByName(name.Name()) != nil {
			t.Errorf("%s is a field of Envoy's", field)
		}
	}
}

// documentation is where the table is printed.
const documentation = "../docs/envoy-config.md"

// TestDocumentation compares the documentation with the table; with -update it writes it.
func TestDocumentation(t *testing.T) {
	want := document()
	if *update {
		if err := os.WriteFile(documentation, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(documentation)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what the table says; run go test ./envoyconfig -run TestDocumentation -update", documentation)
	}
}

func document() []byte {
	var b bytes.Buffer
	b.WriteString(`# Envoy's configuration in Sluice

<!-- Made from the table in envoyconfig/tablerows.go by: go test ./envoyconfig -run TestDocumentation -update -->

` + "`sluice run -c envoy.yaml`" + ` reads an Envoy bootstrap configuration, as YAML or (where the file's name ends in .json)
as JSON. Each field that the file sets is one of three:

- **implemented**: it does what Envoy's documentation says;
- **without effect**: it is accepted, with a warning;
- **refused**: the configuration is not loaded, and the error names the field, its line and what to do.

What is listed below is what is implemented or without effect. Every other field is refused; where there is more to
say about one, it is listed too. A field is the same wherever its message stands. All errors of a file are reported at
once.

How files are read:

- YAML means what it means to Envoy: ` + "`yes`, `no`, `on`, `off`, `y` and `n`" + ` are Booleans, ` + "`010`" + ` is eight and
  ` + "`0x10`" + ` sixteen; a number with a fraction, or one that needs more than 32 bits, is text inside of a
  ` + "`google.protobuf.Struct`" + `. Anchors and aliases are followed, keys with the tag ` + "`!ignore`" + ` left out. Merge keys
  (` + "`<<`" + `), other tags, duplicate keys and second documents are refused.
- A wasm filter is a plain ` + "`" + typeWasm + "`" + `, or a
  ` + "`" + typeUDPAStruct + "` or `" + typeXDSStruct + "`" + ` of one.
- Relative file names are looked for in the working directory, as Envoy does, and then in the configuration's folder.
- A configuration file has at most 16 MiB, a file that it names 256 MiB.
`)
	for _, m := range Table() {
		if len(m.Rows) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n## %s\n\n| field | | |\n|---|---|---|\n", m.Name)
		for _, row := range m.Rows {
			note := row.Note
			if row.Values != nil {
				note = strings.Join(row.Values, ", ")
			}
			if row.Types != nil && !slices.Contains(row.Types, "*") {
				note = strings.TrimPrefix(note+"; "+strings.Join(row.Types, ", "), "; ")
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", row.Field, row.Support, note)
		}
	}
	return b.Bytes()
}
