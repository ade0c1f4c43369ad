// A plugin by another SDK, as a guest of the host's tests. A module of its own: its SDK is no dependency of Sluice.
module guest

go 1.24

require github.com/proxy-wasm/proxy-wasm-go-sdk v0.0.0-20250212164326-ab4161dcf924
