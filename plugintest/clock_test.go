package plugintest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/plugintest"
)

func TestTicksOnAFakeClock(t *testing.T) {
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := start(t, mode, plugintest.FakeClock(), plugintest.Config("text: abc\ntick: 60000"))
		began := p.Now()
		for _, step := range []struct {
			by    time.Duration
			ticks int64
		}{{59 * time.Second, 0}, {time.Second, 1}, {30 * time.Second, 1}, {30 * time.Second, 2}, {time.Hour, 62}} {
			p.Advance(step.by)
			if got := p.Metric("probe_ticks").Value; got != step.ticks {
				t.Errorf("after %v there were %d ticks, want %d", p.Now().Sub(began), got, step.ticks)
			}
		}
		if !p.Logged("tick of abc") {
			t.Error("the tick has not logged")
		}
		var ticks int
		for _, c := range p.Callbacks() {
			if c.Name == "on_tick" {
				ticks++
			}
		}
		if ticks != 62 {
			t.Errorf("%d on_tick callbacks", ticks)
		}
	})
}

// TestAModulesClockIsTheFakeOne: natively a plugin's own time.Now is the machine's.
func TestAModulesClockIsTheFakeOne(t *testing.T) {
	p := start(t, plugintest.Wasm, plugintest.FakeClock())
	p.Advance(90 * time.Second)
	got := p.Do(plugintest.Get("/").Header("x-do", "time"))
	if at := got.Upstream.Header.Get("x-time"); at != "2000-01-01T00:01:30Z" {
		t.Errorf("the plugin's time is %s", at)
	}
}

func TestAdvanceNeedsAFakeClock(t *testing.T) {
	f := &failing{TB: t}
	p := start(f, plugintest.Native)
	inGoroutine(func() { p.Advance(time.Second) })
	if !strings.Contains(f.said, "FakeClock") {
		t.Errorf("it says %q", f.said)
	}
}

// inGoroutine runs what may end its goroutine, as a failing test does.
func inGoroutine(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	<-done
}
