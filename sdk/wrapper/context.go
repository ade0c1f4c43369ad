package wrapper

// HTTPExecutionPhase says where in its life a stream is.
type HTTPExecutionPhase int

// The phases, in order.
const (
	DecodeHeader HTTPExecutionPhase = iota
	DecodeData
	EncodeHeader
	EncodeData
	Done
)

// HttpContext is one HTTP stream. It lives as long as the stream: kept longer, its methods answer zero values and do
// nothing. The body limit that SetRequestBodyBufferLimit and SetResponseBodyBufferLimit set is one for both directions,
// as in Envoy: what is set last counts for request and response.
type HttpContext interface {
	// Scheme, Host, Path and Method return :scheme, :authority, :path and :method as they were when the request came to
	// this plugin.
	Scheme() string
	Host() string
	Path() string
	Method() string

	// SetContext keeps a value for later phases of this stream; GetContext returns it, nil if there is none.
	SetContext(key string, value any)
	GetContext(key string) any
	// GetBoolContext and its siblings return the value if it has the type, else defaultValue.
	GetBoolContext(key string, defaultValue bool) bool
	GetStringContext(key, defaultValue string) string
	GetIntContext(key string, defaultValue int) int
	GetByteSliceContext(key string, defaultValue []byte) []byte

	// DontReadRequestBody keeps the body function from being called for this request. Call it in the header phase.
	DontReadRequestBody()
	// DontReadResponseBody is the same for the response.
	DontReadResponseBody()
	// BufferRequestBody has this request's body handed to the ProcessRequestBody function, even if there is a streaming
	// one, and even if the body is binary. Call it in the header phase.
	BufferRequestBody()
	// BufferResponseBody is the same for the response.
	BufferResponseBody()
	// NeedPauseStreamingResponse holds the response's body back: the streaming function's results are dropped, and the
	// plugin sends what it will with proxywasm.InjectEncodedDataToFilterChain.
	NeedPauseStreamingResponse()
	// PushBuffer adds to a queue of body pieces; PopBuffer takes the first, nil if there is none.
	PushBuffer(buffer []byte)
	PopBuffer() []byte
	BufferQueueSize() int

	// DisableReroute keeps this plugin's later header changes from having the route chosen again. Call it before them.
	DisableReroute()
	// SetRequestBodyBufferLimit sets the stream's one limit, for both directions, request and response (as in Envoy): how
	// much of a body may be buffered, in bytes, 0 for no limit.
	SetRequestBodyBufferLimit(byteSize uint32)
	// SetResponseBodyBufferLimit sets the same limit. Call it in the response's header phase.
	SetResponseBodyBufferLimit(byteSize uint32)

	// GetExecutionPhase returns the phase of the function that runs.
	GetExecutionPhase() HTTPExecutionPhase
	// HasRequestBody says whether something follows the request's headers; HasResponseBody the response's.
	HasRequestBody() bool
	HasResponseBody() bool
	// IsWebsocket says whether the request asks for a websocket.
	IsWebsocket() bool
	// IsBinaryRequestBody says whether the request's headers announce a binary body; IsBinaryResponseBody the response's.
	IsBinaryRequestBody() bool
	IsBinaryResponseBody() bool
}

// PluginContext is the plugin with one configuration.
type PluginContext interface {
	// SetContext keeps a value for as long as the configuration; GetContext returns it, nil if there is none.
	SetContext(key string, value any)
	GetContext(key string) any
	// EnableRuleLevelConfigIsolation keeps a rule that fails to parse from failing the configuration: the rule is replaced
	// by the last one for the same matches that did parse, or left out. Call it in PrePluginStartOrReload.
	EnableRuleLevelConfigIsolation()
	IsRuleLevelConfigIsolation() bool
}
