package wrapper

import (
	"strconv"
	"unsafe"

	"github.com/sluice-gateway/sluice/sdk/log"
	"github.com/sluice-gateway/sluice/sdk/proxywasm"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
)

// Option is a part of a plugin: one of its functions, or a setting.
type Option struct {
	name  string
	apply func(*plugin)
	// place is what the option takes for itself: two options for one place are a mistake, the first would never be
	// called. "" for those that can be given again.
	place string

	// Of options with a configuration type C: a nil *C, and how to make a *C.
	config    any
	newConfig func() any
	empty     bool // C has no size: there is nothing to parse
}

// SetCtx registers the plugin. Call it once, in an init function: main is not run in a plugin, because a module is built
// as a library (-buildmode=c-shared). A module in which nothing is registered refuses to start.
//
// The configuration type C of the options is the configuration struct itself, not a pointer to it: functions get a copy,
// and what parses gets the pointer to fill. All options must be for the same C, and one of them must parse it, unless it
// is an empty struct.
//
// SetCtx panics if the options do not fit together so, if an option is given twice of which only one could count (two
// parsers of whatever kind, two functions for the same phase), and if a plugin is registered already: what is
// registered first would never be called, and requests would pass it by. Outside a module a plugin may be registered
// after another once [proxywasm.NewPlugin] was called, so that a test can try several.
func SetCtx(name string, options ...Option) {
	proxywasm.SetVMContext(NewVMContext(name, options...))
}

// SetCtxWithOptions is [SetCtx]. Both exist because plugins written for the Higress SDK call either. There they differ:
// with SetCtxWithOptions a plugin without [WithLogger] has no logger. Here both log to the host. New plugins use SetCtx.
func SetCtxWithOptions(name string, options ...Option) { SetCtx(name, options...) }

// NewVMContext returns what [SetCtx] registers, for who registers it himself. It panics as SetCtx does if the options do
// not fit together.
func NewVMContext(name string, options ...Option) types.VMContext {
	return &vmContext{plugin: newPlugin(name, options)}
}

func newPlugin(name string, options []Option) *plugin {
	p := &plugin{name: name, log: log.New(name)}
	var typed Option
	taken := map[string]string{}
	for _, o := range options {
		if o.place != "" {
			switch by := taken[o.place]; by {
			case "":
				taken[o.place] = o.name
			case o.name:
				panic("wrapper: plugin " + strconv.Quote(name) + ": " + o.name + " is given twice")
			default:
				panic("wrapper: plugin " + strconv.Quote(name) + ": " + by + " and " + o.name + " are given for the same thing")
			}
		}
		if o.config != nil {
			if typed.config == nil {
				typed = o
			} else if typed.newConfig != nil && !sameType(typed.config, o.config) {
				panic("wrapper: " + typed.name + " is for configuration " + configName(typed.config) + ", " +
					o.name + " for " + configName(o.config))
			}
		}
		o.apply(p)
	}
	p.newConfig = typed.newConfig
	if p.parse == nil {
		if typed.config != nil && !typed.empty {
			panic("wrapper: " + typed.name + " is for configuration " + configName(typed.config) +
				", but no option parses it")
		}
		p.parse = func(*pluginContext, string, any) error { return nil }
	}
	if p.newConfig == nil {
		p.newConfig = func() any { return new(struct{}) }
	}
	p.readsLater = p.on[request].phases != nil || p.on[response].phases != nil || p.on[response].headers != nil ||
		p.on[request].trailers != nil || p.on[response].trailers != nil || p.streamDone != nil
	return p
}

// typed makes an option with a configuration type. It registers a function, which no other can join.
func typed[C any](name string, apply func(*plugin)) Option {
	var c C
	return Option{
		name: name, apply: apply, place: name,
		config: (*C)(nil), newConfig: func() any { return new(C) }, empty: unsafe.Sizeof(c) == 0,
	}
}

// PrePluginStartOrReload registers what runs before a configuration is parsed. An error refuses the configuration.
func PrePluginStartOrReload(f func(ctx PluginContext) error) Option {
	return Option{name: "PrePluginStartOrReload", apply: func(p *plugin) {
		p.preStart = append(p.preStart, func(ctx *pluginContext) error { return f(ctx) })
	}}
}

// ProcessRequestHeaders registers the function for a request's headers. C is the configuration struct itself, not a
// pointer to it, here and in the options for the other phases: the function gets a copy.
func ProcessRequestHeaders[C any](f func(ctx HttpContext, config C) types.Action) Option {
	return typed[C]("ProcessRequestHeaders", func(p *plugin) { p.on[request].headers = headersFunc(f) })
}

// ProcessResponseHeaders registers the function for a response's headers.
func ProcessResponseHeaders[C any](f func(ctx HttpContext, config C) types.Action) Option {
	return typed[C]("ProcessResponseHeaders", func(p *plugin) { p.on[response].headers = headersFunc(f) })
}

// ProcessRequestBody registers the function for a request's whole body.
func ProcessRequestBody[C any](f func(ctx HttpContext, config C, body []byte) types.Action) Option {
	return typed[C]("ProcessRequestBody", func(p *plugin) { p.on[request].setBody(bodyFunc(f)) })
}

// ProcessResponseBody registers the function for a response's whole body.
func ProcessResponseBody[C any](f func(ctx HttpContext, config C, body []byte) types.Action) Option {
	return typed[C]("ProcessResponseBody", func(p *plugin) { p.on[response].setBody(bodyFunc(f)) })
}

// ProcessStreamingRequestBody registers the function for each piece of a request's body. What it returns takes the
// piece's place; nothing drops it. It is called once with isLastChunk, where the body ends in trailers with an empty
// piece. What it returns then goes on before the trailers on Sluice; Envoy and Higress take nothing from a plugin at that
// point, so there it is a failure, which answers 500, to return anything.
func ProcessStreamingRequestBody[C any](f func(ctx HttpContext, config C, chunk []byte, isLastChunk bool) []byte) Option {
	return typed[C]("ProcessStreamingRequestBody", func(p *plugin) { p.on[request].setStreaming(streamingFunc(f)) })
}

// ProcessStreamingResponseBody registers the function for each piece of a response's body, as
// [ProcessStreamingRequestBody] does for requests.
func ProcessStreamingResponseBody[C any](f func(ctx HttpContext, config C, chunk []byte, isLastChunk bool) []byte) Option {
	return typed[C]("ProcessStreamingResponseBody", func(p *plugin) { p.on[response].setStreaming(streamingFunc(f)) })
}

// ProcessRequestTrailers registers the function for a request's trailers, where there are some. A body function has run
// before it. types.ActionPause holds the request until proxywasm.ResumeHttpRequest.
func ProcessRequestTrailers[C any](f func(ctx HttpContext, config C) types.Action) Option {
	return typed[C]("ProcessRequestTrailers", func(p *plugin) { p.on[request].trailers = headersFunc(f) })
}

// ProcessResponseTrailers registers the function for a response's trailers, as [ProcessRequestTrailers] does for
// requests.
func ProcessResponseTrailers[C any](f func(ctx HttpContext, config C) types.Action) Option {
	return typed[C]("ProcessResponseTrailers", func(p *plugin) { p.on[response].trailers = headersFunc(f) })
}

// ProcessStreamDone registers the function for a stream's end, where its access log is written.
func ProcessStreamDone[C any](f func(ctx HttpContext, config C)) Option {
	return typed[C]("ProcessStreamDone", func(p *plugin) {
		p.streamDone = func(ctx HttpContext, config any) { f(ctx, *config.(*C)) }
	})
}

// FailOpen lets a request pass, and leaves the plugin out of the rest of it, where a panic or an unreadable body would
// have it answered 500. A rule that is rejected and has no last good version is left out, where its requests would be
// answered 503 (see [PluginContext].EnableRuleLevelConfigIsolation).
func FailOpen() Option {
	return Option{name: "FailOpen", apply: func(p *plugin) { p.failOpen = true }}
}

// WithLogger has the plugin log to l: what package log's functions write, and what the SDK does. nil is the default, which
// writes to the host. l is told the name of each configuration (_plugin_id_) by ResetID, again and again where the VM
// has several.
func WithLogger(l log.Log) Option {
	return Option{name: "WithLogger", place: "WithLogger", apply: func(p *plugin) {
		if l != nil {
			p.log = l
		}
	}}
}

// EnableSafeLog holds back to level debug what may hold secrets or personal data ([log.UnsafeInfo]), for this plugin.
func EnableSafeLog() Option {
	return Option{name: "EnableSafeLog", apply: func(p *plugin) { p.safeLog = true }}
}

func headersFunc[C any](f func(HttpContext, C) types.Action) func(HttpContext, any) types.Action {
	return func(ctx HttpContext, config any) types.Action { return f(ctx, *config.(*C)) }
}

func bodyFunc[C any](f func(HttpContext, C, []byte) types.Action) func(HttpContext, any, []byte) types.Action {
	return func(ctx HttpContext, config any, body []byte) types.Action { return f(ctx, *config.(*C), body) }
}

func streamingFunc[C any](f func(HttpContext, C, []byte, bool) []byte) func(HttpContext, any, []byte, bool) []byte {
	return func(ctx HttpContext, config any, chunk []byte, last bool) []byte {
		return f(ctx, *config.(*C), chunk, last)
	}
}
