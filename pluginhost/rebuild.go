package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// A RebuildReason says why a VM was replaced though it is alive.
type RebuildReason string

// The reasons for a rebuild.
const (
	// RebuildAsked: the plugin set the property wasm_need_rebuild.
	RebuildAsked RebuildReason = "asked"
	// RebuildMemory: the linear memory grew beyond Config.RebuildMemory.
	RebuildMemory RebuildReason = "memory"
	// RebuildRequested: [Plugin.Rebuild] was called.
	RebuildRequested RebuildReason = "requested"
)

const (
	// rebuildInterval is how long a VM stays at least before the plugin or its memory have it replaced, as in Higress: a
	// plugin that asks at every request does not keep the gateway busy with it.
	rebuildInterval = time.Second
	// maxRebuildInterval is where the interval ends that doubles with each rebuild that fails.
	maxRebuildInterval = time.Minute
	// defaultDrainDeadline is Envoy's drain time.
	defaultDrainDeadline = 10 * time.Minute
)

// ErrDrained is why a VM that was replaced is stopped when its last streams took too long.
var ErrDrained = errors.New("vm was replaced, and its drain deadline has passed")

// Rebuild replaces the plugin's VM on every worker, as a plugin's own wish does: the new VM is started and configured
// off to the side and takes the new streams, the old one ends with its last stream or at Config.DrainDeadline. Plugins
// that share the VMs are moved too. A VM that cannot be started leaves the old one serving and is an error. While an
// older VM of a worker is still draining, that worker's turn comes when it has gone; Rebuild does not wait for it.
func (p *Plugin) Rebuild(ctx context.Context) error {
	g := p.group
	if !g.module.rebuilds() {
		return fmt.Errorf("rebuild plugin %q: %w", p.cfg.Name, ErrNative)
	}
	var errs []error
	for w := range g.vms {
		if err := g.rebuild(ctx, w, nil, RebuildRequested); err != nil {
			errs = append(errs, fmt.Errorf("worker %d: %w", w, err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("rebuild plugin %q: %w", p.cfg.Name, err)
	}
	return nil
}

// ErrNative means that something was asked for which only WebAssembly modules have: a second VM at a time.
var ErrNative = errors.New("native plugins have one VM in a process")

// wantRebuild notes that the VM is to be replaced. Its lock is held.
func (v *vm) wantRebuild(reason RebuildReason) {
	if v.rebuild == "" && !v.draining {
		v.rebuild = reason
	}
}

// watchMemory notes that the VM is to be replaced if it has grown too large.
func (v *vm) watchMemory() {
	if limit := v.group.cfg.RebuildMemory; limit > 0 && v.dead == nil && v.plugin.MemorySize() > limit {
		v.wantRebuild(RebuildMemory)
	}
}

// scheduleRebuild has the replacement made that was asked for, when it is time. The VM's lock is held.
func (v *vm) scheduleRebuild() {
	if v.rebuilding || v.dead != nil || v.draining {
		return
	}
	if !v.group.module.rebuilds() || v.group.host.clock.Now().Before(v.mayRebuild) {
		return
	}
	v.rebuilding = true
	v.left.rebuild, v.left.reason = v, v.rebuild
}

// goRebuild replaces v on a goroutine of the host's: whoever finds that it is time is a request, and has no need to wait.
func (v *vm) goRebuild(reason RebuildReason) {
	h := v.group.host
	if !h.beginWork() {
		return
	}
	go func() {
		defer h.work.Done()
		err := v.group.rebuild(h.working, v.worker, v, reason)
		if err == nil || h.working.Err() != nil {
			return
		}
		h.logger.Error("plugin VM not rebuilt, the old one goes on", "plugin", v.group.cfg.Name, "worker", v.worker,
			"reason", string(reason), "error", err)
	}()
}

// rebuild replaces the VM of worker w, which must be old unless that is nil. While another VM of the worker drains, it
// only notes that this one is to follow.
func (g *group) rebuild(ctx context.Context, w int, old *vm, reason RebuildReason) error {
	g.mu.Lock()
	defer g.unlock()
	v := g.vms[w]
	if v == nil || old != nil && v != old || v.isDead() || len(g.plugins) == 0 {
		return nil // what asked for it is gone
	}
	if g.draining[w] != nil {
		v.lock.Lock()
		v.rebuild, v.rebuilding, v.mayRebuild = reason, false, g.host.clock.Now().Add(rebuildInterval)
		g.left.add(v.release())
		return nil
	}
	began := time.Now()
	next, roots, err := g.prepare(ctx, w)
	if err != nil {
		v.lock.Lock()
		v.backOff()
		g.left.add(v.release())
		return err
	}
	g.vms[w], g.made[w] = next, began
	for i, p := range g.plugins {
		p.roots[w].Store(roots[i])
	}
	g.drain(v, w)
	g.host.logger.Info("plugin VM rebuilt", "plugin", g.cfg.Name, "worker", w, "reason", string(reason),
		"generation", next.generation, "took", time.Since(began), "memory", v.memory, "streams", v.pinned)
	return nil
}

// backOff puts the next attempt off, twice as long each time. The VM's lock is held.
func (v *vm) backOff() {
	v.interval = min(max(2*v.interval, rebuildInterval), maxRebuildInterval)
	v.mayRebuild = v.group.host.clock.Now().Add(v.interval)
	v.rebuild, v.rebuilding = "", false
}

// prepare makes a VM for worker w beside the one that serves, with every plugin of the group started in it.
func (g *group) prepare(ctx context.Context, w int) (*vm, []*root, error) {
	v, err := g.newVM(ctx, w)
	if err != nil {
		return nil, nil, err
	}
	roots := make([]*root, 0, len(g.plugins))
	for _, p := range g.plugins {
		r, step, err := v.startRoot(p)
		if err != nil {
			err = p.startError(step, v, err)
			v.lock.Lock()
			v.kill(fmt.Errorf("rebuild: %w", err))
			g.left.add(v.release())
			return nil, nil, err
		}
		roots = append(roots, r)
	}
	return v, roots, nil
}

// drain lets v serve its streams to their end, and no new ones: its root contexts end with their last stream, and it
// with them, or at the deadline.
func (g *group) drain(v *vm, w int) {
	v.lock.Lock()
	defer func() { g.left.add(v.release()) }()
	v.draining, v.rebuild, v.rebuilding = true, "", false
	v.memory, v.pinned = v.plugin.MemorySize(), len(v.streams)
	g.draining[w] = v
	if v.dead == nil && g.host.beginWork() {
		v.deadline = time.AfterFunc(g.cfg.drainDeadline(), v.expire)
	}
	for _, r := range v.roots {
		r.close(false)
	}
	v.drained()
}

func (c *Config) drainDeadline() time.Duration {
	if c.DrainDeadline > 0 {
		return c.DrainDeadline
	}
	return defaultDrainDeadline
}

// drained closes a VM that was replaced, when its last root context has ended. The VM's lock is held.
func (v *vm) drained() {
	if v.draining && len(v.roots) == 0 {
		v.kill(errVMClosed)
	}
}

// expire stops a VM that was replaced, at its drain deadline. Streams that are in it follow the failure policy.
func (v *vm) expire() {
	h := v.group.host
	defer h.work.Done()
	v.lock.Lock()
	v.deadline = nil
	if v.dead == nil {
		h.logger.LogAttrs(context.Background(), slog.LevelWarn, "plugin VM stopped before its last streams have ended",
			slog.String("plugin", v.group.cfg.Name), slog.Int("worker", v.worker), slog.Int("streams", len(v.streams)),
			slog.Duration("drain_deadline", v.group.cfg.drainDeadline()))
		v.kill(ErrDrained)
	}
	v.unlock()
}

// endDrain is the part of a VM's death that draining ones have. The VM's lock is held.
func (v *vm) endDrain() {
	if !v.draining {
		return
	}
	if v.deadline != nil && v.deadline.Stop() {
		v.group.host.work.Done()
	}
	v.deadline = nil
	v.left.drained = append(v.left.drained, v)
}

// forgetDrained lets the worker's next VM be rebuilt.
func (g *group) forgetDrained(v *vm) {
	g.mu.Lock()
	defer g.unlock()
	if g.draining[v.worker] != v {
		return
	}
	g.draining[v.worker] = nil
	if next := g.vms[v.worker]; next != nil {
		next.lock.Lock()
		if next.rebuild != "" {
			next.mayRebuild = time.Time{}
			next.scheduleRebuild()
		}
		g.left.add(next.release())
	}
}
