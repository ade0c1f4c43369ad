package guests

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// errMissing is wrapped by errors that say that the machine lacks what a guest is built with.
var errMissing = errors.New("not to be had here")

// buildModule builds the module of each guest, once in a test run. What takes long, the compilers' output, they keep in
// the user's cache directory between runs.
var buildModule = map[string]func() ([]byte, error){
	"upstream-go": sync.OnceValues(buildGo),
	"rust":        sync.OnceValues(buildRust),
}

// module returns a guest's module. Where it cannot be built for want of a tool or of the SDK the test is skipped, or has
// failed if SLUICE_REQUIRE names the guest.
func module(t *testing.T, guest string) []byte {
	t.Helper()
	code, err := buildModule[guest]()
	switch {
	case errors.Is(err, errMissing) && !slices.Contains(strings.Split(os.Getenv("SLUICE_REQUIRE"), ","), guest):
		t.Skipf("%v (SLUICE_REQUIRE=%s makes this a failure)", err, guest)
	case err != nil:
		t.Fatal(err)
	}
	return code
}

// run runs a tool in the folder of a guest. The error has what the tool said.
func run(guest string, env []string, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Dir = filepath.Join("testdata", guest)
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", filepath.Base(name), args[0], err, strings.TrimSpace(string(out)))
	}
	return nil
}

func buildGo() ([]byte, error) {
	if err := run("upstream-go", []string{"GOWORK=off"}, "go", "mod", "download"); err != nil {
		return nil, fmt.Errorf("the upstream Go SDK is %w: %s", errMissing, firstLine(err))
	}
	dir, err := os.MkdirTemp("", "guest")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "guest.wasm")
	env := []string{"GOWORK=off", "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0"}
	if err := run("upstream-go", env, "go", "build", "-buildmode=c-shared", "-o", out, "."); err != nil {
		return nil, err
	}
	return os.ReadFile(out)
}

// buildRust builds with the first Rust compiler on the path that has the standard library of a wasm target, and its
// own cargo. The crates are fetched by the first cargo, which may be another: Debian's is too old for the registry.
func buildRust() ([]byte, error) {
	fetcher, err := exec.LookPath("cargo")
	if err != nil {
		return nil, fmt.Errorf("cargo is %w", errMissing)
	}
	cargo, rustc, target := rustForWasm()
	if target == "" {
		return nil, fmt.Errorf("a Rust compiler with a wasm standard library is %w", errMissing)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	cache = filepath.Join(cache, "sluice", "guest-rust")
	vendor, build := filepath.Join(cache, "vendor"), filepath.Join(cache, "target")
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return nil, err
	}
	if err := run("rust", nil, fetcher, "vendor", "--locked", "--quiet", vendor); err != nil {
		return nil, fmt.Errorf("the crate proxy-wasm is %w: %s", errMissing, firstLine(err))
	}
	if err := run("rust", []string{"RUSTC=" + rustc}, cargo, "build", "--release", "--locked", "--offline",
		"--target", target, "--target-dir", build, "--config", `source.crates-io.replace-with="vendored"`,
		"--config", fmt.Sprintf("source.vendored.directory=%q", vendor)); err != nil {
		if strings.Contains(err.Error(), "linker `rust-lld` not found") {
			return nil, fmt.Errorf("Rust's linker for wasm (rust-lld) is %w", errMissing)
		}
		return nil, err
	}
	return os.ReadFile(filepath.Join(build, target, "release", "guest.wasm"))
}

// rustForWasm finds a compiler with a wasm target, "" if there is none.
func rustForWasm() (cargo, rustc, target string) {
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		cargo, rustc = filepath.Join(dir, "cargo"), filepath.Join(dir, "rustc")
		if _, err := exec.LookPath(cargo); err != nil {
			continue
		}
		for _, target = range []string{"wasm32-wasip1", "wasm32-wasi", "wasm32-unknown-unknown"} {
			lib, err := exec.Command(rustc, "--print", "target-libdir", "--target", target).Output()
			if err != nil {
				continue
			}
			if std, _ := filepath.Glob(filepath.Join(strings.TrimSpace(string(lib)), "libstd-*.rlib")); len(std) > 0 {
				return cargo, rustc, target
			}
		}
	}
	return "", "", ""
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
