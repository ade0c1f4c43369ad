package wasmvm

import (
	"context"
	"fmt"
	"time"

	"github.com/tetratelabs/wazero/api"

	"github.com/sluice-gateway/sluice/wasmvm/fuel"
)

// A compiled module calls this import every so often; see package fuel.
const (
	yieldModule = "sluice"
	yieldName   = "yield"
	// hostRefill is what a module may have of the host between two looks at the clock. A host call costs 1, and 1 more
	// for each 4 KiB that it carries: so much work of the host costs the module little fuel.
	hostRefill = 1000
)

// interruptible rewrites a module so that it calls yieldFunction every so often.
func interruptible(code []byte) ([]byte, error) {
	return fuel.Rewrite(code, fuel.Options{YieldModule: yieldModule, YieldName: yieldName})
}

var yieldFunction = hostFunction{run: func(ctx context.Context, _ api.Module, _ []uint64) {
	ctx.(*callContext).vm.yield()
}}

// clock measures the callback that runs. Only a callback that lasts is measured: the first yield notes the time.
type clock struct {
	limit time.Duration // not positive: none
	since time.Time
	timed bool
	host  int // what is left of hostRefill
}

func (c *clock) begin(limit time.Duration) { c.limit, c.timed = limit, false }

// charge accounts for work that the host does.
func (vm *VM) charge(cost int) {
	if vm.clock.host -= cost; vm.clock.host < 0 {
		vm.yield()
	}
}

// yield looks at the clock, and ends a callback that has run for too long.
func (vm *VM) yield() {
	c := &vm.clock
	c.host = hostRefill
	if c.limit <= 0 {
		return
	}
	now := time.Now()
	if !c.timed {
		c.timed, c.since = true, now
		return
	}
	if took := now.Sub(c.since); took > c.limit {
		panic(&deadline{fmt.Sprintf("deadline exceeded: it ran for %v of %v", took.Round(time.Millisecond), c.limit)})
	}
}
