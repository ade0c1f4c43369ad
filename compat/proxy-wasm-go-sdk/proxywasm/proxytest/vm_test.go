package proxytest_test

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/higress-group/proxy-wasm-go-sdk/proxywasm"
	"github.com/higress-group/proxy-wasm-go-sdk/proxywasm/proxytest"
	"github.com/higress-group/proxy-wasm-go-sdk/proxywasm/proxytest/internal/probe"
	"github.com/higress-group/proxy-wasm-go-sdk/proxywasm/types"
	"github.com/sluice-gateway/sluice/pluginbuild"
)

var probeModule = sync.OnceValues(func() ([]byte, error) {
	var said strings.Builder
	path, err := pluginbuild.Module("testdata/probe", &said)
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, said.String())
	}
	return os.ReadFile(path)
})

func newModule(t *testing.T) proxytest.WasmVMContext {
	t.Helper()
	wasm, err := probeModule()
	if err != nil {
		t.Fatal(err)
	}
	vm, err := proxytest.NewWasmVMContext(wasm)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := vm.Close(); err != nil {
			t.Error(err)
		}
	})
	return vm
}

// wantPanic runs f, which must panic with a text that has want in it, and returns the text.
func wantPanic(t *testing.T, want string, f func()) (text string) {
	t.Helper()
	defer func() {
		t.Helper()
		v := recover()
		if v == nil {
			t.Errorf("no panic, want one of %q", want)
		}
		if text = fmt.Sprint(v); !strings.Contains(text, want) {
			t.Errorf("panic: %s\nwant %q in it", text, want)
		}
	}()
	f()
	return ""
}

// A plugin's panic is the test's, and the next emulator has a plugin that lives.
func TestPanics(t *testing.T) {
	eachMode(t, func(t *testing.T, vm types.VMContext) {
		host, reset := proxytest.NewHostEmulator(proxytest.NewEmulatorOption().WithVMContext(vm).
			WithPluginConfiguration([]byte("request headers: panic out_of luck")))
		host.StartPlugin()
		id := host.InitializeHttpContext()
		text := wantPanic(t, "out_of luck", func() { host.CallOnRequestHeaders(id, nil, true) })
		if _, module := vm.(proxytest.WasmVMContext); module {
			for _, want := range []string{"proxy_on_request_headers", "panic: out_of luck", "probe.go:"} {
				if !strings.Contains(text, want) {
					t.Errorf("panic: %s\nwant %q in it", text, want)
				}
			}
		} else if text != "out_of luck" {
			t.Errorf("the native panic is %q, want the plugin's own value", text)
		}
		wantPanic(t, "dead", func() { host.CompleteHttpContext(id) })
		reset()

		host = start(t, vm, "start: starts")
		if logs := host.GetInfoLogs(); len(logs) != 1 {
			t.Errorf("logs of the next plugin: %q", logs)
		}
	})
}

// A foreign function may end the test. The next emulator is none the worse for it.
func TestEndOfTheTestInACallback(t *testing.T) {
	eachMode(t, func(t *testing.T, vm types.VMContext) {
		t.Run("ended", func(t *testing.T) {
			host := start(t, vm, "tick: foreign end")
			host.RegisterForeignFunction("end", func([]byte) []byte {
				t.SkipNow()
				return nil
			})
			host.Tick()
			t.Error("the test goes on")
		})
		host := start(t, vm, "tick: starts")
		host.Tick()
		if logs := host.GetInfoLogs(); len(logs) != 1 {
			t.Errorf("logs of the next plugin: %q", logs)
		}
	})
}

// A foreign function may make a callback. The calls that follow are about the outer one's context.
func TestCallbackInACallback(t *testing.T) {
	host := start(t, &probe.VM{}, "request headers: foreign nested\nrequest headers: get x\nrequest body: get x")
	id, other := host.InitializeHttpContext(), host.InitializeHttpContext()
	host.SetHttpRequestHeaders(other, [][2]string{{"x", "inner"}})
	host.RegisterForeignFunction("nested", func([]byte) []byte {
		host.CallOnRequestBody(other, nil, true)
		return nil
	})
	host.CallOnRequestHeaders(id, [][2]string{{"x", "outer"}}, true)
	wantLogs(t, host, "get x = inner\nforeign nested =\nget x = outer")
}

// Emulators made of one instance, one after another, are one VM, as natively they are one process.
func TestPackageVariablesStay(t *testing.T) {
	eachMode(t, func(t *testing.T, vm types.VMContext) {
		var logs []string
		for range 2 {
			host, reset := proxytest.NewHostEmulator(proxytest.NewEmulatorOption().WithVMContext(vm).
				WithPluginConfiguration([]byte("start: starts")))
			host.StartPlugin()
			host.InitializeHttpContext() // which reset ends
			logs = append(logs, host.GetInfoLogs()...)
			reset()
			reset() // does nothing
		}
		if len(logs) != 2 || logs[0] == logs[1] {
			t.Errorf("%q", logs)
		}
	})
}

// Two instances of a module have nothing in common.
func TestInstances(t *testing.T) {
	for range 2 {
		host, reset := proxytest.NewHostEmulator(proxytest.NewEmulatorOption().WithVMContext(newModule(t)).
			WithPluginConfiguration([]byte("start: starts")))
		host.StartPlugin()
		wantLogs(t, host, "starts = 1")
		reset()
	}
}

func TestBadModules(t *testing.T) {
	for name, code := range map[string]string{
		"nothing":       "",
		"not a module":  "hello",
		"not a plugin":  "\x00asm\x01\x00\x00\x00",
		"half a module": "\x00asm\x01\x00\x00\x00\x01\xff",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := proxytest.NewWasmVMContext([]byte(code)); err == nil {
				t.Error("no error")
			}
		})
	}
}

// A module's contexts can be called by hand.
func TestModuleAsContext(t *testing.T) {
	vm := newModule(t)
	host := emulate(t, proxytest.NewEmulatorOption().WithVMContext(vm).WithPluginConfiguration([]byte("tick: return 0")))
	plugin := vm.NewPluginContext(1000)
	if plugin.OnPluginStart(0) != types.OnPluginStartStatusOK || plugin.NewTcpContext(1001) != nil {
		t.Error("the probe did not start")
	}
	plugin.OnTick()
	stream := plugin.NewHttpContext(1001)
	for i, a := range []types.Action{
		stream.OnHttpRequestHeaders(0, false), stream.OnHttpRequestBody(0, false), stream.OnHttpRequestTrailers(0),
		stream.OnHttpResponseHeaders(0, false), stream.OnHttpResponseBody(0, false), stream.OnHttpResponseTrailers(0),
	} {
		if a != types.ActionContinue {
			t.Errorf("callback %d: %d", i, a)
		}
	}
	stream.OnHttpStreamDone()
	if !plugin.OnPluginDone() || vm.OnVMStart(0) != types.OnVMStartStatusOK {
		t.Error("the probe refuses")
	}
	wantPanic(t, "created twice", func() { plugin.NewHttpContext(1001) })
	if host.GetTickPeriod() != 0 {
		t.Error("a timer that nobody set")
	}
}

// The factories, and a registration that is replaced by the next.
func TestFactories(t *testing.T) {
	action := func(opt *proxytest.EmulatorOption) types.Action {
		host, reset := proxytest.NewHostEmulator(opt)
		defer reset()
		host.StartPlugin()
		return host.CallOnRequestHeaders(host.InitializeHttpContext(), nil, true)
	}
	http := func(uint32) types.HttpContext { return answers(3) }
	if a := action(proxytest.NewEmulatorOption().WithHttpContext(http)); a != 3 {
		t.Errorf("http context: %d", a)
	}
	plugin := func(uint32) types.PluginContext { return &plugin{} }
	if a := action(proxytest.NewEmulatorOption().WithPluginContext(plugin)); a != 4 {
		t.Errorf("plugin context: %d", a)
	}
	host := emulate(t, proxytest.NewEmulatorOption().WithTcpContext(func(uint32) types.TcpContext { return &types.DefaultTcpContext{} }))
	if _, a := host.InitializeConnection(); a != types.ActionContinue {
		t.Errorf("tcp context: %d", a)
	}
}

func TestNoPlugin(t *testing.T) {
	wantPanic(t, "nothing is registered", func() {
		proxytest.NewHostEmulator(proxytest.NewEmulatorOption().WithVMContext(nil))
	})
	// The failed one holds nothing up.
	host := emulate(t, proxytest.NewEmulatorOption())
	if !host.StartPlugin() {
		t.Error("the plugin that does nothing refuses")
	}
}

func TestRegistrationIsReplaced(t *testing.T) {
	first, second := &probe.VM{}, &types.DefaultVMContext{}
	proxywasm.SetVMContext(first)
	proxywasm.SetVMContext(second)
	if proxywasm.GetVMContext() != second {
		t.Error("the last registration does not count")
	}
}

type plugin struct{ types.DefaultPluginContext }

func (*plugin) NewHttpContext(uint32) types.HttpContext { return answers(4) }

func answers(a types.Action) types.HttpContext { return &answering{action: a} }

type answering struct {
	types.DefaultHttpContext
	action types.Action
}

func (s *answering) OnHttpRequestHeaders(int, bool) types.Action { return s.action }

// Plugin code that a test calls by itself is in the context of the last callback, and sees the headers as they are now.
func TestCallsBetweenCallbacks(t *testing.T) {
	host := emulate(t, proxytest.NewEmulatorOption().WithHttpContext(func(uint32) types.HttpContext { return answers(0) }))
	id := host.InitializeHttpContext()
	for _, want := range []string{"one", "two", "three"} {
		host.SetHttpRequestHeaders(id, [][2]string{{"X", want}})
		for range 3 {
			if v, err := proxywasm.GetHttpRequestHeader("x"); err != nil || v != want {
				t.Errorf("%q, %v, want %q", v, err, want)
			}
		}
	}
}
