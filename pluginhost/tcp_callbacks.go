package pluginhost

import (
	"sync"

	"github.com/sluice-gateway/sluice/message"
	"github.com/sluice-gateway/sluice/sdk/abi"
)

// Connection is what the gateway gives a [TCPFilter]: the connection it is part of. It is to a TCP connection what
// [Callbacks] is to an HTTP stream, with the same three kinds of methods.
type Connection interface {
	// Any goroutine. The lock guards the data that the filters hold back; a VM's lock is taken before it, never after.
	sync.Locker
	// Post has f run on the connection's turn, now or when what is running has ended, perhaps on another goroutine. No
	// lock may be held. f does not run once the connection's filters have been told of its end.
	Post(f func())

	// Under the lock.

	// AppendProperty appends the value of a property of the connection or the gateway; see [Callbacks].
	AppendProperty(dst []byte, path abi.Path) (value []byte, ok bool)
	// SetFilterState keeps a copy of value for every filter of the connection.
	SetFilterState(name string, value []byte)

	// On the connection's turn.

	// ContinueReading hands what is held back of the client's data to the filters after this one; the connection itself,
	// if they have not heard of it yet.
	ContinueReading()
	// ContinueWriting hands what is held back of the upstream's data to the filters before this one. Plugins cannot ask
	// for it: it is for those that died.
	ContinueWriting()
	// CloseConnection closes client's and upstream's connection, when what was handed over for the client is written.
	CloseConnection(details string)
}

// connectionCallbacks is a connection as the stream that it is not: without messages.
type connectionCallbacks struct{ Connection }

var _ Callbacks = connectionCallbacks{}

func (connectionCallbacks) RequestHeaders() *message.Headers          { return nil }
func (connectionCallbacks) RequestTrailers() *message.Headers         { return nil }
func (connectionCallbacks) ResponseHeaders() *message.Headers         { return nil }
func (connectionCallbacks) ResponseTrailers() *message.Headers        { return nil }
func (connectionCallbacks) AddRequestTrailers() *message.Headers      { return nil }
func (connectionCallbacks) AddResponseTrailers() *message.Headers     { return nil }
func (connectionCallbacks) DecodingBuffer() *message.Buffer           { return nil }
func (connectionCallbacks) EncodingBuffer() *message.Buffer           { return nil }
func (connectionCallbacks) SetBufferLimit(uint32)                     {}
func (connectionCallbacks) UpstreamHosts() []UpstreamHost             { return nil }
func (connectionCallbacks) SetUpstreamOverrideHost(string)            {}
func (connectionCallbacks) ClearRouteCache()                          {}
func (connectionCallbacks) AddDecodedData(*message.Buffer, bool) bool { return true }
func (connectionCallbacks) AddEncodedData(*message.Buffer, bool) bool { return true }
func (connectionCallbacks) ContinueDecoding()                         {}
func (connectionCallbacks) ReleaseDecoding()                          {}
func (connectionCallbacks) ReleaseEncoding()                          {}
func (connectionCallbacks) ContinueEncoding()                         {}
func (connectionCallbacks) SendLocalReply(LocalReply)                 {}
func (connectionCallbacks) ResetStream(string)                        {}
func (connectionCallbacks) InjectEncodedData(*message.Buffer, bool)   {}
