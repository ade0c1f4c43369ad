// Package log writes a plugin's log. Lines below the plugin's log level cost a comparison: the level is asked for once
// for each stream (and each configuration and tick), not for each line, so that a change of level reaches new streams.
// The level is the host's, for all plugins of a VM.
package log

import (
	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/internal/hostcall"
)

// Log is where a plugin's lines go.
type Log interface {
	Trace(msg string)
	Tracef(format string, args ...any)
	Debug(msg string)
	Debugf(format string, args ...any)
	Info(msg string)
	Infof(format string, args ...any)
	Warn(msg string)
	Warnf(format string, args ...any)
	Error(msg string)
	Errorf(format string, args ...any)
	Critical(msg string)
	Criticalf(format string, args ...any)
	// ResetID names the plugin's configuration, from its _plugin_id_.
	ResetID(pluginID string)
}

var (
	plugin  Log = New("")
	safeLog bool
)

// SetPluginLog makes l what the package's functions write to. wrapper.SetCtx does it.
func SetPluginLog(l Log) { plugin = l }

// PluginLog returns what the package's functions write to.
func PluginLog() Log { return plugin }

// SetSafeLogEnabled says whether [UnsafeInfo] is held back to level debug.
func SetSafeLogEnabled(enabled bool) { safeLog = enabled }

// IsSafeLogEnabled says whether [UnsafeInfo] is held back to level debug.
func IsSafeLogEnabled() bool { return safeLog }

var level struct {
	lowest     abi.LogLevel
	generation uint32
}

// Enabled says whether lines of level l are written: worth asking before making an expensive one. Levels as in the ABI,
// 0 trace to 5 critical.
func Enabled(l abi.LogLevel) bool {
	if level.generation != hostcall.Generation {
		lowest, st := hostcall.LogLevel()
		if st != abi.StatusOK {
			lowest = abi.LogTrace // the host filters for itself
		}
		level.lowest, level.generation = lowest, hostcall.Generation
	}
	return l >= level.lowest
}

// Trace writes a line at level trace.
func Trace(msg string) { plugin.Trace(msg) }

// Debug writes a line at level debug.
func Debug(msg string) { plugin.Debug(msg) }

// Info writes a line at level info.
func Info(msg string) { plugin.Info(msg) }

// Warn writes a line at level warn.
func Warn(msg string) { plugin.Warn(msg) }

// Error writes a line at level error.
func Error(msg string) { plugin.Error(msg) }

// Critical writes a line at level critical.
func Critical(msg string) { plugin.Critical(msg) }

// Tracef writes a formatted line at level trace.
func Tracef(format string, args ...any) { plugin.Tracef(format, args...) }

// Debugf writes a formatted line at level debug.
func Debugf(format string, args ...any) { plugin.Debugf(format, args...) }

// Infof writes a formatted line at level info.
func Infof(format string, args ...any) { plugin.Infof(format, args...) }

// Warnf writes a formatted line at level warn.
func Warnf(format string, args ...any) { plugin.Warnf(format, args...) }

// Errorf writes a formatted line at level error.
func Errorf(format string, args ...any) { plugin.Errorf(format, args...) }

// Criticalf writes a formatted line at level critical.
func Criticalf(format string, args ...any) { plugin.Criticalf(format, args...) }

// UnsafeInfo writes a line that may hold secrets or personal data: at level info, but at debug where the plugin enabled
// safe logging.
func UnsafeInfo(msg string) {
	if safeLog {
		plugin.Debug(msg)
	} else {
		plugin.Info(msg)
	}
}

// UnsafeInfof is [UnsafeInfo] with a format.
func UnsafeInfof(format string, args ...any) {
	if safeLog {
		plugin.Debugf(format, args...)
	} else {
		plugin.Infof(format, args...)
	}
}
