// Command bench compares Sluice with what it replaces, doing the same work in one run.
//
//	cd bench && GOWORK=off go run . -table
//
// builds the guests and prints the tables of docs/benchmarks.md. Each comparison is a file of its own.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/sluice-gateway/sluice/wasmvm"
)

func main() {
	table := flag.Bool("table", false, "measure and print the tables as Markdown")
	only := flag.String("only", "", "print only the `table` sdk, start, interrupt or proxy")
	rounds := flag.Int("rounds", 15, "rounds of each measurement; the median counts")
	requests := flag.Int("requests", 5000, "requests in a round")
	guests := flag.String("guests", "", "measure the guests built in this `folder` and print their CPU time as JSON (for its own use)")
	proxy := flag.String("proxy", "", "serve as the proxy of this `name` in front of -upstream (for its own use)")
	upstream := flag.String("upstream", "", "`address` of the upstream")
	flag.Parse()
	ctx := context.Background()
	var err error
	switch {
	case *table:
		err = printTables(ctx, *only, *rounds, *requests)
	case *proxy != "":
		err = serveProxy(ctx, *proxy, *upstream)
	case *guests != "":
		err = printFigures(ctx, os.Stdout, *guests, *rounds, *requests)
	default:
		flag.Usage()
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// tables are what -table prints, in order.
var tables = []struct {
	name, title string
	print       func(ctx context.Context, dir string, rounds, requests int) error
}{
	{"sdk", "SDKs", func(ctx context.Context, dir string, rounds, requests int) error {
		return withEngine(ctx, dir, func(engine *wasmvm.Engine) error {
			return compareSDKs(ctx, os.Stdout, engine, dir, rounds, requests)
		})
	}},
	{"start", "Start and size", func(ctx context.Context, dir string, _, _ int) error {
		return withEngine(ctx, dir, func(engine *wasmvm.Engine) error { return compareStarts(ctx, os.Stdout, engine, dir) })
	}},
	{"interrupt", "Interruptible modules", func(ctx context.Context, dir string, rounds, requests int) error {
		return compareInterrupt(ctx, os.Stdout, dir, rounds, requests)
	}},
	{"proxy", "Proxying without a plugin", func(ctx context.Context, _ string, rounds, requests int) error {
		return compareProxies(ctx, os.Stdout, rounds, requests)
	}},
}

// withEngine lends an engine that compiles each module once for all tables.
func withEngine(ctx context.Context, dir string, f func(*wasmvm.Engine) error) error {
	engine, err := wasmvm.NewEngine(ctx, wasmvm.EngineConfig{CacheDir: filepath.Join(dir, "cache")})
	if err != nil {
		return err
	}
	return errors.Join(f(engine), engine.Close(ctx))
}

func printTables(ctx context.Context, only string, rounds, requests int) error {
	dir, err := os.MkdirTemp("", "sluice-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	for _, t := range tables {
		if only != "" && only != t.name {
			continue
		}
		fmt.Printf("### %s\n\n", t.title)
		if err := t.print(ctx, dir, rounds, requests); err != nil {
			return err
		}
		fmt.Println()
	}
	return nil
}
