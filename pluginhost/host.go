package pluginhost

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/sluice-gateway/sluice/wasmvm"
)

// Options are what a [Host] is made with.
type Options struct {
	// Engine compiles and runs modules. It stays the caller's to close, after the Host. Without one only native plugins
	// run.
	Engine *wasmvm.Engine
	// Workers is the number of VMs that each plugin gets; default GOMAXPROCS. Native plugins have one VM always.
	Workers int
	// Logger gets what plugins log and what becomes of them; default none.
	Logger *slog.Logger
	// Node is the gateway's identity, as root contexts see it.
	Node Node
	// Observer is told what plugins do; nil, the default, costs nothing.
	Observer Observer
	// Clock is the time that ticks and reloads go by; nil is the real one.
	Clock Clock
	// PickWorker, if not nil, chooses the workers of new streams, from 0; the default takes them in turn.
	PickWorker func(workers int) int
}

// Node is a gateway's identity (properties node.id and node.cluster).
type Node struct{ ID, Cluster string }

// Host runs plugins. What plugins share with each other lives here: compiled modules, VMs, shared data, metrics. Its
// methods are safe for concurrent use.
//
// A plugin is started by [Host.NewPlugin]: its module is compiled, and for each worker a VM is made (or found: plugins
// with equal VMID, VMConfiguration, Code and VM settings share theirs), a root context created in it, started and
// configured. It serves streams through [Plugin.NewFilter]. [Plugin.Close] ends it: root contexts are told, in the order
// on_done, on_delete, when their last stream has ended, and VMs are closed when the last plugin has left them. Whoever
// calls NewPlugin calls Close; [Host.Close] closes what is left.
type Host struct {
	workers int
	engine  *wasmvm.Engine
	logger  *slog.Logger
	node    Node
	clock   Clock
	pick    func(workers int) int
	// observer may be nil.
	observer Observer
	data     sharedData
	queues   sharedQueues
	metrics  metricStore
	next     atomic.Uint32

	// work counts what runs beside requests: rebuilds, and the deadlines of VMs that drain. working ends them.
	work    sync.WaitGroup
	working context.Context
	stop    context.CancelFunc

	mu      sync.Mutex
	closed  bool
	groups  map[groupKey]*group
	modules map[codeHash]*sharedModule
	plugins map[*Plugin]struct{}
}

// New makes a Host.
func New(opts Options) *Host {
	h := &Host{
		workers: opts.Workers, engine: opts.Engine, logger: opts.Logger, node: opts.Node,
		clock: opts.Clock, observer: opts.Observer, pick: opts.PickWorker,
		groups: map[groupKey]*group{}, modules: map[codeHash]*sharedModule{}, plugins: map[*Plugin]struct{}{},
	}
	h.working, h.stop = context.WithCancel(context.Background())
	if h.workers <= 0 {
		h.workers = runtime.GOMAXPROCS(0)
	}
	if h.logger == nil {
		h.logger = slog.New(slog.DiscardHandler)
	}
	if h.clock == nil {
		h.clock = realClock{}
	}
	return h
}

// Workers returns the number of VMs that each plugin has.
func (h *Host) Workers() int { return h.workers }

// PickWorker chooses the worker of a new stream. All plugins of a stream are to be given the same one.
func (h *Host) PickWorker() int {
	if h.pick != nil {
		return h.pick(h.workers) % h.workers
	}
	return int(h.next.Add(1) % uint32(h.workers))
}

// NewPlugin starts a plugin: compiled, and started and configured on every worker. On failure nothing of it is left,
// and the error is a [*StartError] that says which step failed and why. ctx bounds the work between the steps; a step's
// own time is bounded by the configuration.
func (h *Host) NewPlugin(ctx context.Context, cfg Config) (*Plugin, error) {
	p, err := h.join(cfg)
	if err != nil {
		return nil, &StartError{Plugin: cfg.Name, Source: cfg.CodeSource, Step: StepCompile, Err: err}
	}
	if err := p.group.start(ctx, p); err != nil {
		p.stop(true)
		<-p.ended // nothing but this call holds it: no stream can have begun
		p.timers.Wait()
		p.group.repair()
		return nil, err
	}
	h.logger.Info("plugin started", "plugin", cfg.Name, "abi", p.group.module.version().String(), "vms", len(p.roots))
	return p, nil
}

// join makes a plugin, not started yet, with the group of VMs that it belongs to.
func (h *Host) join(cfg Config) (*Plugin, error) {
	if cfg.Native == nil && cfg.Module == nil && len(cfg.Code) == 0 {
		return nil, ErrNoCode
	}
	if cfg.Native == nil && cfg.Module == nil && h.engine == nil {
		return nil, ErrNoEngine
	}
	if cfg.ReloadBackoff == 0 {
		cfg.ReloadBackoff = defaultReloadBackoff
	}
	cfg.Limits = cfg.Limits.withDefaults()
	key := groupKeyOf(&cfg)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, ErrClosed
	}
	g := h.groups[key]
	if g == nil {
		g = newGroup(h, key, &cfg)
		h.groups[key] = g
	}
	g.users++
	p := newPlugin(g, cfg)
	h.plugins[p] = struct{}{}
	return p, nil
}

// beginWork counts a piece of work in, which ends with h.work.Done. It reports false when the host is being closed.
func (h *Host) beginWork() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closed {
		h.work.Add(1)
	}
	return !h.closed
}

// leave ends p's membership of its group. The last one out closes the VMs.
func (h *Host) leave(p *Plugin) {
	g := p.group
	h.mu.Lock()
	delete(h.plugins, p)
	g.users--
	last := g.users == 0
	if last {
		delete(h.groups, g.key)
	}
	h.mu.Unlock()
	if last {
		g.close()
	}
}

// Close closes the plugins that are still there, as [Plugin.Close] does, and lets no new one in. It waits for their last
// streams as long as ctx lasts.
func (h *Host) Close(ctx context.Context) error {
	h.mu.Lock()
	h.closed = true
	h.stop()
	plugins := make([]*Plugin, 0, len(h.plugins))
	for p := range h.plugins {
		plugins = append(plugins, p)
	}
	h.mu.Unlock()
	var errs []error
	for _, p := range plugins {
		p.shut()
	}
	for _, p := range plugins {
		errs = append(errs, p.Close(ctx))
	}
	if ctx.Err() == nil {
		h.queues.deliveries.Wait() // no plugin is left to begin one
		h.work.Wait()
	}
	return errors.Join(errs...)
}
