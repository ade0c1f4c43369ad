package compat_test

// surface_test.go holds the modules to the published surface: each exported symbol is used once, as a caller would. It is
// compiled, which is the test.
//
//go:generate go -C testdata/surface run . -package compat_test -o ../../surface_test.go github.com/higress-group/wasm-go/pkg/iface github.com/higress-group/wasm-go/pkg/log github.com/higress-group/wasm-go/pkg/matcher github.com/higress-group/wasm-go/pkg/protos github.com/higress-group/wasm-go/pkg/test github.com/higress-group/wasm-go/pkg/tokenusage github.com/higress-group/wasm-go/pkg/wrapper
