package proxywasm

// The exports. Go writes them in the order in which they are declared, and hosts take the first ABI version that they
// know: Sluice and Higress find 0.2.100, where StopIteration on headers means what it says; Envoy passes over that one
// and finds 0.2.1.

//go:wasmexport proxy_abi_version_0_2_100
func abiVersion02100() {}

//go:wasmexport proxy_abi_version_0_2_1
func abiVersion021() {}

//go:wasmexport proxy_on_context_create
func proxyOnContextCreate(id, parent uint32) { vm.onContextCreate(id, parent) }

//go:wasmexport proxy_on_vm_start
func proxyOnVMStart(root, size uint32) bool { return vm.onVMStart(root, size) }

//go:wasmexport proxy_on_configure
func proxyOnConfigure(root, size uint32) bool { return vm.onConfigure(root, size) }

//go:wasmexport proxy_on_tick
func proxyOnTick(root uint32) { vm.onTick(root) }

//go:wasmexport proxy_on_queue_ready
func proxyOnQueueReady(root, queue uint32) { vm.onQueueReady(root, queue) }

//go:wasmexport proxy_on_new_connection
func proxyOnNewConnection(id uint32) uint32 { return uint32(vm.onNewConnection(id)) }

//go:wasmexport proxy_on_downstream_data
func proxyOnDownstreamData(id, size, endOfStream uint32) uint32 {
	return uint32(vm.onDownstreamData(id, size, endOfStream != 0))
}

//go:wasmexport proxy_on_upstream_data
func proxyOnUpstreamData(id, size, endOfStream uint32) uint32 {
	return uint32(vm.onUpstreamData(id, size, endOfStream != 0))
}

//go:wasmexport proxy_on_downstream_connection_close
func proxyOnDownstreamConnectionClose(id, peer uint32) { vm.onDownstreamClose(id, peer) }

//go:wasmexport proxy_on_upstream_connection_close
func proxyOnUpstreamConnectionClose(id, peer uint32) { vm.onUpstreamClose(id, peer) }

//go:wasmexport proxy_on_request_headers
func proxyOnRequestHeaders(id, count, endOfStream uint32) uint32 {
	return uint32(vm.onRequestHeaders(id, count, endOfStream != 0))
}

//go:wasmexport proxy_on_request_body
func proxyOnRequestBody(id, size, endOfStream uint32) uint32 {
	return uint32(vm.onRequestBody(id, size, endOfStream != 0))
}

//go:wasmexport proxy_on_request_trailers
func proxyOnRequestTrailers(id, count uint32) uint32 { return uint32(vm.onRequestTrailers(id, count)) }

//go:wasmexport proxy_on_response_headers
func proxyOnResponseHeaders(id, count, endOfStream uint32) uint32 {
	return uint32(vm.onResponseHeaders(id, count, endOfStream != 0))
}

//go:wasmexport proxy_on_response_body
func proxyOnResponseBody(id, size, endOfStream uint32) uint32 {
	return uint32(vm.onResponseBody(id, size, endOfStream != 0))
}

//go:wasmexport proxy_on_response_trailers
func proxyOnResponseTrailers(id, count uint32) uint32 {
	return uint32(vm.onResponseTrailers(id, count))
}

//go:wasmexport proxy_on_http_call_response
func proxyOnHTTPCallResponse(root, call, headers, body, trailers uint32) {
	vm.onHTTPCallResponse(root, call, headers, body, trailers)
}

//go:wasmexport proxy_on_redis_call_response
func proxyOnRedisCallResponse(root, call, status, size uint32) {
	vm.onRedisCallResponse(root, call, status, size)
}

//go:wasmexport proxy_on_done
func proxyOnDone(id uint32) bool { return vm.onDone(id) }

//go:wasmexport proxy_on_log
func proxyOnLog(id uint32) { vm.onLog(id) }

//go:wasmexport proxy_on_delete
func proxyOnDelete(id uint32) { vm.onDelete(id) }
