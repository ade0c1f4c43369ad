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
