package main

import "github.com/sluice-gateway/sluice/wasmvm/wasmtest"

// modules are what the script command "module" writes.
var modules = map[string]func() []byte{
	// lets everything through
	"plugin": func() []byte { return wasmtest.Plugin().Bytes() },
	// is cut off
	"truncated": func() []byte { code := wasmtest.Plugin().Bytes(); return code[:len(code)-7] },
	// runs once and ends, as `go build` without -buildmode=c-shared makes it
	"command": func() []byte {
		m := wasmtest.New()
		m.Memory(1, 0)
		m.Func("_start", "", "", wasmtest.Code{})
		return m.Bytes()
	},
	// is a reactor, but no plugin
	"no-abi": func() []byte {
		m := wasmtest.New()
		m.Memory(1, 0)
		m.Func("_initialize", "", "", wasmtest.Code{})
		m.Allocator("malloc")
		return m.Bytes()
	},
	// traps when its VM starts
	"traps": func() []byte {
		m := wasmtest.Plugin()
		m.Func("proxy_on_vm_start", "ii", "i", wasmtest.Code{}.Unreachable())
		return m.Bytes()
	},
	// never comes back from its start
	"loops": func() []byte {
		m := wasmtest.Plugin()
		m.Func("proxy_on_vm_start", "ii", "i", wasmtest.Code{}.Loop().Br(0).End().I32(1))
		return m.Bytes()
	},
	// never comes back from the headers of a request that has a body
	"spins": func() []byte {
		m := wasmtest.Plugin()
		m.Func("proxy_on_request_headers", "iii", "i",
			wasmtest.Code{}.LocalGet(2).Op(0x45).If().Loop().Br(0).End().End().I32(0)) // if not end of stream
		return m.Bytes()
	},
	// does not like its configuration, and says so
	"refuses": func() []byte {
		m := wasmtest.Plugin()
		log := m.Import("env", "proxy_log", "iii", "i")
		text := "the member name is missing"
		at := m.Data(text)
		m.Func("proxy_on_configure", "ii", "i", wasmtest.Code{}.I32(4).I32(at).I32(len(text)).Call(log).Drop().I32(0))
		return m.Bytes()
	},
}
