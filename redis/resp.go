package redis

import (
	"bytes"
	"fmt"
	"strconv"
)

const (
	// maxDepth bounds arrays in arrays. Redis's own replies have fewer than ten.
	maxDepth = 64
	// maxLine bounds simple strings and errors.
	maxLine = 64 << 10
	// maxNumber is the length of the longest integer.
	maxNumber = len("-9223372036854775808")
)

// scanner finds the ends of replies in a stream of RESP2, and refuses what is not RESP2 or too large before anybody
// allocates for it. It keeps none of the bytes.
type scanner struct {
	// max bounds a reply in bytes.
	max int

	size  int
	open  []int // elements to come of each array that is open, the outermost first
	state scanState
	kind  byte
	line  int // length of a text line so far
	num   [maxNumber]byte
	nums  int
	skip  int // bytes to come of a bulk string
}

type scanState uint8

const (
	scanStart scanState = iota
	scanLine
	scanLineEnd // after the CR of a line
	scanBulk
	scanBulkCR
	scanBulkLF
)

// reset makes the scanner ready for the next reply.
func (s *scanner) reset() {
	s.size, s.open, s.state = 0, s.open[:0], scanStart
}

// feed reads along until the reply ends or p does. It returns how many bytes of p are good and part of the reply, and
// whether that is all of it; then reset is to be called.
func (s *scanner) feed(p []byte) (n int, complete bool, err error) {
	for n < len(p) {
		var used int
		used, complete, err = s.step(p[n:])
		if err != nil {
			return n, false, err
		}
		n += used
		s.size += used
		if s.size > s.max {
			return n - used, false, ErrReplyTooLarge
		}
		if complete {
			return n, true, nil
		}
	}
	return n, false, nil
}

// step consumes a piece of p, which is not empty.
func (s *scanner) step(p []byte) (used int, complete bool, err error) {
	c := p[0]
	switch s.state {
	case scanStart:
		switch c {
		case '+', '-', ':', '$', '*':
		default:
			return 0, false, fmt.Errorf("%w: reply begins with %q", ErrProtocol, c)
		}
		s.kind, s.line, s.nums, s.state = c, 0, 0, scanLine
		return 1, false, nil
	case scanLine:
		if s.kind == '+' || s.kind == '-' {
			return s.text(p)
		}
		if c == '\r' {
			s.state = scanLineEnd
			return 1, false, nil
		}
		if s.nums == maxNumber {
			return 0, false, fmt.Errorf("%w: number is too long", ErrProtocol)
		}
		s.num[s.nums] = c
		s.nums++
		return 1, false, nil
	case scanLineEnd:
		if c != '\n' {
			return 0, false, fmt.Errorf("%w: line does not end in CR LF", ErrProtocol)
		}
		complete, err = s.header()
		return 1, complete, err
	case scanBulk:
		used = min(s.skip, len(p))
		s.skip -= used
		if s.skip == 0 {
			s.state = scanBulkCR
		}
		return used, false, nil
	case scanBulkCR:
		if c != '\r' {
			return 0, false, fmt.Errorf("%w: bulk string is longer than it said", ErrProtocol)
		}
		s.state = scanBulkLF
		return 1, false, nil
	default: // scanBulkLF
		if c != '\n' {
			return 0, false, fmt.Errorf("%w: bulk string is longer than it said", ErrProtocol)
		}
		return 1, s.element(), nil
	}
}

// text consumes a piece of a simple string or an error.
func (s *scanner) text(p []byte) (used int, complete bool, err error) {
	if p[0] == '\r' {
		s.state = scanLineEnd
		return 1, false, nil
	}
	used = len(p)
	if i := bytes.IndexAny(p, "\r\n"); i >= 0 {
		used = i
	}
	if used == 0 {
		return 0, false, fmt.Errorf("%w: line does not end in CR LF", ErrProtocol)
	}
	if s.line += used; s.line > maxLine {
		return 0, false, fmt.Errorf("%w: line of more than %d bytes", ErrProtocol, maxLine)
	}
	return used, false, nil
}

// header acts on a line that is complete.
func (s *scanner) header() (complete bool, err error) {
	if s.kind == '+' || s.kind == '-' {
		return s.element(), nil
	}
	n, err := strconv.ParseInt(string(s.num[:s.nums]), 10, 64)
	if err != nil {
		return false, fmt.Errorf("%w: %q is no number", ErrProtocol, s.num[:s.nums])
	}
	if s.kind == ':' || n == -1 {
		return s.element(), nil
	}
	if n < 0 || s.num[0] < '0' || s.num[0] > '9' {
		return false, fmt.Errorf("%w: length %q", ErrProtocol, s.num[:s.nums])
	}
	least := n // bytes that are to come at least
	if s.kind == '*' {
		least = min(n, int64(s.max)) * int64(len("+\r\n"))
	}
	if least > int64(s.max-s.size) {
		return false, fmt.Errorf("%w: length %d", ErrReplyTooLarge, n)
	}
	switch {
	case s.kind == '$' && n == 0:
		s.state = scanBulkCR
	case s.kind == '$':
		s.skip, s.state = int(n), scanBulk
	case n == 0:
		return s.element(), nil
	case len(s.open) == maxDepth:
		return false, fmt.Errorf("%w: arrays are nested more than %d deep", ErrProtocol, maxDepth)
	default:
		s.open, s.state = append(s.open, int(n)), scanStart
	}
	return false, nil
}

// element ends an element, and the arrays that it is the last of. It reports whether that is the reply.
func (s *scanner) element() (complete bool) {
	s.state = scanStart
	for len(s.open) > 0 {
		last := &s.open[len(s.open)-1]
		if *last--; *last > 0 {
			return false
		}
		s.open = s.open[:len(s.open)-1]
	}
	return true
}

// maxArguments bounds a command's.
const maxArguments = 1 << 20

// parseQuery splits a command in RESP, an array of at least one bulk string, into its arguments. They alias query.
func parseQuery(query []byte) ([][]byte, error) {
	count, rest, ok := cutLength(query, '*')
	// An argument takes at least "$0\r\n\r\n".
	if !ok || count < 1 || count > maxArguments || count > len(rest)/6 {
		return nil, ErrQuery
	}
	args := make([][]byte, count)
	for i := range args {
		var size int
		size, rest, ok = cutLength(rest, '$')
		if !ok || size > len(rest)-2 || rest[size] != '\r' || rest[size+1] != '\n' {
			return nil, ErrQuery
		}
		args[i], rest = rest[:size:size], rest[size+2:]
	}
	if len(rest) > 0 || len(args[0]) == 0 {
		return nil, ErrQuery
	}
	return args, nil
}

// cutLength cuts a line of a type and a length off p.
func cutLength(p []byte, kind byte) (n int, rest []byte, ok bool) {
	line, rest, ok := bytes.Cut(p, []byte("\r\n"))
	if !ok || len(line) < 2 || len(line) > 11 || line[0] != kind {
		return 0, nil, false
	}
	for _, c := range line[1:] {
		if c < '0' || c > '9' {
			return 0, nil, false
		}
		n = n*10 + int(c-'0')
	}
	return n, rest, true
}

// Query is one command.
type Query struct {
	args [][]byte
	size int // in RESP
}

// ParseQuery makes a query of a command in RESP: an array of bulk strings. The query refers to b, which must not change
// any more. Errors are [ErrQuery] and [ErrCommand].
func ParseQuery(b []byte) (Query, error) {
	args, err := parseQuery(b)
	if err != nil {
		return Query{}, err
	}
	return Query{args, len(b)}, checkCommand(args)
}

// checkCommand refuses commands that more or less than one reply answers: nothing on their connection would be in step
// any more. (HELLO would change the protocol, and the others take the connection from its other users.)
func checkCommand(args [][]byte) error {
	name := lower(args[0])
	switch name {
	case "subscribe", "psubscribe", "ssubscribe", "unsubscribe", "punsubscribe", "sunsubscribe",
		"monitor", "sync", "psync", "hello", "reset", "quit", "shutdown", "asking":
		return fmt.Errorf("%w: %s", ErrCommand, name)
	case "client":
		if len(args) > 1 {
			switch sub := lower(args[1]); sub {
			case "reply", "tracking":
				return fmt.Errorf("%w: client %s", ErrCommand, sub)
			}
		}
	}
	return nil
}

// lower returns a short name in lower case, "" for a long one.
func lower(name []byte) string {
	if len(name) > 32 {
		return ""
	}
	return string(bytes.ToLower(name))
}
