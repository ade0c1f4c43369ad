package redis

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// The time between attempts to connect: it doubles from the first to the last.
const (
	minBackoff = 20 * time.Millisecond
	maxBackoff = time.Second
)

// node is a host.
type node struct {
	client  *Client
	address string
	redis   *goredis.Client

	mu     sync.Mutex
	closed bool
	used   time.Time
	queue  []*attempt
	bytes  int
	// timer is the buffer's.
	timer *time.Timer
	// current is what has been sent, unless it is held up by a call that has timed out.
	current *batch
	running int // batches, those held up included

	// Connections have failed so many times in a row, and are not tried until retry.
	failures int
	retry    time.Time
	failure  error

	log failureLog
}

// batch is what is sent together.
type batch struct {
	attempts []*attempt
	deadline time.Time
	// replied: a reply has come. Only the goroutine that reads uses it.
	replied bool
}

func newNode(c *Client, address string) *node {
	o := &c.opts
	return &node{client: c, address: address, used: time.Now(), redis: goredis.NewClient(&goredis.Options{
		Addr: address, Dialer: c.dial, DialTimeout: o.ConnectTimeout, DialerRetries: 1,
		Username: o.Username, Password: o.Password, DB: o.DB, Protocol: 2, DisableIdentity: true,
		// Batches have deadlines of their own. What was sent is not sent again.
		ContextTimeoutEnabled: true, ReadTimeout: -1, WriteTimeout: -1, MaxRetries: -1,
		PoolSize: o.PoolSize, PoolTimeout: max(o.Timeout/2, time.Millisecond), PipelinePoolSize: -1, MaxIdleConns: 2,
	})}
}

// idleSince returns when the host was used last, and whether nothing goes on there.
func (n *node) idleSince() (used time.Time, idle bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.used, n.running == 0 && len(n.queue) == 0
}

// add queues a call.
func (n *node) add(a *attempt) {
	if !a.pending.move(a) {
		return
	}
	n.mu.Lock()
	if n.closed {
		n.mu.Unlock()
		a.pending.finish(nil, ErrClosed)
		return
	}
	n.used = time.Now()
	n.queue = append(n.queue, a)
	n.bytes += a.size()
	if a.pending.over() { // while it was on the way here
		n.unqueue(a)
	}
	n.send(false)
	n.mu.Unlock()
}

// unqueue takes a call back that has not been sent. The node's mutex is held.
func (n *node) unqueue(a *attempt) bool {
	i := slices.Index(n.queue, a)
	if i < 0 {
		return false
	}
	n.queue = slices.Delete(n.queue, i, i+1)
	n.bytes -= a.size()
	return true
}

// send sends what is queued if it is time to: nothing is under way, and the buffer is full or its time is up. The
// node's mutex is held.
func (n *node) send(due bool) {
	if n.current != nil || len(n.queue) == 0 || n.closed {
		return
	}
	o := &n.client.opts
	if !due && n.bytes < o.FlushBytes && o.FlushDelay > 0 {
		if n.timer == nil {
			n.timer = time.AfterFunc(o.FlushDelay, n.flush)
		}
		return
	}
	if n.timer != nil {
		n.timer.Stop()
		n.timer = nil
	}
	count, size := 0, 0
	for count < min(len(n.queue), maxBatch) && (count == 0 || size+n.queue[count].size() <= maxBatchBytes) {
		size += n.queue[count].size()
		count++
	}
	b := &batch{attempts: slices.Clone(n.queue[:count])}
	n.queue = slices.Delete(n.queue, 0, count)
	n.bytes -= size
	for _, a := range b.attempts {
		a.batch = b
		if b.deadline.Before(a.pending.deadline) {
			b.deadline = a.pending.deadline
		}
	}
	b.deadline = b.deadline.Add(drainTime)
	n.current = b
	n.running++
	n.client.work.Go(func() { n.run(b) })
}

// flush is the buffer's timer.
func (n *node) flush() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.timer = nil
	n.send(true)
}

// expired tells that a call has timed out. If it holds up others they get another connection.
func (n *node) expired(a *attempt) {
	n.report(ErrTimeout)
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.unqueue(a) && a.batch != nil && a.batch == n.current {
		n.current = nil
		n.client.slots.forget(n.address)
		n.send(true)
	}
}

// run sends a batch and reads the replies.
func (n *node) run(b *batch) {
	err := n.exec(b)
	n.settle(b, err)
	if err != nil {
		reply, err := refusal(err)
		if err != nil {
			err = classify(err)
			if n.client.ctx.Err() != nil {
				err = ErrClosed // which is why connections broke
			}
		}
		for _, a := range b.attempts {
			if !a.ended {
				a.pending.finish(reply, err)
			}
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.running--
	if n.current == b {
		n.current = nil
		n.send(true)
	}
}

// exec has go-redis send a batch over a connection and hand the replies to the calls.
func (n *node) exec(b *batch) error {
	if err := n.backingOff(); err != nil {
		return err
	}
	ctx, cancel := context.WithDeadline(n.client.ctx, b.deadline)
	defer cancel()
	pipe := n.redis.Pipeline()
	for _, a := range b.attempts {
		if a.asking {
			_ = pipe.Process(ctx, goredis.NewRawWriteToCmd(ctx, io.Discard, "asking"))
		}
		args := make([]any, len(a.pending.Query.args))
		for i, arg := range a.pending.Query.args {
			args[i] = arg
		}
		a.scan.max = n.client.opts.MaxReply
		_ = pipe.Process(ctx, goredis.NewRawWriteToCmd(ctx, a, args...))
	}
	_, err := pipe.Exec(ctx)
	return err
}

// refusal returns what calls are answered if the server refused the handshake: not a failure of the network, so a
// reply. Plugins know bad credentials by NOAUTH, as a server answers who has not authenticated. Other errors it returns.
func refusal(err error) (reply []byte, _ error) {
	var refused goredis.Error
	if !errors.As(err, &refused) || Failure(err) != "other" {
		return nil, err
	}
	text := strings.Map(func(r rune) rune {
		if r == '\r' || r == '\n' {
			return ' '
		}
		return r
	}, refused.Error())
	if badCredentials(text) && !strings.HasPrefix(text, "NOAUTH Authentication required") {
		text = "NOAUTH Authentication required. AUTH was refused: " + text
	}
	return []byte("-" + text + "\r\n"), nil
}

// badCredentials reports whether an error of the handshake is about AUTH.
func badCredentials(text string) bool {
	code, _, _ := strings.Cut(text, " ")
	switch code {
	case "WRONGPASS", "NOAUTH", "NOPERM":
		return true
	}
	return code == "ERR" && (strings.Contains(text, "AUTH") || strings.Contains(text, "password"))
}

// backingOff returns why there is no connection now, if it is too early to try again.
func (n *node) backingOff() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.failures > 0 && time.Now().Before(n.retry) {
		return n.failure
	}
	return nil
}

// settle draws the conclusions of a batch's end for the next, and logs.
func (n *node) settle(b *batch, err error) {
	if n.client.ctx.Err() != nil || errors.Is(err, ErrClosed) {
		return
	}
	if err == nil || b.replied {
		n.mu.Lock()
		again := n.failures > 0
		n.failures = 0
		n.mu.Unlock()
		if again {
			n.recovered()
		}
	}
	if err == nil {
		return
	}
	if !b.replied {
		n.client.slots.forget(n.address)
	}
	if !b.replied && unusable(err) {
		n.mu.Lock()
		if now := time.Now(); n.failures == 0 || !now.Before(n.retry) {
			backoff := min(minBackoff<<min(n.failures, 10), maxBackoff)
			n.failures++
			n.retry, n.failure = now.Add(backoff/2+rand.N(backoff/2+1)), err
		}
		n.mu.Unlock()
	}
	n.report(err)
}

// unusable reports whether there was no connection, or none of use: it would be the same with the next one.
func unusable(err error) bool {
	if _, other := refusal(err); other == nil {
		return true
	}
	switch Failure(classify(err)) {
	case "dial", "handshake", "protocol":
		return true
	}
	return false
}

// close fails what has not been sent, and lets nothing more in.
func (n *node) close() {
	n.mu.Lock()
	n.closed = true
	queue := n.queue
	n.queue, n.bytes = nil, 0
	if n.timer != nil {
		n.timer.Stop()
		n.timer = nil
	}
	n.mu.Unlock()
	for _, a := range queue {
		a.pending.finish(nil, ErrClosed)
	}
}
