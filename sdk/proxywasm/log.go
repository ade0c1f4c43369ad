package proxywasm

import (
	"fmt"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/internal/hostcall"
)

// The lines go to the host as they are; package log asks first whether the level is written.

// LogTrace writes a line at level trace.
func LogTrace(msg string) { hostcall.Log(abi.LogTrace, msg) }

// LogDebug writes a line at level debug.
func LogDebug(msg string) { hostcall.Log(abi.LogDebug, msg) }

// LogInfo writes a line at level info.
func LogInfo(msg string) { hostcall.Log(abi.LogInfo, msg) }

// LogWarn writes a line at level warn.
func LogWarn(msg string) { hostcall.Log(abi.LogWarn, msg) }

// LogError writes a line at level error.
func LogError(msg string) { hostcall.Log(abi.LogError, msg) }

// LogCritical writes a line at level critical.
func LogCritical(msg string) { hostcall.Log(abi.LogCritical, msg) }

// LogTracef writes a formatted line at level trace.
func LogTracef(format string, args ...any) { LogTrace(fmt.Sprintf(format, args...)) }

// LogDebugf writes a formatted line at level debug.
func LogDebugf(format string, args ...any) { LogDebug(fmt.Sprintf(format, args...)) }

// LogInfof writes a formatted line at level info.
func LogInfof(format string, args ...any) { LogInfo(fmt.Sprintf(format, args...)) }

// LogWarnf writes a formatted line at level warn.
func LogWarnf(format string, args ...any) { LogWarn(fmt.Sprintf(format, args...)) }

// LogErrorf writes a formatted line at level error.
func LogErrorf(format string, args ...any) { LogError(fmt.Sprintf(format, args...)) }

// LogCriticalf writes a formatted line at level critical.
func LogCriticalf(format string, args ...any) { LogCritical(fmt.Sprintf(format, args...)) }
