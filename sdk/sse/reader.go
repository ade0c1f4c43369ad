package sse

import (
	"bytes"
	"errors"
	"strconv"
)

// ErrTooLarge says that an event, or a line, is longer than the reader may hold.
var ErrTooLarge = errors.New("event is too large")

// DefaultMax is how many bytes of an event, or of a line, a reader holds if it is not told otherwise: more than any model
// sends in one, and little enough for many streams at once.
const DefaultMax = 1 << 20

// Event is a block of lines that ends with an empty one. Its slices are valid until the next call of the reader's methods.
// They refer to the chunk that was fed where the event lies within it, so do not change them.
type Event struct {
	// Name is the event's type, empty for the default, "message".
	Name []byte
	// Data is the event's data, its lines joined by "\n". It is nil if the block has no data line; browsers ignore such a
	// block but for its id and retry.
	Data []byte
	// ID is the id that later events have too, until there is another; nil if the block says none.
	ID []byte
	// Retry is how long a client is to wait before it connects again, in milliseconds, if HasRetry.
	Retry    int
	HasRetry bool
	// Comment is what follows the colon of lines that begin with one, joined by "\n"; nil if there is none. Servers keep
	// connections alive by them.
	Comment []byte
	// Unterminated: the stream ended before the empty line. Browsers drop such an event; many servers send their last one
	// so.
	Unterminated bool
	// Raw is the block as it came, with fields that are not known, its line ends and the empty lines before it. The Raws
	// of a stream, put together, are the stream.
	Raw []byte
}

// Blank says whether there is nothing in the block but Raw. Empty lines that no event follows yet come so.
func (e Event) Blank() bool {
	return len(e.Name) == 0 && e.Data == nil && e.ID == nil && !e.HasRetry && e.Comment == nil
}

// Reader takes a stream apart. The zero value is ready for the beginning of one. It is for one goroutine.
type Reader struct {
	// Max bounds an event, in bytes; 0 is [DefaultMax].
	Max int

	chunk []byte // what was fed and is not looked at
	last  bool   // chunk is the stream's last
	held  []byte // the beginning of an event, from earlier chunks
	done  bool   // held was handed out
	begun bool   // the stream's first event was handed out

	block    bool // the block has a line that is not empty
	inLine   bool // the line that is being read is not empty
	cr       bool // the byte before ended a line and was CR: a LF that follows is part of that end
	err      error
	event    Event
	data     []byte // of several lines
	comments []byte
}

// Feed gives the reader the next chunk, which may be empty, and says whether it is the last. Next must have returned
// false since the Feed before. The chunk must not be changed until Next returns false; what is needed later is copied.
func (r *Reader) Feed(chunk []byte, last bool) { r.chunk, r.last = chunk, last }

// Next reads the next event from what was fed, for Event to return. It returns false if the rest of it comes with later
// chunks, and after an error.
func (r *Reader) Next() bool {
	if r.done {
		r.held, r.done = r.held[:0], false
	}
	if r.err != nil {
		return false
	}
	limit := r.Max
	if limit <= 0 {
		limit = DefaultMax
	}
	end, complete := r.scan()
	if len(r.held)+end > limit {
		r.err = ErrTooLarge
		return false
	}
	piece := r.chunk[:end]
	r.chunk = r.chunk[end:]
	if !complete && !(r.last && len(r.held)+end > 0) && !(end > 0 && !r.block && !r.inLine) {
		r.held = append(r.held, piece...)
		return false
	}
	raw := piece
	if len(r.held) > 0 {
		r.held = append(r.held, piece...)
		raw, r.done = r.held, true
	}
	unterminated := r.block || r.inLine
	r.block, r.inLine = false, false
	r.parse(raw)
	r.event.Unterminated = unterminated && !complete
	return true
}

// scan looks for the end of the event in the chunk. It returns how far it got, and whether that is the end.
func (r *Reader) scan() (n int, complete bool) {
	for i, c := range r.chunk {
		switch {
		case c == '\n' && r.cr:
			r.cr = false
		case c == '\n' || c == '\r':
			r.cr = c == '\r'
			switch {
			case r.inLine:
				r.inLine, r.block = false, true
			case r.block:
				n = i + 1
				// Waiting for a LF that may come with the next chunk would hold the event up; one that is here is taken.
				if r.cr && n < len(r.chunk) && r.chunk[n] == '\n' {
					r.cr = false
					n++
				}
				return n, true
			}
		default:
			r.cr, r.inLine = false, true
		}
	}
	return len(r.chunk), false
}

// Event returns the event that Next has read.
func (r *Reader) Event() Event { return r.event }

// Err returns [ErrTooLarge] if an event exceeds Max. There are no more events then.
func (r *Reader) Err() error { return r.err }

// Rest returns what was fed and is in no event: the beginning of one that is not complete, after Next returned false. Those
// who let a stream pass after an error send it. It is valid until the next call of Next or Feed.
func (r *Reader) Rest() []byte {
	switch {
	case r.done || len(r.held) == 0:
		return r.chunk
	case len(r.chunk) == 0:
		return r.held
	}
	return append(bytes.Clone(r.held), r.chunk...)
}

const byteOrderMark = "\xef\xbb\xbf"

// parse makes an event of a block.
func (r *Reader) parse(raw []byte) {
	r.event = Event{Raw: raw}
	r.data, r.comments = r.data[:0], r.comments[:0]
	rest := raw
	if !r.begun {
		rest = bytes.TrimPrefix(rest, []byte(byteOrderMark))
		r.begun = true
	}
	for len(rest) > 0 {
		end := bytes.IndexAny(rest, "\r\n")
		if end < 0 {
			end = len(rest)
		}
		r.line(rest[:end:end])
		rest = rest[min(end+1, len(rest)):] // of CR LF the LF is one more line, an empty one
	}
}

// line takes a line into the event.
func (r *Reader) line(line []byte) {
	if len(line) == 0 {
		return
	}
	e := &r.event
	name, value, _ := bytes.Cut(line, []byte{':'})
	value = bytes.TrimPrefix(value, []byte{' '})
	if value == nil {
		value = []byte{}
	}
	switch string(name) {
	case "":
		e.Comment, r.comments = join(e.Comment, r.comments, value)
	case "data":
		e.Data, r.data = join(e.Data, r.data, value)
	case "event":
		e.Name = value
	case "id":
		if bytes.IndexByte(value, 0) < 0 {
			e.ID = value
		}
	case "retry":
		if n, err := strconv.ParseUint(string(value), 10, 31); err == nil {
			e.Retry, e.HasRetry = int(n), true
		}
	}
}

// join adds a line to what there is, nil for nothing. The first line is not copied, since mostly there is no other.
func join(have, buffer, line []byte) (joined, newBuffer []byte) {
	if have == nil {
		return line, buffer
	}
	if len(buffer) == 0 {
		buffer = append(buffer, have...)
	}
	buffer = append(append(buffer, '\n'), line...)
	return buffer, buffer
}
