package wrapper

import (
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/sluice-gateway/sluice/sdk/internal/hostcall"
	"github.com/sluice-gateway/sluice/sdk/log"
	"github.com/sluice-gateway/sluice/sdk/proxywasm"
)

// RegisterTickFunc has tickFunc called every tickPeriod milliseconds, first one period from now. The host is asked to
// call when the next function is due, and not in between. What the host and the functions themselves take does not add
// up: a late run does not shift the next ones. Runs that were missed are not made up for. A function that takes longer than
// its period runs at the next multiple of it.
//
// Functions that are due at a time run one after another, the one that waited longest first, and when they have taken 10 ms
// the others get a callback of their own: for them the host's deadline for a callback begins anew, and requests get in
// between. A panic is logged with its stack; the function stays registered, the others run (unless the VM's environment has
// WASM_DISABLE_PANIC_RECOVERY: then it ends the VM).
//
// Periods below 10 ms are taken for 10 ms. A period of 0 or less, or no function, is logged as an error, and nothing is
// registered.
//
// Every VM of the plugin runs it, one for each worker of the gateway: see [PluginContext].DoLeaderElection for what should
// run in one of them only. It may be called anywhere, and where decides how long the function is registered:
//
//   - while a configuration is parsed, or in PrePluginStartOrReload: until the plugin is configured anew or ends. If the
//     configuration is refused the function is never called, and those of the one before stay. Where a gateway configures
//     a new plugin context beside the old one, the old one's functions run until its last stream has ended;
//   - in a function of a stream, or in the callback of a call-out: until the plugin's context ends, whatever is
//     configured in it until then;
//   - in a Go init function, before there is a plugin context: for the life of the VM, which calls it once in a period
//     however many plugin contexts it has;
//   - in a tick function: as long as that one.
//
// There is no way to take a function back.
func RegisterTickFunc(tickPeriod int64, tickFunc func()) {
	switch {
	case tickFunc == nil:
		log.Error("RegisterTickFunc: no function")
	case tickPeriod <= 0:
		log.Error("RegisterTickFunc: the period is " + strconv.FormatInt(tickPeriod, 10) + " ms, which is never")
	default:
		e := &tickEntry{f: tickFunc, period: maxPeriod}
		if tickPeriod < maxPeriod.Milliseconds() {
			e.period = max(time.Duration(tickPeriod)*time.Millisecond, minPeriod)
		}
		theTicker().register(e)
	}
}

const (
	// minPeriod keeps a plugin with a tiny period from spinning.
	minPeriod = 10 * time.Millisecond
	// maxPeriod is centuries, and does not overflow.
	maxPeriod = time.Duration(math.MaxInt64 / 4)
	// longTick is after what time functions wait for a callback of their own.
	longTick = 10 * time.Millisecond
	// maxWait is how long the host's timer is set for at most. It could take 49 days.
	maxWait = 24 * time.Hour
)

// timer is the ticker, where there is something for it. It is an interface so that a plugin without ticks carries none of
// it, and imports nothing for it.
type timer interface {
	started(p *pluginContext, ok bool)
	tick(p *pluginContext)
	ended(p *pluginContext)
}

var ticking timer

// ticker is the VM's functions. Each plugin context has a timer of the host's; its own functions run on that, those of the
// VM on that of the context which started last, the driver.
type ticker struct {
	vm      uint32 // which VM of the process, see hostcall.Instance
	entries []*tickEntry
	driver  *pluginContext
	running *tickEntry     // the one that is being called
	at      *pluginContext // whose tick is under way, which arms the timer when it ends
	// least is the shortest wait that the host took, where it refused a shorter one.
	least time.Duration
	// refused says that the host takes no wait, which was logged.
	refused bool
}

// tickEntry is a function.
type tickEntry struct {
	owner  *pluginContext // nil: the VM
	start  int            // the owner's start that registered it, 0: none did
	vm     uint32
	period time.Duration
	due    time.Time // zero: a period after a context starts
	f      func()
	// then, if not nil, is called in place of f and answers after what time it is due again.
	then func() time.Duration
}

func theTicker() *ticker {
	t, _ := ticking.(*ticker)
	if t == nil {
		t = &ticker{}
		ticking = t
	}
	t.enter()
	return t
}

// enter forgets the VM before this one, if the process had one: natively, what its Go init functions registered is for
// every VM.
func (t *ticker) enter() {
	if t.vm == hostcall.Instance {
		return
	}
	entries := slices.DeleteFunc(t.entries, func(e *tickEntry) bool { return e.vm != 0 })
	for _, e := range entries {
		e.due = time.Time{}
	}
	*t = ticker{vm: hostcall.Instance, entries: entries}
}

// register adds a function for whoever registers it.
func (t *ticker) register(e *tickEntry) {
	switch {
	case t.running != nil:
		e.owner, e.start = t.running.owner, t.running.start
	case starting != nil:
		e.owner, e.start = starting, starting.starts
	default:
		e.owner = activePlugin()
	}
	t.add(e)
}

// add adds a function of e.owner's, and sees that it is called.
func (t *ticker) add(e *tickEntry) {
	e.vm = t.vm
	if e.owner != nil || t.driver != nil {
		e.due = hostcall.Now().Add(e.period)
	}
	t.entries = append(t.entries, e)
	if t.at != nil && e.owner == nil {
		t.drive(t.at)
	}
	if t.at != nil || starting != nil {
		return // who ticks or starts arms the timer
	}
	p := e.owner
	if p == nil {
		// The VM's functions move to the context whose callback this is, which can set its own timer only.
		if p = activePlugin(); p == nil {
			return
		}
		t.drive(p)
	}
	t.arm(p)
}

// remove takes a function of the VM back. A timer that is set for it comes in vain.
func (t *ticker) remove(e *tickEntry) {
	t.entries = slices.DeleteFunc(t.entries, func(o *tickEntry) bool { return o == e })
}

// drive makes p the driver.
func (t *ticker) drive(p *pluginContext) {
	t.driver = p
	for _, e := range t.entries {
		if e.owner == nil && e.due.IsZero() {
			e.due = hostcall.Now().Add(e.period)
		}
	}
}

// started has the functions of p's new configuration take the place of those of the old one, or, if it was refused, takes
// them back.
func (t *ticker) started(p *pluginContext, ok bool) {
	t.enter()
	t.entries = slices.DeleteFunc(t.entries, func(e *tickEntry) bool {
		return e.owner == p && e.start != 0 && (e.start != p.starts) == ok
	})
	if ok {
		t.drive(p)
	}
	t.arm(p)
}

// ended drops p's functions. Those of the VM go to another context.
func (t *ticker) ended(p *pluginContext) {
	t.enter()
	t.entries = slices.DeleteFunc(t.entries, func(e *tickEntry) bool { return e.owner == p })
	if t.driver != p {
		return
	}
	t.driver = nil
	for _, other := range contexts {
		if other.configured {
			t.driver = other
		}
	}
	if t.driver != nil && len(t.entries) > 0 && proxywasm.SetEffectiveContext(t.driver.id) == nil {
		t.arm(t.driver)
		_ = proxywasm.SetEffectiveContext(p.id)
	}
}

// next is the function of p's timer that is due first, nil if there is none.
func (t *ticker) next(p *pluginContext) *tickEntry {
	var next *tickEntry
	for _, e := range t.entries {
		mine := e.owner == p || e.owner == nil && t.driver == p
		if mine && !e.due.IsZero() && (next == nil || e.due.Before(next.due)) {
			next = e
		}
	}
	return next
}

// tick runs what is due.
func (t *ticker) tick(p *pluginContext) {
	t.enter()
	t.at = p
	began := hostcall.Now()
	now := began
	for now.Sub(began) < longTick {
		e := t.next(p)
		if e == nil || now.Before(e.due) {
			break
		}
		t.run(p, e)
		now = hostcall.Now()
		if e.then == nil {
			e.due = e.due.Add(e.period)
			if late := now.Sub(e.due); late >= 0 {
				e.due = e.due.Add(late - late%e.period + e.period)
			}
		}
	}
	t.at = nil
	t.arm(p)
}

// run calls a function.
func (t *ticker) run(p *pluginContext, e *tickEntry) {
	t.running = e
	defer func() {
		t.running = nil
		if v := recover(); v != nil {
			if p.repanic {
				panic(v)
			}
			log.Critical("panic in a tick function: " + panicText(v) + " " + stackLine())
		}
		// It may have looked after a stream, to which what follows would count.
		if context, _ := proxywasm.ActiveContextID(); context != p.id {
			_ = proxywasm.SetEffectiveContext(p.id)
		}
	}()
	if e.then != nil {
		e.due = hostcall.Now().Add(e.then())
		return
	}
	e.f()
}

// arm sets the host's timer of p, the effective context's plugin, to what is due next. It counts whole milliseconds:
// rounded up, or it would come early and find nothing due.
func (t *ticker) arm(p *pluginContext) {
	next := t.next(p)
	if next == nil {
		if p.armed {
			p.armed = false
			_ = proxywasm.SetTickPeriodMilliSeconds(0)
		}
		return
	}
	wait := min(max(next.due.Sub(hostcall.Now()), time.Millisecond, t.least), maxWait)
	var err error
	for ; wait <= maxWait; wait *= 2 {
		if err = proxywasm.SetTickPeriodMilliSeconds(uint32((wait + time.Millisecond - 1) / time.Millisecond)); err == nil {
			p.armed = true
			return
		}
		// A host may have a shortest period. It is not asked for less again.
		t.least = wait * 2
	}
	t.least = maxWait
	if !t.refused {
		t.refused = true
		log.Error("tick functions do not run, the host sets no timer: " + err.Error())
	}
}
