package wasmvm

import "github.com/sluice-gateway/sluice/sdk/abi"

// callback is an index into callbacks and into a VM's functions.
type callback uint8

const (
	onInitialize callback = iota
	onStart
	onMain
	onContextCreate
	onVMStart
	onConfigure
	onTick
	onQueueReady
	onNewConnection
	onDownstreamData
	onUpstreamData
	onDownstreamConnectionClose
	onUpstreamConnectionClose
	onRequestHeaders
	onRequestBody
	onRequestTrailers
	onResponseHeaders
	onResponseBody
	onResponseTrailers
	onHTTPCallResponse
	onRedisCallResponse
	onGRPCReceiveInitialMetadata
	onGRPCReceive
	onGRPCReceiveTrailingMetadata
	onGRPCClose
	onForeignFunction
	onDone
	onLog
	onDelete
	callbackCount
)

// callbackInfo describes an export that the host calls. All parameters and results of callbacks are i32.
type callbackInfo struct {
	name   string
	params int
	// params010 is the number of parameters in ABI 0.1.0, if it differs.
	params010 int
	result    bool
	// absent is the answer of a module that does not export it.
	absent uint32
	// starts says that StartDeadline bounds it.
	starts bool
}

var callbacks = [callbackCount]callbackInfo{
	onInitialize:                  {name: "_initialize", starts: true},
	onStart:                       {name: "_start", starts: true},
	onMain:                        {name: "main", params: 2, result: true, starts: true},
	onContextCreate:               {name: "proxy_on_context_create", params: 2},
	onVMStart:                     {name: "proxy_on_vm_start", params: 2, result: true, absent: 1, starts: true},
	onConfigure:                   {name: "proxy_on_configure", params: 2, result: true, absent: 1, starts: true},
	onTick:                        {name: "proxy_on_tick", params: 1},
	onQueueReady:                  {name: "proxy_on_queue_ready", params: 2},
	onNewConnection:               {name: "proxy_on_new_connection", params: 1, result: true},
	onDownstreamData:              {name: "proxy_on_downstream_data", params: 3, result: true},
	onUpstreamData:                {name: "proxy_on_upstream_data", params: 3, result: true},
	onDownstreamConnectionClose:   {name: "proxy_on_downstream_connection_close", params: 2},
	onUpstreamConnectionClose:     {name: "proxy_on_upstream_connection_close", params: 2},
	onRequestHeaders:              {name: "proxy_on_request_headers", params: 3, params010: 2, result: true},
	onRequestBody:                 {name: "proxy_on_request_body", params: 3, result: true},
	onRequestTrailers:             {name: "proxy_on_request_trailers", params: 2, result: true},
	onResponseHeaders:             {name: "proxy_on_response_headers", params: 3, params010: 2, result: true},
	onResponseBody:                {name: "proxy_on_response_body", params: 3, result: true},
	onResponseTrailers:            {name: "proxy_on_response_trailers", params: 2, result: true},
	onHTTPCallResponse:            {name: "proxy_on_http_call_response", params: 5},
	onRedisCallResponse:           {name: "proxy_on_redis_call_response", params: 4},
	onGRPCReceiveInitialMetadata:  {name: "proxy_on_grpc_receive_initial_metadata", params: 3},
	onGRPCReceive:                 {name: "proxy_on_grpc_receive", params: 3},
	onGRPCReceiveTrailingMetadata: {name: "proxy_on_grpc_receive_trailing_metadata", params: 3},
	onGRPCClose:                   {name: "proxy_on_grpc_close", params: 3},
	onForeignFunction:             {name: "proxy_on_foreign_function", params: 3},
	onDone:                        {name: "proxy_on_done", params: 1, result: true, absent: 1},
	onLog:                         {name: "proxy_on_log", params: 1},
	onDelete:                      {name: "proxy_on_delete", params: 1},
}

// signature is the callback's type in a module of ABI version v.
func (c *callbackInfo) signature(v abi.Version) signature {
	n := c.params
	if v == abi.Version0_1_0 && c.params010 != 0 {
		n = c.params010
	}
	s := signature{params: make([]byte, n)}
	for i := range s.params {
		s.params[i] = i32
	}
	if c.result {
		s.results = []byte{i32}
	}
	return s
}

var _ abi.Plugin = (*VM)(nil)

func (vm *VM) run(cb callback, args ...uint32) error {
	_, err := vm.call(cb, args...)
	return err
}

func (vm *VM) ask(cb callback, args ...uint32) (bool, error) {
	r, err := vm.call(cb, args...)
	return r != 0, err
}

func (vm *VM) act(cb callback, args ...uint32) (abi.Action, error) {
	r, err := vm.call(cb, args...)
	return abi.Action(r), err
}

func bit(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}

// OnContextCreate implements [abi.Plugin].
func (vm *VM) OnContextCreate(id, parent uint32) error { return vm.run(onContextCreate, id, parent) }

// OnVMStart implements [abi.Plugin].
func (vm *VM) OnVMStart(root, configSize uint32) (bool, error) {
	return vm.ask(onVMStart, root, configSize)
}

// OnConfigure implements [abi.Plugin].
func (vm *VM) OnConfigure(root, configSize uint32) (bool, error) {
	return vm.ask(onConfigure, root, configSize)
}

// OnTick implements [abi.Plugin].
func (vm *VM) OnTick(root uint32) error { return vm.run(onTick, root) }

// OnQueueReady implements [abi.Plugin].
func (vm *VM) OnQueueReady(root, queue uint32) error { return vm.run(onQueueReady, root, queue) }

// OnNewConnection implements [abi.Plugin].
func (vm *VM) OnNewConnection(id uint32) (abi.Action, error) { return vm.act(onNewConnection, id) }

// OnDownstreamData implements [abi.Plugin].
func (vm *VM) OnDownstreamData(id, size uint32, endOfStream bool) (abi.Action, error) {
	return vm.act(onDownstreamData, id, size, bit(endOfStream))
}

// OnUpstreamData implements [abi.Plugin].
func (vm *VM) OnUpstreamData(id, size uint32, endOfStream bool) (abi.Action, error) {
	return vm.act(onUpstreamData, id, size, bit(endOfStream))
}

// OnDownstreamConnectionClose implements [abi.Plugin].
func (vm *VM) OnDownstreamConnectionClose(id uint32, peer abi.PeerType) error {
	return vm.run(onDownstreamConnectionClose, id, uint32(peer))
}

// OnUpstreamConnectionClose implements [abi.Plugin].
func (vm *VM) OnUpstreamConnectionClose(id uint32, peer abi.PeerType) error {
	return vm.run(onUpstreamConnectionClose, id, uint32(peer))
}

// OnRequestHeaders implements [abi.Plugin].
func (vm *VM) OnRequestHeaders(id, count uint32, endOfStream bool) (abi.Action, error) {
	return vm.act(onRequestHeaders, id, count, bit(endOfStream))
}

// OnRequestBody implements [abi.Plugin].
func (vm *VM) OnRequestBody(id, size uint32, endOfStream bool) (abi.Action, error) {
	return vm.act(onRequestBody, id, size, bit(endOfStream))
}

// OnRequestTrailers implements [abi.Plugin].
func (vm *VM) OnRequestTrailers(id, count uint32) (abi.Action, error) {
	return vm.act(onRequestTrailers, id, count)
}

// OnResponseHeaders implements [abi.Plugin].
func (vm *VM) OnResponseHeaders(id, count uint32, endOfStream bool) (abi.Action, error) {
	return vm.act(onResponseHeaders, id, count, bit(endOfStream))
}

// OnResponseBody implements [abi.Plugin].
func (vm *VM) OnResponseBody(id, size uint32, endOfStream bool) (abi.Action, error) {
	return vm.act(onResponseBody, id, size, bit(endOfStream))
}

// OnResponseTrailers implements [abi.Plugin].
func (vm *VM) OnResponseTrailers(id, count uint32) (abi.Action, error) {
	return vm.act(onResponseTrailers, id, count)
}

// OnHTTPCallResponse implements [abi.Plugin].
func (vm *VM) OnHTTPCallResponse(root, call, headers, bodySize, trailers uint32) error {
	return vm.run(onHTTPCallResponse, root, call, headers, bodySize, trailers)
}

// OnRedisCallResponse implements [abi.Plugin].
func (vm *VM) OnRedisCallResponse(root, call, status, size uint32) error {
	return vm.run(onRedisCallResponse, root, call, status, size)
}

// OnGRPCReceiveInitialMetadata implements [abi.Plugin].
func (vm *VM) OnGRPCReceiveInitialMetadata(root, call, count uint32) error {
	return vm.run(onGRPCReceiveInitialMetadata, root, call, count)
}

// OnGRPCReceive implements [abi.Plugin].
func (vm *VM) OnGRPCReceive(root, call, size uint32) error {
	return vm.run(onGRPCReceive, root, call, size)
}

// OnGRPCReceiveTrailingMetadata implements [abi.Plugin].
func (vm *VM) OnGRPCReceiveTrailingMetadata(root, call, count uint32) error {
	return vm.run(onGRPCReceiveTrailingMetadata, root, call, count)
}

// OnGRPCClose implements [abi.Plugin].
func (vm *VM) OnGRPCClose(root, call, status uint32) error {
	return vm.run(onGRPCClose, root, call, status)
}

// OnForeignFunction implements [abi.Plugin].
func (vm *VM) OnForeignFunction(root, function, size uint32) error {
	return vm.run(onForeignFunction, root, function, size)
}

// OnDone implements [abi.Plugin].
func (vm *VM) OnDone(id uint32) (bool, error) { return vm.ask(onDone, id) }

// OnLog implements [abi.Plugin].
func (vm *VM) OnLog(id uint32) error { return vm.run(onLog, id) }

// OnDelete implements [abi.Plugin].
func (vm *VM) OnDelete(id uint32) error { return vm.run(onDelete, id) }
