package gateway

import "sync"

// turn is the right to move something (a connection), which one goroutine has at a time. Pumps take it by acquire and
// release; everyone else posts a function, which runs on the turn of whoever has it.
type turn struct {
	mu      sync.Mutex
	free    sync.Cond // the turn ended and nobody has it
	running bool
	queue   []func()
}

func (t *turn) init() { t.free.L = &t.mu }

// acquire takes the turn, waiting for it.
func (t *turn) acquire() {
	t.mu.Lock()
	for t.running {
		t.free.Wait()
	}
	t.running = true
	t.mu.Unlock()
}

// release gives the turn back, after what was posted meanwhile.
func (t *turn) release() {
	for {
		t.mu.Lock()
		if len(t.queue) == 0 {
			t.running = false
			t.free.Signal()
			t.mu.Unlock()
			return
		}
		f := t.queue[0]
		t.queue[0] = nil
		t.queue = t.queue[1:]
		t.mu.Unlock()
		f()
	}
}

// post has f run on the turn: now, if nobody has it.
func (t *turn) post(f func()) {
	t.mu.Lock()
	t.queue = append(t.queue, f)
	if t.running {
		t.mu.Unlock()
		return
	}
	t.running = true
	t.mu.Unlock()
	t.release()
}
