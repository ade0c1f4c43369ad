package plugintest_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

const repository = "github.com/sluice-gateway/sluice"

// authorsModule makes a module of its own, outside this repository and its workspace, with the greeter as its plugin: what
// an author has. Only its replace lines are not what they will be.
func authorsModule(t *testing.T, files map[string]string) (dir string) {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	read := func(file string) string {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	// The versions that this repository was tested with, so that nothing has to be looked up.
	required := regexp.MustCompile(`(?s)require \(.*?\n\)`).FindAllString(read(filepath.Join(root, "go.mod")), -1)
	all := map[string]string{
		"main.go": read("testdata/greeter/main.go"),
		"go.sum":  read(filepath.Join(root, "go.sum")),
		"go.mod": fmt.Sprintf("module example.com/greeter\n\ngo 1.26\n\nrequire %s v0.0.0\n\n%s\n\nreplace %s => %s\n\nreplace %s/sdk => %s/sdk\n",
			repository, strings.Join(required, "\n\n"), repository, root, repository, root),
	}
	for name, text := range files {
		all[name] = text
	}
	for name, text := range all {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// authorsTests compiles the module's tests, with nothing but what the module says, and returns what runs them.
func authorsTests(t *testing.T, dir string) (run func(args ...string) (output string, err error)) {
	t.Helper()
	command := func(name string, args ...string) (string, error) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, name, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod", "GOPROXY=off", "GONOSUMDB=*", "GOTOOLCHAIN=local")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	binary := filepath.Join(t.TempDir(), "tests")
	if out, err := command("go", "test", "-c", "-o", binary); err != nil {
		t.Fatalf("the tests do not compile: %v\n%s", err, out)
	}
	return func(args ...string) (string, error) { return command(binary, args...) }
}

// examples returns the Go code of docs/testing.md, as files, and the names of the tests in it.
func examples(t *testing.T) (files map[string]string, names []string) {
	t.Helper()
	text, err := os.ReadFile("../docs/testing.md")
	if err != nil {
		t.Fatal(err)
	}
	packages := map[string]string{
		"http": "net/http", "strings": "strings", "testing": "testing", "time": "time", "plugintest": repository + "/plugintest",
		"types": repository + "/sdk/proxywasm/types",
	}
	files = map[string]string{}
	for i, block := range regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		code := block[1]
		if !strings.HasPrefix(code, "package ") {
			head := "package main\n\nimport (\n"
			for name, path := range packages {
				if regexp.MustCompile(`\b` + name + `\.`).MatchString(code) {
					head += fmt.Sprintf("\t%q\n", path)
				}
			}
			code = head + ")\n\n" + code
		}
		files[fmt.Sprintf("example%d_test.go", i)] = code
		for _, name := range regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)`).FindAllStringSubmatch(code, -1) {
			names = append(names, name[1])
		}
	}
	if len(names) < 10 {
		t.Fatalf("only the examples %v", names)
	}
	return files, names
}

const failingTest = `package main

import (
	"os"
	"testing"

	"github.com/sluice-gateway/sluice/plugintest"
)

func TestThatFails(t *testing.T) {
	if os.Getenv("FAIL") == "" {
		t.Skip("it is to fail when it is told to")
	}
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		if got := plugintest.Start(t, mode).Do(plugintest.Get("/panic")); got.Status != 200 {
			t.Errorf("status %d", got.Status)
		}
	})
}
`

// TestInAnAuthorsModule runs every example of docs/testing.md as it is printed, in a module of an author's, and looks at what
// tests print that fail there.
func TestInAnAuthorsModule(t *testing.T) {
	files, names := examples(t)
	files["fails_test.go"] = failingTest
	dir := authorsModule(t, files)
	run := authorsTests(t, dir)

	t.Run("the examples of the docs", func(t *testing.T) {
		if out, err := run("-test.run", "TestGolden", "-update"); err != nil {
			t.Fatalf("writing the golden files: %v\n%s", err, out)
		}
		out, err := run("-test.v")
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		for _, name := range names {
			if !strings.Contains(out, "--- PASS: "+name) {
				t.Errorf("%s has not run:\n%s", name, out)
			}
		}
	})
	t.Run("fuzzing", func(t *testing.T) {
		out, err := run("-test.run", "NONE", "-test.fuzz", "FuzzBodies", "-test.fuzztime", "50x", "-test.fuzzcachedir", t.TempDir())
		if err != nil || !strings.Contains(out, "PASS") {
			t.Errorf("%v\n%s", err, out)
		}
	})
	t.Setenv("FAIL", "yes")
	t.Run("a panic", func(t *testing.T) {
		out, err := run("-test.run", "TestThatFails")
		if err == nil {
			t.Fatalf("it passes:\n%s", out)
		}
		for _, want := range []string{
			"--- FAIL: TestThatFails/native", "--- FAIL: TestThatFails/wasm", "status 500", "no greeting for this path", "main.onRequestHeaders",
		} {
			if !strings.Contains(out, want) {
				t.Errorf("%q is missing:\n%s", want, out)
			}
		}
		if n := strings.Count(out, "main.go:"); n < 2 {
			t.Errorf("the panic's place is printed %d times for two modes:\n%s", n, out)
		}
	})
	t.Run("a plugin that does not build as a module", func(t *testing.T) {
		if err := os.WriteFile(filepath.Join(dir, "use.go"), []byte("package main\n\nvar _ = thisIsNowhere\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := run("-test.run", "TestThatFails/wasm")
		if err == nil || !strings.Contains(out, "undefined: thisIsNowhere") || strings.Contains(out, "SKIP") {
			t.Errorf("%v\n%s", err, out)
		}
	})
}
