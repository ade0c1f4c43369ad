package main

import (
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/plugintest"
)

func TestCountsBySecondAndMinute(t *testing.T) {
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := plugintest.Start(t, mode, plugintest.FakeClock())
		request := func(want string) {
			t.Helper()
			got := p.Do(plugintest.Get("/"))
			if got.Upstream == nil || got.Upstream.Header.Get(header) != want {
				t.Errorf("at %v the upstream sees %+v, want %s", p.Now(), got.Upstream, want)
			}
		}
		request("0")
		request("0")
		p.Advance(time.Second)
		request("2")
		p.Advance(999 * time.Millisecond)
		request("2")
		p.Advance(time.Millisecond)
		request("2")
		p.Advance(10 * time.Second)
		request("0")
		p.Advance(time.Minute - 12*time.Second - 1)
		if p.Logged("since the last report") {
			t.Error("a report before the first minute is over")
		}
		p.Advance(1)
		if !p.Logged("6 requests since the last report") {
			t.Errorf("no report of the first minute: %v", p.Logs())
		}
		request("0")
		p.Advance(time.Minute)
		if !p.Logged("1 requests since the last report") {
			t.Errorf("no report of the second minute: %v", p.Logs())
		}
	})
}

func TestReportsAsConfigured(t *testing.T) {
	tests := []struct {
		name, config string
		reports      int // in 90 seconds
	}{
		{"by default", ``, 1},
		{"a period that is no multiple of the other's", `{"report_every_ms": 1500}`, 60},
		{"a period shorter than the other's", `{"report_every_ms": 100}`, 900},
		{"a period that is none", `{"report_every_ms": -1}`, 0},
	}
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				p := plugintest.Start(t, mode, plugintest.FakeClock(), plugintest.Config(tt.config))
				p.Advance(90 * time.Second)
				reports := 0
				for _, l := range p.Logs() {
					if l.Message == "[ticks] 0 requests since the last report" {
						reports++
					}
				}
				if reports != tt.reports {
					t.Errorf("%d reports, want %d", reports, tt.reports)
				}
			})
		}
	})
}
