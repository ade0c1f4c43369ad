// Package proxywasm is the gateway as a plugin sees it: every host call as a Go function, and the way callbacks reach
// the contexts of package types. Most plugins are written with package wrapper, which does the rest.
//
// A plugin registers its contexts in an init function: a module that is built with -buildmode=c-shared is a library, whose
// main must be there but is not run. Nothing of the gateway can be called yet in init. Every other function of this
// package is for use inside a callback, on the goroutine that runs it: it speaks to the gateway about the stream (or the
// plugin) whose callback runs. What functions return is the caller's to keep and change.
//
// There are two builds. As a WebAssembly module (GOOS=wasip1 GOARCH=wasm, -buildmode=c-shared) the package exports the
// proxy-wasm callbacks and imports the host calls that the plugin uses. On any other platform [NewPlugin] hands the
// plugin to a gateway in the same process.
package proxywasm
