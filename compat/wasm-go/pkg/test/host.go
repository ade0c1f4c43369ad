package test

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"reflect"

	"github.com/higress-group/proxy-wasm-go-sdk/proxywasm"
	"github.com/higress-group/proxy-wasm-go-sdk/proxywasm/proxytest"
	"github.com/higress-group/proxy-wasm-go-sdk/proxywasm/types"
)

// defaultDomain is the host name of requests that a test names none for.
const defaultDomain = "default.test.com"

// HeaderOptionFunc is an option of [TestHost.CallOnHttpRequestHeaders] and its sibling.
type HeaderOptionFunc func(*headerOption)

type headerOption struct{ endOfStream bool }

// WithEndOfStream says whether the headers are all there is. They are not if this is not given.
func WithEndOfStream(endOfStream bool) HeaderOptionFunc {
	return func(o *headerOption) { o.endOfStream = endOfStream }
}

// TestHost is an emulator with a current HTTP stream.
//
// The callbacks begin a stream if there is none. For those that are not the request headers' the plugin is shown the
// headers of a request to default.test.com first, and it is a panic if it does not let them pass.
//
// What tells of the stream tells of the one completed last until another begins.
type TestHost interface {
	proxytest.HostEmulator

	// CallOnHttpRequestHeaders makes a callback.
	CallOnHttpRequestHeaders(headers [][2]string, opts ...HeaderOptionFunc) types.Action
	// CallOnHttpRequestBody makes a callback with the end of the body.
	CallOnHttpRequestBody(body []byte) types.Action
	// CallOnHttpStreamingRequestBody makes a callback with a piece of the body.
	CallOnHttpStreamingRequestBody(body []byte, endOfStream bool) types.Action
	// CallOnHttpResponseHeaders makes a callback.
	CallOnHttpResponseHeaders(headers [][2]string, opts ...HeaderOptionFunc) types.Action
	// CallOnHttpStreamingResponseBody makes a callback with a piece of the body.
	CallOnHttpStreamingResponseBody(body []byte, endOfStream bool) types.Action
	// CallOnHttpResponseBody makes a callback with the end of the body.
	CallOnHttpResponseBody(body []byte) types.Action

	// CallOnHttpCall answers the stream's oldest HTTP call. It panics if there is none.
	CallOnHttpCall(headers [][2]string, body []byte)
	// CallOnRedisCall answers the stream's oldest Redis call; status 0 is a reply. It panics if there is none.
	CallOnRedisCall(status int32, response []byte)
	// GetHttpCalloutAttributes returns the stream's HTTP calls that are not answered.
	GetHttpCalloutAttributes() []proxytest.HttpCalloutAttribute
	// GetRedisCalloutAttributes returns the stream's Redis calls that are not answered.
	GetRedisCalloutAttributes() []proxytest.RedisCalloutAttribute

	// InitHttp begins a stream.
	InitHttp()
	// CompleteHttp ends the stream.
	CompleteHttp()

	// SetRouteName sets the property route_name.
	SetRouteName(routeName string) error
	// SetClusterName sets the property cluster_name.
	SetClusterName(clusterName string) error
	// SetRequestId sets the property x_request_id.
	SetRequestId(requestId string) error
	// SetDomainName sets the host name that GetMatchConfig asks with. It must not be empty.
	SetDomainName(domain string) error
	// GetMatchConfig returns the configuration that the plugin's rules choose for a request to the domain on the route: a
	// pointer to the plugin's type. It is for the native plugin, and one written with package wrapper.
	GetMatchConfig() (any, error)

	// GetHttpStreamAction returns the last callback's answer, or ActionContinue once the plugin has resumed.
	GetHttpStreamAction() types.Action
	// GetRequestHeaders returns the request headers as the plugin left them.
	GetRequestHeaders() [][2]string
	// GetResponseHeaders returns the response headers as the plugin left them.
	GetResponseHeaders() [][2]string
	// GetRequestBody returns the request body as the plugin left it.
	GetRequestBody() []byte
	// GetResponseBody returns the response body as the plugin left it.
	GetResponseBody() []byte
	// GetLocalResponse returns the plugin's last local reply, nil if there is none.
	GetLocalResponse() *proxytest.LocalHttpResponse

	// Reset ends the plugin. Every host must be reset before the next is made.
	Reset()
}

// testHost implements [TestHost].
type testHost struct {
	proxytest.HostEmulator
	stream uint32 // 0: there was none yet
	open   bool
	domain string
	reset  func()
}

// NewTestHost makes a host and hands the plugin its configuration, then sets the properties route_name, cluster_name and
// x_request_id. The status is the plugin's answer. The caller resets the host, whatever the status.
func NewTestHost(config json.RawMessage) (TestHost, types.OnPluginStartStatus) {
	return NewTestHostWithForeignFuncs(config, nil)
}

// NewTestHostWithForeignFuncs is [NewTestHost] with functions of the host that the plugin may call while it is configured.
// There always is get_log_level, which answers that all levels are logged.
func NewTestHostWithForeignFuncs(config json.RawMessage, foreignFuncs map[string]func([]byte) []byte) (TestHost, types.OnPluginStartStatus) {
	opt := proxytest.NewEmulatorOption().WithPluginConfiguration(config).WithVMContext(plugin())
	emulator, reset := proxytest.NewHostEmulator(opt)
	started := false
	defer func() {
		if !started { // the plugin panicked, and nobody has the host
			reset()
		}
	}()
	for name, f := range foreignFuncs {
		emulator.RegisterForeignFunction(name, f)
	}
	emulator.RegisterForeignFunction("get_log_level", func([]byte) []byte {
		return binary.LittleEndian.AppendUint32(nil, 0)
	})
	status := emulator.StartPlugin()
	started = true
	h := &testHost{HostEmulator: emulator, reset: reset}
	for _, p := range [][2]string{
		{"route_name", "test-route-default"},
		{"cluster_name", "test-cluster-default"},
		{"x_request_id", "test-request-id-default"},
	} {
		_ = h.SetProperty([]string{p[0]}, []byte(p[1])) // fails for empty ones only
	}
	return h, status
}

func (h *testHost) Reset() { h.reset() }

func (h *testHost) InitHttp() {
	h.stream = h.InitializeHttpContext()
	h.open = true
}

func (h *testHost) CompleteHttp() {
	h.open = false
	h.CompleteHttpContext(h.stream)
}

// begun begins a request if there is none.
func (h *testHost) begun() uint32 {
	if !h.open {
		h.InitHttp()
		if h.CallOnRequestHeaders(h.stream, [][2]string{{":authority", defaultDomain}}, false) != types.ActionContinue {
			panic("test: the plugin holds the headers of a request to " + defaultDomain + ": call CallOnHttpRequestHeaders first")
		}
	}
	return h.stream
}

func endOfStream(opts []HeaderOptionFunc) bool {
	var o headerOption
	for _, opt := range opts {
		opt(&o)
	}
	return o.endOfStream
}

func (h *testHost) CallOnHttpRequestHeaders(headers [][2]string, opts ...HeaderOptionFunc) types.Action {
	if !h.open {
		h.InitHttp()
	}
	return h.CallOnRequestHeaders(h.stream, headers, endOfStream(opts))
}

func (h *testHost) CallOnHttpRequestBody(body []byte) types.Action {
	return h.CallOnRequestBody(h.begun(), body, true)
}

func (h *testHost) CallOnHttpStreamingRequestBody(body []byte, endOfStream bool) types.Action {
	return h.CallOnRequestBody(h.begun(), body, endOfStream)
}

func (h *testHost) CallOnHttpResponseHeaders(headers [][2]string, opts ...HeaderOptionFunc) types.Action {
	return h.CallOnResponseHeaders(h.begun(), headers, endOfStream(opts))
}

func (h *testHost) CallOnHttpResponseBody(body []byte) types.Action {
	return h.CallOnResponseBody(h.begun(), body, true)
}

func (h *testHost) CallOnHttpStreamingResponseBody(body []byte, endOfStream bool) types.Action {
	return h.CallOnResponseBody(h.begun(), body, endOfStream)
}

func (h *testHost) CallOnHttpCall(headers [][2]string, body []byte) {
	calls := h.GetHttpCalloutAttributes()
	if len(calls) == 0 {
		panic("test: CallOnHttpCall, but no HTTP call of the stream is waiting for an answer")
	}
	h.CallOnHttpCallResponse(calls[0].CalloutID, headers, nil, body)
}

func (h *testHost) CallOnRedisCall(status int32, response []byte) {
	calls := h.GetRedisCalloutAttributes()
	if len(calls) == 0 {
		panic("test: CallOnRedisCall, but no Redis call of the stream is waiting for an answer")
	}
	h.CallOnRedisCallResponse(calls[0].CalloutID, status, response)
}

func (h *testHost) GetHttpCalloutAttributes() []proxytest.HttpCalloutAttribute {
	return h.GetCalloutAttributesFromContext(h.stream)
}

func (h *testHost) GetRedisCalloutAttributes() []proxytest.RedisCalloutAttribute {
	return h.GetRedisCalloutAttributesFromContext(h.stream)
}

func (h *testHost) SetRouteName(routeName string) error {
	return h.SetProperty([]string{"route_name"}, []byte(routeName))
}

func (h *testHost) SetClusterName(clusterName string) error {
	return h.SetProperty([]string{"cluster_name"}, []byte(clusterName))
}

func (h *testHost) SetRequestId(requestId string) error {
	return h.SetProperty([]string{"x_request_id"}, []byte(requestId))
}

func (h *testHost) SetDomainName(domain string) error {
	if domain == "" {
		return errors.New("the domain is empty")
	}
	h.domain = domain
	return nil
}

func (h *testHost) GetMatchConfig() (any, error) {
	domain := h.domain
	if domain == "" {
		domain = defaultDomain
	}
	id := h.InitializeHttpContext()
	defer h.CompleteHttpContext(id)
	h.SetHttpRequestHeaders(id, [][2]string{{":authority", domain}})
	return matchConfig(proxywasm.GetHttpContext(id))
}

// matchConfig asks a stream's context for its configuration.
func matchConfig(ctx types.HttpContext) (any, error) {
	if c, ok := ctx.(interface{ MatchConfig() (any, error) }); ok {
		return c.MatchConfig()
	}
	// A context of the test's own has the published method, whose result is of the plugin's type.
	if ctx != nil {
		if m := reflect.ValueOf(ctx).MethodByName("GetMatchConfig"); m.IsValid() && m.Type().NumIn() == 0 && m.Type().NumOut() == 2 {
			if out := m.Call(nil); out[1].CanInterface() {
				err, _ := out[1].Interface().(error)
				return out[0].Interface(), err
			}
		}
	}
	return nil, errors.New("there is no native context of package wrapper to ask: GetMatchConfig is for RunGoTest")
}

func (h *testHost) GetHttpStreamAction() types.Action {
	return h.GetCurrentHttpStreamAction(h.stream)
}

func (h *testHost) GetRequestHeaders() [][2]string {
	return h.GetCurrentRequestHeaders(h.stream)
}

func (h *testHost) GetResponseHeaders() [][2]string {
	return h.GetCurrentResponseHeaders(h.stream)
}

func (h *testHost) GetRequestBody() []byte {
	return h.GetCurrentRequestBody(h.stream)
}

func (h *testHost) GetResponseBody() []byte {
	return h.GetCurrentResponseBody(h.stream)
}

func (h *testHost) GetLocalResponse() *proxytest.LocalHttpResponse {
	return h.GetSentLocalResponse(h.stream)
}
