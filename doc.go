// Package sluice is the root of an HTTP gateway for plugins written once, in Go. It holds no code; what there is to use:
//
//   - [github.com/sluice-gateway/sluice/sdk/wrapper]: write a plugin;
//   - [github.com/sluice-gateway/sluice/plugintest]: test it with go test;
//   - command github.com/sluice-gateway/sluice/cmd/sluice: build it and run it;
//   - [github.com/sluice-gateway/sluice/gateway]: the data plane that runs it.
package sluice
