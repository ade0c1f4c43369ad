package wrapper

import (
	"time"

	"github.com/sluice-gateway/sluice/sdk/internal/hostcall"
	"github.com/sluice-gateway/sluice/sdk/log"
	"github.com/sluice-gateway/sluice/sdk/proxywasm"
)

// starting is the configuration whose start runs: the one that functions registered now are for.
var starting *pluginContext

// ticker runs functions periodically on one host timer, set each time to what is due next.
type ticker struct{ entries []tickEntry }

type tickEntry struct {
	period time.Duration
	due    time.Time
	f      func()
}

// minTick keeps a plugin with a tiny period from spinning.
const minTick = 10 * time.Millisecond

// RegisterTickFunc has tickFunc called every tickPeriod milliseconds, at least 10, first one period after the start. Call
// it while a configuration is parsed, or in PrePluginStartOrReload; elsewhere it only logs an error.
//
// Every VM of the plugin runs it, one for each worker of the gateway. A run that is late does not shift the next ones;
// missed runs are not made up for.
func RegisterTickFunc(tickPeriod int64, tickFunc func()) {
	if starting == nil {
		log.Error("RegisterTickFunc is for use while the plugin starts")
		return
	}
	if starting.ticks == nil {
		starting.ticks = &ticker{}
	}
	starting.ticks.add(tickPeriod, tickFunc)
}

func (t *ticker) add(millis int64, f func()) {
	period := max(time.Duration(millis)*time.Millisecond, minTick)
	t.entries = append(t.entries, tickEntry{period: period, f: f})
}

func (t *ticker) start() error {
	now := hostcall.Now()
	for i := range t.entries {
		t.entries[i].due = now.Add(t.entries[i].period)
	}
	return t.arm(now)
}

// arm sets the host's timer, which counts whole milliseconds: rounded up, or it would come early and find nothing due.
func (t *ticker) arm(now time.Time) error {
	next := t.entries[0].due
	for _, e := range t.entries[1:] {
		if e.due.Before(next) {
			next = e.due
		}
	}
	wait := max(next.Sub(now), time.Millisecond)
	return proxywasm.SetTickPeriodMilliSeconds(uint32((wait + time.Millisecond - 1) / time.Millisecond))
}

func (t *ticker) tick() {
	now := hostcall.Now()
	for i := range t.entries {
		e := &t.entries[i]
		if now.Before(e.due) {
			continue
		}
		if e.due = e.due.Add(e.period); !now.Before(e.due) {
			e.due = now.Add(e.period)
		}
		e.f()
	}
	if err := t.arm(hostcall.Now()); err != nil {
		log.Error("cannot set the timer: " + err.Error())
	}
}
