package types

// DefaultVMContext starts and makes plugin contexts that do nothing. Embed it to implement a part of [VMContext].
type DefaultVMContext struct{}

// DefaultPluginContext starts and makes no stream contexts. Embed it to implement a part of [PluginContext].
type DefaultPluginContext struct{}

// DefaultHttpContext lets everything pass. Embed it to implement a part of [HttpContext].
type DefaultHttpContext struct{}

// DefaultTcpContext lets everything pass. Embed it to implement a part of [TcpContext].
type DefaultTcpContext struct{}

var (
	_ VMContext     = (*DefaultVMContext)(nil)
	_ PluginContext = (*DefaultPluginContext)(nil)
	_ HttpContext   = (*DefaultHttpContext)(nil)
	_ TcpContext    = (*DefaultTcpContext)(nil)
)

// OnVMStart implements [VMContext].
func (*DefaultVMContext) OnVMStart(int) OnVMStartStatus { return OnVMStartStatusOK }

// NewPluginContext implements [VMContext].
func (*DefaultVMContext) NewPluginContext(uint32) PluginContext { return &DefaultPluginContext{} }

// OnPluginStart implements [PluginContext].
func (*DefaultPluginContext) OnPluginStart(int) OnPluginStartStatus { return OnPluginStartStatusOK }

// OnPluginDone implements [PluginContext].
func (*DefaultPluginContext) OnPluginDone() bool { return true }

// OnQueueReady implements [PluginContext].
func (*DefaultPluginContext) OnQueueReady(uint32) {}

// OnTick implements [PluginContext].
func (*DefaultPluginContext) OnTick() {}

// NewTcpContext implements [PluginContext].
func (*DefaultPluginContext) NewTcpContext(uint32) TcpContext { return nil }

// NewHttpContext implements [PluginContext].
func (*DefaultPluginContext) NewHttpContext(uint32) HttpContext { return nil }

// OnHttpRequestHeaders implements [HttpContext].
func (*DefaultHttpContext) OnHttpRequestHeaders(int, bool) Action { return ActionContinue }

// OnHttpRequestBody implements [HttpContext].
func (*DefaultHttpContext) OnHttpRequestBody(int, bool) Action { return ActionContinue }

// OnHttpRequestTrailers implements [HttpContext].
func (*DefaultHttpContext) OnHttpRequestTrailers(int) Action { return ActionContinue }

// OnHttpResponseHeaders implements [HttpContext].
func (*DefaultHttpContext) OnHttpResponseHeaders(int, bool) Action { return ActionContinue }

// OnHttpResponseBody implements [HttpContext].
func (*DefaultHttpContext) OnHttpResponseBody(int, bool) Action { return ActionContinue }

// OnHttpResponseTrailers implements [HttpContext].
func (*DefaultHttpContext) OnHttpResponseTrailers(int) Action { return ActionContinue }

// OnHttpStreamDone implements [HttpContext].
func (*DefaultHttpContext) OnHttpStreamDone() {}

// OnNewConnection implements [TcpContext].
func (*DefaultTcpContext) OnNewConnection() Action { return ActionContinue }

// OnDownstreamData implements [TcpContext].
func (*DefaultTcpContext) OnDownstreamData(int, bool) Action { return ActionContinue }

// OnDownstreamClose implements [TcpContext].
func (*DefaultTcpContext) OnDownstreamClose(PeerType) {}

// OnUpstreamData implements [TcpContext].
func (*DefaultTcpContext) OnUpstreamData(int, bool) Action { return ActionContinue }

// OnUpstreamClose implements [TcpContext].
func (*DefaultTcpContext) OnUpstreamClose(PeerType) {}

// OnStreamDone implements [TcpContext].
func (*DefaultTcpContext) OnStreamDone() {}
