package wrapper

import (
	"reflect"
	"strconv"
	"syscall"

	"github.com/sluice-gateway/sluice/sdk/log"
	"github.com/sluice-gateway/sluice/sdk/matcher"
	"github.com/sluice-gateway/sluice/sdk/proxywasm"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
)

// plugin is what SetCtx registered. Configurations cross it as pointers in an any: it is one for all types.
type plugin struct {
	name string
	log  log.Log

	newConfig func() any
	parse     func(ctx *pluginContext, json string, config any) error
	parseRule func(ctx *pluginContext, json string, global, config any) error // nil: parse
	preStart  []func(*pluginContext) error
	onRequest []func()
	// streamEnded, if not nil, is called when a stream has ended.
	streamEnded func()
	rebuilder   *rebuilder

	on         [2]handlers
	streamDone func(ctx HttpContext, config any)
	failOpen   bool
	safeLog    bool

	headersAsReturned bool

	// readsLater says that there are functions for phases after the request's headers, which may ask for what is there
	// in that phase only.
	readsLater bool
}

// The two messages of a stream.
const (
	request = iota
	response
)

// handlers are a plugin's functions for one message.
type handlers struct {
	headers   func(ctx HttpContext, config any) types.Action
	body      func(ctx HttpContext, config any, body []byte) types.Action
	streaming func(ctx HttpContext, config any, chunk []byte, last bool) []byte
	trailers  func(ctx HttpContext, config any) types.Action

	// The code of the body phases. It is reached only through here, so that a plugin without body functions carries none
	// of it, and imports nothing for it.
	phases *bodyPhases
}

func (h *handlers) setBody(f func(HttpContext, any, []byte) types.Action) {
	h.body, h.phases = f, &bodies
}

func (h *handlers) setStreaming(f func(HttpContext, any, []byte, bool) []byte) {
	h.streaming, h.phases = f, &bodies
}

func sameType(a, b any) bool { return reflect.TypeOf(a) == reflect.TypeOf(b) }

// configName names the type that a nil pointer points to.
func configName(c any) string { return reflect.TypeOf(c).Elem().String() }

// vmContext makes a pluginContext for each configuration.
type vmContext struct {
	types.DefaultVMContext
	plugin *plugin
}

// RegisteredBy has package proxywasm name the plugin where another is registered too.
func (v *vmContext) RegisteredBy() string {
	return "wrapper.SetCtx(" + strconv.Quote(v.plugin.name) + ")"
}

func (v *vmContext) NewPluginContext(id uint32) types.PluginContext {
	return &pluginContext{plugin: v.plugin, id: id}
}

// pluginContext is the plugin with one configuration.
type pluginContext struct {
	types.DefaultPluginContext
	plugin *plugin
	id     uint32

	starts     int  // how often it was configured, or was to be
	configured bool // and that the last time went well, or one before
	armed      bool // it has a timer
	election   *election
	onEnd      []func()
	// fingerPrint is nil until it is asked for.
	fingerPrint *string

	rules    *matcher.Matcher
	isolator isolator // nil: rules are not isolated

	repanic bool
	holds   int8 // whether StopIteration holds headers: 1 yes, -1 no, 0 not asked yet
	values  map[string]any

	spare    []*stream
	contexts *[contextsAtOnce]httpContext
	given    int // of contexts
}

var _ PluginContext = (*pluginContext)(nil)

// SetContext implements [PluginContext].
func (p *pluginContext) SetContext(key string, value any) {
	if p.values == nil {
		p.values = map[string]any{}
	}
	p.values[key] = value
}

// GetContext implements [PluginContext].
func (p *pluginContext) GetContext(key string) any { return p.values[key] }

// OnPluginStart reads the configuration.
func (p *pluginContext) OnPluginStart(int) types.OnPluginStartStatus {
	log.SetPluginLog(p.plugin.log)
	if p.plugin.safeLog {
		log.SetSafeLogEnabled(true)
	}
	noRecovery, _ := syscall.Getenv("WASM_DISABLE_PANIC_RECOVERY")
	p.repanic = noRecovery == "true" // as published: no other value
	p.enter()
	p.starts++
	err := p.start()
	if err == nil {
		p.configured = true
	}
	if ticking != nil {
		ticking.started(p, err == nil)
	}
	if err != nil {
		if !p.configured {
			p.end()
		}
		log.Error("plugin start failed: " + err.Error())
		return types.OnPluginStartStatusFailed
	}
	return types.OnPluginStartStatusOK
}

func (p *pluginContext) start() error {
	starting = p
	defer func() { starting = nil }()
	for _, f := range p.plugin.preStart {
		if err := f(p); err != nil {
			return err
		}
	}
	for i := range p.plugin.on {
		if phases := p.plugin.on[i].phases; phases != nil {
			phases.start(p)
		}
	}
	data, err := proxywasm.GetPluginConfiguration()
	if err != nil && err != types.ErrorStatusNotFound {
		return err
	}
	return p.configure(data)
}

// OnTick runs what is due.
func (p *pluginContext) OnTick() {
	if ticking != nil {
		ticking.tick(p)
	}
}

// NewHttpContext begins a stream.
func (p *pluginContext) NewHttpContext(id uint32) types.HttpContext { return p.newStream(id) }
