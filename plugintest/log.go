package plugintest

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
)

// Log is a line of a plugin's log, or what the host says about the plugin.
type Log struct {
	// Level is as the plugin logged it: trace is below [slog.LevelDebug], critical above [slog.LevelError].
	Level slog.Level
	// Message is the line.
	Message string
	// Attrs are the host's attributes, as name=value, the plugin's name among them.
	Attrs []string
}

// String returns the line with its level and attributes.
func (l Log) String() string {
	s := l.Level.String() + " " + l.Message
	if len(l.Attrs) > 0 {
		s += " [" + strings.Join(l.Attrs, " ") + "]"
	}
	return s
}

// logs collects lines. It is safe for concurrent use.
type logs struct {
	mu      sync.Mutex
	lines   []Log
	dropped int // lines that were too many to keep
}

func (l *logs) add(line Log) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.lines) >= maxWatched {
		l.lines = append([]Log(nil), l.lines[maxWatched/2:]...)
		l.dropped += maxWatched / 2
	}
	l.lines = append(l.lines, line)
}

func (l *logs) all() []Log {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Log(nil), l.lines...)
}

// count returns how many lines there have been.
func (l *logs) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.dropped + len(l.lines)
}

// String returns all lines, indented.
func (l *logs) String() string { return l.since(0) }

// since is String without the first n lines.
func (l *logs) since(n int) string {
	l.mu.Lock()
	lines := append([]Log(nil), l.lines[min(max(0, n-l.dropped), len(l.lines)):]...)
	l.mu.Unlock()
	if len(lines) == 0 {
		return "  (nothing)"
	}
	var b strings.Builder
	for _, line := range lines {
		fmt.Fprintf(&b, "  %s\n", strings.ReplaceAll(line.String(), "\n", "\n    "))
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// logHandler is the slog side of logs.
type logHandler struct {
	to    *logs
	attrs []string
	group string
}

// Enabled implements [slog.Handler].
func (h *logHandler) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements [slog.Handler].
func (h *logHandler) Handle(_ context.Context, r slog.Record) error {
	line := Log{Level: r.Level, Message: r.Message, Attrs: append([]string(nil), h.attrs...)}
	r.Attrs(func(a slog.Attr) bool {
		line.Attrs = append(line.Attrs, h.group+a.String())
		return true
	})
	h.to.add(line)
	return nil
}

// WithAttrs implements [slog.Handler].
func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	c.attrs = append([]string(nil), h.attrs...)
	for _, a := range attrs {
		c.attrs = append(c.attrs, h.group+a.String())
	}
	return &c
}

// WithGroup implements [slog.Handler].
func (h *logHandler) WithGroup(name string) slog.Handler {
	c := *h
	c.group += name + "."
	return &c
}
