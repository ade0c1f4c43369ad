package main

import (
	"context"
	"fmt"
	"io"

	"github.com/sluice-gateway/sluice/wasmvm"
)

// The same plugins, written for the published SDK and for Sluice's; the published one is what ratios are of. raw is
// written without an SDK: the floor.
var sdkGuests = [][]string{
	{"header/published", "header/sluice", "header/raw"},
	{"body/published", "body/sluice"},
}

// compareSDKs writes the table of SDKs.
func compareSDKs(ctx context.Context, w io.Writer, engine *wasmvm.Engine, dir string, rounds, requests int) error {
	fmt.Fprintln(w, "| plugin | CPU per request (µs) | ratio | host calls | guest allocations | ratio | guest bytes | module (MB) |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|---|")
	for _, names := range sdkGuests {
		var guests []*guest
		for _, name := range names {
			g, err := start(ctx, engine, dir, name)
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
			fmt.Fprintf(w, "| %s | %s | %.2f | %.0f | %.1f | %.2f | %.0f | %.2f |\n", guests[i].name,
				micros(f.cpu), float64(f.cpu)/float64(base.cpu), f.calls,
				f.mallocs, f.mallocs/base.mallocs, f.bytes, float64(guests[i].size)/1e6)
		}
	}
	return nil
}
