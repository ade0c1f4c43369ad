package wasmvm

//go:generate go test -run TestABIDocument -update

// When a host call may be made, as docs/abi.md has it. In the wrong phase a call answers what the row's deviation or the
// text of phase says, and does nothing.
const (
	always      = "always, also in `_initialize`"
	anyCallback = "any callback"
	// Calls about a stream are made in its callbacks, or when it was made the effective context.
	streamOnly  = "a stream is the effective context; else no effect, OK"
	headerPhase = "a stream's map that the plugin has: from its callback until the plugin lets it go, and in `proxy_on_log` for reading; else BadArgument (in `proxy_on_log` NotFound)"
	bodyPhase   = "bodies: the stream's body callbacks, and while they pause it; configurations: see spec; replies of calls: their callback"
	rootOnly    = "any callback; about the root context of the effective context"
	inResponse  = "a stream is the effective context; else BadArgument"
)

// hostCalls is every function of namespace env: what modules import is bound to it, and docs/abi.md is made from it.
// Tests are package.Name; a test makes sure that they exist.
var hostCalls = map[string]hostCall{
	"proxy_log": {"iii", proxyLog, spec, always,
		"level 6 and above is BadArgument; Envoy ends its process", "wasmvm.TestHostCalls pluginhost.TestLog pluginhost.TestLogLines"},
	"proxy_get_log_level": {"i", getLogLevel, envoy, anyCallback,
		"the level is the plugin's own, not the process's", "wasmvm.TestHostCalls pluginhost.TestForeignFunctions"},
	"proxy_get_current_time_nanoseconds": {"i", getCurrentTime, spec, anyCallback, "", "wasmvm.TestHostCalls pluginhost.TestForeignFunctions"},
	"proxy_set_tick_period_milliseconds": {"i", setTickPeriod, spec, rootOnly,
		"a period below Limits.MinTickPeriod is InternalFailure; a negative one is taken without a sign as in Envoy, and logged",
		"wasmvm.TestHostCalls pluginhost.TestTickPeriods pluginhost.TestTicks"},
	"proxy_set_effective_context": {"i", setEffectiveContext, spec, anyCallback, "id 0 is the context that the callback is about",
		"wasmvm.TestHostCalls pluginhost.TestEffectiveContext"},
	"proxy_done": {"", done, spec, "after `proxy_on_done` answered false; else NotFound",
		"a plugin that does not call it for 5 s is deleted all the same; Envoy waits for ever", "wasmvm.TestHostCalls pluginhost.TestRootDefersItsEnd"},
	"proxy_call_foreign_function": {"iiiiii", callForeignFunction, spec, anyCallback, "see Foreign functions",
		"wasmvm.TestHostCalls pluginhost.TestForeignFunctions"},

	"proxy_send_local_response": {"iiiiiiii", sendLocalResponse, spec, streamOnly,
		"malformed or illegal headers are BadArgument; Envoy takes malformed ones as none", "wasmvm.TestHostCalls pluginhost.TestLocalReply"},
	"proxy_continue_stream": {"i", continueStream, spec, streamOnly, "no effect on a stream that is not paused; Envoy asserts",
		"wasmvm.TestHostCalls pluginhost.TestStreamActions"},
	"proxy_close_stream":      {"i", closeStream, spec, streamOnly, "", "wasmvm.TestHostCalls pluginhost.TestStreamActions"},
	"proxy_continue_request":  {"", continueRequest, older, streamOnly, "for modules of any version", "wasmvm.TestHostCalls"},
	"proxy_continue_response": {"", continueResponse, older, streamOnly, "for modules of any version", "wasmvm.TestHostCalls"},
	"proxy_clear_route_cache": {"", clearRouteCache, older, streamOnly, "for modules of any version", "wasmvm.TestHostCalls"},

	"proxy_get_header_map_pairs": {"iii", getHeaderMapPairs, spec, "as proxy_get_header_map_value; a map that is not there is empty, OK", "",
		"wasmvm.TestHostCalls pluginhost.TestMapsByPhase"},
	"proxy_set_header_map_pairs": {"iii", setHeaderMapPairs, spec, headerPhase,
		"malformed, illegal or too many pairs are BadArgument and change nothing; Envoy empties the map", "wasmvm.TestHostilePairs pluginhost.TestMapsByPhase"},
	"proxy_get_header_map_size":  {"ii", getHeaderMapSize, spec, headerPhase, "", "wasmvm.TestHostCalls"},
	"proxy_get_header_map_value": {"iiiii", getHeaderMapValue, spec, headerPhase, "", "wasmvm.TestHostCalls pluginhost.TestMapsByPhase"},
	"proxy_add_header_map_value": {"iiiii", addHeaderMapValue, spec, headerPhase,
		"names and values that would end a line are BadArgument; Envoy writes them", "wasmvm.TestHostCalls pluginhost.TestMapsByPhase"},
	"proxy_replace_header_map_value": {"iiiii", replaceHeaderMapValue, spec, headerPhase, "as proxy_add_header_map_value",
		"wasmvm.TestHostCalls pluginhost.TestMapsByPhase"},
	"proxy_remove_header_map_value": {"iii", removeHeaderMapValue, spec, headerPhase, "", "wasmvm.TestHostCalls pluginhost.TestMapsByPhase"},

	"proxy_get_buffer_bytes":  {"iiiii", getBufferBytes, spec, bodyPhase, "", "wasmvm.TestHostCalls pluginhost.TestBuffers"},
	"proxy_get_buffer_status": {"iii", getBufferStatus, spec, bodyPhase, "flags are 0", "wasmvm.TestHostCalls pluginhost.TestBuffers"},
	"proxy_set_buffer_bytes":  {"iiiii", setBufferBytes, spec, bodyPhase, "in a trailers callback too, which Envoy refuses: the data goes before the trailers", "wasmvm.TestHostCalls pluginhost.TestBuffers"},
	"proxy_get_configuration": {"ii", getConfiguration, older, "`proxy_on_configure`; else NotFound", "for modules of any version", "wasmvm.TestHostCalls"},

	"proxy_get_property": {"iiii", getProperty, spec, anyCallback, "see Properties", "wasmvm.TestHostCalls gateway.TestPropertyTable pluginhost.TestProperties"},
	"proxy_set_property": {"iiii", setProperty, spec, "a stream is the effective context; else NotFound", "see Properties",
		"wasmvm.TestHostCalls pluginhost.TestProperties"},

	"proxy_get_shared_data": {"iiiii", getSharedData, spec, anyCallback, "", "wasmvm.TestHostCalls pluginhost.TestSharedData"},
	"proxy_set_shared_data": {"iiiii", setSharedData, spec, anyCallback, "beyond Limits.SharedDataBytes or SharedDataKeys: InternalFailure",
		"wasmvm.TestHostCalls pluginhost.TestSharedData pluginhost.TestSharedDataQuota"},
	"proxy_register_shared_queue": {"iii", registerSharedQueue, spec, rootOnly,
		"beyond Limits.Queues: InternalFailure; a name above 4 KiB: BadArgument", "wasmvm.TestHostCalls pluginhost.TestQueueCalls pluginhost.TestQueueReady"},
	"proxy_resolve_shared_queue": {"iiiii", resolveSharedQueue, spec, anyCallback, "", "wasmvm.TestHostCalls pluginhost.TestQueueCalls"},
	"proxy_dequeue_shared_queue": {"iii", dequeueSharedQueue, spec, anyCallback, "", "wasmvm.TestHostCalls pluginhost.TestQueueCalls"},
	"proxy_enqueue_shared_queue": {"iii", enqueueSharedQueue, spec, anyCallback,
		"beyond Limits.QueueLength or QueueBytes of the plugin that registered it: InternalFailure", "wasmvm.TestHostCalls pluginhost.TestQueueQuota"},

	"proxy_define_metric": {"iiii", defineMetric, spec, anyCallback,
		"beyond Limits.MetricNames: InternalFailure; a name above 4 KiB: BadArgument", "wasmvm.TestHostCalls pluginhost.TestMetrics pluginhost.TestMetricTwoKinds"},
	"proxy_increment_metric": {"il", incrementMetric, spec, anyCallback, "", "wasmvm.TestHostCalls pluginhost.TestMetrics"},
	"proxy_record_metric":    {"il", recordMetric, spec, anyCallback, "", "wasmvm.TestHostCalls pluginhost.TestMetrics"},
	"proxy_get_metric":       {"ii", getMetric, spec, anyCallback, "", "wasmvm.TestHostCalls pluginhost.TestMetrics"},

	"proxy_http_call": {"iiiiiiiiii", httpCall, spec, rootOnly,
		"no retries whatever x-envoy-retry-on says; beyond Limits.CallsInFlight or CallBytes, InternalFailure (a response: as one that broke off); a cluster outside AllowedClusters is BadArgument; malformed or illegal pairs are BadArgument",
		"wasmvm.TestHostCalls pluginhost.TestHTTPCallArguments pluginhost.TestHTTPCallOutcomes pluginhost.TestCallsInFlight gateway.TestCallOut pluginhost.TestHTTPCallArguments pluginhost.TestHTTPCallOutcomes pluginhost.TestWasmCallOuts gateway.TestCallOut"},
	"proxy_grpc_call": {"iiiiiiiiiiii", grpcCall, spec, rootOnly,
		"as proxy_http_call; google_grpc and an unknown cluster are BadArgument (Envoy: InternalFailure); a status that is none of gRPC's is 2 (Envoy: 4294967295); the message has no {details} at its end; messages above 32 MiB are status 8",
		"wasmvm.TestHostCalls gateway.TestGRPCArguments gateway.TestGRPCUnary gateway.TestGRPCUnary gateway.TestGRPCArguments gateway.TestGRPCNotSpoken"},
	"proxy_grpc_stream": {"iiiiiiiii", grpcStream, spec, rootOnly, "as proxy_grpc_call; after proxy_on_grpc_close the stream is gone",
		"wasmvm.TestHostCalls gateway.TestGRPCArguments gateway.TestGRPCStream pluginhost.TestWasmCallOuts gateway.TestGRPCStream"},
	"proxy_grpc_send":   {"iiii", grpcSend, spec, rootOnly, "after the plugin closed its side: BadArgument", "wasmvm.TestHostCalls gateway.TestGRPCArguments gateway.TestGRPCStream gateway.TestGRPCStream"},
	"proxy_grpc_cancel": {"i", grpcCancel, spec, rootOnly, "", "wasmvm.TestHostCalls gateway.TestGRPCArguments gateway.TestGRPCStream gateway.TestGRPCStream"},
	"proxy_grpc_close":  {"i", grpcClose, spec, rootOnly, "", "wasmvm.TestHostCalls gateway.TestGRPCArguments gateway.TestGRPCStream gateway.TestGRPCStream"},
	"proxy_get_status":  {"iii", getStatus, spec, rootOnly, "", "wasmvm.TestHostCalls gateway.TestGRPCUnary pluginhost.TestHTTPCallOutcomes gateway.TestGRPCUnary"},

	"proxy_redis_init":                          {"iiiiiii", redisInit, higress, rootOnly, "", "wasmvm.TestHostCalls pluginhost.TestRedisInitArguments pluginhost.TestRedisSettingsOfTwoPlugins"},
	"proxy_redis_call":                          {"iiiii", redisCall, higress, rootOnly, "", "wasmvm.TestHostCalls pluginhost.TestRedisCallArguments pluginhost.TestRedisCalls"},
	"proxy_inject_encoded_data_to_filter_chain": {"iii", injectEncodedData, higress, inResponse, "", "wasmvm.TestHostCalls pluginhost.TestStreamActions"},
	"proxy_get_upstream_hosts": {"ii", getUpstreamHosts, higress, "a stream is the effective context; else NotFound", "the host's text is JSON with `health_status` Healthy and no `metrics`: there are no health checks",
		"wasmvm.TestHostCalls gateway.TestUpstreamHosts"},
	"proxy_set_upstream_override_host": {"ii", setUpstreamOverrideHost, higress, "a stream is the effective context, before the router has the request; else BadArgument (no stream) or no effect", "",
		"wasmvm.TestHostCalls gateway.TestOverrideHost"},
}
