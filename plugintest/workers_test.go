package plugintest_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/plugintest"
)

// TestSeveralVMs is for wasm mode only: natively there is one VM.
func TestSeveralVMs(t *testing.T) {
	p := start(t, plugintest.Wasm, plugintest.Workers(2))
	count := plugintest.Get("/").Header("x-do", "count")
	for i, want := range []struct {
		worker int
		served string
	}{{0, "1"}, {1, "1"}, {0, "2"}, {1, "2"}} {
		got := p.Do(count)
		if got.Worker != want.worker || got.Upstream.Header.Get("x-served") != want.served {
			t.Errorf("request %d: worker %d, its request %s, want %+v", i, got.Worker, got.Upstream.Header.Get("x-served"), want)
		}
	}
	p.UseWorker(1)
	for _, want := range []string{"3", "4"} {
		if got := p.Do(count); got.Worker != 1 || got.Upstream.Header.Get("x-served") != want {
			t.Errorf("worker %d, its request %s, want %s", got.Worker, got.Upstream.Header.Get("x-served"), want)
		}
	}
}

// TestCompareAndSwapRaces has several VMs add to one number.
func TestCompareAndSwapRaces(t *testing.T) {
	p := start(t, plugintest.Wasm, plugintest.Workers(4))
	p.SetSharedData("n", "0") // the first value of a key is written without a comparison
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 25 {
				if got := p.Do(plugintest.Get("/").Header("x-do", "add").Header("x-arg", "n")); got.Status != http.StatusOK {
					t.Errorf("%+v", got)
				}
			}
		})
	}
	wg.Wait()
	if n, _ := p.SharedData("n"); n != "100" {
		t.Errorf("100 additions come to %s", n)
	}
}

func TestATrapAndWhatFollows(t *testing.T) {
	t.Run("fail closed", func(t *testing.T) {
		p := start(t, plugintest.Wasm)
		held := p.Stream(plugintest.Get("/").Header("x-do", "hold"))
		waitFor(t, func() bool { return len(p.Callbacks()) > 0 && last(p).Name == "on_request_headers" })
		p.Trap(0)
		if got := held.Response(); got.Status != http.StatusServiceUnavailable || got.Upstream != nil {
			t.Errorf("the request that was held: %+v", got)
		}
		if got := p.Do(plugintest.Get("/")); got.Status != http.StatusServiceUnavailable || p.Alive(0) {
			t.Errorf("a new request: %+v", got)
		}
	})
	t.Run("fail open", func(t *testing.T) {
		p := start(t, plugintest.Wasm, plugintest.FailOpen())
		p.Trap(0)
		if got := p.Do(plugintest.Get("/")); got.Status != http.StatusOK || got.Header.Get("x-probe") != "" {
			t.Errorf("%+v", got)
		}
	})
	t.Run("reload", func(t *testing.T) {
		p := start(t, plugintest.Wasm, plugintest.FailReload(), plugintest.FakeClock())
		count := plugintest.Get("/").Header("x-do", "count")
		p.Do(count)
		p.Trap(0)
		if got := p.Do(count); got.Status != http.StatusServiceUnavailable {
			t.Errorf("before its time: %+v", got)
		}
		p.Advance(time.Second)
		if got := p.Do(count); got.Status != http.StatusOK || got.Upstream.Header.Get("x-served") != "1" || !p.Alive(0) {
			t.Errorf("the new VM: %+v", got)
		}
	})
	t.Run("of one VM, the other serves on", func(t *testing.T) {
		p := start(t, plugintest.Wasm, plugintest.Workers(2))
		p.Trap(0)
		p.UseWorker(1)
		if got := p.Do(plugintest.Get("/")); got.Status != http.StatusOK {
			t.Errorf("%+v", got)
		}
	})
	for _, tt := range []struct {
		name, says string
		mode       plugintest.Mode
		do         func(p *plugintest.Plugin)
	}{
		{"natively there is none", "use wasm mode", plugintest.Native, func(p *plugintest.Plugin) { p.Trap(0) }},
		{"twice", "dead already", plugintest.Wasm, func(p *plugintest.Plugin) { p.Trap(0); p.Trap(0) }},
		{"no such worker", "no worker 1", plugintest.Wasm, func(p *plugintest.Plugin) { p.Trap(1) }},
		{"use of no such worker", "UseWorker(1)", plugintest.Wasm, func(p *plugintest.Plugin) { p.UseWorker(1) }},
		{"of a plugin that is closed", "is closed", plugintest.Wasm, func(p *plugintest.Plugin) { p.Close(); p.Trap(0) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := &failing{TB: t}
			p := start(f, tt.mode)
			inGoroutine(func() { tt.do(p) })
			if !strings.Contains(f.said, tt.says) {
				t.Errorf("it says %q, want %q", f.said, tt.says)
			}
		})
	}
}

func TestRebuildAsked(t *testing.T) {
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := start(t, mode)
		if p.RebuildAsked(0) {
			t.Error("a rebuild that nobody asked for")
		}
		p.Do(plugintest.Get("/").Header("x-do", "rebuild"))
		if !p.RebuildAsked(0) {
			t.Error("nothing of the rebuild that was asked for")
		}
	})
}

func last(p *plugintest.Plugin) plugintest.Callback { all := p.Callbacks(); return all[len(all)-1] }

func waitFor(t *testing.T, what func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !what(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited in vain")
		}
	}
}
