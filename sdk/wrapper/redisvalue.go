package wrapper

import (
	"bytes"
	"errors"
	"strconv"
	"strings"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

// Why a Redis command has no result. They are what errors.Is finds in the [RedisValue.Error] of a response. All but
// [ErrRedisAuth] are kinds of ErrRedisNoReply.
var (
	// ErrRedisNoReply: there is no reply from the server. On hosts other than Sluice that is all there is to know.
	ErrRedisNoReply = errors.New("redis: no reply")
	// ErrRedisDial: there is no connection, so the command was not executed.
	ErrRedisDial = noReply("redis: cannot connect")
	// ErrRedisTimeout: the reply did not come in time. The command may have been executed, or may be yet.
	ErrRedisTimeout = noReply("redis: timed out")
	// ErrRedisProtocol: what the server sent is not RESP, or is no reply.
	ErrRedisProtocol = noReply("redis: malformed reply")
	// ErrRedisLost: the connection broke. The command may have been executed.
	ErrRedisLost = noReply("redis: connection lost")
	// ErrRedisLimit: the reply, or the number of connections, exceeds a limit of the host.
	ErrRedisLimit = noReply("redis: a limit of the gateway is exceeded")

	// ErrRedisAuth: the server did not take the command because of who sent it: no or wrong credentials, or no permission
	// (replies that begin with NOAUTH, WRONGPASS or NOPERM). The error's text is the server's.
	ErrRedisAuth = errors.New("redis: not authorized")
)

// noReplyError is a kind of ErrRedisNoReply.
type noReplyError struct{ text string }

func noReply(text string) error { return &noReplyError{text} }

func (e *noReplyError) Error() string { return e.text }
func (e *noReplyError) Unwrap() error { return ErrRedisNoReply }

// serverError is an error that the server replied.
type serverError string

func (e serverError) Error() string { return string(e) }

func (e serverError) Is(target error) bool {
	return target == ErrRedisAuth &&
		(e.code("NOAUTH") || e.code("WRONGPASS") || e.code("NOPERM"))
}

// code says whether the error is of a kind, which is its first word.
func (e serverError) code(word string) bool {
	rest, ok := strings.CutPrefix(string(e), word)
	return ok && (rest == "" || rest[0] == ' ')
}

// redisStatusError is what a call's status says.
func redisStatusError(status int) error {
	switch abi.RedisStatus(status) {
	case abi.RedisDialFailed:
		return ErrRedisDial
	case abi.RedisTimedOut:
		return ErrRedisTimeout
	case abi.RedisProtocolError:
		return ErrRedisProtocol
	case abi.RedisConnectionLost:
		return ErrRedisLost
	case abi.RedisLimit:
		return ErrRedisLimit
	}
	return ErrRedisNoReply
}

// RedisType is the type of a reply: the byte it begins with in RESP.
type RedisType byte

// The types of replies.
const (
	RedisSimpleString RedisType = '+'
	RedisError        RedisType = '-'
	RedisInteger      RedisType = ':'
	RedisBulkString   RedisType = '$'
	RedisArray        RedisType = '*'
)

// String returns the type's name.
func (t RedisType) String() string {
	switch t {
	case RedisSimpleString:
		return "SimpleString"
	case RedisError:
		return "Error"
	case RedisInteger:
		return "Integer"
	case RedisBulkString:
		return "BulkString"
	case RedisArray:
		return "Array"
	}
	return "Unknown"
}

// RedisValue is a reply of Redis, or an error if there is none. Its methods are those of tidwall/resp's Value, which it
// stands for: the import of that package alone would put package net into every module. Convert it with [RedisValue.AppendRESP]
// where that type is needed.
//
// What a method returns is the caller's to read for as long as it likes; slices are not copies.
type RedisValue struct {
	kind    RedisType
	null    bool
	integer int
	text    []byte
	array   []RedisValue
	err     error
}

func redisErrorValue(err error) RedisValue {
	return RedisValue{kind: RedisError, text: []byte(err.Error()), err: err}
}

// Type returns what the reply is.
func (v RedisValue) Type() RedisType { return v.kind }

// IsNull says whether the reply is null: a key that is not there, for example.
func (v RedisValue) IsNull() bool { return v.null }

// Error returns the error that the reply is, nil if it is something else: one of this package's, see [ErrRedisNoReply],
// or what the server said.
func (v RedisValue) Error() error { return v.err }

// String returns a string or an error as it is, an integer in digits, and an array in brackets, its elements with spaces
// in between. Null is "".
func (v RedisValue) String() string {
	switch v.kind {
	case RedisInteger:
		return strconv.Itoa(v.integer)
	case RedisArray:
		text := []byte{'['}
		for i, e := range v.array {
			if i > 0 {
				text = append(text, ' ')
			}
			text = append(text, e.String()...)
		}
		return string(append(text, ']'))
	}
	return string(v.text)
}

// Bytes returns what String does, but nil for null.
func (v RedisValue) Bytes() []byte {
	switch {
	case v.null:
		return nil
	case v.kind == RedisInteger, v.kind == RedisArray:
		return []byte(v.String())
	}
	return v.text
}

// Integer returns an integer, or what a string says in digits, else 0.
func (v RedisValue) Integer() int {
	if v.kind == RedisInteger {
		return v.integer
	}
	n, _ := strconv.ParseInt(v.String(), 10, 64)
	return int(n)
}

// Float returns an integer, or the number that a string says, else 0.
func (v RedisValue) Float() float64 {
	if v.kind == RedisInteger {
		return float64(v.integer)
	}
	f, _ := strconv.ParseFloat(v.String(), 64)
	return f
}

// Bool says whether Integer is not 0.
func (v RedisValue) Bool() bool { return v.Integer() != 0 }

// Array returns the elements of an array, nil for null and what is no array.
func (v RedisValue) Array() []RedisValue { return v.array }

// AppendRESP appends the reply as it is on the wire to dst.
func (v RedisValue) AppendRESP(dst []byte) []byte {
	switch v.kind {
	case RedisInteger:
		return append(strconv.AppendInt(append(dst, ':'), int64(v.integer), 10), "\r\n"...)
	case RedisSimpleString, RedisError:
		return append(append(append(dst, byte(v.kind)), v.text...), "\r\n"...)
	case RedisArray:
		if v.null {
			return append(dst, "*-1\r\n"...)
		}
		dst = append(strconv.AppendInt(append(dst, '*'), int64(len(v.array)), 10), "\r\n"...)
		for _, e := range v.array {
			dst = e.AppendRESP(dst)
		}
		return dst
	}
	if v.null || v.kind == 0 {
		return append(dst, "$-1\r\n"...)
	}
	return appendBulk(dst, string(v.text))
}

func appendBulk(dst []byte, s string) []byte {
	dst = append(strconv.AppendInt(append(dst, '$'), int64(len(s)), 10), "\r\n"...)
	return append(append(dst, s...), "\r\n"...)
}

// maxReplyDepth bounds arrays in arrays. Redis's own replies have fewer than ten.
const maxReplyDepth = 64

// parseReply reads a reply, all of b. The value refers to b.
func parseReply(b []byte) (RedisValue, bool) {
	p := replyParser{b}
	v, ok := p.value(0)
	return v, ok && len(p.rest) == 0
}

type replyParser struct{ rest []byte }

func (p *replyParser) value(depth int) (v RedisValue, ok bool) {
	line, ok := p.line()
	if !ok || len(line) == 0 {
		return v, false
	}
	v.kind = RedisType(line[0])
	line = line[1:]
	switch v.kind {
	case RedisSimpleString:
		v.text = line
		return v, true
	case RedisError:
		v.text, v.err = line, serverError(line)
		return v, true
	case RedisInteger:
		v.integer, ok = replyNumber(line)
		return v, ok
	case RedisBulkString:
		n, ok := replyNumber(line)
		if n == -1 {
			v.null = true
			return v, ok
		}
		// Compared so that n, which may be anything, is not added to.
		if !ok || n < 0 || n > len(p.rest)-2 || p.rest[n] != '\r' || p.rest[n+1] != '\n' {
			return v, false
		}
		v.text, p.rest = p.rest[:n:n], p.rest[n+2:]
		return v, true
	case RedisArray:
		n, ok := replyNumber(line)
		if n == -1 {
			v.null = true
			return v, ok
		}
		// The shortest element has three bytes: what is more than can be there is not allocated.
		if !ok || n < 0 || n > len(p.rest)/3 || depth == maxReplyDepth {
			return v, false
		}
		v.array = make([]RedisValue, n)
		for i := range v.array {
			if v.array[i], ok = p.value(depth + 1); !ok {
				return v, false
			}
		}
		return v, true
	}
	return v, false
}

// line takes what is before the next line end.
func (p *replyParser) line() ([]byte, bool) {
	i := bytes.IndexByte(p.rest, '\r')
	if i < 0 || i+1 == len(p.rest) || p.rest[i+1] != '\n' {
		return nil, false
	}
	line := p.rest[:i:i]
	p.rest = p.rest[i+2:]
	return line, true
}

func replyNumber(line []byte) (int, bool) {
	n, err := strconv.ParseInt(string(line), 10, 64)
	return int(n), err == nil
}
