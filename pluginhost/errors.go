package pluginhost

import (
	"errors"
	"fmt"
)

// Errors that a [StartError] wraps, beside those of package wasmvm.
var (
	// ErrRefused: the plugin answered false when it was started or configured.
	ErrRefused = errors.New("the plugin refused")
	// ErrClosed: the host is closed.
	ErrClosed = errors.New("plugin host is closed")
	// ErrNoCode: neither code nor a native plugin is configured.
	ErrNoCode = errors.New("no code")
	// ErrNoEngine: the plugin is a module, and the host has no engine to run it.
	ErrNoEngine = errors.New("no engine for WebAssembly modules")
)

// The steps of a plugin's start, as a [StartError] names them.
const (
	StepCompile       = "compile"
	StepInstantiate   = "instantiate"
	StepCreateContext = "create root context"
	StepStart         = "start"
	StepConfigure     = "configure"
)

// StartError says why a plugin could not be started.
type StartError struct {
	// Plugin is the plugin's name, Source where its code came from ("" for a native plugin).
	Plugin, Source string
	// Step is what failed, one of the Step constants.
	Step string
	// LastLog is what the plugin wrote last before it failed, warnings and errors first; "" if it wrote nothing.
	LastLog string
	// Err is the cause.
	Err error
}

// Error implements error.
func (e *StartError) Error() string {
	s := fmt.Sprintf("plugin %q", e.Plugin)
	if e.Source != "" {
		s += " (" + e.Source + ")"
	}
	s += fmt.Sprintf(": %s: %v", e.Step, e.Err)
	if e.LastLog != "" {
		s += fmt.Sprintf("; it logged last: %q", e.LastLog)
	}
	return s
}

// Unwrap returns the cause.
func (e *StartError) Unwrap() error { return e.Err }
