package pluginhost_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/sluice-gateway/sluice/pluginhost"
	"github.com/sluice-gateway/sluice/wasmvm"
)

// A plugin that cannot be started says at which step and why.
func ExampleHost_NewPlugin() {
	ctx := context.Background()
	engine, err := wasmvm.NewEngine(ctx, wasmvm.EngineConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer engine.Close(ctx)
	host := pluginhost.New(pluginhost.Options{Engine: engine, Workers: 2})
	defer host.Close(ctx)

	_, err = host.NewPlugin(ctx, pluginhost.Config{
		Name:       "auth",
		Code:       []byte("<html>404 not found</html>"),
		CodeSource: "auth.wasm",
	})
	var start *pluginhost.StartError
	if errors.As(err, &start) {
		fmt.Println(start.Plugin, start.Source, start.Step, errors.Is(err, wasmvm.ErrNotWasm))
	}
	// Output: auth auth.wasm compile true
}
