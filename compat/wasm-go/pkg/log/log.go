// Package log writes a plugin's log, with package log of the Sluice SDK.
package log

import "github.com/sluice-gateway/sluice/sdk/log"

// Log is where a plugin's lines go.
type Log = log.Log

// SetPluginLog makes l what the package's functions write to. Registering a plugin does it.
func SetPluginLog(l Log) { log.SetPluginLog(l) }

// SetSafeLogEnabled says whether [UnsafeInfo] is held back to level debug.
func SetSafeLogEnabled(enabled bool) { log.SetSafeLogEnabled(enabled) }

// IsSafeLogEnabled says whether [UnsafeInfo] is held back to level debug.
func IsSafeLogEnabled() bool { return log.IsSafeLogEnabled() }

// Trace writes a line at level trace.
func Trace(msg string) { log.Trace(msg) }

// Tracef writes a formatted line at level trace.
func Tracef(format string, args ...interface{}) { log.Tracef(format, args...) }

// Debug writes a line at level debug.
func Debug(msg string) { log.Debug(msg) }

// Debugf writes a formatted line at level debug.
func Debugf(format string, args ...interface{}) { log.Debugf(format, args...) }

// Info writes a line at level info.
func Info(msg string) { log.Info(msg) }

// Infof writes a formatted line at level info.
func Infof(format string, args ...interface{}) { log.Infof(format, args...) }

// Warn writes a line at level warn.
func Warn(msg string) { log.Warn(msg) }

// Warnf writes a formatted line at level warn.
func Warnf(format string, args ...interface{}) { log.Warnf(format, args...) }

// Error writes a line at level error.
func Error(msg string) { log.Error(msg) }

// Errorf writes a formatted line at level error.
func Errorf(format string, args ...interface{}) { log.Errorf(format, args...) }

// Critical writes a line at level critical.
func Critical(msg string) { log.Critical(msg) }

// Criticalf writes a formatted line at level critical.
func Criticalf(format string, args ...interface{}) { log.Criticalf(format, args...) }

// UnsafeInfo writes a line that may hold secrets: at level info, at debug where safe logging is enabled.
func UnsafeInfo(msg string) { log.UnsafeInfo(msg) }

// UnsafeInfof is [UnsafeInfo] with a format.
func UnsafeInfof(format string, args ...interface{}) { log.UnsafeInfof(format, args...) }
