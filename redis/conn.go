package redis

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"sync/atomic"
	"syscall"
	"time"
)

// handshakeReply bounds replies while a connection is being set up: go-redis parses those, and allocates by what they
// announce.
const handshakeReply = 16 << 10

// guard is a connection that reads along. What is not RESP2, or is too large, or too deep never reaches go-redis, which
// trusts servers more than we may.
type guard struct {
	net.Conn
	client *Client
	bad    error
	// sent and scan find the ends of commands and replies; owed is how many replies are to come.
	sent, scan scanner
	owed       atomic.Int64
	// ready: commands have been sent that are not the handshake's.
	ready bool
}

var errUnasked = fmt.Errorf("%w: data that no command waits for", ErrProtocol)

// dial makes go-redis's connections. It always returns one: a connection that could not be made says so when it is
// used. Otherwise go-redis would retry by itself in the background, and write to standard error.
func (c *Client) dial(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.ctx, cancel)()
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, address)
	if err != nil {
		return broken{&connError{ErrDial, err}}, nil
	}
	g := &guard{Conn: conn, client: c, sent: scanner{max: math.MaxInt}, scan: scanner{max: handshakeReply}}
	if !c.register(g) {
		_ = conn.Close()
		return broken{ErrClosed}, nil
	}
	return g, nil
}

// Read reads what has been checked.
func (g *guard) Read(p []byte) (int, error) {
	if g.bad != nil {
		return 0, g.bad
	}
	n, err := g.Conn.Read(p)
	for good := 0; good < n; {
		var used int
		var complete bool
		bad := errUnasked
		if g.owed.Load() > 0 {
			used, complete, bad = g.scan.feed(p[good:n])
		}
		good += used
		if bad != nil {
			// What was before it is somebody's reply. The connection is closed so that it is not used again.
			g.bad = bad
			_ = g.Conn.Close()
			if good == 0 {
				return 0, bad
			}
			return good, nil
		}
		if complete {
			g.scan.reset()
			g.owed.Add(-1)
		}
	}
	return n, g.explain(ErrRead, err)
}

// explain says what err, of reading or writing, means. The result is a nil interface for nil.
func (g *guard) explain(kind, err error) error {
	if err == nil {
		return nil
	}
	e := &connError{kind, err}
	switch {
	case e.Timeout():
		e.kind = ErrTimeout
	case !g.ready:
		e.kind = ErrHandshake
	}
	return e
}

// Write writes whole commands or the rest of some.
func (g *guard) Write(p []byte) (int, error) {
	if !g.ready && !handshake(p) {
		g.ready, g.scan.max = true, g.client.opts.MaxReply
	}
	for rest := p; len(rest) > 0; {
		used, complete, err := g.sent.feed(rest)
		if err != nil {
			return 0, err // cannot be: it is go-redis that writes
		}
		if complete {
			g.sent.reset()
			g.owed.Add(1)
		}
		rest = rest[used:]
	}
	n, err := g.Conn.Write(p)
	return n, g.explain(ErrWrite, err)
}

// handshake reports whether p begins with a command with which a connection is set up.
func handshake(p []byte) bool {
	_, rest, _ := bytes.Cut(p[:min(len(p), 64)], []byte("\r\n"))
	_, rest, _ = bytes.Cut(rest, []byte("\r\n"))
	name, _, _ := bytes.Cut(rest, []byte("\r\n"))
	switch lower(name) {
	case "hello", "auth", "select":
		return true
	}
	return false
}

// Close closes the connection.
func (g *guard) Close() error {
	g.client.unregister(g)
	return g.Conn.Close()
}

// SyscallConn lets go-redis see whether an idle connection has been closed by the server.
func (g *guard) SyscallConn() (syscall.RawConn, error) {
	if c, ok := g.Conn.(syscall.Conn); ok {
		return c.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

// broken is a connection that could not be made.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error)         { return 0, b.err }
func (b broken) Write([]byte) (int, error)        { return 0, b.err }
func (broken) Close() error                       { return nil }
func (broken) LocalAddr() net.Addr                { return &net.TCPAddr{} }
func (broken) RemoteAddr() net.Addr               { return &net.TCPAddr{} }
func (broken) SetDeadline(time.Time) error        { return nil }
func (broken) SetReadDeadline(time.Time) error    { return nil }
func (broken) SetWriteDeadline(t time.Time) error { return nil }
