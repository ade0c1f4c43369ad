package hostcall

// depth counts the callbacks that are running. It is more than one only on a host that calls back from within a host
// call; what is borrowed then stays as it is until the outermost callback has ended.
var depth int

// Epoch changes with every callback: what was learnt from the host in one callback may be out of date in the next.
var Epoch uint32

// Begin starts a callback: what was borrowed before is gone.
func Begin() {
	Epoch++
	if depth == 0 {
		resetBorrowed()
	}
	depth++
}

// End ends a callback.
func End() {
	depth--
	if depth > 0 {
		Epoch++
	}
}

// Generation changes with every stream that begins, and with every configuration and tick: often enough for what the
// host may change at any time and nobody needs to the moment, such as the log level.
var Generation uint32 = 1

// Plugin is what the SDK's packages keep of a plugin context, for as long as it lives. Package proxywasm has one for each.
type Plugin struct {
	Log any // package log's
}

// ActivePlugin returns that of the plugin context which host calls are about, or whose stream they are about. nil if it
// is none: outside of callbacks, and while it is made. Package proxywasm sets it.
var ActivePlugin = func() *Plugin { return nil }

// Running says whether a callback is running.
func Running() bool { return depth > 0 }
