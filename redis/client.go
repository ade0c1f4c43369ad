package redis

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Defaults of [Options], and bounds.
const (
	DefaultTimeout        = time.Second
	DefaultConnectTimeout = 5 * time.Second
	DefaultMaxReply       = 32 << 20
	DefaultPoolSize       = 8

	// maxHosts bounds the hosts that a client talks to at a time. A Redis cluster has at most a thousand.
	maxHosts = 1000
	// maxRedirects bounds how often a call is sent elsewhere.
	maxRedirects = 5
	// drainTime is how long the reply of a call that timed out is waited for, before the connection is closed. Meanwhile
	// other calls use another one.
	drainTime = 5 * time.Second
	// maxBatch bounds what is written together, in calls and bytes; one call may be larger.
	maxBatch      = 1024
	maxBatchBytes = 1 << 20
)

// Options are what a [Client] is made with.
type Options struct {
	// Username and Password are for AUTH; no password is no AUTH. Without a user name it is the default user.
	Username, Password string
	// DB is selected on every connection if it is not 0.
	DB int
	// Timeout bounds each call, from Do to its reply, connecting included; default 1 s.
	Timeout time.Duration
	// ConnectTimeout bounds making a connection; default 5 s.
	ConnectTimeout time.Duration
	// FlushBytes and FlushDelay are the buffer: commands are held until they are FlushBytes together, or the first of them
	// has waited for FlushDelay. If one of them is 0, which is the default, commands are not held.
	FlushBytes int
	FlushDelay time.Duration
	// MaxReply bounds a reply in bytes; default 32 MiB.
	MaxReply int
	// PoolSize bounds the connections to a host; default 8. One is in use, and more only while calls that have timed out
	// hold up others.
	PoolSize int
	// Logger is told when calls to a host begin to fail, and why, and when they work again; nil is none. What it is told
	// has no credentials and no commands in it.
	Logger *slog.Logger
}

// Client sends commands to hosts that share settings and credentials. Its methods are safe for concurrent use. Whoever
// makes it closes it.
//
// Commands to one host are executed in the order of Do, each once or not at all: what failed is not sent again. They go
// over one connection, several together if they come faster than replies. When a call times out, what has not been sent
// yet goes over another connection, so a slow command delays only those that were sent with it; the replies that still
// come on the old connection are theirs, and the late one is dropped.
//
// What a command does to its connection (SELECT, MULTI, WATCH) lasts until the next failure or time-out at most.
//
// A reply that is a redirection of a Redis cluster (MOVED, ASK) is followed, with the same credentials, to the host
// that it names, wherever that is, and MOVED is remembered for the calls to come.
type Client struct {
	opts   Options
	ctx    context.Context
	cancel context.CancelFunc
	slots  slotTable
	// calls counts those that are not done, work the goroutines.
	calls, work sync.WaitGroup

	mu     sync.Mutex
	closed bool // no new calls
	ended  bool // no new nodes either
	nodes  map[string]*node

	connMu sync.Mutex
	conns  map[*guard]struct{} // nil once closed
}

// New makes a client. It connects to nothing yet.
func New(opts Options) *Client {
	if opts.Timeout <= 0 {
		opts.Timeout = DefaultTimeout
	}
	if opts.ConnectTimeout <= 0 {
		opts.ConnectTimeout = DefaultConnectTimeout
	}
	if opts.MaxReply <= 0 {
		opts.MaxReply = DefaultMaxReply
	}
	if opts.PoolSize <= 0 {
		opts.PoolSize = DefaultPoolSize
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	c := &Client{opts: opts, nodes: map[string]*node{}, conns: map[*guard]struct{}{}}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

// Call is a command to be sent.
type Call struct {
	// Address is the host (host:port) that the command goes to, unless the client knows better from a redirection.
	Address string
	// Query is the command.
	Query Query
	// Reserve is asked before n bytes more of the reply are kept; false makes the call fail with [ErrNoMemory]. Nil is
	// never asked.
	Reserve func(n int) bool
	// Done is called once, with the reply as it came, or with why there is none. It must not block.
	Done func(reply []byte, err error)
}

// Do sends a command. An error means that it is not sent, and Done not called: [ErrQuery] for no query, or [ErrClosed].
func (c *Client) Do(call Call) error {
	args := call.Query.args
	if len(args) == 0 {
		return ErrQuery
	}
	address := call.Address
	if known, ok := c.slots.address(args); ok {
		address = known
	}
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return ErrClosed
	}
	c.calls.Add(1)
	n, err := c.node(address)
	c.mu.Unlock()
	p := &pending{Call: call, client: c, deadline: time.Now().Add(c.opts.Timeout)}
	if err != nil {
		p.finish(nil, err)
		return nil
	}
	p.begin(n)
	return nil
}

// Drain lets no new calls in, waits for those there are, which takes no longer than their time or ctx, and closes the
// client.
func (c *Client) Drain(ctx context.Context) {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	defer context.AfterFunc(ctx, c.Close)()
	c.calls.Wait()
	c.Close()
}

// Close ends the client. Calls that are not done fail with [ErrClosed] before it returns.
func (c *Client) Close() {
	c.mu.Lock()
	c.closed, c.ended = true, true
	nodes := make([]*node, 0, len(c.nodes))
	for _, n := range c.nodes {
		nodes = append(nodes, n)
	}
	c.mu.Unlock()
	c.cancel()
	for _, n := range nodes {
		n.close()
	}
	c.connMu.Lock()
	conns := c.conns
	c.conns = nil
	c.connMu.Unlock()
	for g := range conns {
		_ = g.Conn.Close()
	}
	c.work.Wait()
	for _, n := range nodes {
		_ = n.redis.Close()
	}
	c.calls.Wait()
}

// register notes a connection, so that Close can end what goes on on it.
func (c *Client) register(g *guard) bool {
	c.connMu.Lock()
	defer c.connMu.Unlock()
	if c.conns == nil {
		return false
	}
	c.conns[g] = struct{}{}
	return true
}

func (c *Client) unregister(g *guard) {
	c.connMu.Lock()
	defer c.connMu.Unlock()
	delete(c.conns, g)
}

// node returns the host at address. The client's mutex is held.
func (c *Client) node(address string) (*node, error) {
	if n := c.nodes[address]; n != nil {
		return n, nil
	}
	if c.ended {
		return nil, ErrClosed
	}
	if len(c.nodes) >= maxHosts && !c.forget() {
		return nil, ErrPoolExhausted
	}
	n := newNode(c, address)
	c.nodes[address] = n
	return n, nil
}

// forget drops the host that nothing was sent to for the longest time.
func (c *Client) forget() bool {
	var oldest *node
	var since time.Time
	for _, n := range c.nodes {
		if used, idle := n.idleSince(); idle && (oldest == nil || used.Before(since)) {
			oldest, since = n, used
		}
	}
	if oldest == nil {
		return false
	}
	delete(c.nodes, oldest.address)
	oldest.close()
	_ = oldest.redis.Close()
	return true
}

// redirect sends a call to another host of the cluster.
func (c *Client) redirect(p *pending, to redirection) {
	if !to.ask {
		c.slots.learn(to.slot, to.address)
	}
	c.mu.Lock()
	n, err := c.node(to.address)
	c.mu.Unlock()
	if err != nil {
		p.finish(nil, err)
		return
	}
	n.add(&attempt{pending: p, node: n, asking: to.ask})
}
