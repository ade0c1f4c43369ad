package conformance

import (
	"context"
	"log/slog"
)

// logHandler takes the lines that plugins log out of a gateway's log. What the gateway says of plugins is its own
// affair, and not compared.
type logHandler struct {
	to     *pluginLog
	plugin string
}

// Enabled implements [slog.Handler].
func (h *logHandler) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements [slog.Handler].
func (h *logHandler) Handle(_ context.Context, r slog.Record) error {
	name, guest := h.plugin, false
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "plugin":
			name = a.Value.String()
		case "context":
			guest = true
		case "error":
			guest = false
			return false
		}
		return true
	})
	if guest && r.Level == slog.LevelInfo && name != "" {
		of, mark := plugin(name)
		h.to.add(of, mark+r.Message)
	}
	return nil
}

// WithAttrs implements [slog.Handler].
func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	for _, a := range attrs {
		if a.Key == "plugin" {
			c.plugin = a.Value.String()
		}
	}
	return &c
}

// WithGroup implements [slog.Handler].
func (h *logHandler) WithGroup(string) slog.Handler { return h }
