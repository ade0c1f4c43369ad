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

func started(tb testing.TB, name string) *guest {
	tb.Helper()
	g, err := start(context.Background(), testEngine, testDir, name)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { g.vm.Close(context.Background()) })
	return g
}

// TestGuests sees that what is compared does the same work.
func TestGuests(t *testing.T) {
	for _, names := range sdkGuests {
		for _, name := range names {
			t.Run(name, func(t *testing.T) {
				g := started(t, name)
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
	for _, plugin := range []string{"header", "body"} {
		t.Run(plugin, func(t *testing.T) {
			ours, theirs := started(t, plugin+"/sluice"), started(t, plugin+"/published")
			figuresOf := func(g *guest) figures {
				f, err := g.measure(500)
				if err != nil {
					t.Fatal(err)
				}
				return f
			}
			if o, p := figuresOf(ours), figuresOf(theirs); o.mallocs > p.mallocs/3 || o.calls > p.calls/3 {
				t.Fatalf("%.1f allocations and %.0f calls, the published SDK %.1f and %.0f", o.mallocs, o.calls, p.mallocs, p.calls)
			}
		})
	}
}

// TestKeptMemory runs a plugin that keeps everything that the SDK hands out.
func TestKeptMemory(t *testing.T) {
	g := started(t, "memory")
	g.body = []byte(strings.Repeat("body ", 30))
	for i := range 1500 {
		g.host.extra = [][2]string{
			{"x-empty", ""}, {"x-n", fmt.Sprint(i)}, {"x-long", strings.Repeat(fmt.Sprint(i%10), i*17%20000)},
		}
		if i%100 == 99 { // larger than any arena
			g.body = []byte(strings.Repeat(fmt.Sprint(i), 50000))
		} else {
			g.body = []byte(strings.Repeat(fmt.Sprint(i, " "), 30))
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
	for _, names := range sdkGuests {
		for _, name := range names {
			b.Run(name, func(b *testing.B) {
				g := started(b, name)
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
