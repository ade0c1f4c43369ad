package plugintest

import (
	"strings"
	"sync"
	"testing"
)

// Mode says how the plugin under test is run.
type Mode int

// The modes.
const (
	// Native runs the plugin as compiled into the test binary.
	Native Mode = iota
	// Wasm runs the plugin as a WebAssembly module.
	Wasm
)

// String returns "native" or "wasm", the names of the subtests that [EachMode] runs.
func (m Mode) String() string {
	if m == Wasm {
		return "wasm"
	}
	return "native"
}

// EachMode runs f as a subtest in each mode.
func EachMode(t *testing.T, f func(t *testing.T, mode Mode)) {
	t.Helper()
	for _, m := range []Mode{Native, Wasm} {
		t.Run(m.String(), func(t *testing.T) { f(t, m) })
	}
}

// nativeSlot is held by the one native plugin that may run in a process. It is the process that has the plugin's package
// variables, so the slot is the process's too.
var nativeSlot = slot{freed: make(chan struct{})}

type slot struct {
	mu    sync.Mutex
	owner string // the test that holds it, "" for none
	freed chan struct{}
}

// take waits until the slot is free and takes it. A test that holds it, itself or through a parent, would wait for ever:
// then take fails the test.
func (s *slot) take(t testing.TB) {
	t.Helper()
	for {
		s.mu.Lock()
		owner, freed := s.owner, s.freed
		if owner == "" {
			s.owner = t.Name()
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
		if t.Name() == owner || strings.HasPrefix(t.Name(), owner+"/") {
			t.Fatalf("plugintest: %s runs a native plugin already, and a process has only one set of the plugin's "+
				"package variables: close the first, or use wasm mode", owner)
		}
		<-freed
	}
}

func (s *slot) free() {
	s.mu.Lock()
	s.owner = ""
	close(s.freed)
	s.freed = make(chan struct{})
	s.mu.Unlock()
}
