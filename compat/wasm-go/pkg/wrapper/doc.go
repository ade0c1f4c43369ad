// Package wrapper has the published SDK's functions and types for existing plugins: the published signatures, over
// package wrapper of the Sluice SDK, which documents what they do. New plugins use that package.
//
// # What differs from the SDK beneath
//
// Options are generic in the configuration, and of two for the same thing the last one counts. Headers go on as the
// header function says, also where a body function follows, and their content-length stays.
//
// A panic in one of the plugin's functions is logged and the message passes, and so it does where its body cannot be read
// or its rules cannot be evaluated: the published form. It lets requests through that the plugin has not judged, which
// the plugin says in one warning when it starts. Set the VM's environment variable SLUICE_FAIL to "closed" to have
// those requests answered 500, or to "open" to keep the form without the warning. Where the variable
// WASM_DISABLE_PANIC_RECOVERY is "true" a panic ends the VM, whatever SLUICE_FAIL says.
package wrapper
