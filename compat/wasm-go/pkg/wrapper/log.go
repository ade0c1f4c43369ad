package wrapper

import "github.com/sluice-gateway/sluice/sdk/log"

// LogLevel is a level of the log.
type LogLevel uint32

// The levels.
const (
	LogLevelTrace LogLevel = iota
	LogLevelDebug
	LogLevelInfo
	LogLevelWarn
	LogLevelError
	LogLevelCritical
)

// DefaultLog writes to the host.
type DefaultLog struct{ logger }

type logger = log.Logger

func newDefaultLog(pluginName string) *DefaultLog { return &DefaultLog{*log.New(pluginName)} }
