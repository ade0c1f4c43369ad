module github.com/sluice-gateway/sluice/bench

go 1.26.0

require (
	github.com/higress-group/proxy-wasm-go-sdk v0.0.0-20251103120604-77e9cce339d2
	github.com/higress-group/wasm-go v1.1.1
	github.com/sluice-gateway/sluice v0.0.0
	github.com/sluice-gateway/sluice/sdk v0.0.0
	github.com/tidwall/gjson v1.18.0
	github.com/tidwall/sjson v1.2.5
	golang.org/x/sys v0.49.0
)

require (
	github.com/google/uuid v1.6.0 // indirect
	github.com/tetratelabs/wazero v1.12.0 // indirect
	github.com/tidwall/match v1.1.1 // indirect
	github.com/tidwall/pretty v1.2.1 // indirect
	github.com/tidwall/resp v0.1.1 // indirect
)

replace (
	github.com/sluice-gateway/sluice => ../
	github.com/sluice-gateway/sluice/sdk => ../sdk
)
