package lease

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

// memory is shared data as Envoy has it: a Set with number 0, or of a key without a value, always succeeds.
type memory struct {
	mu     sync.Mutex
	value  []byte
	number uint32
	last   uint32
	refuse abi.Status
	before func() // before each operation
}

func (m *memory) GetSharedData(string) ([]byte, uint32, abi.Status) {
	if m.before != nil {
		m.before()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.refuse != abi.StatusOK:
		return nil, 0, m.refuse
	case m.value == nil:
		return nil, 0, abi.StatusNotFound
	}
	return m.value, m.number, abi.StatusOK
}

func (m *memory) SetSharedData(_ string, value []byte, cas uint32) abi.Status {
	if m.before != nil {
		m.before()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.refuse != abi.StatusOK:
		return m.refuse
	case m.value != nil && cas != 0 && cas != m.number:
		return abi.StatusCasMismatch
	}
	m.last++
	m.value, m.number = append([]byte{}, value...), m.last
	return abi.StatusOK
}

// clock is a time that stands still.
type clock struct{ nanos atomic.Int64 }

func (c *clock) now() time.Time          { return time.Unix(1_000_000, c.nanos.Load()) }
func (c *clock) advance(d time.Duration) { c.nanos.Add(int64(d)) }

func look(t *testing.T, l *Lease) time.Duration {
	t.Helper()
	next, err := l.Look()
	if err != nil {
		t.Fatal(err)
	}
	return next
}

func wantLeads(t *testing.T, want string, leases ...*Lease) {
	t.Helper()
	var got []string
	for _, l := range leases {
		if l.Leads() {
			got = append(got, l.id)
		}
	}
	if s := strings.Join(got, " "); s != want {
		t.Fatalf("%q leads, want %q", s, want)
	}
}

func two() (m *memory, c *clock, a, b *Lease) {
	m, c = &memory{}, &clock{}
	return m, c, New(m, c.now, "k", "a"), New(m, c.now, "k", "b")
}

func TestFirstComeLeads(t *testing.T) {
	m, c, a, b := two()
	wantLeads(t, "", a, b)
	for range 20 {
		if next := look(t, a); next != Look {
			t.Fatalf("the leader looks again after %v", next)
		}
		look(t, b)
		wantLeads(t, "a", a, b)
		c.advance(Look)
	}
	if got := string(m.value); got != `{"vmID":"a","timestamp":1000057}` {
		t.Fatalf("value %s", got)
	}
}

// TestLapses holds that a leader which does not renew stops leading by itself, and is followed within [Time].
func TestLapses(t *testing.T) {
	_, c, a, b := two()
	look(t, a)
	c.advance(Look - 1)
	gone := c.now()
	for !b.Leads() {
		if a.Leads() && c.now().Sub(gone) >= Hold-Look+2 {
			t.Fatalf("a leads %v after it stopped renewing", c.now().Sub(gone))
		}
		c.advance(look(t, b))
	}
	wantLeads(t, "b", a, b)
	if d := c.now().Sub(gone); d > Time {
		t.Fatalf("nobody led for %v", d)
	}
	look(t, a)
	wantLeads(t, "b", a, b)
}

func TestMissedRenewals(t *testing.T) {
	m, c, a, b := two()
	look(t, a)
	look(t, b)
	m.refuse = abi.StatusInternalFailure
	for range 2 {
		c.advance(Look)
		if _, err := a.Look(); err == nil || !strings.Contains(err.Error(), "read") {
			t.Fatalf("error %v", err)
		}
		wantLeads(t, "a", a, b)
	}
	m.refuse = abi.StatusOK
	c.advance(Look)
	look(t, a)
	c.advance(Look)
	look(t, b)
	wantLeads(t, "a", a, b)
}

func TestRelease(t *testing.T) {
	m, c, a, b := two()
	a.Release() // of what nobody has
	if m.value != nil {
		t.Fatalf("value %s", m.value)
	}
	look(t, a)
	look(t, b)
	b.Release() // of what another has
	wantLeads(t, "a", a, b)
	c.advance(time.Second)
	a.Release()
	wantLeads(t, "", a, b)
	look(t, b)
	wantLeads(t, "b", a, b)
}

// TestClockOfDay holds that a machine which slept, or whose time was set, does not take its lease for a fresh one.
func TestClockOfDay(t *testing.T) {
	m := &memory{}
	now := time.Now() // with a monotonic part
	l := New(m, func() time.Time { return now }, "k", "a")
	start := now
	for _, tc := range []struct {
		name string
		now  time.Time
		want bool
	}{
		{"at once", start, true},
		{"before it lapses", start.Add(Hold - 1), true},
		{"lapsed", start.Add(Hold), false},
		{"the machine slept", start.Round(0).Add(Hold), false},
		{"the time was set back", start.Round(0).Add(-time.Hour), false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			now = start
			look(t, l)
			now = tc.now
			if l.Leads() != tc.want {
				t.Errorf("leads: %v", l.Leads())
			}
		})
	}
}

func TestStrangeStores(t *testing.T) {
	for _, tc := range []struct {
		name   string
		store  *memory
		waits  time.Duration
		leads  bool
		errors string
	}{
		{"not a lease", &memory{value: []byte(`?`), number: 7, last: 7}, Wait, true, ""},
		{"empty", &memory{value: []byte(``), number: 7, last: 7}, Wait, true, ""},
		{"no JSON text", &memory{value: []byte(`{"vmID":1}`), number: 7, last: 7}, Wait, true, ""},
		{"let go", &memory{value: []byte(`{"vmID":""}`), number: 7, last: 7}, 0, true, ""},
		{"ours, of which we know nothing", &memory{value: []byte(`{"vmID":"a"}`), number: 7, last: 7}, 0, true, ""},
		{"no numbers", &memory{value: []byte(`{"vmID":""}`)}, time.Hour, false, "does not number"},
		{"nothing works", &memory{refuse: abi.StatusUnimplemented}, time.Hour, false, "read"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := &clock{}
			l := New(tc.store, c.now, "k", "a")
			for waited := time.Duration(0); ; {
				next, err := l.Look()
				if text := fmt.Sprint(err); err != nil && (tc.errors == "" || !strings.Contains(text, tc.errors)) || err == nil && tc.errors != "" {
					t.Fatalf("error %v", err)
				}
				if waited >= tc.waits || l.Leads() {
					if waited != tc.waits && tc.leads || l.Leads() != tc.leads {
						t.Fatalf("after %v: leads %v", waited, l.Leads())
					}
					return
				}
				c.advance(next)
				waited += next
			}
		})
	}
}

// TestHammer holds with real concurrency that never two work who asked right before whether they lead.
func TestHammer(t *testing.T) {
	const vms, rounds = 8, 3000
	m, c := &memory{}, &clock{}
	var working, worked, terms atomic.Int32
	var time sync.RWMutex // held by who works: it takes no time
	var wg sync.WaitGroup
	for i := range vms {
		wg.Add(1)
		go func() {
			defer wg.Done()
			generation := 0
			id := func() string { generation++; return fmt.Sprintf("%d.%d", i, generation) }
			l := New(m, c.now, "k", id())
			led := false
			for r := range rounds {
				if _, err := l.Look(); err != nil {
					t.Error(err)
				}
				time.RLock()
				leads := l.Leads()
				if leads {
					if working.Add(1) != 1 {
						t.Error("two work")
					}
					worked.Add(1)
					runtime.Gosched()
					working.Add(-1)
				}
				time.RUnlock()
				if leads && !led {
					terms.Add(1)
				}
				led = leads
				switch {
				case (r+i)%101 == 0: // a VM ends in order
					l.Release()
					l = New(m, c.now, "k", id())
				case (r+i)%211 == 0: // or not
					l = New(m, c.now, "k", id())
				case r%7 == i%7:
					time.Lock()
					c.advance(Look / 3)
					time.Unlock()
				}
			}
		}()
	}
	wg.Wait()
	if worked.Load() == 0 || terms.Load() < vms {
		t.Fatalf("%d leaders worked %d times: the test tested nothing", terms.Load(), worked.Load())
	}
}
