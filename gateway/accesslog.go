package gateway

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
)

// maxPendingLog bounds the bytes of access log lines that wait for a slow sink, lines beyond it being dropped: a pipe
// that nobody reads must not hold requests up, nor eat the memory.
const maxPendingLog = 4 << 20

// accessLogger writes a line for each stream to one sink. Lines are written whole, in the order of log, by a goroutine of
// its own, so that a request never waits for a disk; several lines at once where they come faster than they can be
// written.
//
// Life: newAccessLogger, open, any use by any number of goroutines, close, which writes what is pending.
type accessLogger struct {
	format *accessLogFormat
	path   string
	logger *slog.Logger
	lines  sync.Pool // *[]byte, to format in

	mu      sync.Mutex
	sink    io.Writer
	file    *os.File // the sink, where it is a file of ours
	pending []byte
	dropped int
	opened  bool
	wake    chan struct{}
	done    chan struct{}
	// writing is held while the sink is written to, so that it is not exchanged meanwhile.
	writing sync.Mutex
}

// newAccessLogger compiles cfg's format. Nothing is opened yet.
func newAccessLogger(cfg AccessLog, g *Gateway) (*accessLogger, error) {
	a := &accessLogger{path: cfg.Path, logger: g.logger}
	a.lines.New = func() any { return new([]byte) }
	n := 0
	if cfg.Path != "" {
		n++
	}
	if cfg.Stdout {
		a.sink, n = g.stdout, n+1
	}
	if cfg.Stderr {
		a.sink, n = g.stderr, n+1
	}
	if n != 1 {
		return nil, errors.New("exactly one of a path, stdout and stderr must be given")
	}
	var err error
	a.format, err = compileAccessLog(cfg)
	return a, err
}

// open opens the file and starts writing.
func (a *accessLogger) open() error {
	if a.path != "" {
		f, err := openLogFile(a.path)
		if err != nil {
			return err
		}
		a.sink, a.file = f, f
	}
	a.opened, a.wake, a.done = true, make(chan struct{}, 1), make(chan struct{})
	go func() {
		defer close(a.done)
		for range a.wake {
			a.flush()
		}
		a.flush()
	}()
	return nil
}

func openLogFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("access log: %w", err)
	}
	return f, nil
}

// reopen opens the file anew, under the same name. If it cannot, the old one stays.
func (a *accessLogger) reopen() error {
	if a.path == "" {
		return nil
	}
	f, err := openLogFile(a.path)
	if err != nil {
		return err
	}
	a.flush()
	a.writing.Lock()
	defer a.writing.Unlock()
	a.mu.Lock()
	old := a.file
	if !a.opened {
		old = f
	} else {
		a.sink, a.file = f, f
	}
	a.mu.Unlock()
	return old.Close()
}

// log writes e's line.
func (a *accessLogger) log(e accessLogEntry) {
	line := a.lines.Get().(*[]byte)
	*line = a.format.appendLine((*line)[:0], e)
	a.mu.Lock()
	if a.opened {
		if len(a.pending)+len(*line) <= maxPendingLog {
			a.pending = append(a.pending, *line...)
		} else {
			a.dropped++
		}
		select {
		case a.wake <- struct{}{}:
		default: // woken already
		}
	}
	a.mu.Unlock()
	a.lines.Put(line)
}

// flush writes what is pending.
func (a *accessLogger) flush() {
	a.writing.Lock()
	defer a.writing.Unlock()
	a.mu.Lock()
	lines, dropped, sink := a.pending, a.dropped, a.sink
	a.pending, a.dropped = nil, 0
	a.mu.Unlock()
	if dropped > 0 {
		a.logger.Warn("access log lines dropped: the sink is too slow", "lines", dropped, "path", a.path)
	}
	if len(lines) == 0 {
		return
	}
	if _, err := sink.Write(lines); err != nil {
		a.logger.Error("access log cannot be written", "path", a.path, "error", err)
	}
}

// close writes what is pending and closes the file. Lines logged later are dropped.
func (a *accessLogger) close() error {
	a.mu.Lock()
	if !a.opened {
		a.mu.Unlock()
		return nil
	}
	a.opened = false
	close(a.wake)
	a.mu.Unlock()
	<-a.done
	if a.file != nil {
		return a.file.Close()
	}
	return nil
}
