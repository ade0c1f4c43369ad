package sse

// Lines takes a stream apart into its lines, which end in CR, LF or both. The zero value is ready for the beginning of one.
// It is for one goroutine.
type Lines struct {
	// Max bounds a line, in bytes; 0 is [DefaultMax].
	Max int

	chunk []byte
	last  bool
	held  []byte
	done  bool // held was handed out
	cr    bool // the byte before was a CR that ended a line
	line  []byte
	err   error
}

// Feed gives the next chunk, as that of [Reader] does.
func (l *Lines) Feed(chunk []byte, last bool) { l.chunk, l.last = chunk, last }

// Next reads the next line from what was fed, for Line to return. It returns false if the rest of it comes with later
// chunks, and after an error. Of the last chunk, what follows the last line end is a line too, unless it is empty.
func (l *Lines) Next() bool {
	if l.done {
		l.held, l.done = l.held[:0], false
	}
	if l.err != nil {
		return false
	}
	if l.cr && len(l.chunk) > 0 {
		if l.chunk[0] == '\n' {
			l.chunk = l.chunk[1:]
		}
		l.cr = false
	}
	end := 0
	for end < len(l.chunk) && l.chunk[end] != '\n' && l.chunk[end] != '\r' {
		end++
	}
	limit := l.Max
	if limit <= 0 {
		limit = DefaultMax
	}
	if len(l.held)+end > limit {
		l.err = ErrTooLarge
		return false
	}
	piece := l.chunk[:end]
	if end < len(l.chunk) {
		l.cr = l.chunk[end] == '\r'
		l.chunk = l.chunk[end+1:]
	} else {
		l.chunk = nil
		if !l.last || len(l.held)+end == 0 {
			l.held = append(l.held, piece...)
			return false
		}
	}
	l.line = piece
	if len(l.held) > 0 {
		l.held = append(l.held, piece...)
		l.line, l.done = l.held, true
	}
	return true
}

// Line returns the line that Next has read, without its end. It is valid until the next call of Next or Feed, and refers
// to the chunk that was fed where the line lies within it, so do not change it.
func (l *Lines) Line() []byte { return l.line }

// Err returns [ErrTooLarge] if a line exceeds Max. There are no more lines then.
func (l *Lines) Err() error { return l.err }
