package gateway

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/sluice-gateway/sluice/pluginhost"
)

// ErrNoFilter means that there is no plugin of that name to be replaced.
var ErrNoFilter = errors.New("no such filter")

// ReplacePlugin puts another plugin, or another configuration or module of the same, in the place of the one that a
// listener's filter runs. The new one is started beside the old one and takes the streams that begin from then on; the old
// one ends with its last stream. No stream is lost. One that does not start leaves the old one serving, and is the error.
// It may be called by any goroutine once Start has returned.
func (g *Gateway) ReplacePlugin(ctx context.Context, listener, filter string, cfg pluginhost.Config) error {
	l, at, err := g.filter(listener, filter)
	if err != nil {
		return err
	}
	cfg.Upstreams, cfg.AppendProperty = callable(g.clusters), l.rootProperty
	g.replacing.Lock()
	defer g.replacing.Unlock()
	next, err := g.plugins.NewPlugin(ctx, cfg)
	if err != nil {
		return fmt.Errorf("listener %q: filter %q: %w", listener, filter, err)
	}
	chain := slices.Clone(l.chain())
	old := chain[at]
	chain[at] = next
	l.plugins.Store(&chain)
	old.Replace(next)
	return nil
}

// Plugin returns the plugin that a listener's filter runs, nil if there is none.
func (g *Gateway) Plugin(listener, filter string) *pluginhost.Plugin {
	l, at, err := g.filter(listener, filter)
	if err != nil {
		return nil
	}
	return l.chain()[at]
}

// filter finds a running filter by its name.
func (g *Gateway) filter(listener, filter string) (*listener, int, error) {
	for _, l := range g.listeners {
		if l.config.Name != listener {
			continue
		}
		at := slices.IndexFunc(l.config.filters(), func(f Filter) bool { return f.Name == filter })
		if at >= 0 && at < len(l.chain()) {
			return l, at, nil
		}
	}
	return nil, 0, fmt.Errorf("listener %q: filter %q: %w", listener, filter, ErrNoFilter)
}

// chain returns the plugins of the filters, in their order. It does not change; another takes its place.
func (l *listener) chain() []*pluginhost.Plugin {
	if chain := l.plugins.Load(); chain != nil {
		return *chain
	}
	return nil
}
