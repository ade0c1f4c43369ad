module github.com/higress-group/proxy-wasm-go-sdk

go 1.26.0

require (
	github.com/sluice-gateway/sluice v0.0.0
	github.com/sluice-gateway/sluice/sdk v0.0.0
)

require (
	github.com/tetratelabs/wazero v1.12.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

replace (
	github.com/sluice-gateway/sluice => ../../
	github.com/sluice-gateway/sluice/sdk => ../../sdk
)
