package wrapper_test

import (
	"testing"

	"github.com/higress-group/proxy-wasm-go-sdk/proxywasm/proxytest"
	"github.com/higress-group/proxy-wasm-go-sdk/proxywasm/types"
	"github.com/higress-group/wasm-go/pkg/wrapper"
	"github.com/tidwall/gjson"
)

// config is the configuration of the tests' plugins.
type config struct{ value string }

func parse(json gjson.Result, c *config) error {
	c.value = json.Get("value").String()
	return nil
}

// harness is a plugin in a test host.
type harness struct {
	proxytest.HostEmulator
	started bool
}

// load starts a plugin whose configuration parse parses, unless another option does.
func load(t *testing.T, configuration string, options ...wrapper.CtxOption[config]) *harness {
	t.Helper()
	options = append([]wrapper.CtxOption[config]{wrapper.ParseConfig(parse)}, options...)
	return loadVM(t, configuration, wrapper.NewCommonVmCtx("test", options...))
}

func loadVM(t *testing.T, configuration string, vm types.VMContext) *harness {
	t.Helper()
	o := proxytest.NewEmulatorOption().WithPluginConfiguration([]byte(configuration)).WithVMContext(vm)
	host, reset := proxytest.NewHostEmulator(o)
	t.Cleanup(reset)
	h := &harness{HostEmulator: host}
	h.started = host.StartVM() == types.OnVMStartStatusOK && host.StartPlugin() == types.OnPluginStartStatusOK
	return h
}

// start is load for plugins that take their configuration.
func start(t *testing.T, configuration string, options ...wrapper.CtxOption[config]) *harness {
	t.Helper()
	h := load(t, configuration, options...)
	if !h.started {
		t.Fatalf("the plugin refused its configuration: %q", h.GetErrorLogs())
	}
	return h
}

var (
	requestHeaders  = [][2]string{{":authority", "a.com"}, {":path", "/"}, {":method", "POST"}, {"content-length", "4"}}
	responseHeaders = [][2]string{{":status", "200"}, {"content-length", "4"}}
)

// exchange sends a whole request and response through a new stream, and returns the actions in their order.
func (h *harness) exchange() (id uint32, actions []types.Action) {
	id = h.InitializeHttpContext()
	return id, []types.Action{
		h.CallOnRequestHeaders(id, requestHeaders, false),
		h.CallOnRequestBody(id, []byte("ping"), true),
		h.CallOnResponseHeaders(id, responseHeaders, false),
		h.CallOnResponseBody(id, []byte("pong"), true),
	}
}
