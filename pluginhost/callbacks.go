package pluginhost

import (
	"sync"

	"github.com/sluice-gateway/sluice/message"
	"github.com/sluice-gateway/sluice/sdk/abi"
)

// Callbacks is what the gateway gives a [Filter]: the stream it is part of. Its methods are of three kinds.
//
// Any goroutine: Lock, Unlock, Post. The lock is the stream's; a VM's lock is taken before it, never after, and no
// goroutine holds two streams' locks.
//
// Under the lock: what reads or changes the stream's data. A Filter holds the lock for the length of a guest callback.
//
// On the stream's turn, without the lock: what moves the stream. A stream's turn is the inside of the Filter's own
// methods ([Filter.DecodeHeaders] and the like) and of functions handed to Post; everywhere else it is somebody else's.
type Callbacks interface {
	sync.Locker

	// Post has f run on the stream's turn, now or when what is running has ended, perhaps on another goroutine. No lock
	// may be held. f does not run once the stream is destroyed.
	Post(f func())

	// Under the lock. Maps are nil before they exist.
	RequestHeaders() *message.Headers
	RequestTrailers() *message.Headers
	ResponseHeaders() *message.Headers
	ResponseTrailers() *message.Headers
	// AddRequestTrailers makes the request's trailers, if there are none, while its last body frame is handled; the
	// chain then runs the trailer callbacks of the filters after this one. Elsewhere it answers nil.
	AddRequestTrailers() *message.Headers
	AddResponseTrailers() *message.Headers
	// DecodingBuffer is what is buffered of the request's body, nil for nothing; EncodingBuffer of the response's.
	DecodingBuffer() *message.Buffer
	EncodingBuffer() *message.Buffer
	// AppendProperty appends the value of a property of the stream, the connection, the route or the gateway (not of the
	// plugin), in the ABI's encodings; ok is false if there is none.
	AppendProperty(dst []byte, path abi.Path) (value []byte, ok bool)
	// SetFilterState keeps a copy of value for every filter of the stream and for its access log.
	SetFilterState(name string, value []byte)
	// SetBufferLimit sets what the stream may buffer, in bytes, 0 for no limit.
	SetBufferLimit(bytes uint32)
	// UpstreamHosts returns the hosts of the cluster that the request's route leads to.
	UpstreamHosts() []UpstreamHost
	// SetUpstreamOverrideHost has the router send the request to this host (ip:port) or none. It has no effect once the
	// router has the request.
	SetUpstreamOverrideHost(address string)
	// ClearRouteCache has the route chosen again by whoever asks for it next.
	ClearRouteCache()

	// On the stream's turn.

	// AddDecodedData adds to the request's buffered body; streaming says that an overflow holds the client back rather
	// than answer 413. data is emptied. It reports whether the stream goes on: after false, which an overflow answers,
	// the guest is not to be called.
	AddDecodedData(data *message.Buffer, streaming bool) bool
	AddEncodedData(data *message.Buffer, streaming bool) bool
	// ContinueDecoding resumes the request at this filter; nothing happens if it is not stopped there.
	ContinueDecoding()
	ContinueEncoding()
	// ReleaseDecoding is ContinueDecoding as a callback for data or trailers of the request begins: what the filter holds
	// goes on, and what the callback is about, the end of the message with it, waits for the callback's answer.
	ReleaseDecoding()
	ReleaseEncoding()
	// SendLocalReply answers the client. Where the response has begun already, the stream is reset instead.
	SendLocalReply(LocalReply)
	// ResetStream resets the stream towards client and upstream.
	ResetStream(details string)
	// InjectEncodedData hands body bytes to the encoder filters after this one, response headers that this filter holds
	// first. data is emptied.
	InjectEncodedData(data *message.Buffer, endStream bool)
}

// LocalReply is an answer that the gateway makes itself.
type LocalReply struct {
	Code uint32
	// Details goes to %RESPONSE_CODE_DETAILS%. White space becomes '_'.
	Details string
	Body    []byte
	// Headers are added after :status. Nil is none.
	Headers *message.Headers
	// GRPCStatus is sent to gRPC clients; -1 derives it from Code.
	GRPCStatus int32
}
