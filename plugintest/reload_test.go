package plugintest

import (
	"errors"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/pluginhost"
)

// A reload: streams keep the configuration that they began with, a refused one changes nothing.
func TestReload(t *testing.T) {
	const source = "../examples/plugin-context"
	p := Start(t, Wasm, Source(source), Config(`{}`))
	before := p.Generation(0)
	held := p.Stream(Get("/"))
	upstream := held.Upstream()
	p.Reload(`{"any": "thing"}`)
	if got := p.Do(Get("/")); got.Status != 200 {
		t.Errorf("after it: %d (%s)", got.Status, got.Details)
	}
	if p.Generation(0) != before {
		t.Error("another VM: the variables of the plugin are gone")
	}
	var start *pluginhost.StartError
	err := p.TryReload(`[1`)
	if !errors.As(err, &start) || start.Step != pluginhost.StepConfigure || !strings.Contains(err.Error(), "stays in force") {
		t.Errorf("a bad configuration: %v", err)
	}
	if got := p.Do(Get("/")); got.Status != 200 {
		t.Errorf("after the one that was refused: %d (%s)", got.Status, got.Details)
	}
	upstream.Close()
	if got := held.Response(); got.Status != 200 {
		t.Errorf("the stream under way: %d (%s)", got.Status, got.Details)
	}
}
