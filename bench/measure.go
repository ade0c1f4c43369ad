package main

import (
	"fmt"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluice-gateway/sluice/bench/guests/count"
)

// cpuTime returns the CPU time of this thread, user and system, by a clock that is finer than getrusage's. Its goroutine
// must be locked to it.
func cpuTime() (time.Duration, error) {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		return 0, fmt.Errorf("thread CPU time: %w", err)
	}
	return time.Duration(t.Nano()), nil
}

// figures are what one request costs.
type figures struct {
	cpu     time.Duration
	ratio   float64 // of cpu to the first candidate's
	calls   float64 // host calls
	mallocs float64 // guest allocations
	bytes   float64 // guest bytes allocated
}

// measure runs n requests.
func (g *guest) measure(n int) (figures, error) {
	before, err := g.allocations()
	if err != nil {
		return figures{}, err
	}
	g.host.calls = 0
	start, err := cpuTime()
	if err != nil {
		return figures{}, err
	}
	for range n {
		if err := g.request(); err != nil {
			return figures{}, err
		}
	}
	end, err := cpuTime()
	if err != nil {
		return figures{}, err
	}
	cpu := end - start
	calls := g.host.calls
	after, err := g.allocations()
	per := func(metric int) float64 { return float64(after[metric]-before[metric]) / float64(n) }
	return figures{
		cpu: cpu / time.Duration(n), calls: float64(calls) / float64(n), mallocs: per(count.Mallocs), bytes: per(count.Bytes),
	}, err
}

// compare measures the guests in turns, so that whatever else the machine does hits all of them. It returns the round with
// the median CPU time for each, and the median of the ratios, round by round, to the first one.
func compare(guests []*guest, rounds, requests int) ([]figures, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	all := make([][]figures, len(guests))
	cpu := make([][]time.Duration, len(guests))
	for round := range rounds + 1 {
		for i := range guests {
			i = (i + round) % len(guests)
			f, err := guests[i].measure(requests)
			if err != nil {
				return nil, err
			}
			if round > 0 { // the first one warms up
				all[i] = append(all[i], f)
				cpu[i] = append(cpu[i], f.cpu)
			}
		}
	}
	medians := make([]figures, len(guests))
	for i, list := range all {
		slices.SortFunc(list, func(a, b figures) int { return int(a.cpu - b.cpu) })
		medians[i] = list[len(list)/2]
		medians[i].ratio = ratio(cpu[i], cpu[0])
	}
	return medians, nil
}

// ratio is the median of the ratios of what was measured in the same round.
func ratio(of, to []time.Duration) float64 {
	list := make([]float64, len(of))
	for i := range of {
		list[i] = float64(of[i]) / float64(to[i])
	}
	slices.Sort(list)
	return list[len(list)/2]
}
