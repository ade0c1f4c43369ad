// Package wrapper is what plugins are written with: functions for the phases of a request, registered with [SetCtx],
// that get a typed configuration.
//
//	func init() {
//		wrapper.SetCtx(
//			"my-plugin",
//			wrapper.ParseConfig(parseConfig),
//			wrapper.ProcessRequestHeaders(onRequestHeaders),
//		)
//	}
//
// # Which configuration
//
// A configuration may have rules for routes, domains and services (package matcher). The one that applies is chosen when
// the request's headers come and stays for the stream; where none applies the plugin is off. Functions get a copy.
//
// A configuration that is wrong is refused as a whole, and the log says where: "_rules_[3].limits.rate: must be positive".
// [PluginContext].EnableRuleLevelConfigIsolation has only the rule that is wrong refused. A panic of a parser is an error
// too. Keys of the form of _rules_ and _match_domain_ that nobody knows, and match lists that have no effect beside
// others, are warnings.
//
// # Bodies
//
// A body function gets the whole body ([ProcessRequestBody]) or each piece as it comes ([ProcessStreamingRequestBody]);
// of the two the streaming one counts, unless [HttpContext].BufferRequestBody asked for the other. The whole body is
// handed over when it is complete, an empty one and one that ends in trailers too, once for each message. A message
// that is nothing but headers has no body: its body function is not called.
//
// While a body is buffered its headers are held, if the host can: they can still be changed. Sluice and Higress can. Stock
// Envoy can where the filter sets allow_on_headers_stop_iteration; a plugin does not see that, so the VM's environment
// variable SLUICE_HOLD_HEADERS=true says it. Elsewhere headers go ahead of the body, [HttpContext].RouteCall answers
// [ErrRequestNotHeld], and the plugin says so in one log line when it starts. Where a body function will run, content-length is removed in the header
// phase, because no host corrects it when the body changes.
//
// Body functions are not called for websockets, nor for binary bodies: a content-type of application/octet-stream or
// gRPC, or a content-encoding. A plugin that must see those too, to judge them, asks for them with BufferRequestBody or
// BufferResponseBody in the header phase.
//
// # Trailers
//
// A function for trailers ([ProcessRequestTrailers], [ProcessResponseTrailers]) is called when a message ends in trailers,
// whatever its body was, after the body function, which then has run too. A message that either of them holds waits.
//
// # Failures
//
// A panic in a function is logged with its stack and answers the client 500; so do a body that cannot be read and rules
// that cannot be evaluated. The option [FailOpen] lets such requests pass instead.
package wrapper
