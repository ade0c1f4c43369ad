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
	Epoch++
}

// Generation changes with every stream that begins, and with every configuration and tick: often enough for what the
// host may change at any time and nobody needs to the moment, such as the log level.
var Generation uint32 = 1
