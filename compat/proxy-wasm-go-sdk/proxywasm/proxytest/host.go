package proxytest

import "github.com/sluice-gateway/sluice/sdk/proxywasm/types"

// PluginContextID is the id of the plugin's one root context.
const PluginContextID uint32 = 1

// HostEmulator is the gateway in a test's hands. Some methods make a callback of the plugin, the others tell what the
// gateway knows. It is for one goroutine. A method that is given the id of a context which never was panics.
type HostEmulator interface {
	// StartVM makes the callback that starts the VM. Nothing else makes it.
	StartVM() types.OnVMStartStatus
	// StartPlugin hands the plugin its configuration.
	StartPlugin() types.OnPluginStartStatus
	// FinishVM asks the plugin whether it is done.
	FinishVM() bool

	// GetCalloutAttributesFromContext returns the HTTP calls that a context has made and that are not answered, oldest
	// first. A call made in a call-out's callback is the context's that made that call-out.
	GetCalloutAttributesFromContext(contextID uint32) []HttpCalloutAttribute
	// CallOnHttpCallResponse answers an HTTP call. The call is on the list until its callback has returned. It panics if
	// there is no such call. Calls are never answered otherwise, whatever their timeout.
	CallOnHttpCallResponse(calloutID uint32, headers [][2]string, trailers [][2]string, body []byte)
	// GetRedisCalloutAttributesFromContext returns the Redis calls that a context has made and that are not answered.
	GetRedisCalloutAttributesFromContext(contextID uint32) []RedisCalloutAttribute
	// CallOnRedisCallResponse answers a Redis call; status 0 is a reply.
	CallOnRedisCallResponse(calloutID uint32, status int32, response []byte)

	// GetCounterMetric returns a counter; it is an error if the name is another kind's, or nobody's.
	GetCounterMetric(name string) (uint64, error)
	// GetGaugeMetric returns a gauge, as GetCounterMetric does.
	GetGaugeMetric(name string) (uint64, error)
	// GetHistogramMetric returns what a histogram recorded last, as GetCounterMetric does.
	GetHistogramMetric(name string) (uint64, error)

	// GetTraceLogs returns the lines logged at level trace. Those below do so for their levels.
	GetTraceLogs() []string
	GetDebugLogs() []string
	GetInfoLogs() []string
	GetWarnLogs() []string
	GetErrorLogs() []string
	GetCriticalLogs() []string

	// GetTickPeriod returns the timer's period in milliseconds.
	GetTickPeriod() uint32
	// Tick makes the timer's callback. Nothing else makes it.
	Tick()
	// GetQueueSize returns the number of elements in a queue.
	GetQueueSize(queueID uint32) int
	// RegisterForeignFunction gives the gateway a function that the plugin may call.
	RegisterForeignFunction(name string, f func([]byte) []byte)

	// InitializeConnection begins a TCP connection.
	InitializeConnection() (contextID uint32, action types.Action)
	// CallOnUpstreamData hands over bytes from the upstream, behind those that the plugin has paused.
	CallOnUpstreamData(contextID uint32, data []byte) types.Action
	// CallOnDownstreamData hands over bytes from the client, behind those that the plugin has paused.
	CallOnDownstreamData(contextID uint32, data []byte) types.Action
	// CloseUpstreamConnection tells that the upstream's connection closed.
	CloseUpstreamConnection(contextID uint32)
	// CloseDownstreamConnection tells that the client's connection closed.
	CloseDownstreamConnection(contextID uint32)
	// CompleteConnection ends the connection.
	CompleteConnection(contextID uint32)

	// InitializeHttpContext begins an HTTP stream.
	InitializeHttpContext() (contextID uint32)
	// CallOnResponseHeaders makes a callback. The keys are put in lower case.
	CallOnResponseHeaders(contextID uint32, headers [][2]string, endOfStream bool) types.Action
	// CallOnResponseBody makes a callback with body behind what the plugin has buffered by answering ActionPause. Any
	// other answer empties the buffer.
	CallOnResponseBody(contextID uint32, body []byte, endOfStream bool) types.Action
	// CallOnResponseTrailers makes a callback.
	CallOnResponseTrailers(contextID uint32, trailers [][2]string) types.Action
	// CallOnRequestHeaders makes a callback. The keys are put in lower case.
	CallOnRequestHeaders(contextID uint32, headers [][2]string, endOfStream bool) types.Action
	// CallOnRequestTrailers makes a callback.
	CallOnRequestTrailers(contextID uint32, trailers [][2]string) types.Action
	// CallOnRequestBody makes a callback, as CallOnResponseBody does.
	CallOnRequestBody(contextID uint32, body []byte, endOfStream bool) types.Action
	// CompleteHttpContext ends the stream: its log callback, then its end. What the gateway knows of it stays.
	CompleteHttpContext(contextID uint32)

	// GetCurrentHttpStreamAction returns the last callback's answer, or ActionContinue once the plugin has resumed.
	GetCurrentHttpStreamAction(contextID uint32) types.Action
	// GetCurrentRequestHeaders returns the request headers as the plugin left them.
	GetCurrentRequestHeaders(contextID uint32) [][2]string
	// GetCurrentResponseHeaders returns the response headers as the plugin left them.
	GetCurrentResponseHeaders(contextID uint32) [][2]string
	// GetCurrentRequestBody returns what the last body callback was about, as the plugin left it.
	GetCurrentRequestBody(contextID uint32) []byte
	// GetCurrentResponseBody is GetCurrentRequestBody of the response; once the plugin has ended the response by injecting
	// data, all that it injected.
	GetCurrentResponseBody(contextID uint32) []byte
	// GetSentLocalResponse returns the plugin's last local reply, nil if there is none.
	GetSentLocalResponse(contextID uint32) *LocalHttpResponse

	// GetProperty returns a property, types.ErrorStatusNotFound if there is none.
	GetProperty(path []string) ([]byte, error)
	// SetProperty sets a property. An empty path or value is types.ErrorStatusBadArgument.
	SetProperty(path []string, data []byte) error
	// SetHttpRequestHeaders sets the request headers without a callback.
	SetHttpRequestHeaders(contextID uint32, headers [][2]string)
}

// HttpCalloutAttribute is an HTTP call as the plugin made it.
type HttpCalloutAttribute struct {
	// CalloutID counts an emulator's HTTP calls from 0.
	CalloutID uint32
	// Upstream is the cluster.
	Upstream string
	Headers  [][2]string
	Trailers [][2]string
	Body     []byte
}

// RedisCalloutAttribute is a Redis call as the plugin made it.
type RedisCalloutAttribute struct {
	// CalloutID counts an emulator's Redis calls from 0.
	CalloutID uint32
	// Upstream is the cluster.
	Upstream string
	// Query is RESP.
	Query []byte
}

// LocalHttpResponse is a local reply as the plugin made it.
type LocalHttpResponse struct {
	StatusCode       uint32
	StatusCodeDetail string
	Data             []byte
	Headers          [][2]string
	GRPCStatus       int32
}
