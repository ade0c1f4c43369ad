package pluginhost

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/wasmvm"
)

// stillClock is a time that stands still but for advance. Timers that are due at the same time run at once, each on its
// own goroutine, as real ones do.
type stillClock struct {
	mu     sync.Mutex
	now    time.Time
	timers map[*stillTimer]struct{}
}

type stillTimer struct {
	clock *stillClock
	due   time.Time
	f     func()
}

func newStillClock() *stillClock {
	return &stillClock{now: time.Unix(1_000_000, 0), timers: map[*stillTimer]struct{}{}}
}

func (c *stillClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *stillClock) AfterFunc(d time.Duration, f func()) Timer {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := &stillTimer{clock: c, due: c.now.Add(d), f: f}
	c.timers[t] = struct{}{}
	return t
}

func (t *stillTimer) Stop() bool {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	_, waits := t.clock.timers[t]
	delete(t.clock.timers, t)
	return waits
}

func (c *stillClock) advance(d time.Duration) {
	for end := c.Now().Add(d); ; {
		due := c.take(end)
		if due == nil {
			return
		}
		var all sync.WaitGroup
		for _, f := range due {
			all.Go(f)
		}
		all.Wait()
	}
}

// take goes on to when the next timers are due, and returns them: nil if there are none until end.
func (c *stillClock) take(end time.Time) (due []func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	next := end.Add(1)
	for t := range c.timers {
		if t.due.Before(next) {
			next = t.due
		}
	}
	if next.After(end) {
		c.now = end
		return nil
	}
	if next.After(c.now) {
		c.now = next
	}
	for t := range c.timers {
		if !t.due.After(next) {
			delete(c.timers, t)
			due = append(due, t.f)
		}
	}
	return due
}

// buildPlugin builds the module of a folder.
func buildPlugin(t *testing.T, dir string) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "plugin.wasm")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-buildmode=c-shared", "-o", out, ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building %s: %v\n%s", dir, err, text)
	}
	code, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// TestElection has the VMs of several copies of a plugin, as there are while one takes the place of another, elect one
// leader together, while copies come and go and VMs trap. Their ticks run at the same time.
func TestElection(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and compiles a plugin")
	}
	code := buildPlugin(t, "../examples/leader-election")
	engine, err := wasmvm.NewEngine(context.Background(), wasmvm.EngineConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close(context.Background())
	const workers = 2
	clock := newStillClock()
	log := &syncBuffer{}
	host := New(Options{Engine: engine, Workers: workers, Clock: clock, Logger: logger(log)})
	defer closeHost(t, host)

	var copies []*Plugin
	add := func() {
		t.Helper()
		p, err := host.NewPlugin(t.Context(), Config{Name: "elects", VMID: "elects", Code: code, LogLevel: abi.LogInfo,
			VMConfiguration: []byte(fmt.Sprint(len(copies), clock.Now().Unix()))}) // for VMs of its own
		if err != nil {
			t.Fatal(err)
		}
		copies = append(copies, p)
	}
	type place struct{ copy, worker int }
	// leaders asks all VMs, at one time.
	leaders := func() (leads []place) {
		t.Helper()
		for i, p := range copies {
			for worker := range workers {
				if !p.Alive(worker) {
					continue
				}
				cb := newStream()
				f := p.NewFilter(worker, cb)
				f.DecodeHeaders(cb.request, true)
				f.EncodeHeaders(cb.response, true)
				if says, _ := cb.response.Get("x-leader"); says == "true" {
					leads = append(leads, place{i, worker})
				}
				f.OnLog()
				f.OnDestroy()
			}
		}
		if len(leads) > 1 {
			t.Fatalf("at %v lead %v\n%s", clock.Now(), leads, log)
		}
		return leads
	}
	// wait advances until one leads, and returns after what time.
	wait := func(atMost time.Duration) (waited time.Duration) {
		t.Helper()
		for ; len(leaders()) == 0; waited += 500 * time.Millisecond {
			if waited > atMost {
				t.Fatalf("nobody has led for %v\n%s", waited, log)
			}
			clock.advance(500 * time.Millisecond)
		}
		return waited
	}

	add()
	add()
	wait(time.Second)
	for round := range 6 {
		first := leaders()[0]
		clock.advance(time.Duration(round) * 3300 * time.Millisecond)
		if l := leaders(); len(l) != 1 || l[0] != first {
			t.Fatalf("round %d: %v leads, it was %v, nobody had gone", round, l, first)
		}
		switch round % 3 {
		case 0: // the leader's copy is closed, after another came
			add()
			if err := copies[first.copy].Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			copies = slices.Delete(copies, first.copy, first.copy+1)
			if waited := wait(4 * time.Second); waited > 3500*time.Millisecond {
				t.Errorf("round %d: nobody led for %v after the leader let go", round, waited)
			}
		case 1: // the leader's VM traps
			if !copies[first.copy].Kill(first.worker) {
				t.Fatal("it is dead already")
			}
			if waited := wait(16 * time.Second); waited < 8*time.Second || waited > 15*time.Second {
				t.Errorf("round %d: another leads %v after the leader died", round, waited)
			}
		case 2: // others trap
			for i, p := range copies {
				for worker := range workers {
					if (place{i, worker}) != first && (i+worker)%2 == 0 {
						p.Kill(worker)
					}
				}
			}
			add()
		}
	}
	if strings.Contains(log.String(), "panic") {
		t.Errorf("log:\n%s", log)
	}
}

// TestMemoryLimitOfNoUse holds that a plugin which wants its VM smaller than it can be does not have it replaced for ever.
func TestMemoryLimitOfNoUse(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and compiles a plugin")
	}
	h, log := wasmHost(t)
	p, err := h.NewPlugin(t.Context(), Config{Name: "small", Code: buildPlugin(t, "../sdk/internal/testdata/small"), LogLevel: abi.LogWarn})
	if err != nil {
		t.Fatal(err)
	}
	for worker := range h.Workers() {
		cb := newStream()
		f := p.NewFilter(worker, cb)
		f.DecodeHeaders(cb.request, true)
		f.OnLog()
		f.OnDestroy()
		wantEqual(t, "rebuild asked", p.RebuildAsked(worker), false)
	}
	wantEqual(t, "lines:\n"+log.String(), strings.Count(log.String(), "bytes already, the limit is 1048576"), h.Workers())
}
