// Package hostcall is where the SDK meets the gateway: every host call as a Go function, for the transport that the
// build has. In a WebAssembly module (wasip1) the calls are imports; anywhere else they go to the [abi.Host] that was
// installed for the plugin that runs in this process.
//
// Results come in two kinds. Owned bytes are the caller's for ever: nothing reuses their memory. Borrowed bytes lie in
// memory that is used again when the next callback begins, and must be copied ([OwnString]) before they reach plugin
// code. A function says so where it borrows; the others own.
//
// The package is state of the one VM that a module or a process is, and is not safe for concurrent use: a VM runs one
// callback at a time.
package hostcall
