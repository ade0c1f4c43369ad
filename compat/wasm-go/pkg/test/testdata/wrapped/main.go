// A plugin of package wrapper whose tests are tests of package test.
package main

import (
	"errors"

	"github.com/higress-group/proxy-wasm-go-sdk/proxywasm"
	"github.com/higress-group/proxy-wasm-go-sdk/proxywasm/types"
	"github.com/higress-group/wasm-go/pkg/wrapper"
	"github.com/tidwall/gjson"
)

func main() {}

func init() {
	wrapper.SetCtx("wrapped",
		wrapper.ParseConfig(parse),
		wrapper.ProcessResponseBody(onResponseBody))
}

// Config is the plugin's configuration.
type Config struct{ Name string }

func parse(json gjson.Result, config *Config) error {
	if config.Name = json.Get("name").String(); config.Name == "" {
		return errors.New("name is missing")
	}
	return nil
}

func onResponseBody(_ wrapper.HttpContext, config Config, body []byte) types.Action {
	if err := proxywasm.ReplaceHttpResponseBody(append(body, config.Name...)); err != nil {
		panic(err)
	}
	return types.ActionContinue
}
