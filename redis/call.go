package redis

import (
	"sync"
	"time"
)

// pending is a call that is not done.
type pending struct {
	Call
	client    *Client
	deadline  time.Time
	redirects int // its attempts come one after another

	mu      sync.Mutex
	done    bool
	timer   *time.Timer
	current *attempt
}

// begin starts the call's time and sends it.
func (p *pending) begin(n *node) {
	a := &attempt{pending: p, node: n}
	p.mu.Lock()
	p.current = a
	p.timer = time.AfterFunc(time.Until(p.deadline), p.expire)
	p.mu.Unlock()
	n.add(a)
}

// finish ends the call, once.
func (p *pending) finish(reply []byte, err error) bool {
	p.mu.Lock()
	if p.done {
		p.mu.Unlock()
		return false
	}
	p.done = true
	timer := p.timer
	p.mu.Unlock()
	if timer != nil {
		timer.Stop()
	}
	p.Done(reply, err)
	p.client.calls.Done()
	return true
}

func (p *pending) over() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.done
}

// move makes a the call's attempt; false if the call is over.
func (p *pending) move(a *attempt) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.done {
		return false
	}
	p.current = a
	return true
}

// expire ends the call when its time is up.
func (p *pending) expire() {
	p.mu.Lock()
	a := p.current
	p.mu.Unlock()
	if p.finish(nil, ErrTimeout) {
		a.node.expired(a)
	}
}

// attempt is a call's stay with one host. go-redis writes the reply to it.
type attempt struct {
	pending *pending
	node    *node
	asking  bool // after ASKING
	batch   *batch

	scan  scanner
	reply []byte
	ended bool // what comes is not kept
}

// size is about what the command has on the wire.
func (a *attempt) size() int { return a.pending.Query.size }

// Write takes a piece of the reply. It is not told when that ends, and finds out.
func (a *attempt) Write(b []byte) (int, error) {
	if a.ended {
		return len(b), nil
	}
	p := a.pending
	if p.over() {
		a.ended, a.reply = true, nil
		return len(b), nil
	}
	if p.Reserve != nil && !p.Reserve(len(b)) {
		a.ended, a.reply = true, nil
		p.finish(nil, ErrNoMemory)
		return len(b), nil
	}
	a.reply = append(a.reply, b...)
	_, complete, err := a.scan.feed(b)
	if err != nil {
		return 0, err
	}
	if complete {
		a.ended = true
		a.batch.replied = true
		a.complete()
	}
	return len(b), nil
}

// complete acts on the reply.
func (a *attempt) complete() {
	reply := a.reply
	a.reply = nil
	to, ok := parseRedirection(reply, a.node.address)
	if !ok || a.pending.redirects == maxRedirects {
		a.pending.finish(reply, nil)
		return
	}
	a.pending.redirects++
	a.pending.client.redirect(a.pending, to)
}
