// The probe as a module.
package main

import (
	"github.com/higress-group/proxy-wasm-go-sdk/proxywasm"
	"github.com/higress-group/proxy-wasm-go-sdk/proxywasm/proxytest/internal/probe"
)

func main() {}

func init() { proxywasm.SetVMContext(&probe.VM{}) }
