package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"github.com/sluice-gateway/sluice/wasmvm"
)

// startRounds is how often each module is started.
const startRounds = 31

// compareStarts writes the table of what a VM of the header plugin costs before its first request, from a compiled
// module to a configured plugin, and of how large the modules are.
func compareStarts(ctx context.Context, w io.Writer, engine *wasmvm.Engine, dir string) error {
	type candidate struct {
		of             *scenario
		which          string
		size, stripped int64
		module         *wasmvm.Module
		cpu, wall      []time.Duration
	}
	var list []*candidate
	for _, s := range []*scenario{headerScenario, bodyScenario} {
		for _, which := range s.guests {
			c := &candidate{of: s, which: which}
			list = append(list, c)
			name := s.folder + "/" + which
			// The plain build comes last: it stays, for the other tables.
			file, err := build(ctx, dir, name, "-ldflags=-s -w")
			if err != nil {
				return err
			}
			info, err := os.Stat(file)
			if err != nil {
				return err
			}
			c.stripped = info.Size()
			if file, err = build(ctx, dir, name); err != nil {
				return err
			}
			code, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			c.size = int64(len(code))
			if c.module, err = engine.Compile(ctx, code); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for round := range startRounds + 1 {
		for _, c := range list {
			before, err := cpuTime()
			if err != nil {
				return err
			}
			began := time.Now()
			vm, err := startVM(ctx, c.module, c.which, &host{config: []byte(c.of.config)})
			if err != nil {
				return err
			}
			wall := time.Since(began)
			after, err := cpuTime()
			if err != nil {
				return err
			}
			if err := vm.Close(ctx); err != nil {
				return err
			}
			if round > 0 { // the first one warms up
				c.cpu, c.wall = append(c.cpu, after-before), append(c.wall, wall)
			}
		}
	}
	fmt.Fprintln(w, "| plugin | start, CPU (ms) | ratio | start, wall (ms) | module (MB) | ratio | with -s -w (MB) | ratio |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|---|")
	var base *candidate
	for _, c := range list {
		if c.which == c.of.guests[0] {
			base = c
		}
		millis := func(d time.Duration) string { return fmt.Sprintf("%.2f", float64(d.Microseconds())/1000) }
		fmt.Fprintf(w, "| %s/%s | %s | %.2f | %s | %.2f | %.2f | %.2f | %.2f |\n", c.of.name, c.which,
			millis(median(c.cpu)), ratio(c.cpu, base.cpu), millis(median(c.wall)),
			float64(c.size)/1e6, float64(c.size)/float64(base.size),
			float64(c.stripped)/1e6, float64(c.stripped)/float64(base.stripped))
	}
	return nil
}
