// Package envoy_source_extensions_common_wasm has the messages that plugins exchange with the host. Its name is the
// published one.
package envoy_source_extensions_common_wasm

//go:generate go -C testdata/generate run . ../..
