package lease

import (
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

// world is a few VMs on one store, each of which stops before each operation on the store. step lets one go on.
type world struct {
	memory memory
	clock  clock
	vms    []*vm
}

type vm struct {
	lease *Lease
	next  func() (struct{}, bool)
	stop  func()
	ended bool
}

// newWorld has each VM do what its program says: l looks, r lets go, x goes without a word.
func newWorld(first string, programs []string, store func(*memory) Store) *world {
	w := &world{}
	if first != "" {
		w.memory.value, w.memory.number, w.memory.last = []byte(first), 1, 1
	}
	for i, program := range programs {
		v := &vm{}
		var yield func(struct{}) bool
		s := &steppedStore{Store: store(&w.memory), before: func() { yield(struct{}{}) }}
		v.lease = New(s, w.clock.now, "k", fmt.Sprint(i))
		v.next, v.stop = iter.Pull(func(y func(struct{}) bool) {
			yield = y
			for _, op := range program {
				switch op {
				case 'l':
					_, _ = v.lease.Look()
				case 'r':
					v.lease.Release()
				case 'x':
					v.lease.taken = time.Time{}
				}
			}
		})
		v.step() // to its first operation
		w.vms = append(w.vms, v)
	}
	return w
}

func (v *vm) step() {
	if _, ok := v.next(); !ok {
		v.ended = true
	}
}

type steppedStore struct {
	Store
	before func()
}

func (s *steppedStore) GetSharedData(key string) ([]byte, uint32, abi.Status) {
	s.before()
	return s.Store.GetSharedData(key)
}

func (s *steppedStore) SetSharedData(key string, value []byte, cas uint32) abi.Status {
	s.before()
	return s.Store.SetSharedData(key, value, cas)
}

func (w *world) leaders() (n int) {
	for _, v := range w.vms {
		if v.lease.Leads() {
			n++
		}
	}
	return n
}

// explore runs every order in which the VMs' operations and the advances of time can come. It returns how many there are,
// and the first in which two lead, as a list of VMs and advances ('t').
func explore(first string, programs []string, advances []time.Duration, store func(*memory) Store) (orders int, broken string) {
	// choices is the order that runs: at each step which of those that can go on does.
	var choices, options []int
	for {
		w := newWorld(first, programs, store)
		left, trace := advances, ""
		for step := 0; ; step++ {
			var can []int
			for i, v := range w.vms {
				if !v.ended {
					can = append(can, i)
				}
			}
			if len(can) > 0 && len(left) > 0 {
				can = append(can, -1)
			}
			if len(can) == 0 {
				break
			}
			if step == len(choices) {
				choices, options = append(choices, 0), append(options, len(can))
			}
			if c := can[choices[step]]; c < 0 {
				w.clock.advance(left[0])
				left = left[1:]
				trace += "t"
			} else {
				w.vms[c].step()
				trace += fmt.Sprint(c)
			}
			if w.leaders() > 1 && broken == "" {
				broken = trace
			}
		}
		for _, v := range w.vms {
			v.stop()
		}
		orders++
		// the next order
		n := len(choices)
		for n > 0 && choices[n-1] == options[n-1]-1 {
			n--
		}
		if n == 0 || broken != "" {
			return orders, broken
		}
		choices, options = choices[:n], options[:n]
		choices[n-1]++
	}
}

func asItIs(m *memory) Store { return m }

// TestInterleavings is the proof by exhaustion for a few VMs, of the part that no clock decides and that one decides too.
func TestInterleavings(t *testing.T) {
	const other, free, garbage = `{"vmID":"z","timestamp":1}`, `{"vmID":"","timestamp":1}`, `?`
	for _, tc := range []struct {
		name     string
		first    string
		programs []string
		advances []time.Duration
	}{
		{"first take of two", "", []string{"llll", "llll"}, nil},
		{"first take of three", "", []string{"ll", "ll", "ll"}, nil},
		{"a free lease", free, []string{"ll", "ll", "ll"}, nil},
		{"letting go", "", []string{"lrl", "lrl"}, []time.Duration{Look}},
		{"going without a word", "", []string{"lx", "lll"}, []time.Duration{Wait}},
		{"a lease lapses", other, []string{"ll", "lll"}, []time.Duration{Wait, Look}},
		{"what is no lease", garbage, []string{"ll", "ll"}, []time.Duration{Wait, Wait}},
		{"renewing late", "", []string{"lll", "ll"}, []time.Duration{Hold - 1, 1, Wait - Hold}},
		{"renewing too late", "", []string{"lll", "lll"}, []time.Duration{Hold, Wait}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			orders, broken := explore(tc.first, tc.programs, tc.advances, asItIs)
			if broken != "" {
				t.Fatalf("two lead in the order %s", broken)
			}
			if orders < 50 {
				t.Fatalf("%d orders only", orders)
			}
			t.Logf("%d orders", orders)
		})
	}
}

// withZero is a store as it is used by who takes what is not there with the number 0.
type withZero struct{ *memory }

func (s withZero) SetSharedData(key string, value []byte, cas uint32) abi.Status {
	if cas == create {
		cas = 0
	}
	return s.memory.SetSharedData(key, value, cas)
}

// seeded is a store as it is used by who first writes a neutral value with the number 0, and takes that.
type seeded struct{ *memory }

func (s seeded) SetSharedData(key string, value []byte, cas uint32) abi.Status {
	if cas == create {
		s.memory.SetSharedData(key, []byte(`{"vmID":""}`), 0)
		return abi.StatusCasMismatch // for another look
	}
	return s.memory.SetSharedData(key, value, cas)
}

// TestInterleavingsFindRaces holds that the test would see what must not be.
func TestInterleavingsFindRaces(t *testing.T) {
	for name, store := range map[string]func(*memory) Store{
		"number 0 for what is not there": func(m *memory) Store { return withZero{m} },
		"a neutral value first":          func(m *memory) Store { return seeded{m} },
	} {
		t.Run(name, func(t *testing.T) {
			if _, broken := explore("", []string{"ll", "ll", "ll"}, nil, store); broken == "" {
				t.Fatal("no order in which two lead")
			} else {
				t.Logf("two lead in the order %s", broken)
			}
		})
	}
}
