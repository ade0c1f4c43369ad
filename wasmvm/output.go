package wasmvm

import (
	"bytes"
	"strings"
)

// Output is something that a module wrote to stdout or stderr: a line, or a panic with its stack.
type Output struct {
	Stderr bool
	// Text has no newline at its end. It is valid UTF-8: other bytes are replaced.
	Text string
}

const (
	// maxLine is the longest line that is a record of its own; longer ones are cut into several.
	maxLine = 8 << 10
	// maxReport is the longest panic; what is longer is cut off.
	maxReport = 64 << 10
	// maxTail is how much of a callback's output a TrapError tells, when there was no panic.
	maxTail = 4 << 10
)

const cutOff = "\n... cut off"

// reportStarts are how the last words of a program begin, by runtimes that write them to stderr line by line: Go and
// TinyGo. Rust's is told by startsReport.
var reportStarts = []string{"panic: ", "fatal error: ", "runtime: "}

// console makes records of what a module writes.
type console struct {
	sink   func(Output)
	stdout []byte // an unfinished line
	stderr []byte
	// report is the panic that is being written. It ends with the callback: nothing else can say where.
	report []byte
	tail   []byte // the last lines of this callback
}

func (c *console) write(stderr bool, b []byte) {
	for len(b) > 0 {
		line, rest, ended := bytes.Cut(b, []byte{'\n'})
		b = rest
		buf := &c.stdout
		if stderr {
			buf = &c.stderr
		}
		for len(line) > 0 || ended {
			n := min(len(line), maxLine-len(*buf))
			*buf = append(*buf, line[:n]...)
			line = line[n:]
			if len(line) > 0 || ended {
				c.line(stderr, *buf)
				*buf = (*buf)[:0]
				ended = ended && len(line) > 0
			}
		}
	}
}

// line takes a whole line.
func (c *console) line(stderr bool, line []byte) {
	if stderr {
		if c.report != nil || startsReport(line) {
			if room := maxReport - len(c.report); room > 0 {
				c.report = append(append(c.report, line[:min(len(line), room)]...), '\n')
			}
			return
		}
	}
	c.emit(stderr, line)
	if len(c.tail)+len(line) >= 2*maxTail {
		c.tail = append(c.tail[:0], c.tail[max(0, len(c.tail)-maxTail):]...)
	}
	c.tail = append(append(c.tail, line...), '\n')
}

func startsReport(line []byte) bool {
	for _, s := range reportStarts {
		if bytes.HasPrefix(line, []byte(s)) {
			return true
		}
	}
	return bytes.HasPrefix(line, []byte("thread '")) && bytes.Contains(line, []byte("panicked at"))
}

func (c *console) emit(stderr bool, text []byte) string {
	s := strings.ToValidUTF8(strings.TrimRight(string(text), "\r\n"), "\uFFFD")
	if c.sink != nil {
		c.sink(Output{Stderr: stderr, Text: s})
	}
	return s
}

func (c *console) callbackBegan() { c.tail = c.tail[:0] }

// callbackEnded writes what looked like a panic but did not kill the module.
func (c *console) callbackEnded() {
	if c.report != nil {
		c.endReport()
	}
}

func (c *console) endReport() string {
	report := c.report
	c.report = nil
	if len(report) > maxReport {
		report = append(report[:maxReport], cutOff...)
	}
	return c.emit(true, report)
}

// flush writes unfinished lines.
func (c *console) flush() {
	for _, stderr := range []bool{false, true} {
		buf := &c.stdout
		if stderr {
			buf = &c.stderr
		}
		if len(*buf) > 0 {
			c.line(stderr, *buf)
			*buf = nil
		}
	}
	c.callbackEnded()
}

// crashed writes everything that is left, and answers the module's last words.
func (c *console) crashed() string {
	report := c.report != nil || startsReport(c.stderr)
	if report {
		// An unfinished line is part of the panic.
		if len(c.stderr) > 0 {
			c.line(true, c.stderr)
			c.stderr = nil
		}
		words := c.endReport()
		c.flush()
		return words
	}
	c.flush()
	tail := c.tail[max(0, len(c.tail)-maxTail):]
	return strings.ToValidUTF8(strings.TrimRight(string(tail), "\n"), "\uFFFD")
}
