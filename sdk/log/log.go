// Package log writes a plugin's log. Lines below the plugin's log level cost a comparison: the level is asked for once
// for each stream (and each configuration and tick), not for each line, so that a change of level reaches new streams.
// The level is the host's, for all plugins of a VM.
//
// A VM may have several plugin contexts: one plugin, configured several times. Each has its logger, its name and its safe
// mode, and a line goes to that of the context whose callback runs, or whose stream's.
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

// context is the log of a plugin context.
type context struct {
	log  Log // nil: that for all
	id   string
	safe bool
}

var (
	// forAll is what is set outside of plugin contexts.
	forAll = &context{log: New("")}
	// current is the context that had to do with the log last.
	current = forAll
	// named says that a context has a name: two of them may write to one logger, which is told then whose turn it is.
	named bool
)

// active returns the log of the plugin context that is active, that for all if none is.
func active() *context {
	p := hostcall.ActivePlugin()
	if p == nil {
		return forAll
	}
	c, ok := p.Log.(*context)
	if !ok {
		c = new(context)
		p.Log = c
	}
	if c != current {
		current = c
		c.tellID()
	}
	return c
}

func (c *context) tellID() {
	if named {
		c.logger().ResetID(c.id)
	}
}

func (c *context) logger() Log {
	if c.log == nil {
		return forAll.log
	}
	return c.log
}

// SetPluginLog makes l what the package's functions write to, for the plugin context that is active; outside of plugin
// contexts, for those that have no other. nil is the host's log without a name. wrapper.SetCtx does it.
func SetPluginLog(l Log) {
	if l == nil {
		l = New("")
	}
	c := active()
	c.log = l
	if c != forAll {
		c.tellID()
	}
}

// PluginLog returns what the package's functions write to.
func PluginLog() Log { return active().logger() }

// ResetID names the configuration of the plugin context that is active. wrapper.SetCtx does it, from _plugin_id_.
func ResetID(pluginID string) {
	c := active()
	c.id = pluginID
	named = named || pluginID != ""
	c.tellID()
}

// SetSafeLogEnabled says whether [UnsafeInfo] is held back to level debug, for the plugin context that is active; outside
// of plugin contexts, whether it is for all. wrapper.EnableSafeLog does it.
func SetSafeLogEnabled(enabled bool) { active().safe = enabled }

// IsSafeLogEnabled says whether [UnsafeInfo] is held back to level debug.
func IsSafeLogEnabled() bool { return active().safe || forAll.safe }

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
func Trace(msg string) { active().logger().Trace(msg) }

// Debug writes a line at level debug.
func Debug(msg string) { active().logger().Debug(msg) }

// Info writes a line at level info.
func Info(msg string) { active().logger().Info(msg) }

// Warn writes a line at level warn.
func Warn(msg string) { active().logger().Warn(msg) }

// Error writes a line at level error.
func Error(msg string) { active().logger().Error(msg) }

// Critical writes a line at level critical.
func Critical(msg string) { active().logger().Critical(msg) }

// Tracef writes a formatted line at level trace.
func Tracef(format string, args ...any) { active().logger().Tracef(format, args...) }

// Debugf writes a formatted line at level debug.
func Debugf(format string, args ...any) { active().logger().Debugf(format, args...) }

// Infof writes a formatted line at level info.
func Infof(format string, args ...any) { active().logger().Infof(format, args...) }

// Warnf writes a formatted line at level warn.
func Warnf(format string, args ...any) { active().logger().Warnf(format, args...) }

// Errorf writes a formatted line at level error.
func Errorf(format string, args ...any) { active().logger().Errorf(format, args...) }

// Criticalf writes a formatted line at level critical.
func Criticalf(format string, args ...any) { active().logger().Criticalf(format, args...) }

// UnsafeInfo writes a line that may hold secrets or personal data: at level info, but at debug where the plugin enabled
// safe logging.
func UnsafeInfo(msg string) {
	if IsSafeLogEnabled() {
		Debug(msg)
	} else {
		Info(msg)
	}
}

// UnsafeInfof is [UnsafeInfo] with a format.
func UnsafeInfof(format string, args ...any) {
	if IsSafeLogEnabled() {
		Debugf(format, args...)
	} else {
		Infof(format, args...)
	}
}
