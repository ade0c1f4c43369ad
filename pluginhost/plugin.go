package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

// Plugin is a plugin that runs. Its methods are safe for concurrent use.
type Plugin struct {
	cfg    Config
	group  *group
	logger *slog.Logger
	// keepStopIteration: StopIteration on headers means what it says.
	keepStopIteration bool
	// roots has the plugin's root context on each worker. A dead one stays until it is replaced.
	roots []atomic.Pointer[root]

	// live counts the root contexts that have not ended, and one for the plugin while it is open.
	live  atomic.Int64
	once  sync.Once
	ended chan struct{}
	// next is what has taken the plugin's place, if something has.
	next atomic.Pointer[Plugin]
	// closed is guarded by the group's lock.
	closed bool
	// timers counts the goroutines that timers and call-outs of the plugin run, or will run.
	timers sync.WaitGroup
	// lines counts the plugin's log lines.
	lines lineRate
	// calls counts the call-outs.
	calls callCount
	// redis are the clients of Redis calls.
	redis redisClients
}

func newPlugin(g *group, cfg Config) *Plugin {
	p := &Plugin{
		cfg: cfg, group: g, logger: g.host.logger.With("plugin", cfg.Name),
		roots: make([]atomic.Pointer[root], len(g.vms)), ended: make(chan struct{}),
	}
	p.live.Store(1)
	p.redis.init()
	return p
}

// Name returns the plugin's configured name.
func (p *Plugin) Name() string { return p.cfg.Name }

// Version returns the ABI version of the plugin's module.
func (p *Plugin) Version() abi.Version { return p.group.module.version() }

// NewFilter makes the plugin's filter for a new stream, on the worker that [Host.PickWorker] chose for it. It never
// fails: the filter of a dead plugin follows the failure policy. The filter lives until its OnDestroy.
func (p *Plugin) NewFilter(worker int, cb Callbacks) *Filter {
	return &Filter{plugin: p, cb: cb, worker: worker % len(p.roots)}
}

// Close ends the plugin. New streams find it dead; those that are under way are served to their end, and the last one
// ends the plugin's root contexts. Close waits for that as long as ctx lasts, and returns an error if it was not enough;
// the plugin still ends then, with its last stream.
func (p *Plugin) Close(ctx context.Context) error {
	p.shut()
	select {
	case <-p.ended:
	default:
		select {
		case <-p.ended:
		case <-ctx.Done():
			return fmt.Errorf("close plugin %q: streams have not ended: %w", p.cfg.Name, context.Cause(ctx))
		}
	}
	p.timers.Wait()
	return nil
}

// Replace ends p as Close does, without waiting, in favour of next: streams whose filters were made of p but have not begun
// begin in next, so that none is lost whenever it comes.
func (p *Plugin) Replace(next *Plugin) {
	p.next.Store(next)
	p.shut()
}

func (p *Plugin) shut() { p.stop(false) }

// stop begins the plugin's end, once. force does not wait for proxy_done.
func (p *Plugin) stop(force bool) {
	p.once.Do(func() {
		p.group.remove(p)
		for w := range p.roots {
			if r := p.roots[w].Load(); r != nil {
				r.vm.lock.Lock()
				r.close(force)
				r.vm.unlock()
			}
		}
		p.drop()
	})
}

// drop counts a root context, or the open plugin, out.
func (p *Plugin) drop() {
	if p.live.Add(-1) == 0 {
		p.redis.end()
		p.tellSuppressed(p.lines.suppressed.Swap(0))
		p.group.host.leave(p)
		close(p.ended)
	}
}

// root returns the plugin's root context for a new stream on worker w, nil if there is none alive.
func (p *Plugin) root(w int) *root {
	r := p.roots[w].Load()
	if r != nil && r.vm.isDead() && p.cfg.FailurePolicy == FailReload {
		p.group.reload(w, p.cfg.ReloadBackoff)
		r = p.roots[w].Load()
	}
	return r
}

// startError describes a failed step of the plugin's start in v.
func (p *Plugin) startError(step string, v *vm, err error) error {
	e := &StartError{Plugin: p.cfg.Name, Source: p.cfg.CodeSource, Step: step, Err: err}
	if v != nil {
		last := v.lastLog()
		if line, _, _ := strings.Cut(last, "\n"); !strings.Contains(err.Error(), line) {
			e.LastLog = last // it is not in the error yet, as a panic is
		}
	}
	return e
}

// asStartError gives an error of the group this plugin's name.
func (p *Plugin) asStartError(err error) error {
	var e *StartError
	if !errors.As(err, &e) {
		return p.startError(StepInstantiate, nil, err)
	}
	named := *e
	named.Plugin, named.Source = p.cfg.Name, p.cfg.CodeSource
	return &named
}
