package wrapper

import (
	"slices"

	"github.com/sluice-gateway/sluice/sdk/internal/hostcall"
	"github.com/sluice-gateway/sluice/sdk/proxywasm"
)

// contexts are the VM's plugin contexts, in the order in which they came.
var (
	contexts   []*pluginContext
	contextsOf uint32 // which VM of the process, see hostcall.Instance

	// liveStreams counts the VM's streams.
	liveStreams int
)

// starting is the context whose configuration is being read.
var starting *pluginContext

// enter notes a context that starts.
func (p *pluginContext) enter() {
	if contextsOf != hostcall.Instance {
		contexts, contextsOf, starting, liveStreams = nil, hostcall.Instance, nil, 0
	}
	if !slices.Contains(contexts, p) {
		contexts = append(contexts, p)
	}
}

// OnPluginDone ends the context.
func (p *pluginContext) OnPluginDone() bool {
	p.end()
	return true
}

// end has the context let go of what it has of the VM. It may be called again.
func (p *pluginContext) end() {
	p.configured = false
	contexts = slices.DeleteFunc(contexts, func(o *pluginContext) bool { return o == p })
	for _, f := range p.onEnd {
		f()
	}
	p.onEnd = nil
	if ticking != nil {
		ticking.ended(p)
	}
}

// activePlugin returns the context that the callback under way is for, nil if there is none.
func activePlugin() *pluginContext {
	if contextsOf != hostcall.Instance {
		return nil
	}
	_, id := proxywasm.ActiveContextID()
	for _, p := range contexts {
		if p.id == id {
			return p
		}
	}
	return nil
}
