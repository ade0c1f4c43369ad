package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/wasmvm"
)

var (
	testEngine *wasmvm.Engine
	testDir    string
)

func TestMain(m *testing.M) {
	os.Exit(func() int {
		ctx := context.Background()
		var err error
		if testDir, err = os.MkdirTemp("", "sluice-bench-"); err != nil {
			panic(err)
		}
		defer os.RemoveAll(testDir)
		if testEngine, err = wasmvm.NewEngine(ctx, wasmvm.EngineConfig{}); err != nil {
			panic(err)
		}
		defer testEngine.Close(ctx)
		return m.Run()
	}())
}

func started(tb testing.TB, s *scenario, which string) *guest {
	tb.Helper()
	g, err := start(context.Background(), testEngine, testDir, s, which)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { g.vm.Close(context.Background()) })
	return g
}

// TestGuests sees that what is compared does the same work.
func TestGuests(t *testing.T) {
	for _, s := range scenarios {
		for _, which := range s.guests {
			t.Run(s.name+"/"+which, func(t *testing.T) {
				g := started(t, s, which)
				for range 3 {
					if err := g.check(); err != nil {
						t.Fatal(err)
					}
				}
			})
		}
	}
}

// TestAllocationTarget holds the SDK to its target; CPU time is for the tables.
func TestAllocationTarget(t *testing.T) {
	// What each plugin may cost, as a part of what it costs with the published SDK.
	part := map[string]struct{ mallocs, calls float64 }{
		"header": {4. / 50, 1. / 3}, "body": {1. / 3, 1. / 3}, "100 rules": {4. / 50, 1. / 3},
		"call-out": {1. / 2, 2. / 3}, "64 chunks": {1. / 2, 1},
	}
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			figuresOf := func(which string) figures {
				f, err := started(t, s, which).measure(500)
				if err != nil {
					t.Fatal(err)
				}
				return f
			}
			o, p, may := figuresOf("sluice"), figuresOf("published"), part[s.name]
			if o.mallocs > p.mallocs*may.mallocs || o.calls > p.calls*may.calls {
				t.Fatalf("%.1f allocations and %.0f calls, the published SDK %.1f and %.0f", o.mallocs, o.calls, p.mallocs, p.calls)
			}
		})
	}
}

// memoryScenario has a plugin that keeps everything that the SDK hands out.
var memoryScenario = &scenario{name: "memory", folder: ".", config: plainConfig, run: runWithBody}

// TestKeptMemory runs a plugin that keeps everything that the SDK hands out.
func TestKeptMemory(t *testing.T) {
	g := started(t, memoryScenario, "memory")
	for i := range 1500 {
		g.host.extra = [][2]string{
			{"x-empty", ""}, {"x-n", fmt.Sprint(i)}, {"x-long", strings.Repeat(fmt.Sprint(i%10), i*17%20000)},
		}
		if i%100 == 99 { // larger than any arena
			g.host.body = []byte(strings.Repeat(fmt.Sprint(i), 50000))
		} else {
			g.host.body = []byte(strings.Repeat(fmt.Sprint(i, " "), 30))
		}
		if err := g.request(); err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
		if len(g.host.logged) > 0 {
			t.Fatalf("request %d: %q", i, g.host.logged)
		}
	}
	if v := g.host.maps[abi.MapHTTPRequestHeaders].Value("x-n"); v != "1499" {
		t.Fatalf("x-n is %q", v)
	}
}

func BenchmarkSDK(b *testing.B) {
	for _, s := range scenarios {
		for _, which := range s.guests {
			b.Run(s.name+"/"+which, func(b *testing.B) {
				g := started(b, s, which)
				if err := g.check(); err != nil {
					b.Fatal(err)
				}
				b.ReportAllocs() // the host's
				for b.Loop() {
					if err := g.request(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
