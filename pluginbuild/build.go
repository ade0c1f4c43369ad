// Package pluginbuild makes modules of plugin source, as `sluice run` and the test kit run them.
package pluginbuild

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

var (
	// ErrNoSource is that a folder has no Go files.
	ErrNoSource = errors.New("has no Go files")
	// ErrNoGo is that the go command was not found.
	ErrNoGo = errors.New("the go command was not found")
)

// Module compiles the plugin in the folder dir, a main package, and returns the module's file. It is in the cache, under a
// name of its own for each folder: where nothing has changed, this takes as long as the go command needs to see that. What
// the compiler says is written to output, in go's own form. Several processes may build the same plugin at once.
func Module(dir string, output io.Writer) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(dir); err != nil {
		return "", err
	}
	if sources, err := filepath.Glob(filepath.Join(dir, "*.go")); err != nil || len(sources) == 0 {
		return "", fmt.Errorf("%s %w", dir, ErrNoSource)
	}
	tool, err := exec.LookPath("go")
	if err != nil {
		return "", ErrNoGo
	}
	cache, err := CacheDir("build")
	if err != nil {
		return "", fmt.Errorf("no folder for the module: %w", err)
	}
	sum := sha256.Sum256([]byte(dir))
	module := filepath.Join(cache, filepath.Base(dir)+"-"+hex.EncodeToString(sum[:6])+".wasm")
	cmd := exec.Command(tool, "build", "-buildmode=c-shared", "-o", module, ".")
	cmd.Dir = dir
	// The go command's working folder is on the file system of the result, so that it moves the module there in one
	// step: another process never reads half of one.
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0", "GOTMPDIR="+cache)
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("the plugin in %s does not build: GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared: %w", dir, err)
	}
	return module, nil
}

// CacheDir makes a folder of Sluice's in the user's cache folder, readable by the user alone.
func CacheDir(name string) (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(base, "sluice", name)
	return dir, os.MkdirAll(dir, 0o700)
}
