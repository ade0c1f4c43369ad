package wasmvm

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
)

// What [Engine.Compile] and [Module.Instantiate] refuse. The errors they return say more, and wrap one of these.
var (
	// ErrNotWasm: the bytes are not a WebAssembly module, or not a whole one.
	ErrNotWasm = errors.New("not a WebAssembly module")
	// ErrInvalid: a WebAssembly module that does not validate, or uses what the engine does not support.
	ErrInvalid = errors.New("invalid module")
	// ErrNotReactor: the module is a command, which runs once and ends, where a plugin is called again and again.
	ErrNotReactor = errors.New("module is a command, not a reactor")
	// ErrNoABI: no export says which version of the proxy-wasm ABI the module speaks, or it is an unsupported one.
	ErrNoABI = errors.New("no supported proxy-wasm ABI version")
	// ErrNoAllocator: the host has no way to hand data to the module.
	ErrNoAllocator = errors.New("no allocator")
	// ErrNoMemory: the module exports no memory.
	ErrNoMemory = errors.New("no exported memory")
	// ErrSignature: an export has a signature that the ABI does not give it.
	ErrSignature = errors.New("export with a wrong signature")
	// ErrImport: the module imports what a host cannot give it.
	ErrImport = errors.New("unsupported import")
	// ErrMemoryLimit: the module needs more memory at its start than the limit allows.
	ErrMemoryLimit = errors.New("memory limit too low for the module")
)

// Why a VM is dead, or a call was refused.
var (
	// ErrDead is wrapped by the errors of all callbacks after the one that trapped, or after Close.
	ErrDead = errors.New("vm is dead")
	// ErrDeadline: a callback ran past its deadline.
	ErrDeadline = errors.New("deadline exceeded")
	// ErrClosed: the VM, module or engine was closed.
	ErrClosed = errors.New("closed")
	// ErrRestricted: the module made a host call before its first callback. Only proxy_log and WASI are answered then.
	ErrRestricted = errors.New("host call while the module starts")
	// ErrReentrant: a callback was made while another was running. The VM is unharmed.
	ErrReentrant = errors.New("callback inside a callback")
)

// ExitError is the reason of a trap by proc_exit.
type ExitError struct{ Code uint32 }

// Error implements error.
func (e *ExitError) Error() string { return fmt.Sprintf("module exited with code %d", e.Code) }

// TrapError tells how a VM died.
type TrapError struct {
	// VM is the name from [VMConfig].
	VM string
	// Callback is the exported function that was running: proxy_on_request_headers, _initialize and so on.
	Callback string
	// Reason is why it ended: [ErrDeadline], *[ExitError], or the engine's words. Unwrap returns it.
	Reason error
	// Stack is the WebAssembly stack, innermost function first, a line each; empty after a stack overflow.
	Stack string
	// Output is what the module last wrote to stdout and stderr during the callback: for a panic of Go or Rust its
	// message and stack.
	Output string
}

// Error says what happened on one line, with the first line of Output. It does not print the stacks.
func (e *TrapError) Error() string {
	var b strings.Builder
	if e.VM != "" {
		fmt.Fprintf(&b, "vm %q: ", e.VM)
	}
	fmt.Fprintf(&b, "%s trapped: %v", e.Callback, e.Reason)
	if line, _, _ := strings.Cut(strings.TrimSpace(e.Output), "\n"); line != "" {
		fmt.Fprintf(&b, " (%s)", oneLine(line[:min(len(line), 200)]))
	}
	return b.String()
}

// Unwrap returns the reason.
func (e *TrapError) Unwrap() error { return e.Reason }

// deadline is the panic of a callback that took too long.
type deadline struct{ text string }

func (d *deadline) Error() string { return d.text }
func (d *deadline) Unwrap() error { return ErrDeadline }

// errNested is the panic that takes the outer callback down after a nested call trapped. The VM knows the trap already.
var errNested = errors.New("nested call trapped")

// explain takes apart what wazero made of a trap: its message carries the reason and the stack in one text.
func explain(err error) (reason error, stack string) {
	text, stack, _ := strings.Cut(err.Error(), "\nwasm stack trace:\n")
	// A function is called module.name there, and these modules have no name.
	stack = strings.ReplaceAll(strings.ReplaceAll("\n"+stack, "\n\t", "\n"), "\n.", "\n")
	stack = strings.TrimPrefix(stack, "\n")
	reason = errors.Unwrap(err)
	switch bug, isBug := reason.(runtime.Error); {
	case reason == nil:
		return errors.New(text), stack
	case isBug:
		return fmt.Errorf("bug in a host call: %w", bug), stack
	}
	return reason, stack
}
