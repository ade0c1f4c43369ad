package plugintest_test

import (
	"testing"

	"github.com/sluice-gateway/sluice/plugintest"
)

func TestPropertiesOfTheConfiguration(t *testing.T) {
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		t.Setenv("PROBE", "env")
		p := start(t, mode, plugintest.Name("the-plugin"), plugintest.Route("the-route"), plugintest.Cluster("the-cluster"),
			plugintest.VMID("the-vm"), plugintest.RootID(""), plugintest.Node("n1", "c1", map[string]any{"zone": "z"}),
			plugintest.RouteMetadata("a", map[string]any{"b": "in the route"}),
			plugintest.ClusterMetadata("a", map[string]any{"b": "in the cluster"}),
			plugintest.ListenerMetadata("a", map[string]any{"b": "in the listener"}), plugintest.Env("PROBE", "env"))
		for path, want := range map[string]string{
			"plugin_name": "the-plugin", "route_name": "the-route", "cluster_name": "the-cluster", "plugin_vm_id": "the-vm",
			"node/id": "n1", "node/cluster": "c1", "node/metadata/zone": "z",
			"xds/route_metadata/filter_metadata/a/b":   "in the route",
			"xds/cluster_metadata/filter_metadata/a/b": "in the cluster",
			"listener_metadata/filter_metadata/a/b":    "in the listener",
			"request/path":                             "/p?q",
		} {
			got := p.Do(plugintest.Get("/p?q").Header("x-do", "property").Header("x-arg", path))
			if got.Upstream == nil || got.Upstream.Header.Get("x-property") != want {
				t.Errorf("%s: %+v, want %q; logged: %v", path, got.Upstream, want, p.Logs())
			}
		}
		if got := p.Do(plugintest.Get("/").Header("x-do", "env").Header("x-arg", "PROBE")); got.Upstream.Header.Get("x-env") != "env" {
			t.Errorf("environment: %+v", got.Upstream)
		}
	})
}
