module github.com/higress-group/wasm-go

go 1.26.0

require (
	github.com/higress-group/proxy-wasm-go-sdk v0.0.0
	github.com/sluice-gateway/sluice v0.0.0
	github.com/tidwall/resp v0.1.1
)

require (
	github.com/sluice-gateway/sluice/sdk v0.0.0 // indirect
	github.com/tetratelabs/wazero v1.12.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

replace (
	github.com/higress-group/proxy-wasm-go-sdk => ../proxy-wasm-go-sdk
	github.com/sluice-gateway/sluice => ../../
	github.com/sluice-gateway/sluice/sdk => ../../sdk
)
