// Package types has what proxy-wasm plugins and the SDK exchange: the actions that callbacks answer, the errors that
// host calls answer, and the contexts that plugins implement.
package types

import "errors"

// Action is what a stream callback answers. The same number means different things in different callbacks, so there is
// a set of constants for each.
type Action uint32

const (
	// ActionContinue lets the stream go on.
	ActionContinue Action = 0
	// ActionPause holds it: HeaderStopIteration in header callbacks, DataStopIterationAndBuffer in body callbacks. It
	// goes on with proxywasm.ResumeHttpRequest or ResumeHttpResponse.
	ActionPause Action = 1
)

// The answers of header callbacks.
const (
	// HeaderContinue passes the headers on.
	HeaderContinue Action = 0
	// HeaderStopIteration holds the headers at this plugin while its body callbacks go on; the first of them that
	// answers Continue releases them.
	HeaderStopIteration Action = 1
	// HeaderContinueAndEndStream is taken as HeaderContinue by every known host.
	HeaderContinueAndEndStream Action = 2
	// HeaderStopAllIterationAndBuffer holds the stream, body callbacks too, and buffers what comes up to the stream's
	// limit; past it the client is answered 413 (a response becomes 500).
	HeaderStopAllIterationAndBuffer Action = 3
	// HeaderStopAllIterationAndWatermark holds the stream, body callbacks too; past the limit the sender is held back.
	HeaderStopAllIterationAndWatermark Action = 4
)

// The answers of body callbacks.
const (
	// DataContinue passes on what is buffered and this piece.
	DataContinue Action = 0
	// DataStopIterationAndBuffer buffers the piece, up to the stream's limit; past it the client is answered 413 (a
	// response becomes 500).
	DataStopIterationAndBuffer Action = 1
	// DataStopIterationAndWatermark buffers the piece; past the limit the sender is held back.
	DataStopIterationAndWatermark Action = 2
	// DataStopIterationNoBuffer drops the piece: the plugin has it.
	DataStopIterationNoBuffer Action = 3
)

// The errors of host calls. Other statuses make an error that names the number.
var (
	// ErrorStatusNotFound means that what was asked for does not exist.
	ErrorStatusNotFound = errors.New("error status returned by host: not found")
	// ErrorStatusBadArgument means that the host refused the arguments, or that the call is not allowed now.
	ErrorStatusBadArgument = errors.New("error status returned by host: bad argument")
	// ErrorStatusEmpty means that a queue is empty.
	ErrorStatusEmpty = errors.New("error status returned by host: empty")
	// ErrorStatusCasMismatch means that a shared value changed since it was read.
	ErrorStatusCasMismatch = errors.New("error status returned by host: cas mismatch")
	// ErrorInternalFailure means that the host failed.
	ErrorInternalFailure = errors.New("error status returned by host: internal failure")
	// ErrorUnimplemented means that the host does not know the call.
	ErrorUnimplemented = errors.New("error status returned by host: unimplemented")
)

// PeerType says which side closed a connection.
type PeerType uint32

// The peers.
const (
	PeerTypeUnknown PeerType = 0
	PeerTypeLocal   PeerType = 1
	PeerTypeRemote  PeerType = 2
)

// OnPluginStartStatus is what PluginContext.OnPluginStart answers.
type OnPluginStartStatus bool

// The answers of OnPluginStart. Failed refuses the configuration.
const (
	OnPluginStartStatusOK     OnPluginStartStatus = true
	OnPluginStartStatusFailed OnPluginStartStatus = false
)

// OnVMStartStatus is what VMContext.OnVMStart answers.
type OnVMStartStatus bool

// The answers of OnVMStart. Failed refuses to start.
const (
	OnVMStartStatusOK     OnVMStartStatus = true
	OnVMStartStatusFailed OnVMStartStatus = false
)
