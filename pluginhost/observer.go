package pluginhost

import "github.com/sluice-gateway/sluice/sdk/abi"

// Observer is told what plugins do: a test kit watches them by it. Its methods are called under the lock of the VM that
// they are about, in the order in which things happen there; VMs are concurrent. They must return soon, must not call the
// [Host] or its plugins, and keep none of the byte slices and callbacks that they are shown.
type Observer interface {
	// StreamBegun tells of a new stream context, before the plugin hears of it. What cb says of the stream under its lock
	// may be read during the call.
	StreamBegun(c Context, cb Callbacks)
	// CallbackEnded tells that a callback has returned, or died.
	CallbackEnded(e *CallbackEvent)
}

// Context says which context of a plugin something is about.
type Context struct {
	// Plugin is the plugin's configured name, Worker the number of its VM.
	Plugin string
	Worker int
	// Stream is the id of a stream context, 0 for the root context.
	Stream uint32
}

// CallbackEvent is a callback that has ended, with what the plugin did in it.
type CallbackEvent struct {
	Context
	// Name is the callback's name in the ABI: "proxy_on_request_headers".
	Name string
	// Answers is that the callback is about a part of an HTTP message, and so answers an action: Returned is the one that
	// the plugin answered, Taken the one that the filter chain was given.
	Answers         bool
	Returned, Taken abi.Action
	// Calls are the local replies, the streams that were continued or closed, the properties that were set, and the HTTP and
	// Redis calls that the plugin asked for in it, in order.
	Calls []HostCall
	// Err is why the VM is dead, nil if it is not.
	Err error
}

// HostCall is what a plugin asked of its host.
type HostCall struct {
	// Context is the effective context, which need not be the callback's.
	Context
	// Name is the call's name in the ABI: "proxy_send_local_response".
	Name string
	// About is what the call is about: of calls and Redis calls the cluster, of properties the path (its segments end in
	// NUL, but for the last), of continued and closed streams "request" or "response".
	About string
	// Value is what a property was set to.
	Value []byte
	// Reply is a local reply.
	Reply *LocalReply
	// Status is what the plugin was answered.
	Status abi.Status
	// Misuse is why the call came to nothing though its form was right.
	Misuse Misuse
}

// Misuse is a host call at a moment at which it can have no effect: in nearly all cases a plugin's mistake. Hosts let it
// pass.
type Misuse uint8

// The misuses.
const (
	NoMisuse Misuse = iota
	// ResumeNotPaused continues a message that the plugin does not hold back.
	ResumeNotPaused
	// ResumeAnswered continues a request that the plugin has answered itself.
	ResumeAnswered
	// SecondReply is a local reply to a request that has one from the same plugin.
	SecondReply
	// AfterEnd is a call about a stream that is complete.
	AfterEnd
)

// verdict is what a callback about a message answered, for the observer.
type verdict struct {
	given           bool
	returned, taken abi.Action
}

// observe tells the observer that a callback has ended. The VM's lock is held.
func (v *vm) observe(callback string, err error) {
	if callback == "" && err == nil {
		return // the host itself had something to say about the plugin
	}
	e := CallbackEvent{
		Context: v.observed(v.callRoot, v.callStream), Name: callback, Answers: v.answered.given,
		Returned: v.answered.returned, Taken: v.answered.taken, Calls: v.noticed, Err: err,
	}
	v.answered, v.noticed = verdict{}, nil
	v.observer.CallbackEnded(&e)
}

func (v *vm) observed(r *root, f *Filter) Context {
	c := Context{Worker: v.worker, Plugin: v.group.cfg.Name}
	if r != nil {
		c.Plugin = r.plugin.cfg.Name
	}
	if f != nil {
		c.Stream = f.id
	}
	return c
}

// notice remembers a host call for the observer, if there is one.
func (v *vm) notice(c HostCall) {
	if v.observer != nil {
		c.Context = v.observed(v.root, v.stream)
		v.noticed = append(v.noticed, c)
	}
}

// misused remembers a call that came to nothing, and answers status.
func (v *vm) misused(name, about string, why Misuse, status abi.Status) abi.Status {
	if v.observer != nil {
		v.notice(HostCall{Name: name, About: about, Misuse: why, Status: status})
	}
	return status
}
