package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sluice-gateway/sluice/wasmvm"
)

// The wasmvm package makes every module interruptible. What that costs is measured against a build of this program in
// which it does not: the two run in turns, each several times.

const (
	interruptSource = "../wasmvm/interrupt.go"
	rewriteCall     = "return fuel.Rewrite(code, fuel.Options{YieldModule: yieldModule, YieldName: yieldName})"
	noRewrite       = "_ = fuel.Rewrite; return code, nil"
	interruptTurns  = 7
)

var interruptGuests = []struct {
	of    *scenario
	which string
}{{headerScenario, "published"}, {headerScenario, "sluice"}, {bodyScenario, "published"}, {bodyScenario, "sluice"}}

var errRewriteCall = errors.New("wasmvm makes modules interruptible in another way than this program knows")

// compareInterrupt writes the table of what interruptible modules cost.
func compareInterrupt(ctx context.Context, w io.Writer, dir string, rounds, requests int) error {
	source, err := os.ReadFile(interruptSource)
	if err != nil {
		return err
	}
	if !strings.Contains(string(source), rewriteCall) {
		return errRewriteCall
	}
	plain := filepath.Join(dir, "plain.go")
	if err := os.WriteFile(plain, []byte(strings.Replace(string(source), rewriteCall, noRewrite, 1)), 0o600); err != nil {
		return err
	}
	replaced, err := filepath.Abs(interruptSource)
	if err != nil {
		return err
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {replaced: plain}})
	if err != nil {
		return err
	}
	overlayFile := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlayFile, overlay, 0o600); err != nil {
		return err
	}
	for _, i := range interruptGuests {
		if _, err := build(ctx, dir, i.of.folder+"/"+i.which); err != nil {
			return err
		}
	}
	cpu := map[bool]map[string][]time.Duration{}
	programs := map[bool]string{true: filepath.Join(dir, "bench"), false: filepath.Join(dir, "bench-plain")}
	for interruptible, program := range programs {
		args := []string{"build", "-o", program, "."}
		if !interruptible {
			args = []string{"build", "-overlay", overlayFile, "-o", program, "."}
		}
		if text, err := exec.CommandContext(ctx, "go", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("build: %w\n%s", err, text)
		}
		cpu[interruptible] = map[string][]time.Duration{}
	}
	for range interruptTurns {
		for interruptible, program := range programs {
			out, err := exec.CommandContext(ctx, program, "-guests", dir, "-rounds", fmt.Sprint(rounds), "-requests", fmt.Sprint(requests)).Output()
			if err != nil {
				return fmt.Errorf("%s: %w", program, err)
			}
			var turn map[string]time.Duration
			if err := json.Unmarshal(out, &turn); err != nil {
				return err
			}
			for name, d := range turn {
				cpu[interruptible][name] = append(cpu[interruptible][name], d)
			}
		}
	}
	fmt.Fprintln(w, "| plugin | interruptible (µs) | not (µs) | cost |")
	fmt.Fprintln(w, "|---|---|---|---|")
	for _, i := range interruptGuests {
		name := i.of.name + "/" + i.which
		with, without := median(cpu[true][name]), median(cpu[false][name])
		fmt.Fprintf(w, "| %s | %s | %s | %+.0f %% |\n", name, micros(with), micros(without), 100*(float64(with)/float64(without)-1))
	}
	return nil
}

// printFigures measures the guests built in dir, and prints their CPU time as JSON. It is what compareInterrupt runs.
func printFigures(ctx context.Context, w io.Writer, dir string, rounds, requests int) error {
	engine, err := wasmvm.NewEngine(ctx, wasmvm.EngineConfig{CacheDir: filepath.Join(dir, "cache")})
	if err != nil {
		return err
	}
	defer engine.Close(ctx)
	var guests []*guest
	for _, i := range interruptGuests {
		code, err := os.ReadFile(moduleFile(dir, i.of.folder+"/"+i.which))
		if err != nil {
			return err
		}
		g, err := load(ctx, engine, i.of, i.which, code)
		if err != nil {
			return err
		}
		defer g.vm.Close(ctx)
		guests = append(guests, g)
	}
	medians, err := compare(guests, rounds, requests)
	if err != nil {
		return err
	}
	cpu := map[string]time.Duration{}
	for i, g := range guests {
		cpu[g.name] = medians[i].cpu
	}
	return json.NewEncoder(w).Encode(cpu)
}

func median(list []time.Duration) time.Duration {
	list = slices.Sorted(slices.Values(list))
	return list[len(list)/2]
}

func micros(d time.Duration) string { return fmt.Sprintf("%.2f", float64(d.Nanoseconds())/1000) }
