// Package iface has the contexts that plugin functions get, with exactly the methods of the published package: plugins'
// tests implement them.
package iface

import "github.com/sluice-gateway/sluice/sdk/wrapper"

// RouteResponseCallback gets the answer of [HttpContext].RouteCall.
type RouteResponseCallback = wrapper.RouteResponseCallback

// HTTPExecutionPhase says where in its life a stream is.
type HTTPExecutionPhase = wrapper.HTTPExecutionPhase

// The phases, in order.
const (
	DecodeHeader = wrapper.DecodeHeader
	DecodeData   = wrapper.DecodeData
	EncodeHeader = wrapper.EncodeHeader
	EncodeData   = wrapper.EncodeData
	Done         = wrapper.Done
)

// PluginContext is the plugin with one configuration. Package wrapper of the Sluice SDK says what its methods do.
type PluginContext interface {
	SetContext(key string, value interface{})
	GetContext(key string) interface{}
	EnableRuleLevelConfigIsolation()
	IsRuleLevelConfigIsolation() bool
	GetFingerPrint() string
	DoLeaderElection()
	IsLeader() bool
}

// HttpContext is one HTTP stream. Package wrapper of the Sluice SDK says what its methods do.
type HttpContext interface {
	Scheme() string
	Host() string
	Path() string
	Method() string
	SetContext(key string, value interface{})
	GetContext(key string) interface{}
	GetBoolContext(key string, defaultValue bool) bool
	GetStringContext(key, defaultValue string) string
	GetByteSliceContext(key string, defaultValue []byte) []byte
	GetUserAttribute(key string) interface{}
	SetUserAttribute(key string, value interface{})
	SetUserAttributeMap(kvmap map[string]interface{})
	GetUserAttributeMap() map[string]interface{}
	WriteUserAttributeToLog() error
	WriteUserAttributeToLogWithKey(key string) error
	WriteUserAttributeToTrace() error
	DontReadRequestBody()
	DontReadResponseBody()
	BufferRequestBody()
	BufferResponseBody()
	NeedPauseStreamingResponse()
	PushBuffer(buffer []byte)
	PopBuffer() []byte
	BufferQueueSize() int
	DisableReroute()
	SetRequestBodyBufferLimit(byteSize uint32)
	SetResponseBodyBufferLimit(byteSize uint32)
	RouteCall(method, url string, headers [][2]string, body []byte, callback RouteResponseCallback) error
	GetExecutionPhase() HTTPExecutionPhase
	HasRequestBody() bool
	HasResponseBody() bool
	IsWebsocket() bool
	IsBinaryRequestBody() bool
	IsBinaryResponseBody() bool
}

var (
	_ HttpContext   = wrapper.HttpContext(nil)
	_ PluginContext = wrapper.PluginContext(nil)
)
