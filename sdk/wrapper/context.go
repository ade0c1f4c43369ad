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

	// SetUserAttribute keeps a value for the access log or the trace; GetUserAttribute returns it, nil if there is none.
	// Attributes are this plugin's and this stream's.
	SetUserAttribute(key string, value any)
	GetUserAttribute(key string) any
	// SetUserAttributeMap makes kvmap itself the attributes, in place of those there were. GetUserAttributeMap returns
	// the map that they are in: a change to it is a change of them.
	SetUserAttributeMap(kvmap map[string]any)
	GetUserAttributeMap() map[string]any
	// WriteUserAttributeToLog adds the attributes to the property "custom_log" ([CustomLogKey]), which an access log
	// shows with %FILTER_STATE(wasm.custom_log:PLAIN)%. WriteUserAttributeToLogWithKey adds them to another property.
	//
	// The property is one for all plugins of the stream, a JSON object in the escaped form in which it can stand inside a
	// string: members that other plugins wrote stay, unless this one has the same. Keys are in alphabetical order. What
	// was there and is no such object is overwritten, with a warning. A value that is not to be had as JSON (NaN, a
	// function) is left out and named by the error; the rest is written.
	WriteUserAttributeToLog() error
	WriteUserAttributeToLogWithKey(key string) error
	// WriteUserAttributeToTrace makes each attribute a tag of the stream's span, by way of the property
	// "trace_span_tag.KEY" ([TraceSpanTagPrefix]), as fmt.Sprint prints it. Attributes that are nil or print as
	// nothing are left out. Hosts without span tags take the properties and do nothing with them.
	WriteUserAttributeToTrace() error

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

	// DisableReroute keeps this plugin's later header changes from having the route chosen again: the route that the
	// request takes now stays. Call it before them.
	DisableReroute()
	// SetRequestBodyBufferLimit sets the stream's one limit, for both directions, request and response (as in Envoy): how
	// much of a body may be buffered, in bytes, 0 for no limit.
	SetRequestBodyBufferLimit(byteSize uint32)
	// SetResponseBodyBufferLimit sets the same limit. Call it in the response's header phase.
	SetResponseBodyBufferLimit(byteSize uint32)

	// RouteCall sends the request to its route's upstream in another form and hands the response to callback. The request
	// itself is changed, and goes on when the plugin lets it:
	//
	//   - method and path are those given. url is a path with or without a query, or a whole URL, whose host then becomes
	//     :authority. Nothing in it is decoded; a fragment is dropped.
	//   - headers take the place of the request's headers of the same names, in whatever case; the others stay.
	//     Pseudo headers and content-length among them are left out. The slice is not touched.
	//   - accept-encoding, unless it is among headers, and content-length are removed, and what method, path and authority
	//     were is kept in x-envoy-original-method, x-envoy-original-path and x-envoy-original-host.
	//   - body takes the place of the request's body; nil is an empty one.
	//
	// Call it where the headers are still held and the body has come whole: in the function for the whole request body,
	// or in a call-out's callback while that function holds the request; for a request without a body, and with no body
	// to send, in the header phase too. Answer ActionContinue then, or resume the request. Whole bodies hold headers by
	// themselves, see the package's comment for hosts that cannot.
	//
	// It may change the route, as any change of request headers may, unless DisableReroute was called.
	//
	// callback is called once, with the whole response: the upstream's, or the gateway's own where there was none (503,
	// 504), and the plugin's own if it still answers the client itself. responseHeaders has the pseudo header :status; responseBody is nil for a response that is nothing but headers.
	// content-length is removed before where there is a body, which the callback may change. When it has returned the
	// response goes on, unless it called proxywasm.SendHttpResponse. The plugin's own functions for responses are not
	// called. callback does not come if the stream ends before, or if the response's body is larger than may be buffered.
	//
	// An error says that nothing was changed and that callback will not come: [ErrRequestNotHeld], [ErrRouteCalled], or
	// what is wrong with the arguments.
	RouteCall(method, url string, headers [][2]string, body []byte, callback RouteResponseCallback) error

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

// RouteResponseCallback is called with the response to a route call: see [HttpContext].RouteCall. What it is given is its
// own.
type RouteResponseCallback func(statusCode int, responseHeaders [][2]string, responseBody []byte)

// PluginContext is the plugin with one configuration.
type PluginContext interface {
	// SetContext keeps a value for as long as the configuration; GetContext returns it, nil if there is none.
	SetContext(key string, value any)
	GetContext(key string) any
	// EnableRuleLevelConfigIsolation keeps a rule that is wrong from failing the configuration. Call it in
	// PrePluginStartOrReload: later it is for the next configuration. A rule whose parser fails (or panics), or whose
	// match lists are wrong, is rejected; the others stay in force. In place of a rejected rule its last good version is
	// in force: the last one for the same matches, in any order, that was accepted. It is kept in the shared data of the
	// VM's vm_id, so it outlives the VM, but not the gateway's process, nor a configuration without the rule; 4 MiB are
	// kept for a plugin. Other plugins with that vm_id can read it. Plugins that the operator gives one name, one root id
	// and one _plugin_id_ count as one plugin, whose rules are those it was configured with last. Where there is none,
	// what the rule matches is answered 503, with the detail rule_rejected, and does not reach later rules or the global
	// configuration, which may protect less. With [FailOpen] the rule is left out instead. A rule without match lists is
	// rejected too, but there is nothing to answer for.
	//
	// Each rejected rule is an error line in the log, for the first 100 of them: where (_rules_[3], or as much more as a
	// [ConfigError] says), why, and what is in force. A line with their number follows, and the gauge
	// plugin.NAME.rejected_rules has it, NAME being the property plugin_name or else the name given to [SetCtx].
	//
	// The global configuration is not isolated: without rules its error fails the configuration. With rules, with or
	// without isolation, its error is logged, rules get an empty one, and requests that match no rule pass the plugin by.
	EnableRuleLevelConfigIsolation()
	// IsRuleLevelConfigIsolation says whether that was called.
	IsRuleLevelConfigIsolation() bool

	// DoLeaderElection has the VM stand for leader among all VMs that run the plugin, for as long as the context lives. Call
	// it in PrePluginStartOrReload, once; again does nothing. There is one election for each name that the plugin is
	// registered under and each GetFingerPrint, among the VMs with the same vm_id: its configuration does not matter, so a
	// reload in a VM keeps what it won.
	//
	// A VM that never ticks never leads, such as the one in which Envoy tries a configuration: the first chance is the
	// first tick, 10 ms after the start. A leader that ends says so, and another leads within 3 seconds; one that goes
	// without a word (its VM traps, its machine dies) is followed within 15 seconds.
	//
	// What it takes is shared data that does compare-and-swap and loses nothing while a VM leads; and, where several
	// gateways have it in common, clocks that run at the same speed. They need not show the same time.
	DoLeaderElection()
	// IsLeader says whether this VM leads: never two at a time. It asks a clock, not the host, and may be called as often
	// as one likes, in any function. It is false once the lease has run out, 10 seconds after it was last renewed, even if
	// the VM stood still meanwhile. The second after is a margin: what the leader began before may go on that long.
	IsLeader() bool
	// GetFingerPrint is [GetPluginFingerPrint], read once.
	GetFingerPrint() string
}
