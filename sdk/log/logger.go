package log

import (
	"fmt"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/internal/hostcall"
)

// Logger is the [Log] that writes to the host: "[plugin] [configuration] [request id] line", without what there is
// none of.
type Logger struct{ name, id string }

var _ Log = (*Logger)(nil)

// New returns a Logger for the plugin of that name.
func New(name string) *Logger { return &Logger{name: name} }

// ResetID implements [Log].
func (l *Logger) ResetID(pluginID string) { l.id = pluginID }

// requestID is the path of the property: in any phase, unlike the header.
const requestID = "request\x00id"

func (l *Logger) write(level abi.LogLevel, msg string) {
	if !Enabled(level) {
		return
	}
	line := make([]byte, 0, len(l.name)+len(l.id)+len(msg)+48)
	line = field(line, l.name)
	line = field(line, l.id)
	if id, st := hostcall.BorrowProperty(requestID); st == abi.StatusOK {
		line = field(line, hostcall.String(id))
	}
	line = append(line, msg...)
	hostcall.Log(level, hostcall.String(line))
}

func field(line []byte, s string) []byte {
	if s == "" {
		return line
	}
	return append(append(append(line, '['), s...), "] "...)
}

func (l *Logger) writef(level abi.LogLevel, format string, args []any) {
	if Enabled(level) {
		l.write(level, fmt.Sprintf(format, args...))
	}
}

// Trace implements [Log].
func (l *Logger) Trace(msg string) { l.write(abi.LogTrace, msg) }

// Debug implements [Log].
func (l *Logger) Debug(msg string) { l.write(abi.LogDebug, msg) }

// Info implements [Log].
func (l *Logger) Info(msg string) { l.write(abi.LogInfo, msg) }

// Warn implements [Log].
func (l *Logger) Warn(msg string) { l.write(abi.LogWarn, msg) }

// Error implements [Log].
func (l *Logger) Error(msg string) { l.write(abi.LogError, msg) }

// Critical implements [Log].
func (l *Logger) Critical(msg string) { l.write(abi.LogCritical, msg) }

// Tracef implements [Log].
func (l *Logger) Tracef(format string, args ...any) { l.writef(abi.LogTrace, format, args) }

// Debugf implements [Log].
func (l *Logger) Debugf(format string, args ...any) { l.writef(abi.LogDebug, format, args) }

// Infof implements [Log].
func (l *Logger) Infof(format string, args ...any) { l.writef(abi.LogInfo, format, args) }

// Warnf implements [Log].
func (l *Logger) Warnf(format string, args ...any) { l.writef(abi.LogWarn, format, args) }

// Errorf implements [Log].
func (l *Logger) Errorf(format string, args ...any) { l.writef(abi.LogError, format, args) }

// Criticalf implements [Log].
func (l *Logger) Criticalf(format string, args ...any) { l.writef(abi.LogCritical, format, args) }
