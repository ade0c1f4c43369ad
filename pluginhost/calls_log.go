package pluginhost

import (
	"context"
	"log/slog"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

// maxLogLine is the most that is written of one line, in bytes.
const maxLogLine = 16 << 10

// Levels of slog for the ABI's that it does not have.
const (
	levelTrace    = slog.LevelDebug - 4
	levelCritical = slog.LevelError + 4
)

var slogLevels = [...]slog.Level{
	levelTrace, slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError, levelCritical,
}

// Log implements [abi.Host]: one record for each call.
func (v *vm) Log(level abi.LogLevel, message []byte) abi.Status {
	if level > abi.LogCritical {
		return abi.StatusBadArgument
	}
	v.write(level, message, "")
	return abi.StatusOK
}

// GetLogLevel implements [abi.Host].
func (v *vm) GetLogLevel() (abi.LogLevel, abi.Status) { return v.config().LogLevel, abi.StatusOK }

// config returns the configuration of the plugin that is running: while a VM is being made, of that which had it made.
func (v *vm) config() *Config {
	if v.root != nil {
		return &v.root.plugin.cfg
	}
	return v.group.cfg
}

// write logs what a plugin said, by a host call or (stream is then "stdout" or "stderr") by writing to a file.
func (v *vm) write(level abi.LogLevel, message []byte, stream string) {
	cfg := v.config()
	if level < cfg.LogLevel && !v.keepLog {
		return
	}
	if n := len(message); n > 0 && message[n-1] == '\n' {
		message = message[:n-1]
	}
	text := logText(message)
	if v.keepLog {
		v.logged = text
		if level >= abi.LogWarn {
			v.loggedError = text
		}
		if level < cfg.LogLevel {
			return
		}
	}
	if v.root != nil {
		p := v.root.plugin
		dropped, ok := p.lines.take(cfg.Limits.LogLines, time.Now())
		if !ok {
			v.exceeded("LogLines", cfg.Limits.LogLines)
			return
		}
		p.tellSuppressed(dropped)
	}
	logger := v.group.host.logger
	attrs := make([]slog.Attr, 0, 4)
	if v.root != nil {
		logger = v.root.plugin.logger
	} else {
		attrs = append(attrs, slog.String("plugin", cfg.Name))
	}
	attrs = append(attrs, slog.Int("worker", v.worker))
	if v.stream != nil {
		attrs = append(attrs, slog.Uint64("context", uint64(v.stream.id)))
	}
	if stream != "" {
		attrs = append(attrs, slog.String("stream", stream))
	}
	logger.LogAttrs(context.Background(), slogLevels[level], text, attrs...)
}

// tellSuppressed logs how many of the plugin's log lines were not written, if any.
func (p *Plugin) tellSuppressed(lines int64) {
	if lines > 0 {
		p.logger.Warn("log lines of the plugin were suppressed", "lines", lines, "setting", "Limits.LogLines",
			"limit", p.cfg.Limits.LogLines)
	}
}

// logText returns what is written of a message.
func logText(message []byte) string {
	if len(message) <= maxLogLine {
		return string(message)
	}
	cut := maxLogLine
	for cut > maxLogLine-utf8.UTFMax && !utf8.RuneStart(message[cut]) {
		cut--
	}
	return string(message[:cut]) + "… (" + strconv.Itoa(len(message)-cut) + " bytes more)"
}

// lastLog returns what the plugin logged last while it was started: the last warning or error, or else the last line.
func (v *vm) lastLog() string {
	if v.loggedError != "" {
		return v.loggedError
	}
	return v.logged
}
