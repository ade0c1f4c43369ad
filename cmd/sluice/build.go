package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// build compiles the plugin in a folder, whose name is absolute, and returns the module's file. It lies in the cache:
// where nothing has changed, the go command leaves it as it is. Compile errors are written as go prints them.
func build(s streams, dir string) (string, error) {
	if sources, err := goFiles(dir); err != nil || len(sources) == 0 {
		return "", fmt.Errorf("%s has no Go files; name the folder with the plugin's main package, or a .wasm file", dir)
	}
	tool, err := exec.LookPath("go")
	if err != nil {
		return "", errors.New("the go command is needed to build a plugin's source and was not found; install Go, or name a .wasm file")
	}
	cache, err := cacheDir("build")
	if err != nil {
		return "", fmt.Errorf("no folder for the module: %w", err)
	}
	sum := sha256.Sum256([]byte(dir))
	module := filepath.Join(cache, filepath.Base(dir)+"-"+hex.EncodeToString(sum[:6])+".wasm")
	cmd := exec.Command(tool, "build", "-buildmode=c-shared", "-o", module, ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0")
	cmd.Stdout, cmd.Stderr = s.stderr, s.stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("the plugin in %s does not build: GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared: %w", dir, err)
	}
	return module, nil
}

// cacheDir makes a folder of this tool's under the user's cache folder.
func cacheDir(name string) (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(base, "sluice", name)
	return dir, os.MkdirAll(dir, 0o700)
}

// goFiles are the Go files of a folder.
func goFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".go") {
			names = append(names, e.Name())
		}
	}
	return names, nil
}
