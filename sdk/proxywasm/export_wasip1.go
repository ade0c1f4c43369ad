package proxywasm

// The exports. Go writes them in the order in which they are declared, and hosts take the first ABI version that they
// know: Sluice and Higress find 0.2.100, where StopIteration on headers means what it says; Envoy passes over that one
// and finds 0.2.1.

//go:wasmexport proxy_abi_version_0_2_100
func abiVersion02100() {}

//go:wasmexport proxy_abi_version_0_2_1
func abiVersion021() {}
