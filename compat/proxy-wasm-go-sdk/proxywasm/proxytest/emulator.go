package proxytest

import (
	"io"
	"log"
	"maps"
	"sync"
	"time"

	"github.com/higress-group/proxy-wasm-go-sdk/proxywasm"
	"github.com/sluice-gateway/sluice/sdk/abi"
	native "github.com/sluice-gateway/sluice/sdk/proxywasm"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
)

// emulator is the gateway: a [HostEmulator] for the test and, as hostCalls, an [abi.Host] for the plugin.
type emulator struct {
	// What is not implemented below is not in the published emulator either.
	abi.UnimplementedHost

	plugin abi.Plugin
	module *wasmVMContext // nil: the native plugin
	// active is the context that host calls are about. Between callbacks it stays what it was: tests call plugin code
	// directly, and that code may make host calls.
	active uint32
	depth  int  // of callbacks that are running
	left   bool // a callback was left in its midst
	live   map[uint32]bool

	pluginConfiguration, vmConfiguration []byte

	streams     map[uint32]*httpStream
	connections map[uint32]*connection
	properties  map[string][]byte
	logs        [abi.LogCritical + 1][]string
	tickPeriod  uint32
	foreign     map[string]func([]byte) []byte
	metrics     metrics
	shared      sharedData
	queues      queues
	httpCalls   callouts[HttpCalloutAttribute, httpResponse]
	redisCalls  callouts[RedisCalloutAttribute, []byte]
}

var (
	_ abi.Host     = hostCalls{}
	_ HostEmulator = (*emulator)(nil)
)

// emulating is held by the one emulator of a process, from NewHostEmulator to its reset.
var emulating sync.Mutex

// patience is how long a second emulator waits in silence.
const patience = 10 * time.Second

func lock() {
	if emulating.TryLock() {
		return
	}
	t := time.AfterFunc(patience, func() {
		log.Printf("proxytest: waiting for another emulator to be reset; a test that makes two must reset the first")
	})
	emulating.Lock()
	t.Stop()
}

// lastContextID is the id given last. Ids are not used again in a process.
var lastContextID = PluginContextID

// NewHostEmulator makes a gateway with the plugin's root context in it, before its start and configuration. There is one
// in a process: NewHostEmulator waits until the one before is reset.
func NewHostEmulator(opt *EmulatorOption) (host HostEmulator, reset func()) {
	lock()
	unlock := sync.OnceFunc(emulating.Unlock)
	made := false
	defer func() {
		if !made {
			unlock()
		}
	}()

	e := &emulator{
		live:                map[uint32]bool{},
		pluginConfiguration: opt.pluginConfiguration,
		vmConfiguration:     opt.vmConfiguration,
		streams:             map[uint32]*httpStream{},
		connections:         map[uint32]*connection{},
		properties:          map[string][]byte{},
		foreign:             map[string]func([]byte) []byte{},
	}
	maps.Copy(e.properties, opt.properties)
	e.plugin = opt.plugin(hostCalls{e})
	e.module, _ = opt.context.(*wasmVMContext)
	e.create(PluginContextID, 0)
	made = true
	return e, func() {
		e.end()
		unlock()
	}
}

// plugin makes the plugin that talks to host.
func (o *EmulatorOption) plugin(host abi.Host) abi.Plugin {
	switch c := o.context.(type) {
	case *wasmVMContext:
		return c.talkTo(host)
	case types.VMContext:
		proxywasm.SetVMContext(c)
	case types.PluginContextFactory:
		proxywasm.SetPluginContext(c)
	case types.HttpContextFactory:
		proxywasm.SetHttpContext(c)
	case types.TcpContextFactory:
		proxywasm.SetTcpContext(c)
	default:
		panic("proxytest: no plugin: nothing is registered in this process (call wrapper.SetCtx in an init function)")
	}
	return native.NewPlugin(host)
}

// create begins a context.
func (e *emulator) create(id, parent uint32) {
	e.live[id] = true
	e.run(id, func(p abi.Plugin) error { return p.OnContextCreate(id, parent) })
}

// newContextID makes the id of a stream context.
func newContextID() uint32 {
	lastContextID++
	return lastContextID
}

// complete ends a context.
func (e *emulator) complete(id uint32) {
	e.run(id, func(p abi.Plugin) error { return p.OnLog(id) })
	delete(e.live, id)
	e.run(id, func(p abi.Plugin) error { return p.OnDelete(id) })
}

// end ends the plugin: a native one by itself; in a module, which may serve another emulator, every context.
func (e *emulator) end() {
	if p, ok := e.plugin.(io.Closer); ok {
		_ = p.Close() // which never fails
		return
	}
	if e.left {
		e.module.discard()
		return
	}
	delete(e.live, PluginContextID)
	for id := range e.live {
		_ = e.plugin.OnDelete(id)
	}
	_ = e.plugin.OnDelete(PluginContextID)
	clear(e.live)
}

// StartVM implements [HostEmulator].
func (e *emulator) StartVM() types.OnVMStartStatus {
	return types.OnVMStartStatus(ask(e, PluginContextID, func(p abi.Plugin) (bool, error) {
		return p.OnVMStart(PluginContextID, uint32(len(e.vmConfiguration)))
	}))
}

// StartPlugin implements [HostEmulator].
func (e *emulator) StartPlugin() types.OnPluginStartStatus {
	return types.OnPluginStartStatus(ask(e, PluginContextID, func(p abi.Plugin) (bool, error) {
		return p.OnConfigure(PluginContextID, uint32(len(e.pluginConfiguration)))
	}))
}

// FinishVM implements [HostEmulator].
func (e *emulator) FinishVM() bool {
	return ask(e, PluginContextID, func(p abi.Plugin) (bool, error) { return p.OnDone(PluginContextID) })
}

// Tick implements [HostEmulator].
func (e *emulator) Tick() {
	e.run(PluginContextID, func(p abi.Plugin) error { return p.OnTick(PluginContextID) })
}

// GetTickPeriod implements [HostEmulator].
func (e *emulator) GetTickPeriod() uint32 { return e.tickPeriod }
