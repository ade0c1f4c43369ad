package pluginhost

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

// ErrKilled is why a VM is dead that [Plugin.Kill] killed.
var ErrKilled = errors.New("killed from outside")

// Plugins returns the plugins that are not closed, in the order of their names.
func (h *Host) Plugins() []*Plugin {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := make([]*Plugin, 0, len(h.plugins))
	for p := range h.plugins {
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b *Plugin) int { return cmp.Compare(a.cfg.Name, b.cfg.Name) })
	return list
}

// Workers returns the number of the plugin's VMs.
func (p *Plugin) Workers() int { return len(p.roots) }

// Alive reports whether the plugin's VM of a worker is there and not dead.
func (p *Plugin) Alive(worker int) bool {
	r := p.roots[worker].Load()
	return r != nil && !r.vm.isDead()
}

// Kill makes the plugin's VM of a worker dead, as a trap does, once it is between callbacks. Everything follows that
// follows a trap: streams that the plugin holds are failed, and the failure policy says what becomes of new ones. It
// reports whether the VM was alive.
func (p *Plugin) Kill(worker int) bool {
	r := p.roots[worker].Load()
	if r == nil {
		return false
	}
	v := r.vm
	v.lock.Lock()
	defer v.unlock()
	if v.dead != nil {
		return false
	}
	v.begin(r, nil)
	v.finish("(none)", ErrKilled)
	return true
}

// RebuildAsked reports whether a VM of a worker, this one or one that was replaced since, was asked to be made anew by the
// plugins in it.
func (p *Plugin) RebuildAsked(worker int) bool { return p.group.asks[worker].Load() > 0 }

// Generation returns the number of the VM that serves a worker's new streams, which grows with each VM that is made. It is
// 0 if there is none.
func (p *Plugin) Generation(worker int) uint64 {
	r := p.roots[worker].Load()
	if r == nil {
		return 0
	}
	return r.vm.generation
}

// SharedData returns a copy of a value of the shared data that the plugin sees, with its number for compare-and-swap; ok
// is false if nobody set it.
func (p *Plugin) SharedData(key string) (value []byte, cas uint32, ok bool) {
	e := p.group.data.entry([]byte(key))
	if e == nil {
		return nil, 0, false
	}
	d := e.value.Load()
	return slices.Clone(d.data), d.cas, true
}

// SetSharedData sets a value of the shared data as the plugin itself would: see [abi.Host].
func (p *Plugin) SetSharedData(key string, value []byte, cas uint32) abi.Status {
	status, _ := p.group.data.set([]byte(key), value, cas, p.cfg.Name, &p.cfg.Limits)
	return status
}

// Queue returns copies of what is in a shared queue of the plugin's vm_id, first in first out; ok is false if nobody
// registered it.
func (p *Plugin) Queue(name string) (elements [][]byte, ok bool) {
	s := &p.group.host.queues
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.byName[queueKey{p.group.cfg.VMID, name}]
	if q == nil {
		return nil, false
	}
	for _, e := range q.elements[q.first:] {
		elements = append(elements, slices.Clone(e))
	}
	return elements, true
}

// Enqueue adds to a shared queue of the plugin's vm_id, and has the plugin that registered it told: see [abi.Host].
func (p *Plugin) Enqueue(name string, value []byte) abi.Status {
	s := &p.group.host.queues
	id := s.resolve(p.group.cfg.VMID, []byte(name))
	if id == 0 {
		return abi.StatusNotFound
	}
	status, _, _, _ := s.enqueue(id, value)
	return status
}

// Metric returns a metric that plugins of the host defined, by its name with or without Higress' prefix; ok is false if
// there is none. Of several kinds under one name it is the one that was defined first.
func (h *Host) Metric(name string) (m Metric, ok bool) {
	name = strings.TrimPrefix(name, metricPrefix)
	for _, m := range h.Metrics() {
		if m.Name == name {
			return m, true
		}
	}
	return Metric{}, false
}
