//go:build !wasip1

package log_test

import (
	"io"
	"slices"
	"testing"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/internal/hosttest"
	"github.com/sluice-gateway/sluice/sdk/log"
	"github.com/sluice-gateway/sluice/sdk/proxywasm"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
)

// contexts is a plugin with several plugin contexts, which begin with their settings.
type contexts struct {
	types.DefaultVMContext
	set map[uint32]func()
	f   func(root uint32)
}

type pluginContext struct {
	types.DefaultPluginContext
	c  *contexts
	id uint32
}

func (c *contexts) NewPluginContext(id uint32) types.PluginContext {
	return &pluginContext{c: c, id: id}
}

func (p *pluginContext) OnPluginStart(int) types.OnPluginStartStatus {
	if set := p.c.set[p.id]; set != nil {
		set()
	}
	return types.OnPluginStartStatusOK
}

func (p *pluginContext) OnTick() { p.c.f(p.id) }

func (p *pluginContext) NewHttpContext(uint32) types.HttpContext {
	return &stream{f: func() { p.c.f(p.id) }}
}

// TestSeveralPluginContexts holds that a line has the name, the logger and the safe mode of the context it is about.
func TestSeveralPluginContexts(t *testing.T) {
	custom := log.New("custom")
	c := &contexts{
		set: map[uint32]func(){
			1: func() { log.SetPluginLog(custom); log.ResetID("one") },
			2: func() { log.SetPluginLog(custom); log.ResetID("two"); log.SetSafeLogEnabled(true) },
			3: func() { log.SetPluginLog(nil) },
		},
		f: func(uint32) { log.UnsafeInfo("x") },
	}
	log.SetPluginLog(log.New("all"))
	t.Cleanup(func() { log.SetPluginLog(nil) })
	proxywasm.SetVMContext(c)
	host := hosttest.New()
	host.Level = abi.LogTrace
	p := proxywasm.NewPlugin(host)
	t.Cleanup(func() { p.(io.Closer).Close() })
	for root := uint32(1); root <= 4; root++ {
		if err := p.OnContextCreate(root, 0); err != nil {
			t.Fatal(err)
		}
		if _, err := p.OnConfigure(root, 0); err != nil {
			t.Fatal(err)
		}
		if err := p.OnContextCreate(10+root, root); err != nil { // its stream
			t.Fatal(err)
		}
	}
	want := []string{"", "info: [custom] [one] x", "debug: [custom] [two] x", "info: x", "info: [all] x"}
	for _, root := range []uint32{1, 2, 1, 3, 4, 2, 2, 1} {
		for what, callback := range map[string]func() error{
			"tick":   func() error { return p.OnTick(root) },
			"stream": func() error { _, err := p.OnRequestHeaders(10+root, 0, true); return err },
		} {
			host.Logs = nil
			if err := callback(); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(host.Logs, []string{want[root]}) {
				t.Errorf("%s of context %d: log %q, want %q", what, root, host.Logs, want[root])
			}
		}
	}
	t.Run("another one made active", func(t *testing.T) {
		c.f = func(uint32) {
			log.Info("a")
			if err := proxywasm.SetEffectiveContext(12); err != nil {
				t.Error(err)
			}
			log.Info("b")
		}
		host.Logs = nil
		if err := p.OnTick(1); err != nil {
			t.Fatal(err)
		}
		if want := []string{"info: [custom] [one] a", "info: [custom] [two] b"}; !slices.Equal(host.Logs, want) {
			t.Errorf("log %q, want %q", host.Logs, want)
		}
	})
	t.Run("outside of all", func(t *testing.T) {
		host.Logs = nil
		log.Info("x")
		if want := []string{"info: [all] x"}; !slices.Equal(host.Logs, want) || log.IsSafeLogEnabled() {
			t.Errorf("log %q, want %q", host.Logs, want)
		}
	})
}
