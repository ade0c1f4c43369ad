package plugintest

import (
	"github.com/sluice-gateway/sluice/pluginhost"
	"github.com/sluice-gateway/sluice/sdk/abi"
)

// Callbacks returns the callbacks that the plugin has had so far, those of the root context among them, in the order in
// which they ended. Of very many only the last are kept.
func (p *Plugin) Callbacks() []Callback { return p.watch.all() }

// Metric returns a metric that the plugin defined, by the plugin's name for it; a zero one if there is none.
func (p *Plugin) Metric(name string) pluginhost.Metric {
	m, _ := p.host.Metric(name)
	return m
}

// SharedData returns a value of the shared data; ok is false if nobody set it.
func (p *Plugin) SharedData(key string) (value string, ok bool) {
	p.t.Helper()
	data, _, ok := p.running().SharedData(key)
	return string(data), ok
}

// SetSharedData sets a value of the shared data, as another plugin of the same vm_id would.
func (p *Plugin) SetSharedData(key, value string) {
	p.t.Helper()
	if status := p.running().SetSharedData(key, []byte(value), 0); status != abi.StatusOK {
		p.t.Fatalf("plugintest: setting the shared data %q: %v", key, status)
	}
}

// Queue returns what is in a shared queue, first in first out; ok is false if nobody registered it.
func (p *Plugin) Queue(name string) (elements []string, ok bool) {
	p.t.Helper()
	all, ok := p.running().Queue(name)
	for _, e := range all {
		elements = append(elements, string(e))
	}
	return elements, ok
}

// Enqueue adds to a shared queue, as another plugin would: the plugin that registered it is told (on_queue_ready).
func (p *Plugin) Enqueue(name, value string) {
	p.t.Helper()
	if status := p.running().Enqueue(name, []byte(value)); status != abi.StatusOK {
		p.t.Fatalf("plugintest: adding to the queue %q: %v", name, status)
	}
}

// running is the plugin as its host has it.
func (p *Plugin) running() *pluginhost.Plugin {
	p.t.Helper()
	if len(p.host.Plugins()) == 0 {
		p.t.Fatalf("plugintest: the plugin is closed")
	}
	return p.gateway.Plugin(listenerName, p.config.Name)
}
