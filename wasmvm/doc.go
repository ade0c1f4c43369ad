// Package wasmvm runs proxy-wasm plugins that are WebAssembly modules: one [VM] is one instance of a module and an
// [abi.Plugin].
//
// An [Engine] compiles modules (once for each content, kept on disk if it is given a directory). A [Module] is
// compiled code; [Module.Instantiate] makes VMs of it, each with its own memory and its own [abi.Host]. Close VMs,
// then modules, then the engine; what is still used lives on until its last user is closed.
//
// # Untrusted modules
//
// A module may do anything. Every pointer and length that it hands to the host is checked against its memory, and a
// host call that does not fit answers abi.StatusInvalidMemoryAccess. Its linear memory lies outside the Go heap and has
// a cap. Its callbacks have a deadline: the module is rewritten when it is compiled, so that it comes back to the host
// every so often, which looks at the clock (package fuel); no other goroutine is needed for that, and the garbage
// collector is never held up.
//
// A trap (an unreachable instruction, an access out of bounds, a passed deadline, an exit) is an error of the callback,
// a [TrapError]. From then on the VM is dead, and answers [ErrDead] to everything: what a trap leaves behind is a broken
// runtime that may still answer.
//
// # What loads
//
// Modules that declare ABI 0.1.0, 0.2.0, 0.2.1 or 0.2.100, built with whatever SDK or language, that export their
// memory and an allocator. They may import any subset of the host's functions: the table in imports.go. An import that
// the host does not have, or has with another signature, is made up: it answers abi.StatusUnimplemented, and
// [Module.UnknownImports] lists it.
package wasmvm
