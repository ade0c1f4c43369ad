package abi

// Well-known property names. A property's path is segments; where one of these is used alone it is a path of one
// segment.
const (
	// PropertyRouteName is the name of the stream's route, resolved now if the route cache is empty.
	PropertyRouteName = "route_name"
	// PropertyClusterName is the name of the cluster that the stream's route leads to.
	PropertyClusterName = "cluster_name"
	// PropertyPluginName is the name the operator gave the plugin.
	PropertyPluginName = "plugin_name"
	// PropertyPluginRootID is the plugin's root id.
	PropertyPluginRootID = "plugin_root_id"
	// PropertyPluginVMID is the vm_id, the namespace of shared data.
	PropertyPluginVMID = "plugin_vm_id"
	// PropertyPluginVMMemory is the size of the VM's linear memory in bytes, 8 bytes little endian (Higress).
	PropertyPluginVMMemory = "plugin_vm_memory"
	// PropertyListenerDirection is the listener's traffic direction, 8 bytes little endian.
	PropertyListenerDirection = "listener_direction"
	// PropertyConnectionID is the downstream connection's number, 8 bytes little endian.
	PropertyConnectionID = "connection_id"

	// PropertyClearRouteCache, set to "off", keeps this plugin's header edits from clearing the route cache; any other
	// value lets them again (Higress).
	PropertyClearRouteCache = "clear_route_cache"
	// PropertyDecoderBufferLimit sets the stream's buffer limit, in bytes as decimal text (Higress).
	PropertyDecoderBufferLimit = "set_decoder_buffer_limit"
	// PropertyEncoderBufferLimit sets the stream's buffer limit, in bytes as decimal text (Higress).
	PropertyEncoderBufferLimit = "set_encoder_buffer_limit"
	// PropertyNeedRebuild, set to "true", asks for the VM to be rebuilt (Higress).
	PropertyNeedRebuild = "wasm_need_rebuild"
	// PropertyCustomLog is where user attributes for the access log are kept: JSON text, string-escaped.
	PropertyCustomLog = "custom_log"
	// PropertyAILog is PropertyCustomLog for the AI plugins.
	PropertyAILog = "ai_log"
	// PropertyTraceSpanTagPrefix is the prefix of properties that become tags of the stream's span.
	PropertyTraceSpanTagPrefix = "trace_span_tag."
	// PropertyRequestID is where the SDK keeps x-request-id for log lines.
	PropertyRequestID = "x_request_id"
)

// Names of foreign functions.
const (
	// FunctionGetLogLevel answers the plugin's log level, 4 bytes little endian (Higress).
	FunctionGetLogLevel = "get_log_level"
	// FunctionInjectEncodedData hands body bytes to the encoder filters after this one (Higress).
	FunctionInjectEncodedData = "inject_encoded_data_to_filter_chain"
	// FunctionInjectEncodedDataOnHeader is FunctionInjectEncodedData for responses without a body (Higress).
	FunctionInjectEncodedDataOnHeader = "inject_encoded_data_to_filter_chain_on_header"
	// FunctionSetMaxRequestsPerIOCycle limits new requests per pass of the event loop, 8 bytes little endian (Higress).
	FunctionSetMaxRequestsPerIOCycle = "set_global_max_requests_per_io_cycle"
	// FunctionClearRouteCache clears the stream's route cache.
	FunctionClearRouteCache = "clear_route_cache"
	// FunctionSetFilterState sets filter state that native filters read.
	FunctionSetFilterState = "set_envoy_filter_state"
	// FunctionDeclareProperty declares a property's type and life.
	FunctionDeclareProperty = "declare_property"
	// FunctionCompress compresses its argument with zlib.
	FunctionCompress = "compress"
	// FunctionUncompress is the reverse of FunctionCompress.
	FunctionUncompress = "uncompress"
)

// Memory allocators that a module may export, in the order in which a host looks for them.
const (
	ExportMalloc         = "malloc"
	ExportMemoryAllocate = "proxy_on_memory_allocate"
)
