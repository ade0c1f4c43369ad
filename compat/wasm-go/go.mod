module github.com/higress-group/wasm-go

go 1.26.0

require (
	github.com/higress-group/proxy-wasm-go-sdk v0.0.0
	github.com/sluice-gateway/sluice v0.0.0
	github.com/tidwall/resp v0.1.1
)

require (
	github.com/tidwall/match v1.1.1 // indirect
	github.com/tidwall/pretty v1.2.0 // indirect
)

require (
	github.com/sluice-gateway/sluice/sdk v0.0.0
	github.com/tetratelabs/wazero v1.12.0 // indirect
	github.com/tidwall/gjson v1.18.0
	golang.org/x/sys v0.49.0 // indirect
	google.golang.org/protobuf v1.36.12
)

replace (
	github.com/higress-group/proxy-wasm-go-sdk => ../proxy-wasm-go-sdk
	github.com/sluice-gateway/sluice => ../../
	github.com/sluice-gateway/sluice/sdk => ../../sdk
)
