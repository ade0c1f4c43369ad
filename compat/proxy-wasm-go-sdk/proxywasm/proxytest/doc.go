// Package proxytest has the published test host for plugins: an emulator of a gateway in memory, in which a test makes
// each callback by hand and looks at what the plugin did.
//
// It keeps the habits of the published emulator, because published tests are written against them, and several are no
// gateway's: adding a header that is there already appends to its value, replacing and removing touch the first entry
// only, a local reply ends nothing, a callback is made whether or not the one before it stopped the stream, properties
// are one flat table for all streams. What a plugin does in production is shown by Sluice's own test kit, package
// github.com/sluice-gateway/sluice/plugintest, which is the gateway.
//
// Where the published emulator ends the process or reads past a slice, this one answers as a gateway would: an unknown
// foreign function is types.ErrorStatusNotFound, and so is a call-out's response where there is none.
//
// The plugin is the one compiled into the test binary, or, with [NewWasmVMContext], a module. When it panics or its
// module traps, the test's call panics: natively with the plugin's own value, its stack in the log; from a module with an
// error that has the guest's text and stack. The plugin is dead from then on.
package proxytest
