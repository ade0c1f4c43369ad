package redis

import (
	"context"
	"errors"
	"fmt"
	"net"

	goredis "github.com/redis/go-redis/v9"
)

// Why a call is not made.
var (
	// ErrQuery: the query is not exactly one command, an array of bulk strings.
	ErrQuery = errors.New("query is not one command in RESP")
	// ErrCommand: the command would make the server send what no call waits for, or stop sending what calls wait for.
	ErrCommand = errors.New("command does not work on a shared connection")
	// ErrClosed: the client is closed.
	ErrClosed = errors.New("redis client is closed")
)

// Why a call has no reply; also [ErrClosed].
var (
	// ErrDial: there is no connection.
	ErrDial = errors.New("cannot connect to redis")
	// ErrHandshake: the connection was lost before it was ready for commands.
	ErrHandshake = errors.New("redis connection failed before it was ready")
	// ErrWrite: the command could not be sent.
	ErrWrite = errors.New("cannot write to redis")
	// ErrRead: the connection was lost before the reply was there. The command may have been executed.
	ErrRead = errors.New("redis connection lost")
	// ErrTimeout: the reply did not come in time. The command may have been executed, or may be yet.
	ErrTimeout = errors.New("redis call timed out")
	// ErrProtocol: what the server sent is not RESP, or is no reply.
	ErrProtocol = errors.New("redis server does not speak RESP")
	// ErrReplyTooLarge: the reply exceeds [Options.MaxReply].
	ErrReplyTooLarge = errors.New("redis reply is too large")
	// ErrNoMemory: [Call.Reserve] refused.
	ErrNoMemory = errors.New("no memory for the redis reply")
	// ErrPoolExhausted: all connections to the host are busy with commands that did not end in time, or there are too
	// many hosts.
	ErrPoolExhausted = errors.New("redis connection pool is exhausted")
)

// Failure names the kind of a call's failure in a word or two, for logs. Where several fit, the first counts.
func Failure(err error) string {
	for _, f := range [...]struct {
		err  error
		name string
	}{
		{ErrClosed, "closed"},
		{ErrDial, "dial"},
		{ErrPoolExhausted, "pool exhausted"},
		{ErrNoMemory, "memory"},
		{ErrReplyTooLarge, "reply too large"},
		{ErrProtocol, "protocol"},
		{ErrTimeout, "timeout"},
		{ErrHandshake, "handshake"},
		{ErrWrite, "write"},
		{ErrRead, "read"},
	} {
		if errors.Is(err, f.err) {
			return f.name
		}
	}
	return "other"
}

// classify makes one of our errors of one of go-redis's.
func classify(err error) error {
	if Failure(err) != "other" {
		return err
	}
	var netErr net.Error
	switch {
	case errors.Is(err, goredis.ErrPoolTimeout), errors.Is(err, goredis.ErrPoolExhausted):
		return ErrPoolExhausted
	case errors.Is(err, goredis.ErrClosed), errors.Is(err, context.Canceled):
		return ErrClosed
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &netErr) && netErr.Timeout():
		return fmt.Errorf("%w: %w", ErrTimeout, err)
	}
	return fmt.Errorf("%w: %w", ErrProtocol, err)
}

// connError is what went wrong on a connection. To go-redis it is the net.Error that it wraps.
type connError struct {
	kind error
	err  error
}

func (e *connError) Error() string   { return e.kind.Error() + ": " + e.err.Error() }
func (e *connError) Unwrap() []error { return []error{e.kind, e.err} }

// Timeout implements net.Error.
func (e *connError) Timeout() bool {
	var netErr net.Error
	return errors.As(e.err, &netErr) && netErr.Timeout()
}

// Temporary implements net.Error.
func (e *connError) Temporary() bool { return e.Timeout() }
