package wasmvm_test

import (
	"context"
	"fmt"
	"log"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/wasmvm"
	"github.com/sluice-gateway/sluice/wasmvm/wasmtest"
)

// host answers what the plugin asks: here, that is to log.
type host struct{ abi.UnimplementedHost }

func (host) Log(level abi.LogLevel, message []byte) abi.Status {
	fmt.Printf("%v: %s\n", level, message)
	return abi.StatusOK
}

// A module is compiled once; each VM made of it is a plugin of its own.
func Example() {
	ctx := context.Background()
	engine, err := wasmvm.NewEngine(ctx, wasmvm.EngineConfig{})
	if err != nil {
		log.Fatal(err)
	}
	defer engine.Close(ctx)
	module, err := engine.Compile(ctx, plugin())
	if err != nil {
		log.Fatal(err)
	}
	defer module.Close(ctx)
	fmt.Println("ABI", module.Version(), "unknown imports:", module.UnknownImports())

	vm, err := module.Instantiate(ctx, host{}, wasmvm.VMConfig{Name: "example", MemoryLimit: 64 << 20})
	if err != nil {
		log.Fatal(err)
	}
	defer vm.Close(ctx)
	action, err := vm.OnRequestHeaders(2, 7, true)
	fmt.Println(action, err)
	fmt.Println(vm.OnTick(1))
	_, err = vm.OnRequestHeaders(3, 7, true)
	fmt.Println(err)
	// Output:
	// ABI 0.2.1 unknown imports: [env.proxy_new()i32]
	// info: hello
	// 0 <nil>
	// vm "example": proxy_on_tick trapped: unreachable
	// vm is dead: vm "example": proxy_on_tick trapped: unreachable
}

// plugin logs when a request arrives, and traps on a tick.
func plugin() []byte {
	m := wasmtest.Plugin()
	proxyLog := m.Import("env", "proxy_log", "iii", "i")
	m.Import("env", "proxy_new", "", "i")
	hello := m.Data("hello")
	m.Func("proxy_on_request_headers", "iii", "i",
		wasmtest.Code{}.I32(int(abi.LogInfo)).I32(hello).I32(5).Call(proxyLog).Drop().I32(0))
	m.Func("proxy_on_tick", "i", "", wasmtest.Code{}.Unreachable())
	return m.Bytes()
}
