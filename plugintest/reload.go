package plugintest

import (
	"context"
	"errors"
	"fmt"
)

// Reload gives the plugin another configuration while requests go on, as the gateway does it: the plugin is configured anew
// beside what runs, and takes the requests that come; those under way end with the configuration that they began with.
// Variables of the plugin stay, for it is the same VM. A configuration that is refused fails the test; see [Plugin.TryReload].
func (p *Plugin) Reload(config string) {
	p.t.Helper()
	if err := p.TryReload(config); err != nil {
		p.t.Fatalf("plugintest: Reload: %v", err)
	}
}

// TryReload is [Plugin.Reload] for a configuration that the plugin may refuse: the error says why, and wraps a
// [*pluginhost.StartError]. The one before stays in force then.
func (p *Plugin) TryReload(config string) error {
	p.t.Helper()
	o := options{plugin: p.config}
	Config(config)(&o)
	if err := errors.Join(o.errs...); err != nil {
		return err
	}
	if err := p.gateway.ReplacePlugin(context.Background(), listenerName, o.plugin.Name, o.plugin); err != nil {
		return fmt.Errorf("the configuration before stays in force: %w", err)
	}
	p.config = o.plugin
	return nil
}
