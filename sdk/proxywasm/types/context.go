package types

// VMContext is a plugin's VM: it makes a PluginContext for each configuration that runs in it.
type VMContext interface {
	// OnVMStart is called before the first configuration, once for each PluginContext.
	OnVMStart(vmConfigurationSize int) OnVMStartStatus
	// NewPluginContext makes the context of one configuration.
	NewPluginContext(contextID uint32) PluginContext
}

// PluginContext is a plugin with one configuration: it makes a context for each stream.
type PluginContext interface {
	// OnPluginStart hands over the configuration; proxywasm.GetPluginConfiguration reads it.
	OnPluginStart(pluginConfigurationSize int) OnPluginStartStatus
	// OnPluginDone asks whether the plugin is done. False defers its end until proxywasm.PluginDone.
	OnPluginDone() bool
	// OnQueueReady tells that a queue registered by this context has data.
	OnQueueReady(queueID uint32)
	// OnTick is the timer set by proxywasm.SetTickPeriodMilliSeconds.
	OnTick()
	// NewTcpContext makes the context of a TCP connection; nil says that the plugin is not one for TCP.
	NewTcpContext(contextID uint32) TcpContext
	// NewHttpContext makes the context of an HTTP stream; nil says that the plugin is not one for HTTP.
	NewHttpContext(contextID uint32) HttpContext
}

// HttpContext is one HTTP stream.
type HttpContext interface {
	// OnHttpRequestHeaders begins the request. endOfStream: it has no body and no trailers.
	OnHttpRequestHeaders(numHeaders int, endOfStream bool) Action
	// OnHttpRequestBody hands over a piece of the body, or all that is buffered of it.
	OnHttpRequestBody(bodySize int, endOfStream bool) Action
	// OnHttpRequestTrailers ends a request that has trailers.
	OnHttpRequestTrailers(numTrailers int) Action
	// OnHttpResponseHeaders begins the response. endOfStream: it has no body and no trailers.
	OnHttpResponseHeaders(numHeaders int, endOfStream bool) Action
	// OnHttpResponseBody hands over a piece of the body, or all that is buffered of it.
	OnHttpResponseBody(bodySize int, endOfStream bool) Action
	// OnHttpResponseTrailers ends a response that has trailers.
	OnHttpResponseTrailers(numTrailers int) Action
	// OnHttpStreamDone tells that the stream is complete.
	OnHttpStreamDone()
}

// TcpContext is one TCP connection.
type TcpContext interface {
	// OnNewConnection begins the connection.
	OnNewConnection() Action
	// OnDownstreamData hands over bytes from the client.
	OnDownstreamData(dataSize int, endOfStream bool) Action
	// OnDownstreamClose tells that the client's connection closed.
	OnDownstreamClose(peerType PeerType)
	// OnUpstreamData hands over bytes from the upstream.
	OnUpstreamData(dataSize int, endOfStream bool) Action
	// OnUpstreamClose tells that the upstream's connection closed.
	OnUpstreamClose(peerType PeerType)
	// OnStreamDone tells that the connection is complete.
	OnStreamDone()
}

// PluginContextFactory makes plugin contexts.
type PluginContextFactory func(contextID uint32) PluginContext

// HttpContextFactory makes HTTP contexts.
type HttpContextFactory func(contextID uint32) HttpContext

// TcpContextFactory makes TCP contexts.
type TcpContextFactory func(contextID uint32) TcpContext
