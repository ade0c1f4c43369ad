package envoyconfig

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const minimal = `
static_resources:
  listeners:
  - address: {socket_address: {address: 127.0.0.1, port_value: 10000}}
    filter_chains:
    - filters:
      - name: hcm
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: web
          route_config: {virtual_hosts: [{name: a, domains: ["*"], routes: [{match: {prefix: /}, direct_response: {status: 200, body: {filename: page.html}}}]}]}
          http_filters: [{name: router, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}]
`

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestLoadFindsFiles(t *testing.T) {
	beside, working := t.TempDir(), t.TempDir()
	t.Chdir(working)
	config := filepath.Join(beside, "envoy.yaml")
	write(t, config, minimal)

	body := func() string {
		t.Helper()
		cfg, _, err := Load(config)
		if err != nil {
			t.Fatal(err)
		}
		return string(cfg.Listeners[0].HTTP.Routes.VirtualHosts[0].Routes[0].DirectResponse.Body)
	}
	_, _, err := Load(config)
	var refused Errors
	if !errors.As(err, &refused) || len(refused) != 1 || !strings.Contains(refused[0].Message, "no such file") || refused[0].Line != 11 {
		t.Errorf("without the file: %v", err)
	}
	write(t, filepath.Join(beside, "page.html"), "beside the configuration")
	if got := body(); got != "beside the configuration" {
		t.Errorf("got %q", got)
	}
	write(t, filepath.Join(working, "page.html"), "in the working directory")
	if got := body(); got != "in the working directory" {
		t.Errorf("got %q", got)
	}
}

func TestLoadRefusesFiles(t *testing.T) {
	dir := t.TempDir()
	large := filepath.Join(dir, "large.yaml")
	write(t, large, "")
	if err := os.Truncate(large, maxFileSize+1); err != nil {
		t.Fatal(err)
	}
	many := filepath.Join(dir, "many.yaml")
	write(t, many, strings.Repeat("-\n", maxIndicators/2+1))
	for _, tt := range []struct{ name, file, want string }{
		{"missing", filepath.Join(dir, "none.yaml"), "no such file"},
		{"a folder", dir, "is a folder"},
		{"a device", os.DevNull, "is not a regular file"},
		{"too large", large, "is larger than 16 MiB"},
		{"too many entries", many, "has too many entries"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg, _, err := Load(tt.file)
			if cfg != nil || err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), tt.file) {
				t.Errorf("got %v, %v", cfg, err)
			}
		})
	}
	if _, _, err := Load(filepath.Join(dir, "none.yaml")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v is not fs.ErrNotExist", err)
	}
}

func TestErrorsSaysWhere(t *testing.T) {
	_, _, err := Parse("a.yaml", []byte("node: {idd: x}\nadmin: {addres: {}}"))
	var refused Errors
	if !errors.As(err, &refused) || len(refused) != 2 {
		t.Fatalf("got %v", err)
	}
	var first *Error
	if !errors.As(err, &first) || first.File != "a.yaml" || first.Line != 1 || first.Path != "node.idd" {
		t.Errorf("got %+v", first)
	}
	if got := (&Error{File: "a", Message: "b"}).Error(); got != "a: b" {
		t.Errorf("got %q", got)
	}
}

func TestErrorsAreBounded(t *testing.T) {
	_, _, err := Parse("a.yaml", []byte(strings.Repeat("x", 3)+": 1\nstatic_resources: {listeners: ["+strings.Repeat("{a: 1},", 1000)+"]}"))
	var refused Errors
	if !errors.As(err, &refused) || len(refused) != maxErrors {
		t.Errorf("got %d errors", len(refused))
	}
}

func TestPluginConfiguration(t *testing.T) {
	for _, tt := range []struct{ name, file, in, want, err string }{
		{name: "JSON stays as it is", in: "{ \"b\":1.50,\n\"a\":\"\\u0041\" }\n", want: "{ \"b\":1.50,\n\"a\":\"\\u0041\" }\n"},
		{name: "a JSON string", in: `"text"`, err: `conf:1: a string "text" stands where an object is expected, as JSON or YAML`},
		{name: "a JSON number", in: " 42\n", err: "conf:1: a number 42 stands where an object is expected, as JSON or YAML"},
		{name: "JSON null", in: "null", err: "conf:1: null stands where an object is expected, as JSON or YAML"},
		{name: "a JSON list", in: "[1,2]", err: "conf:1: a list stands where an object is expected, as JSON or YAML"},
		{name: "a YAML list", in: "- a", err: "conf:1: a list stands where an object is expected, as JSON or YAML"},
		{name: "YAML keeps its order", in: "b: 1\na: [x, 'y']\n", want: `{"b":1,"a":["x","y"]}`},
		{name: "scalars of YAML 1.2", file: "a.yml", in: "a: [yes, true, 1.5, 0x10, 1e3, ~, 18446744073709551615, 123456789012345678901234567890, .inf, 2026-01-02, '1']",
			want: `{"a":["yes",true,1.5,16,1000,null,18446744073709551615,1.2345678901234568e+29,".inf","2026-01-02","1"]}`},
		{name: "text is escaped", in: "a: \"<\\\"\\\\\\n\\t\\u0001é>\"", want: `{"a":"<\"\\\n\u0009\u0001é>"}`},
		{name: "aliases", in: "a: &x {b: 1}\nc: *x", want: `{"a":{"b":1},"c":{"b":1}}`},
		{name: "YAML in brackets", file: "a.yaml", in: "{a: 1}", want: `{"a":1}`},
		{name: "YAML in brackets that may be broken JSON", in: "{a: 1}", err: "conf:1: not JSON: invalid character 'a'"},
		{name: "broken JSON", in: "{\n\"a\": }", err: "conf:2: not JSON: invalid character '}' looking for beginning of value (byte 8)"},
		{name: "a JSON file without an object", file: "a.json", in: "a: 1", err: "a.json:1: not JSON: an object is expected"},
		{name: "an empty JSON file", file: "a.json", in: " ", err: "a.json: is empty"},
		{name: "JSON that ends early", in: "{", err: "conf:1: not JSON: unexpected end of JSON input"},
		{name: "broken YAML", in: "a: [1\nb: 2", err: "conf:1: not YAML: did not find expected ',' or ']'"},
		{name: "a word", in: "hello", err: `a string "hello" stands where an object is expected`},
		{name: "nothing", in: "", err: "is empty"},
		{name: "duplicate", in: "a: 1\na: 2", err: "conf:2: the key \"a\" is there twice"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.file == "" {
				tt.file = "conf"
			}
			got, err := PluginConfiguration(tt.file, []byte(tt.in))
			if string(got) != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("got %s, %v\nwant %s, %s", got, err, tt.want, tt.err)
			}
		})
	}
}
