// Package abi is the contract between a proxy-wasm plugin and the gateway that runs it: proxy-wasm ABI 0.2.1 and the
// Higress extensions (0.2.100), written down once as Go.
//
// The contract has two sides. [Plugin] has one method for each callback, what a gateway may ask of a plugin; [Host]
// has one method for each host call, what a plugin may ask of a gateway. Whatever runs plugins calls a Plugin and
// implements a Host; whatever plugins are written with does the reverse. A WebAssembly module stands between the two
// as a Plugin whose host calls arrive through its imports; a plugin compiled into the same process needs nothing
// between.
//
// Everything that crosses is numbers and bytes: enumerations, header maps as encoded pairs ([AppendPairs], [Pairs]),
// property paths ([AppendPath], [Path]). Decoders take hostile bytes: they check every length before they use it, and
// never panic.
//
// The package imports nothing but the standard library's smallest parts, and nothing of Sluice.
package abi
