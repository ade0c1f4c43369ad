//go:build !wasip1

package wrapper_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/internal/hosttest"
	"github.com/sluice-gateway/sluice/sdk/proxywasm"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
	"github.com/sluice-gateway/sluice/sdk/wrapper"
)

// clockStart is when the tests' time begins.
var clockStart = time.Unix(1_000_000, 0)

// startTicking starts a plugin on a host whose time stands still. parse is called while the configuration is parsed.
func startTicking(t *testing.T, parse func(*harness) error, options ...wrapper.Option) *harness {
	t.Helper()
	var h *harness
	h = loadParsing(t, ``, wrapper.ParseConfig(func(gjson.Result, *config) error { return parse(h) }), options...)
	h.Now = clockStart
	if ok := h.configure(); !ok {
		t.Fatalf("the plugin refused its configuration: %q", h.Logs)
	}
	h.begin(streamID)
	return h
}

// elapsed is how much of the tests' time has passed, in milliseconds.
func (h *harness) elapsed() int64 { return h.Now.Sub(clockStart).Milliseconds() }

func (h *harness) pass(d time.Duration) { h.Now = h.Now.Add(d) }

// run has the host's timer go until some time, each callback late by a time.
func (h *harness) run(until, late time.Duration) (ticks int) {
	h.t.Helper()
	for h.Tick != 0 {
		next := h.Now.Add(time.Duration(h.Tick)*time.Millisecond + late)
		if next.Sub(clockStart) > until {
			break
		}
		h.Now = next
		ticks++
		if err := h.OnTick(rootID); err != nil {
			h.t.Fatal(err)
		}
	}
	h.Now = clockStart.Add(until)
	return ticks
}

// record returns a function that notes when it runs, under a name, and takes some time.
func (h *harness) record(runs *[]string, name string, takes time.Duration) func() {
	return func() {
		*runs = append(*runs, fmt.Sprintf("%s%d", name, h.elapsed()))
		h.pass(takes)
	}
}

func TestTicks(t *testing.T) {
	type function struct {
		name   string
		period int64
		takes  time.Duration
	}
	for _, tc := range []struct {
		name      string
		functions []function
		until     time.Duration
		late      time.Duration
		want      string
		ticks     int
	}{
		{"one", []function{{"a", 1000, 0}}, 3500 * time.Millisecond, 0, "a1000 a2000 a3000", 3},
		{"a host and a function that take their time", []function{{"a", 1000, 300 * time.Millisecond}}, 4500 * time.Millisecond,
			7 * time.Millisecond, "a1007 a2007 a3007 a4007", 4},
		{"the host is called when something is due, and not in between", []function{{"a", 1000, 0}, {"b", 1500, 0}},
			3000 * time.Millisecond, 0, "a1000 b1500 a2000 a3000 b3000", 4},
		{"a period of an hour", []function{{"a", 3600_000, 0}}, 3 * time.Hour, 0, "a3600000 a7200000 a10800000", 3},
		{"a period of a month", []function{{"a", 30 * 86400_000, 0}}, 31 * 24 * time.Hour, 0, "a2592000000", 31},
		{"a period that never ends", []function{{"a", math.MaxInt64, 0}}, 48 * time.Hour, 0, "", 2},
		{"a tiny period", []function{{"a", 1, 0}}, 35 * time.Millisecond, 0, "a10 a20 a30", 3},
		{"missed runs are not made up for", []function{{"a", 100, 250 * time.Millisecond}}, time.Second, 0, "a100 a400 a700 a1000", 4},
		{"a slow one does not starve the others, and what waited longest goes first",
			[]function{{"s", 100, 150 * time.Millisecond}, {"a", 100, 0}, {"b", 50, 0}}, 520 * time.Millisecond, 0,
			// At 100 s has taken long: a and b, due since 100, get callbacks of their own.
			"b50 s100 a251 b251 s300 a451 b451 s500", 6},
		{"fast ones share a callback", []function{{"a", 100, time.Millisecond}, {"b", 100, time.Millisecond}}, 250 * time.Millisecond, 0,
			"a100 b101 a200 b201", 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var runs []string
			h := startTicking(t, func(h *harness) error {
				for _, f := range tc.functions {
					wrapper.RegisterTickFunc(f.period, h.record(&runs, f.name, f.takes))
				}
				return nil
			})
			ticks := h.run(tc.until, tc.late)
			if got := strings.Join(runs, " "); got != tc.want || ticks != tc.ticks {
				t.Fatalf("in %d callbacks\n%s, want in %d\n%s", ticks, got, tc.ticks, tc.want)
			}
		})
	}
}

// TestTicksDoNotDrift holds that what callbacks are late and functions take does not add up.
func TestTicksDoNotDrift(t *testing.T) {
	n := 0
	h := startTicking(t, func(h *harness) error {
		wrapper.RegisterTickFunc(1000, func() { n++; h.pass(30 * time.Millisecond) })
		return nil
	})
	h.run(1000*time.Second+100*time.Millisecond, 13*time.Millisecond)
	if n != 1000 {
		t.Fatalf("%d runs in 1000 seconds", n)
	}
}

func TestTickPanics(t *testing.T) {
	var runs []string
	h := startTicking(t, func(h *harness) error {
		wrapper.RegisterTickFunc(1000, func() { runs = append(runs, "bad"); panic("no good") })
		wrapper.RegisterTickFunc(1000, func() { runs = append(runs, "good") })
		return nil
	})
	h.run(2*time.Second, 0)
	if got := strings.Join(runs, " "); got != "bad good bad good" {
		t.Errorf("ran %s", got)
	}
	if len(h.Logs) != 2 || !strings.HasPrefix(h.Logs[0], "critical: ") || !strings.Contains(h.Logs[0], "no good") ||
		!strings.Contains(h.Logs[0], "tick_test.go") {
		t.Errorf("log %q", h.Logs)
	}
}

func TestTickPanicsWithoutRecovery(t *testing.T) {
	t.Setenv("WASM_DISABLE_PANIC_RECOVERY", "true")
	h := startTicking(t, func(*harness) error {
		wrapper.RegisterTickFunc(1000, func() { panic("no good") })
		return nil
	})
	h.pass(time.Second)
	var p *proxywasm.PanicError
	if err := h.OnTick(rootID); !errors.As(err, &p) {
		t.Fatalf("error %v", err)
	}
}

func TestTickFuncsRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		period int64
		f      func()
		want   string
	}{
		"no period":          {0, func() {}, "0 ms"},
		"a negative period":  {-5, func() {}, "-5 ms"},
		"the least period":   {math.MinInt64, func() {}, "ms"},
		"no function":        {1000, nil, "no function"},
		"nothing to be seen": {0, nil, "no function"},
	} {
		t.Run(name, func(t *testing.T) {
			h := startTicking(t, func(*harness) error {
				wrapper.RegisterTickFunc(tc.period, tc.f)
				return nil
			})
			if h.Tick != 0 || len(h.Logs) != 1 || !strings.HasPrefix(h.Logs[0], "error: ") || !strings.Contains(h.Logs[0], tc.want) {
				t.Fatalf("timer %d ms, log %q", h.Tick, h.Logs)
			}
		})
	}
}

// TestTickFuncsFromAnywhere holds where functions can be registered, and for how long they are.
func TestTickFuncsFromAnywhere(t *testing.T) {
	var runs []string
	var h *harness
	parses := 0
	everySecond := func(name string) { wrapper.RegisterTickFunc(1000, h.record(&runs, name, 0)) }
	h = startTicking(t, func(h *harness) error {
		if parses++; parses == 1 {
			wrapper.RegisterTickFunc(1000, h.record(&runs, "parser", 0))
		}
		if parses == 3 {
			wrapper.RegisterTickFunc(1000, h.record(&runs, "refused", 0))
			return errors.New("refused")
		}
		return nil
	}, wrapper.PrePluginStartOrReload(func(wrapper.PluginContext) error {
		if parses == 1 {
			everySecond("before")
		}
		return nil
	}), wrapper.ProcessRequestHeaders(func(wrapper.HttpContext, config) types.Action {
		everySecond("request")
		return types.HeaderContinue
	}))
	ranUntil := func(until time.Duration) string {
		runs = nil
		h.run(until, 0)
		slices.Sort(runs)
		return strings.Join(runs, " ")
	}
	if got := ranUntil(1 * time.Second); got != "parser1000" {
		t.Fatalf("from the parser: %s", got)
	}
	h.request().sendHeaders(true, 0)
	if got := ranUntil(2 * time.Second); got != "parser2000 request2000" {
		t.Fatalf("from a request: %s", got)
	}
	if !h.configure() {
		t.Fatal("refused")
	}
	if got := ranUntil(3 * time.Second); got != "before3000 request3000" {
		t.Fatalf("after a reload: %s", got)
	}
	if h.configure() {
		t.Fatal("not refused")
	}
	if got := ranUntil(4 * time.Second); got != "before4000 request4000" {
		t.Fatalf("after a configuration that was refused: %s", got)
	}
	if done, err := h.OnDone(rootID); !done || err != nil {
		t.Fatal(done, err)
	}
	if got := ranUntil(5 * time.Second); got != "" {
		t.Fatalf("after the end: %s", got)
	}
}

// TestTickFuncInRequest holds that a plugin's first function may come when it runs already.
func TestTickFuncInRequest(t *testing.T) {
	n := 0
	h := startTicking(t, func(*harness) error { return nil }, wrapper.ProcessRequestHeaders(func(wrapper.HttpContext, config) types.Action {
		wrapper.RegisterTickFunc(1000, func() { n++ })
		return types.HeaderContinue
	}))
	if h.Tick != 0 {
		t.Fatalf("timer %d ms", h.Tick)
	}
	h.request().sendHeaders(true, 0)
	if h.run(3*time.Second, 0); n != 3 {
		t.Fatalf("%d runs", n)
	}
}

func TestTickFuncInTickFunc(t *testing.T) {
	var runs []string
	h := startTicking(t, func(h *harness) error {
		if h.elapsed() == 0 {
			once := false
			wrapper.RegisterTickFunc(1000, func() {
				if !once {
					once = true
					wrapper.RegisterTickFunc(500, h.record(&runs, "b", 0))
				}
			})
		}
		return nil
	})
	h.run(2*time.Second, 0)
	if got := strings.Join(runs, " "); got != "b1500 b2000" {
		t.Fatalf("ran %s", got)
	}
	h.configure()
	runs = nil
	if h.run(9*time.Second, 0); runs != nil || h.Tick != 0 {
		t.Fatalf("after a reload %s ran, timer %d ms", runs, h.Tick)
	}
}

// TestTickFuncInInit holds that what is registered before there is a plugin context runs once in a VM, on whichever
// context there is, and in each VM of the process.
func TestTickFuncInInit(t *testing.T) {
	const second = 9
	n := 0
	wrapper.AsInit(func() { wrapper.RegisterTickFunc(1000, func() { n++ }) })
	t.Cleanup(wrapper.ForgetTicks)
	for _, name := range []string{"first VM", "second VM"} {
		t.Run(name, func(t *testing.T) {
			n = 0
			h := startTicking(t, func(*harness) error { return nil })
			if h.run(3*time.Second, 0); n != 3 {
				t.Fatalf("%d runs", n)
			}
			if err := h.OnContextCreate(second, 0); err != nil {
				t.Fatal(err)
			}
			h.Tick = 0
			if ok, err := h.OnConfigure(second, 0); !ok || err != nil || h.Tick != 1000 {
				t.Fatal(ok, err, h.Tick)
			}
			h.pass(time.Second)
			for _, id := range []uint32{rootID, second} {
				if err := h.OnTick(id); err != nil {
					t.Fatal(err)
				}
			}
			if n != 4 {
				t.Fatalf("%d runs with two contexts", n)
			}
			h.Tick, h.Calls = 0, nil
			if done, err := h.OnDone(second); !done || err != nil {
				t.Fatal(done, err)
			}
			want := []string{"SetEffectiveContext 1", "SetTickPeriod 1000", "SetEffectiveContext 9"}
			if !slices.Equal(h.Calls, want) {
				t.Fatalf("the end of one of them: %q, want %q", h.Calls, want)
			}
			if h.run(5*time.Second, 0); n != 5 {
				t.Fatalf("%d runs", n)
			}
		})
	}
}

// TestEffectiveContextOfTickFuncs holds that a function which looked after a stream does not leave the next with it.
func TestEffectiveContextOfTickFuncs(t *testing.T) {
	var of []uint32
	look := func() {
		context, _ := proxywasm.ActiveContextID()
		of = append(of, context)
		if err := proxywasm.SetEffectiveContext(streamID); err != nil {
			t.Error(err)
		}
	}
	h := startTicking(t, func(*harness) error {
		wrapper.RegisterTickFunc(1000, look)
		wrapper.RegisterTickFunc(1000, func() { look(); panic("no good") })
		wrapper.RegisterTickFunc(1000, look)
		return nil
	})
	h.run(time.Second, 0)
	if !slices.Equal(of, []uint32{rootID, rootID, rootID}) || h.Active != rootID {
		t.Fatalf("they ran for %d, the timer was set for %d", of, h.Active)
	}
}

func TestHostsWithALeastTick(t *testing.T) {
	for _, tc := range []struct {
		name  string
		set   func(h *hosttest.Host)
		tick  uint32
		calls int // in 10 seconds
		logs  int
	}{
		{"100 ms", func(h *hosttest.Host) { h.LeastTick = 100 }, 160, 66, 0},
		{"none", func(h *hosttest.Host) { h.Refuse["SetTickPeriod"] = abi.StatusUnimplemented }, 0, 0, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n := 0
			h := startTicking(t, func(h *harness) error {
				tc.set(h.Host)
				wrapper.RegisterTickFunc(20, func() { n++ })
				return nil
			})
			if h.Tick != tc.tick {
				t.Errorf("timer %d ms", h.Tick)
			}
			h.run(10*time.Second, 0)
			if n < tc.calls-4 || n > tc.calls+4 || len(h.Logs) != tc.logs {
				t.Errorf("%d runs, log %q", n, h.Logs)
			}
			if tc.tick != 0 && h.Count("SetTickPeriod") > n+8 {
				t.Errorf("the host was asked %d times", h.Count("SetTickPeriod"))
			}
		})
	}
}

// TestTwoContextsTick holds that plugin contexts of a VM keep their functions apart.
func TestTwoContextsTick(t *testing.T) {
	const second = 9
	var runs []string
	name := ""
	h := startTicking(t, func(h *harness) error {
		wrapper.RegisterTickFunc(1000, h.record(&runs, name, 0))
		return nil
	})
	name = "second"
	if err := h.OnContextCreate(second, 0); err != nil {
		t.Fatal(err)
	}
	if ok, err := h.OnConfigure(second, 0); !ok || err != nil {
		t.Fatal(ok, err)
	}
	h.pass(time.Second)
	for _, id := range []uint32{second, rootID, second} {
		if err := h.OnTick(id); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(runs, " "); got != "second1000 1000" {
		t.Fatalf("ran %s", got)
	}
}

func TestPluginContextStorage(t *testing.T) {
	var ctx wrapper.PluginContext
	startParsing(t, ``, wrapper.ParseConfigWithContext(func(c wrapper.PluginContext, _ gjson.Result, _ *config) error {
		c.SetContext("k", 1)
		ctx = c
		return nil
	}))
	if ctx.GetContext("k") != 1 || ctx.GetContext("none") != nil || ctx.IsRuleLevelConfigIsolation() {
		t.Fatal("plugin context")
	}
}
