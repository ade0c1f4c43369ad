package main

import (
	"context"
	"fmt"
	"io"

	"github.com/sluice-gateway/sluice/wasmvm"
)

// compareSDKs writes the table of what a request costs, scenario by scenario.
func compareSDKs(ctx context.Context, w io.Writer, engine *wasmvm.Engine, dir string, rounds, requests int) error {
	fmt.Fprintln(w, "| plugin | CPU per request (µs) | ratio | host calls | guest allocations | ratio | guest bytes |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|")
	for _, s := range scenarios {
		if err := compareScenario(ctx, w, engine, dir, s, rounds, requests/max(s.fewer, 1)); err != nil {
			return err
		}
	}
	return nil
}

func compareScenario(ctx context.Context, w io.Writer, engine *wasmvm.Engine, dir string, s *scenario, rounds, requests int) error {
	var guests []*guest
	for _, which := range s.guests {
		g, err := start(ctx, engine, dir, s, which)
		if err != nil {
			return err
		}
		defer g.vm.Close(ctx)
		if err := g.check(); err != nil {
			return err
		}
		guests = append(guests, g)
	}
	medians, err := compare(guests, rounds, requests)
	if err != nil {
		return err
	}
	base := medians[0]
	for i, f := range medians {
		fmt.Fprintf(w, "| %s | %s | %.2f | %.0f | %.1f | %.2f | %.0f |\n",
			guests[i].name, micros(f.cpu), f.ratio, f.calls, f.mallocs, f.mallocs/base.mallocs, f.bytes)
	}
	return nil
}
