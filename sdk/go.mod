module github.com/sluice-gateway/sluice/sdk

go 1.24.0

require github.com/tidwall/gjson v1.18.0
