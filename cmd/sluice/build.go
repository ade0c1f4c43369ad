package main

import (
	"errors"
	"fmt"

	"github.com/sluice-gateway/sluice/pluginbuild"
)

// build compiles the plugin in a folder and returns the module's file. Compile errors are written as go prints them.
func build(s streams, dir string) (string, error) {
	module, err := pluginbuild.Module(dir, s.stderr)
	switch {
	case errors.Is(err, pluginbuild.ErrNoSource):
		return "", fmt.Errorf("%w; name the folder with the plugin's main package, or a .wasm file", err)
	case errors.Is(err, pluginbuild.ErrNoGo):
		return "", fmt.Errorf("%w; it builds a plugin's source: install Go, or name a .wasm file", err)
	}
	return module, err
}
