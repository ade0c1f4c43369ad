//go:build !wasip1

package wrapper_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/sluice-gateway/sluice/sdk/wrapper"
)

func TestTicks(t *testing.T) {
	counts := [2]int{}
	h := startParsing(t, ``, wrapper.ParseConfig(func(gjson.Result, *config) error {
		wrapper.RegisterTickFunc(20, func() { counts[0]++ })
		wrapper.RegisterTickFunc(3600_000, func() { counts[1]++ })
		return nil
	}))
	if h.Tick == 0 || h.Tick > 20 {
		t.Fatalf("timer %d ms", h.Tick)
	}
	for range 3 {
		time.Sleep(time.Duration(h.Tick) * time.Millisecond)
		if err := h.OnTick(rootID); err != nil {
			t.Fatal(err)
		}
		if h.Tick == 0 || h.Tick > 20 {
			t.Fatalf("timer %d ms", h.Tick)
		}
	}
	if counts != [2]int{3, 0} {
		t.Fatalf("runs %v", counts)
	}
}

func TestTickFuncOutOfPlace(t *testing.T) {
	h := start(t, ``)
	wrapper.RegisterTickFunc(20, func() {})
	if h.Tick != 0 || len(h.Logs) != 1 || !strings.Contains(h.Logs[0], "RegisterTickFunc") {
		t.Fatalf("timer %d ms, log %q", h.Tick, h.Logs)
	}
}

func TestPluginContextStorage(t *testing.T) {
	var ctx wrapper.PluginContext
	startParsing(t, ``, wrapper.ParseConfigWithContext(func(c wrapper.PluginContext, _ gjson.Result, _ *config) error {
		c.SetContext("k", 1)
		ctx = c
		return nil
	}))
	if ctx.GetContext("k") != 1 || ctx.GetContext("none") != nil || ctx.IsRuleLevelConfigIsolation() {
		t.Fatal("plugin context")
	}
}
