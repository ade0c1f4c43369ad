package pluginhost

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	"google.golang.org/protobuf/proto"

	"github.com/sluice-gateway/sluice/message"
	"github.com/sluice-gateway/sluice/sdk/abi"
)

// grpcPrefix is the length of what stands before each message: a byte of flags and the message's length.
const grpcPrefix = 5

// appendGRPC appends a message with its prefix.
func appendGRPC(dst, message []byte) []byte {
	dst = append(dst, 0)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(message)))
	return append(dst, message...)
}

// GRPCCall implements [abi.Host]. As in Envoy it has one callback: OnGRPCReceive with the response, or OnGRPCClose with
// the status if that is not OK or there is no response.
func (v *vm) GRPCCall(service, serviceName, method []byte, metadata abi.Pairs, msg []byte, timeoutMillis uint32) (uint32, abi.Status) {
	if int32(timeoutMillis) < 0 || len(msg) > maxReplyBody {
		return 0, abi.StatusBadArgument
	}
	timeout := time.Duration(timeoutMillis) * time.Millisecond
	x, status := v.openGRPC(calloutGRPC, service, serviceName, method, metadata, timeout, len(msg))
	if status != abi.StatusOK {
		return 0, status
	}
	x.body = bytes.NewReader(appendGRPC(nil, msg))
	x.call.run(x.run)
	return x.call.id, abi.StatusOK
}

// GRPCStream implements [abi.Host].
func (v *vm) GRPCStream(service, serviceName, method []byte, metadata abi.Pairs) (uint32, abi.Status) {
	x, status := v.openGRPC(calloutGRPCStream, service, serviceName, method, metadata, 0, 0)
	if status != abi.StatusOK {
		return 0, status
	}
	x.call.outbox = newOutbox(x.call)
	x.body = x.call.outbox
	x.call.run(x.run)
	return x.call.id, abi.StatusOK
}

// openGRPC checks a gRPC call's arguments and begins the call.
func (v *vm) openGRPC(kind calloutKind, service, serviceName, method []byte, metadata abi.Pairs, timeout time.Duration,
	size int) (*grpcExchange, abi.Status) {
	target, status := v.grpcTarget(service)
	if status != abi.StatusOK {
		return nil, status
	}
	up, status := v.callable(target.cluster)
	if status != abi.StatusOK {
		return nil, status
	}
	if !legalPairs(metadata) || !oneLine(serviceName) || !oneLine(method) {
		return nil, abi.StatusBadArgument
	}
	if !v.allow(len(service) + len(metadata) + 64*metadata.Len() + len(serviceName) + len(method) + size) {
		return nil, abi.StatusInternalFailure
	}
	h, ok := grpcHeaders(target, string(serviceName), string(method), metadata, timeout)
	if !ok {
		return nil, abi.StatusBadArgument
	}
	timeout = finishCallHeaders(h, timeout)
	c, address, status := v.openCall(kind, target.cluster, up, size)
	if status != abi.StatusOK {
		return nil, status
	}
	return &grpcExchange{call: c, to: up, address: address, headers: h, timeout: timeout}, abi.StatusOK
}

// grpcTarget is what a GrpcService says.
type grpcTarget struct {
	cluster, authority string
	metadata           []*corev3.HeaderValue
}

// grpcTarget decodes a serialized envoy.config.core.v3.GrpcService. As in Envoy, bytes that are none may be the plain
// name of a cluster.
func (v *vm) grpcTarget(b []byte) (grpcTarget, abi.Status) {
	var service corev3.GrpcService
	if len(b) > abi.MaxPairsBytes {
		return grpcTarget{}, abi.StatusBadArgument
	}
	if proto.Unmarshal(b, &service) != nil {
		if up := v.config().Upstreams; up != nil {
			if _, ok := up.Cluster(string(b)); ok {
				return grpcTarget{cluster: string(b), authority: string(b)}, abi.StatusOK
			}
		}
		return grpcTarget{}, abi.StatusParseFailure
	}
	if service.GetGoogleGrpc() != nil {
		v.complain("google_grpc", "call-out refused: google_grpc is not supported; name a cluster in envoy_grpc")
		return grpcTarget{}, abi.StatusBadArgument
	}
	t := grpcTarget{
		cluster: service.GetEnvoyGrpc().GetClusterName(), authority: service.GetEnvoyGrpc().GetAuthority(),
		metadata: service.GetInitialMetadata(),
	}
	if t.authority == "" {
		t.authority = t.cluster
	}
	return t, abi.StatusOK
}

// grpcHeaders returns a call's request headers (source: Envoy's Grpc::Common::prepareHeaders); ok is false if the
// metadata has what is not metadata.
func grpcHeaders(t grpcTarget, service, method string, metadata abi.Pairs, timeout time.Duration) (*message.Headers, bool) {
	h := message.NewHeaders(":method", "POST", ":path", "/"+service+"/"+method, ":authority", authority(t.authority))
	if timeout > 0 {
		h.Append("grpc-timeout", grpcTimeout(timeout))
	}
	h.Append("content-type", "application/grpc")
	h.Append("te", "trailers")
	for _, m := range t.metadata {
		value := m.GetValue()
		if value == "" {
			value = string(m.GetRawValue())
		}
		if !addMetadata(h, []byte(m.GetKey()), []byte(value)) {
			return nil, false
		}
	}
	for name, value := range metadata.All() {
		if !addMetadata(h, name, value) {
			return nil, false
		}
	}
	return h, true
}

// authority returns name as it may stand in :authority: the names of clusters may have more characters. Envoy sends
// them as they are, which servers refuse.
func authority(name string) string {
	b := []byte(name)
	for i, c := range b {
		switch {
		case '0' <= c && c <= '9', 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
		case c == '-', c == '.', c == '_', c == '~', c == ':', c == '[', c == ']', c == '%':
		default:
			b[i] = '_'
		}
	}
	return string(b)
}

func addMetadata(h *message.Headers, name, value []byte) bool {
	if !legal(name, value) || name[0] == ':' {
		return false
	}
	switch string(bytes.ToLower(name)) {
	case "content-type", "te", "grpc-timeout", "content-length", "host":
		return true // the call's own
	}
	h.Append(string(name), string(value))
	return true
}

// grpcTimeout encodes a timeout: at most eight digits, in milliseconds or seconds. A call's is less than 25 days.
func grpcTimeout(d time.Duration) string {
	if ms := d.Milliseconds(); ms < 100_000_000 {
		return strconv.FormatInt(ms, 10) + "m"
	}
	return strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10) + "S"
}

// grpcCallOf returns a gRPC call of the effective context's root.
func (v *vm) grpcCallOf(id uint32) (*callout, abi.Status) {
	if k := kindOf(id); v.root == nil || k != calloutGRPC && k != calloutGRPCStream {
		return nil, abi.StatusBadArgument
	}
	c := v.root.calls[id]
	if c == nil {
		return nil, abi.StatusNotFound
	}
	return c, abi.StatusOK
}

// GRPCSend implements [abi.Host]. After the plugin's side is closed it answers StatusBadArgument.
func (v *vm) GRPCSend(id uint32, msg []byte, endStream bool) abi.Status {
	c, status := v.grpcCallOf(id)
	if kindOf(id) != calloutGRPCStream || len(msg) > maxReplyBody {
		return abi.StatusBadArgument
	}
	if status != abi.StatusOK {
		return status
	}
	if c.outbox.closed() {
		return abi.StatusBadArgument
	}
	if !v.allow(len(msg)) {
		return abi.StatusInternalFailure
	}
	if !c.hold(len(msg) + grpcPrefix) {
		v.tellBytes()
		return abi.StatusInternalFailure
	}
	c.outbox.push(appendGRPC(make([]byte, 0, grpcPrefix+len(msg)), msg), endStream)
	return abi.StatusOK
}

// GRPCCancel implements [abi.Host]: no callback comes any more.
func (v *vm) GRPCCancel(id uint32) abi.Status {
	c, status := v.grpcCallOf(id)
	if status == abi.StatusOK {
		c.end(errCancelled)
	}
	return status
}

// GRPCClose implements [abi.Host]: a stream's callbacks go on until the server closes its side; a unary call is
// cancelled, as in Envoy.
func (v *vm) GRPCClose(id uint32) abi.Status {
	if kindOf(id) != calloutGRPCStream {
		return v.GRPCCancel(id)
	}
	c, status := v.grpcCallOf(id)
	if status == abi.StatusOK {
		c.outbox.push(nil, true)
	}
	return status
}
