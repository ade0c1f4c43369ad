package wrapper

import "github.com/sluice-gateway/sluice/sdk/proxywasm/types"

// HeadersAsReturned leaves headers to the plugin: they go on as its header functions say, also where a body function
// follows, and their content-length stays. It is for plugins written for the Higress SDK, which expect that; without it
// headers wait for a body that is buffered, and content-length is removed where the body may change.
func HeadersAsReturned() Option {
	return Option{name: "HeadersAsReturned", apply: func(p *plugin) { p.headersAsReturned = true }}
}

// ContextOf returns the handle of a stream of a plugin of this package, for code that has only the stream's context:
// from NewHttpContext, or proxywasm.GetHttpContext. It returns nil for other plugins' contexts.
func ContextOf(streamContext types.HttpContext) HttpContext {
	if s, ok := streamContext.(*stream); ok {
		return s.ctx
	}
	return nil
}

// StreamHandle is what every [HttpContext] is that this package hands out. It is for adapters, which turn it into an
// interface of their own: from a concrete type that is known when a module is linked, so that it carries only the methods
// that are called. From an interface it would carry all.
type StreamHandle = httpContext

// ConfigurationHandle is what every [PluginContext] is that this package hands out, for adapters as [StreamHandle] is.
type ConfigurationHandle = pluginContext
