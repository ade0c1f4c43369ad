// Package types has the published names of what proxy-wasm plugins and the SDK exchange. They are Sluice's own types
// under another import path: a value of one is a value of the other.
package types

import "github.com/sluice-gateway/sluice/sdk/proxywasm/types"

// The contexts that plugins implement, and what makes them.
type (
	VMContext            = types.VMContext
	PluginContext        = types.PluginContext
	HttpContext          = types.HttpContext
	TcpContext           = types.TcpContext
	PluginContextFactory = types.PluginContextFactory
	HttpContextFactory   = types.HttpContextFactory
	TcpContextFactory    = types.TcpContextFactory
)

// Contexts that let everything pass, to embed.
type (
	DefaultVMContext     = types.DefaultVMContext
	DefaultPluginContext = types.DefaultPluginContext
	DefaultHttpContext   = types.DefaultHttpContext
	DefaultTcpContext    = types.DefaultTcpContext
)

// Action is what a stream callback answers. The same number means different things in different callbacks.
type Action = types.Action

// The answers of any callback.
const (
	ActionContinue = types.ActionContinue
	ActionPause    = types.ActionPause
)

// The answers of header callbacks.
const (
	HeaderContinue                     = types.HeaderContinue
	HeaderStopIteration                = types.HeaderStopIteration
	HeaderContinueAndEndStream         = types.HeaderContinueAndEndStream
	HeaderStopAllIterationAndBuffer    = types.HeaderStopAllIterationAndBuffer
	HeaderStopAllIterationAndWatermark = types.HeaderStopAllIterationAndWatermark
)

// The answers of body callbacks.
const (
	DataContinue                  = types.DataContinue
	DataStopIterationAndBuffer    = types.DataStopIterationAndBuffer
	DataStopIterationAndWatermark = types.DataStopIterationAndWatermark
	DataStopIterationNoBuffer     = types.DataStopIterationNoBuffer
)

// PeerType says which side closed a connection.
type PeerType = types.PeerType

// The peers.
const (
	PeerTypeUnknown = types.PeerTypeUnknown
	PeerTypeLocal   = types.PeerTypeLocal
	PeerTypeRemote  = types.PeerTypeRemote
)

// OnPluginStartStatus is what PluginContext.OnPluginStart answers.
type OnPluginStartStatus = types.OnPluginStartStatus

// The answers of OnPluginStart. Failed refuses the configuration.
const (
	OnPluginStartStatusOK     = types.OnPluginStartStatusOK
	OnPluginStartStatusFailed = types.OnPluginStartStatusFailed
)

// OnVMStartStatus is what VMContext.OnVMStart answers.
type OnVMStartStatus = types.OnVMStartStatus

// The answers of OnVMStart. Failed refuses to start.
const (
	OnVMStartStatusOK     = types.OnVMStartStatusOK
	OnVMStartStatusFailed = types.OnVMStartStatusFailed
)

// The errors of host calls. Each is the very value that Sluice's SDK returns.
var (
	ErrorStatusNotFound    = types.ErrorStatusNotFound
	ErrorStatusBadArgument = types.ErrorStatusBadArgument
	ErrorStatusEmpty       = types.ErrorStatusEmpty
	ErrorStatusCasMismatch = types.ErrorStatusCasMismatch
	ErrorInternalFailure   = types.ErrorInternalFailure
	ErrorUnimplemented     = types.ErrorUnimplemented
)
