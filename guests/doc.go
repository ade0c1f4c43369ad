// Package guests has the tests that run plugins by other SDKs, unchanged, on the real gateway: testdata/upstream-go by
// the upstream Go SDK, testdata/rust by Rust's proxy-wasm. They do the same, so that the same tests hold for both.
package guests
