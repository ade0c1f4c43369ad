package hostcall

import "unsafe"

// The imports. The linker drops those that a module does not reach, so that a plugin loads on every host that has what
// the plugin uses. noescape: the host keeps no pointer past the call.

//go:wasmimport env proxy_log
//go:noescape
func proxyLog(level uint32, message string) uint32

//go:wasmimport env proxy_get_log_level
//go:noescape
func proxyGetLogLevel(level unsafe.Pointer) uint32

//go:wasmimport env proxy_send_local_response
//go:noescape
func proxySendLocalResponse(code uint32, details, body, headers string, grpcStatus int32) uint32

//go:wasmimport env proxy_continue_stream
//go:noescape
func proxyContinueStream(stream uint32) uint32

//go:wasmimport env proxy_close_stream
//go:noescape
func proxyCloseStream(stream uint32) uint32

//go:wasmimport env proxy_get_header_map_pairs
//go:noescape
func proxyGetHeaderMapPairs(m uint32, data, size unsafe.Pointer) uint32

//go:wasmimport env proxy_set_header_map_pairs
//go:noescape
func proxySetHeaderMapPairs(m uint32, pairs string) uint32

//go:wasmimport env proxy_get_header_map_value
//go:noescape
func proxyGetHeaderMapValue(m uint32, key string, data, size unsafe.Pointer) uint32

//go:wasmimport env proxy_add_header_map_value
//go:noescape
func proxyAddHeaderMapValue(m uint32, key, value string) uint32

//go:wasmimport env proxy_replace_header_map_value
//go:noescape
func proxyReplaceHeaderMapValue(m uint32, key, value string) uint32

//go:wasmimport env proxy_remove_header_map_value
//go:noescape
func proxyRemoveHeaderMapValue(m uint32, key string) uint32

//go:wasmimport env proxy_get_buffer_bytes
//go:noescape
func proxyGetBufferBytes(b, start, max uint32, data, size unsafe.Pointer) uint32

//go:wasmimport env proxy_set_buffer_bytes
//go:noescape
func proxySetBufferBytes(b, start, size uint32, data string) uint32

//go:wasmimport env proxy_get_property
//go:noescape
func proxyGetProperty(path string, data, size unsafe.Pointer) uint32

//go:wasmimport env proxy_set_property
//go:noescape
func proxySetProperty(path, value string) uint32

//go:wasmimport env proxy_set_tick_period_milliseconds
//go:noescape
func proxySetTickPeriod(millis uint32) uint32

//go:wasmimport env proxy_set_effective_context
//go:noescape
func proxySetEffectiveContext(id uint32) uint32

//go:wasmimport env proxy_done
//go:noescape
func proxyDone() uint32

//go:wasmimport env proxy_call_foreign_function
//go:noescape
func proxyCallForeignFunction(name, argument string, data, size unsafe.Pointer) uint32

//go:wasmimport env proxy_get_shared_data
//go:noescape
func proxyGetSharedData(key string, data, size, cas unsafe.Pointer) uint32

//go:wasmimport env proxy_set_shared_data
//go:noescape
func proxySetSharedData(key, value string, cas uint32) uint32

//go:wasmimport env proxy_register_shared_queue
//go:noescape
func proxyRegisterSharedQueue(name string, queue unsafe.Pointer) uint32

//go:wasmimport env proxy_resolve_shared_queue
//go:noescape
func proxyResolveSharedQueue(vm, name string, queue unsafe.Pointer) uint32

//go:wasmimport env proxy_dequeue_shared_queue
//go:noescape
func proxyDequeueSharedQueue(queue uint32, data, size unsafe.Pointer) uint32

//go:wasmimport env proxy_enqueue_shared_queue
//go:noescape
func proxyEnqueueSharedQueue(queue uint32, value string) uint32

//go:wasmimport env proxy_define_metric
//go:noescape
func proxyDefineMetric(kind uint32, name string, metric unsafe.Pointer) uint32

//go:wasmimport env proxy_increment_metric
//go:noescape
func proxyIncrementMetric(metric uint32, delta int64) uint32

//go:wasmimport env proxy_record_metric
//go:noescape
func proxyRecordMetric(metric uint32, value uint64) uint32

//go:wasmimport env proxy_get_metric
//go:noescape
func proxyGetMetric(metric uint32, value unsafe.Pointer) uint32

//go:wasmimport env proxy_http_call
//go:noescape
func proxyHTTPCall(cluster, headers, body, trailers string, timeoutMillis uint32, call unsafe.Pointer) uint32

//go:wasmimport env proxy_redis_init
//go:noescape
func proxyRedisInit(cluster, username, password string, timeoutMillis uint32) uint32

//go:wasmimport env proxy_redis_call
//go:noescape
func proxyRedisCall(cluster, query string, call unsafe.Pointer) uint32

//go:wasmimport env proxy_inject_encoded_data_to_filter_chain
//go:noescape
func proxyInjectEncodedData(data string, endStream uint32) uint32

//go:wasmimport env proxy_get_upstream_hosts
//go:noescape
func proxyGetUpstreamHosts(data, size unsafe.Pointer) uint32

//go:wasmimport env proxy_set_upstream_override_host
//go:noescape
func proxySetUpstreamOverrideHost(address string) uint32
