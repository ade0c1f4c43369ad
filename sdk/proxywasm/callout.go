package proxywasm

// callout is a call-out under way: whose it is, and what its answer is for.
type callout[F any] struct {
	context  uint32
	callback F
}

// begin makes the calls of a call-out's answer be about the context that made the call. It answers false if that is a
// stream which has ended: nothing is left to be done for it.
func (c callout[F]) begin() bool {
	if vm.streams.get(c.context) == nil && vm.findRoot(c.context) == nil {
		return false
	}
	return SetEffectiveContext(c.context) == nil
}

// CalloutRecoverer is implemented by an HttpContext that has panics of its call-outs' callbacks concern its stream alone.
// Without it a panic there is one anywhere: the end of the VM, and of every stream in it.
type CalloutRecoverer interface {
	// RecoverCallout is called with what the callback panicked with. Calls are about the stream that made the call-out.
	RecoverCallout(reason any)
}

// recoverCallout is deferred where a callback runs for a context.
func recoverCallout(context uint32) {
	s := vm.streams.get(context)
	if s == nil {
		return
	}
	if r, ok := s.http.(CalloutRecoverer); ok {
		if reason := recover(); reason != nil {
			_ = SetEffectiveContext(context) // the callback may have turned to another
			r.RecoverCallout(reason)
		}
	}
}
