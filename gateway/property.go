package gateway

import (
	"encoding/binary"
	"net"
	"strconv"
	"strings"

	"github.com/sluice-gateway/sluice/message"
	"github.com/sluice-gateway/sluice/sdk/abi"
)

// appendProperty implements terminus: the properties of stream, connection, route and gateway, in the ABI's encodings
// (source: Envoy's attributes, docs "Advanced / Attributes", and Context::getProperty).
func (s *stream) appendProperty(dst []byte, path abi.Path) ([]byte, bool) {
	root, rest, ok := path.Next()
	if !ok {
		return dst, false
	}
	switch string(root) {
	case "request":
		return s.requestProperty(dst, rest)
	case "response":
		return s.responseProperty(dst, rest)
	case "connection":
		return s.connectionProperty(dst, rest)
	case "source":
		return addressProperty(dst, rest, s.info.remote)
	case "destination":
		return addressProperty(dst, rest, s.info.local)
	case "upstream":
		return s.upstreamProperty(dst, rest)
	case "node":
		return s.nodeProperty(dst, rest)
	case "xds":
		return s.xdsProperty(dst, rest)
	case "filter_state":
		return s.filterStateProperty(dst, rest)
	}
	if len(rest) == 0 {
		switch string(root) {
		case abi.PropertyRouteName:
			s.resolveRoute()
			if s.info.route == nil || s.info.route.Name == "" {
				return dst, false
			}
			return append(dst, s.info.route.Name...), true
		case abi.PropertyClusterName:
			return appendText(dst, s.info.clusterName)
		case abi.PropertyConnectionID:
			return appendNumber(dst, int64(s.info.connectionID)), true
		case abi.PropertyListenerDirection:
			return appendNumber(dst, 0), true // TrafficDirection UNSPECIFIED
		}
	}
	return s.appendFilterState(dst, "wasm."+string(path))
}

func (s *stream) requestProperty(dst []byte, path abi.Path) ([]byte, bool) {
	name, rest, ok := path.Next()
	h := s.decode.headers
	if !ok || h == nil {
		return dst, false
	}
	if string(name) == "headers" {
		return headerProperty(dst, rest, h)
	}
	if len(rest) > 0 {
		return dst, false
	}
	switch string(name) {
	case "path":
		return appendHeader(dst, h, ":path")
	case "url_path":
		p, _, _ := strings.Cut(h.Value(":path"), "?")
		return appendText(dst, p)
	case "query":
		_, q, ok := strings.Cut(h.Value(":path"), "?")
		return append(dst, q...), ok || h.Has(":path")
	case "host":
		return appendHeader(dst, h, ":authority")
	case "scheme":
		return appendHeader(dst, h, ":scheme")
	case "method":
		return appendHeader(dst, h, ":method")
	case "referer":
		return appendHeader(dst, h, "referer")
	case "useragent":
		return appendHeader(dst, h, "user-agent")
	case "id":
		return appendHeader(dst, h, "x-request-id")
	case "protocol":
		return appendText(dst, s.info.protocol)
	case "time":
		return appendNumber(dst, s.info.start.UnixNano()), true
	case "duration":
		if s.info.responseEnd == 0 {
			return dst, false // known once the stream is complete
		}
		return appendNumber(dst, int64(s.info.responseEnd)), true
	case "size":
		if n, err := strconv.ParseInt(h.Value("content-length"), 10, 64); err == nil {
			return appendNumber(dst, n), true
		}
		return appendNumber(dst, s.info.received.Load()), true
	case "total_size":
		return appendNumber(dst, s.info.received.Load()+int64(h.Bytes())), true
	}
	return dst, false
}

func (s *stream) responseProperty(dst []byte, path abi.Path) ([]byte, bool) {
	name, rest, ok := path.Next()
	if !ok {
		return dst, false
	}
	h := s.encode.headers
	switch string(name) {
	case "headers":
		return headerProperty(dst, rest, h)
	case "trailers":
		return headerProperty(dst, rest, s.encode.trailers)
	}
	if len(rest) > 0 {
		return s.appendFilterState(dst, "wasm.response\x00"+string(path))
	}
	switch string(name) {
	case "code":
		if s.info.responseCode > 0 {
			return appendNumber(dst, int64(s.info.responseCode)), true
		}
		if h != nil {
			if code, err := strconv.ParseInt(h.Value(":status"), 10, 64); err == nil {
				return appendNumber(dst, code), true
			}
		}
	case "code_details":
		if v, ok := s.appendFilterState(dst, "wasm.response\x00code_details"); ok {
			return v, true
		}
		return appendText(dst, s.info.responseDetails)
	case "flags":
		return appendNumber(dst, responseFlagBits(s.info.responseFlags)), true
	case "grpc_status":
		for _, m := range [2]*message.Headers{s.encode.trailers, h} {
			if m == nil {
				continue
			}
			if code, err := strconv.ParseInt(m.Value("grpc-status"), 10, 64); err == nil {
				return appendNumber(dst, code), true
			}
		}
	case "size":
		return appendNumber(dst, s.info.sent.Load()), true
	case "total_size":
		n := s.info.sent.Load()
		if h != nil {
			n += int64(h.Bytes())
		}
		return appendNumber(dst, n), true
	case "backend_latency":
		if s.info.upstreamReply {
			return appendNumber(dst, int64(s.info.upstreamFirstByte)), true
		}
	}
	return dst, false
}

func (s *stream) connectionProperty(dst []byte, path abi.Path) ([]byte, bool) {
	name, rest, ok := path.Next()
	if !ok || len(rest) > 0 {
		return dst, false
	}
	switch string(name) {
	case "id":
		return appendNumber(dst, int64(s.info.connectionID)), true
	case "mtls":
		return append(dst, 0), true
	}
	return dst, false
}

func (s *stream) upstreamProperty(dst []byte, path abi.Path) ([]byte, bool) {
	if s.info.upstream == "" {
		return dst, false
	}
	return addressProperty(dst, path, textAddr(s.info.upstream))
}

func (s *stream) nodeProperty(dst []byte, path abi.Path) ([]byte, bool) {
	name, rest, ok := path.Next()
	if !ok || len(rest) > 0 {
		return dst, false
	}
	switch string(name) {
	case "id":
		return appendText(dst, s.l.gateway.config.Node.ID)
	case "cluster":
		return appendText(dst, s.l.gateway.config.Node.Cluster)
	}
	return dst, false
}

func (s *stream) xdsProperty(dst []byte, path abi.Path) ([]byte, bool) {
	name, rest, ok := path.Next()
	if !ok || len(rest) > 0 {
		return dst, false
	}
	switch string(name) {
	case "cluster_name":
		return appendText(dst, s.info.clusterName)
	case "route_name":
		if s.info.route != nil {
			return appendText(dst, s.info.route.Name)
		}
	case "virtual_host_name":
		if s.info.virtualHost != nil {
			return appendText(dst, s.info.virtualHost.Name)
		}
	}
	return dst, false
}

func (s *stream) filterStateProperty(dst []byte, path abi.Path) ([]byte, bool) {
	if len(path) == 0 {
		return dst, false
	}
	return s.appendFilterState(dst, string(path))
}

func (s *stream) appendFilterState(dst []byte, name string) ([]byte, bool) {
	v, ok := s.info.filterState[name]
	return append(dst, v...), ok
}

// setFilterState implements terminus.
func (s *stream) setFilterState(name string, value []byte) {
	if s.info.filterState == nil {
		s.info.filterState = map[string][]byte{}
	}
	s.info.filterState[name] = append([]byte(nil), value...)
}

// headerProperty is a header map, or one header of it.
func headerProperty(dst []byte, path abi.Path, h *message.Headers) ([]byte, bool) {
	if h == nil {
		return dst, false
	}
	if len(path) == 0 {
		return h.AppendPairs(dst), true
	}
	if v, ok := h.GetBytes(path); ok {
		return append(dst, v...), true
	}
	return dst, false
}

// addressProperty is address or port of a.
func addressProperty(dst []byte, path abi.Path, a net.Addr) ([]byte, bool) {
	name, rest, ok := path.Next()
	if !ok || len(rest) > 0 || a == nil {
		return dst, false
	}
	switch string(name) {
	case "address":
		return appendText(dst, a.String())
	case "port":
		if _, port, err := net.SplitHostPort(a.String()); err == nil {
			if n, err := strconv.ParseUint(port, 10, 16); err == nil {
				return appendNumber(dst, int64(n)), true
			}
		}
	}
	return dst, false
}

func appendHeader(dst []byte, h *message.Headers, name string) ([]byte, bool) {
	v, ok := h.Get(name)
	return append(dst, v...), ok
}

func appendText(dst []byte, v string) ([]byte, bool) { return append(dst, v...), v != "" }

func appendNumber(dst []byte, v int64) []byte {
	return binary.LittleEndian.AppendUint64(dst, uint64(v))
}

// responseFlagBits is the number that stands for flags in the response.flags property (source: Envoy's
// StreamInfo::CoreResponseFlag, a bit each in this order).
func responseFlagBits(flags []string) int64 {
	order := [...]string{"LH", "UH", "UT", "LR", "UR", "UF", "UC", "UO", "NR", "DI", "FI", "RL", "UAEX", "RLSE", "DC",
		"URX", "SI", "IH", "DPE", "UMSDR", "RFCF", "NFCF", "DT", "UPE", "NC", "OM"}
	var bits int64
	for _, f := range flags {
		for i, name := range order {
			if f == name {
				bits |= 1 << i
			}
		}
	}
	return bits
}
