package proxywasm

import sdk "github.com/sluice-gateway/sluice/sdk/proxywasm"

// LogTrace writes a line at level trace.
func LogTrace(msg string) { sdk.LogTrace(msg) }

// LogTracef writes a formatted line at level trace.
func LogTracef(format string, args ...interface{}) { sdk.LogTracef(format, args...) }

// LogDebug writes a line at level debug.
func LogDebug(msg string) { sdk.LogDebug(msg) }

// LogDebugf writes a formatted line at level debug.
func LogDebugf(format string, args ...interface{}) { sdk.LogDebugf(format, args...) }

// LogInfo writes a line at level info.
func LogInfo(msg string) { sdk.LogInfo(msg) }

// LogInfof writes a formatted line at level info.
func LogInfof(format string, args ...interface{}) { sdk.LogInfof(format, args...) }

// LogWarn writes a line at level warn.
func LogWarn(msg string) { sdk.LogWarn(msg) }

// LogWarnf writes a formatted line at level warn.
func LogWarnf(format string, args ...interface{}) { sdk.LogWarnf(format, args...) }

// LogError writes a line at level error.
func LogError(msg string) { sdk.LogError(msg) }

// LogErrorf writes a formatted line at level error.
func LogErrorf(format string, args ...interface{}) { sdk.LogErrorf(format, args...) }

// LogCritical writes a line at level critical.
func LogCritical(msg string) { sdk.LogCritical(msg) }

// LogCriticalf writes a formatted line at level critical.
func LogCriticalf(format string, args ...interface{}) { sdk.LogCriticalf(format, args...) }
