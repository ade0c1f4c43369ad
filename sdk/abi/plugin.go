package abi

// Plugin is the plugin's side of the contract: one method for each callback that a gateway may make.
//
// Context ids are chosen by the caller, never 0, and not reused while live. A Plugin is one VM: its callbacks are made
// one at a time, and it may make host calls only while one of them runs. Sizes and counts tell how much there is to
// fetch; the bytes themselves are fetched by host calls.
//
// An error means that the plugin is dead (a trap, a deadline, a panic): it must not be called again, and what it
// answered beside the error means nothing. A callback that the plugin does not have answers as one that does nothing:
// Continue, true, nil.
type Plugin interface {
	// OnContextCreate announces a context: a plugin's root context if parent is 0, else a stream of that root.
	OnContextCreate(id, parent uint32) error
	// OnVMStart starts a VM, once for each root context in it. False refuses.
	OnVMStart(root, configSize uint32) (bool, error)
	// OnConfigure hands a root context its configuration. False refuses it.
	OnConfigure(root, configSize uint32) (bool, error)
	// OnTick is the root context's timer.
	OnTick(root uint32) error
	// OnQueueReady tells that a queue which the root context registered has data.
	OnQueueReady(root, queue uint32) error

	// OnNewConnection announces a TCP connection.
	OnNewConnection(id uint32) (Action, error)
	// OnDownstreamData hands over bytes from the client.
	OnDownstreamData(id, size uint32, endOfStream bool) (Action, error)
	// OnUpstreamData hands over bytes from the upstream.
	OnUpstreamData(id, size uint32, endOfStream bool) (Action, error)
	// OnDownstreamConnectionClose tells that the client's connection closed.
	OnDownstreamConnectionClose(id uint32, peer PeerType) error
	// OnUpstreamConnectionClose tells that the upstream's connection closed.
	OnUpstreamConnectionClose(id uint32, peer PeerType) error

	// OnRequestHeaders begins a request. endOfStream: nothing follows.
	OnRequestHeaders(id, count uint32, endOfStream bool) (Action, error)
	// OnRequestBody hands over a piece of the request's body, or all that is buffered of it.
	OnRequestBody(id, size uint32, endOfStream bool) (Action, error)
	// OnRequestTrailers ends a request that has trailers.
	OnRequestTrailers(id, count uint32) (Action, error)
	// OnResponseHeaders begins a response. endOfStream: nothing follows.
	OnResponseHeaders(id, count uint32, endOfStream bool) (Action, error)
	// OnResponseBody hands over a piece of the response's body, or all that is buffered of it.
	OnResponseBody(id, size uint32, endOfStream bool) (Action, error)
	// OnResponseTrailers ends a response that has trailers.
	OnResponseTrailers(id, count uint32) (Action, error)

	// OnHTTPCallResponse answers [Host.HTTPCall]. No headers means that the call failed.
	OnHTTPCallResponse(root, call, headers, bodySize, trailers uint32) error
	// OnRedisCallResponse answers [Host.RedisCall] (Higress). A status other than 0 is a failure of the network.
	OnRedisCallResponse(root, call, status, size uint32) error
	// OnGRPCReceiveInitialMetadata hands over a gRPC call's initial metadata.
	OnGRPCReceiveInitialMetadata(root, call, count uint32) error
	// OnGRPCReceive hands over a gRPC message.
	OnGRPCReceive(root, call, size uint32) error
	// OnGRPCReceiveTrailingMetadata hands over a gRPC call's trailing metadata.
	OnGRPCReceiveTrailingMetadata(root, call, count uint32) error
	// OnGRPCClose ends a gRPC call.
	OnGRPCClose(root, call, status uint32) error
	// OnForeignFunction is a call by the host into a function that only the two know.
	OnForeignFunction(root, function, size uint32) error

	// OnDone asks whether the context is done. False defers its end until [Host.Done].
	OnDone(id uint32) (bool, error)
	// OnLog tells that the stream is complete: the moment to log it.
	OnLog(id uint32) error
	// OnDelete ends the context.
	OnDelete(id uint32) error
}
