package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"strings"
	"sync"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

// newLogger writes records as slog's text, a line each. Of a message with several lines, such as a panic's, the first
// stands in that line and the others follow as they are, indented: a stack in one quoted line cannot be read.
func newLogger(w io.Writer, lowest abi.LogLevel) *slog.Logger {
	out := &textOutput{w: w}
	text := slog.NewTextHandler(&out.line, &slog.HandlerOptions{Level: slogLevel(lowest), ReplaceAttr: levelNames})
	return slog.New(&textHandler{out: out, text: text})
}

// textOutput is shared by a handler and those derived from it.
type textOutput struct {
	mu   sync.Mutex
	w    io.Writer
	line bytes.Buffer
}

type textHandler struct {
	out  *textOutput
	text slog.Handler
}

// Enabled implements [slog.Handler].
func (h *textHandler) Enabled(ctx context.Context, l slog.Level) bool { return h.text.Enabled(ctx, l) }

// WithAttrs implements [slog.Handler].
func (h *textHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &textHandler{h.out, h.text.WithAttrs(attrs)}
}

// WithGroup implements [slog.Handler].
func (h *textHandler) WithGroup(name string) slog.Handler {
	return &textHandler{h.out, h.text.WithGroup(name)}
}

// Handle implements [slog.Handler].
func (h *textHandler) Handle(ctx context.Context, r slog.Record) error {
	h.out.mu.Lock()
	defer h.out.mu.Unlock()
	h.out.line.Reset()
	first, rest, several := strings.Cut(strings.TrimRight(r.Message, "\n"), "\n")
	r.Message = first
	if err := h.text.Handle(ctx, r); err != nil {
		return err
	}
	if several {
		for line := range strings.SplitSeq(rest, "\n") {
			h.out.line.WriteString("    ")
			h.out.line.WriteString(line)
			h.out.line.WriteByte('\n')
		}
	}
	_, err := h.out.w.Write(h.out.line.Bytes())
	return err
}

// The levels of the ABI that slog does not have lie as far below and above as slog's own are apart.
func slogLevel(l abi.LogLevel) slog.Level {
	return slog.LevelDebug + 4*slog.Level(int(l)-int(abi.LogDebug))
}

func levelNames(groups []string, a slog.Attr) slog.Attr {
	if a.Key == slog.LevelKey && len(groups) == 0 {
		switch a.Value.Any() {
		case slogLevel(abi.LogTrace):
			a.Value = slog.StringValue("TRACE")
		case slogLevel(abi.LogCritical):
			a.Value = slog.StringValue("CRITICAL")
		}
	}
	return a
}
