package pluginhost

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/sluice-gateway/sluice/message"
	"github.com/sluice-gateway/sluice/sdk/abi"
)

// The gRPC statuses that a gateway gives itself.
const (
	grpcOK                = 0
	grpcUnknown           = 2
	grpcPermissionDenied  = 7
	grpcResourceExhausted = 8
	grpcUnimplemented     = 12
	grpcInternal          = 13
	grpcUnauthenticated   = 16
)

// grpcOf returns the gRPC status for an HTTP one (source: gRPC's http-grpc-status-mapping).
func grpcOf(status int) uint32 {
	switch status {
	case 400:
		return grpcInternal
	case 401:
		return grpcUnauthenticated
	case 403:
		return grpcPermissionDenied
	case 404:
		return grpcUnimplemented
	case 429, 502, 503, 504:
		return grpcUnavailable
	}
	return grpcUnknown
}

// grpcError is a call that failed with a status.
type grpcError struct {
	status  uint32
	message string
}

func (e *grpcError) Error() string { return e.message }

// grpcExchange is the work of one gRPC call. Framing and statuses are done here, over the cluster's own connections:
// what plugins see of a call are its HTTP headers and trailers, which gRPC libraries keep to themselves.
type grpcExchange struct {
	call    *callout
	to      UpstreamCluster
	address string
	headers *message.Headers
	body    io.Reader
	timeout time.Duration
	// response is a unary call's.
	response    []byte
	hasResponse bool
}

func (x *grpcExchange) unary() bool { return kindOf(x.call.id) == calloutGRPC }

// run carries the call out.
func (x *grpcExchange) run() {
	ctx, cancel := context.WithCancel(x.call.ctx)
	if x.timeout > 0 {
		cancel()
		ctx, cancel = context.WithTimeoutCause(x.call.ctx, x.timeout, errCallTimeout)
	}
	defer cancel()
	if x.call.outbox != nil {
		defer context.AfterFunc(ctx, x.call.outbox.stop)()
		defer x.call.outbox.stop()
	}
	trailing, err := x.exchange(ctx)
	var failed *grpcError
	if err == nil {
		failed = &grpcError{}
		failed.status, failed.message = grpcStatus(trailing)
	} else if !errors.As(err, &failed) {
		// The stream was reset (source: Envoy's AsyncStreamImpl::onReset).
		failed = &grpcError{status: grpcInternal}
		if errors.Is(context.Cause(ctx), errCallTimeout) {
			failed.message = "response_timeout"
		}
	}
	x.close(trailing, failed)
}

// close hands over how the call ended.
func (x *grpcExchange) close(trailing *message.Headers, end *grpcError) {
	c := x.call
	if x.unary() && end.status == grpcOK {
		if x.hasResponse {
			c.complete("proxy_on_grpc_receive", reply{grpc: x.response}, func(p abi.Plugin) error {
				return p.OnGRPCReceive(c.root.id, c.id, uint32(len(x.response)))
			})
			return
		}
		end = &grpcError{status: grpcInternal}
	}
	if trailing == nil {
		trailing = &message.Headers{}
	}
	if !x.unary() && !c.deliver("proxy_on_grpc_receive_trailing_metadata", reply{trailingMetadata: trailing},
		func(p abi.Plugin) error {
			return p.OnGRPCReceiveTrailingMetadata(c.root.id, c.id, uint32(trailing.Len()))
		}) {
		return
	}
	c.complete("proxy_on_grpc_close", reply{hasStatus: true, status: end.status, statusMessage: end.message},
		func(p abi.Plugin) error { return p.OnGRPCClose(c.root.id, c.id, end.status) })
}

// grpcStatus returns the status in trailers. The message is as it was sent, percent-encoded: Envoy leaves it so. A
// status that is none of gRPC's is Unknown, which Envoy shows as 4294967295.
func grpcStatus(trailing *message.Headers) (status uint32, text string) {
	value, ok := trailing.Get("grpc-status")
	n, err := strconv.ParseUint(value, 10, 32)
	if !ok || err != nil || n > grpcUnauthenticated {
		n = grpcUnknown
	}
	return uint32(n), trailing.Value("grpc-message")
}

// exchange sends the request and hands over what comes back; it returns the trailers.
func (x *grpcExchange) exchange(ctx context.Context) (*message.Headers, error) {
	resp, err := x.to.Send(ctx, x.address, x.headers, x.body, -1)
	if err != nil {
		return nil, &grpcError{grpcOf(failureCode(err)), failureText(err)}
	}
	defer resp.Body.Close()
	initial := resp.Headers
	if resp.EndStream {
		initial = &message.Headers{} // they are trailers
	}
	c := x.call
	if !x.unary() && !c.deliver("proxy_on_grpc_receive_initial_metadata", reply{initialMetadata: initial},
		func(p abi.Plugin) error {
			return p.OnGRPCReceiveInitialMetadata(c.root.id, c.id, uint32(initial.Len()))
		}) {
		return nil, errCallOver
	}
	trailersOnly := resp.EndStream && resp.Headers.Has("grpc-status")
	if status := resp.Headers.Value(":status"); status != "200" && !trailersOnly {
		code, _ := strconv.Atoi(status)
		return nil, &grpcError{status: grpcOf(code)}
	}
	if resp.EndStream {
		return resp.Headers, nil
	}
	for {
		msg, err := x.receive(resp.Body)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if !x.take(msg) {
			return nil, errCallOver
		}
	}
	if trailing := resp.Trailers(); trailing != nil {
		return trailing, nil
	}
	return nil, &grpcError{status: grpcUnknown}
}

// take hands a message over, or keeps it, if the call is unary, until the status is known.
func (x *grpcExchange) take(msg []byte) bool {
	c := x.call
	if x.unary() {
		c.drop(len(x.response)) // as in Envoy the last one counts
		x.response, x.hasResponse = msg, true
		return true
	}
	defer c.drop(len(msg))
	return c.deliver("proxy_on_grpc_receive", reply{grpc: msg}, func(p abi.Plugin) error {
		return p.OnGRPCReceive(c.root.id, c.id, uint32(len(msg)))
	})
}

// receive reads a message; io.EOF is the end of the messages. What it returns is held.
func (x *grpcExchange) receive(body io.Reader) ([]byte, error) {
	var prefix [grpcPrefix]byte
	if _, err := io.ReadFull(body, prefix[:]); err != nil {
		return nil, err
	}
	size := int(binary.BigEndian.Uint32(prefix[1:]))
	if prefix[0] != 0 && (prefix[0] != 1 || size > 0) {
		return nil, &grpcError{status: grpcInternal} // compressed, which nobody asked for, or not gRPC
	}
	if size > maxReplyBody {
		err := &grpcError{grpcResourceExhausted, fmt.Sprintf("message of %d bytes is larger than %d", size, maxReplyBody)}
		x.call.logDropped(err)
		return nil, err
	}
	if !x.call.hold(size) {
		err := &grpcError{grpcResourceExhausted, "no memory for a message of " + strconv.Itoa(size) + " bytes"}
		x.call.logDropped(err)
		return nil, err
	}
	msg := make([]byte, size)
	if _, err := io.ReadFull(body, msg); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return msg, nil
}

// outbox is the messages of a gRPC stream on their way out. What is in it is held by the call.
type outbox struct {
	call    *callout
	mu      sync.Mutex
	changed sync.Cond
	queue   [][]byte
	sent    int // of the first
	end     bool
	stopped bool
}

func newOutbox(c *callout) *outbox {
	o := &outbox{call: c}
	o.changed.L = &o.mu
	return o
}

// push adds a message, none if it is nil; end closes the plugin's side.
func (o *outbox) push(msg []byte, end bool) {
	o.mu.Lock()
	if msg != nil && !o.stopped {
		o.queue = append(o.queue, msg)
	}
	o.end = o.end || end
	o.mu.Unlock()
	o.changed.Signal()
}

// closed reports whether the plugin's side is closed.
func (o *outbox) closed() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.end
}

// Close implements io.Closer for the transport.
func (o *outbox) Close() error {
	o.stop()
	return nil
}

// stop ends the reading.
func (o *outbox) stop() {
	o.mu.Lock()
	o.stopped, o.queue = true, nil
	o.mu.Unlock()
	o.changed.Broadcast()
}

// Read implements io.Reader for the transport.
func (o *outbox) Read(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.queue) == 0 && !o.end && !o.stopped {
		o.changed.Wait()
	}
	if o.stopped {
		return 0, errCallOver
	}
	if len(o.queue) == 0 {
		return 0, io.EOF
	}
	first := o.queue[0]
	n := copy(p, first[o.sent:])
	if o.sent += n; o.sent == len(first) {
		o.queue[0], o.queue, o.sent = nil, o.queue[1:], 0
		o.call.drop(len(first))
	}
	return n, nil
}
