package gateway

import (
	"encoding/binary"
	"net"
	"strconv"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

// appendProperty implements terminus: the properties of stream, connection, route and gateway, in the ABI's encodings
// (source: Envoy's attributes, docs "Advanced / Attributes", and Context::getProperty; what each answers when was seen
// with a plugin in Envoy 1.40, and those that begin with node, listener, cluster, route and upstream_host are Higress').
// Of request.* and response.* it has what does not come from header maps: those are the plugin's to have.
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
	case "xds":
		return s.xdsProperty(dst, rest)
	case "metadata":
		return Metadata(nil).appendProperty(dst, rest) // nothing sets a stream's metadata
	case "filter_state":
		return s.filterStateProperty(dst, rest)
	case abi.PropertyRouteName:
		s.resolveRoute()
		if len(rest) > 0 || s.info.route == nil {
			return dst, false
		}
		return appendText(dst, s.info.route.Name)
	case "cluster_metadata", "route_metadata", "upstream_host_metadata", abi.PropertyClusterName:
		return s.xdsProperty(dst, path)
	}
	if value, ok := s.l.appendProperty(dst, path); ok {
		return value, true
	}
	if len(rest) > 0 {
		return dst, false // the value is bytes, which have no parts
	}
	if string(root) == abi.PropertyConnectionID {
		return appendNumber(dst, int64(s.info.connectionID)), true
	}
	return s.appendFilterState(dst, "wasm."+string(root))
}

// rootProperty has the properties of root contexts: those that do not change while the listener serves. Of xds.* they have
// only the node.
func (l *listener) rootProperty(dst []byte, path abi.Path) ([]byte, bool) {
	root, rest, _ := path.Next()
	if name, _, _ := rest.Next(); string(root) == "xds" && string(name) != "node" {
		return dst, false
	}
	return l.appendProperty(dst, path)
}

// appendProperty has the properties that do not change while the listener serves.
func (l *listener) appendProperty(dst []byte, path abi.Path) ([]byte, bool) {
	root, rest, _ := path.Next()
	if string(root) == "xds" {
		if root, rest, _ = rest.Next(); string(root) != "node" && string(root) != "listener_metadata" && string(root) != "listener_direction" {
			return dst, false
		}
	}
	switch string(root) {
	case "node":
		return l.gateway.config.Node.appendProperty(dst, rest)
	case "listener_metadata":
		return l.config.Metadata.appendProperty(dst, rest)
	case abi.PropertyListenerDirection:
		return appendNumber(dst, int64(l.config.Direction)), len(rest) == 0
	}
	return dst, false
}

func (s *stream) requestProperty(dst []byte, path abi.Path) ([]byte, bool) {
	name, rest, ok := path.Next()
	if !ok || len(rest) > 0 {
		return dst, false
	}
	switch string(name) {
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
		return appendNumber(dst, s.info.received.Load()), true
	}
	return dst, false
}

func (s *stream) responseProperty(dst []byte, path abi.Path) ([]byte, bool) {
	name, rest, ok := path.Next()
	if !ok || len(rest) > 0 {
		return dst, false
	}
	switch string(name) {
	case "code":
		if s.info.responseCode > 0 {
			return appendNumber(dst, int64(s.info.responseCode)), true
		}
		if h := s.encode.headers; h != nil {
			if code, err := strconv.ParseInt(h.Value(":status"), 10, 64); err == nil {
				return appendNumber(dst, code), true
			}
		}
	case "code_details":
		return appendText(dst, s.info.responseDetails)
	case "flags":
		return appendNumber(dst, responseFlagBits(s.info.responseFlags)), true
	case "size":
		return appendNumber(dst, s.info.sent.Load()), true
	case "backend_latency":
		if s.info.upstreamReply && s.info.responseEnd > 0 {
			return appendNumber(dst, int64(s.info.responseEnd-s.info.upstreamStart)), true
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
		return append(dst, 0), true // there is no TLS
	case "requested_server_name":
		return dst, true
	}
	return dst, false
}

func (s *stream) upstreamProperty(dst []byte, path abi.Path) ([]byte, bool) {
	name, rest, ok := path.Next()
	if !ok {
		return dst, false
	}
	switch string(name) {
	case "request_attempt_count":
		return appendNumber(dst, s.attempts()), len(rest) == 0
	case "num_endpoints":
		if c := s.routeCluster(); c != nil {
			return appendNumber(dst, int64(len(c.endpoints()))), len(rest) == 0
		}
		return dst, false
	}
	if s.info.upstream == "" {
		return dst, false
	}
	switch string(name) {
	case "local_address":
		ok := s.info.upstreamLocal != "" && len(rest) == 0
		return append(dst, s.info.upstreamLocal...), ok
	case "transport_failure_reason":
		return dst, len(rest) == 0 // a failure to connect is in response.code_details
	case "locality":
		part, rest, _ := rest.Next() // no endpoint has one
		return dst, len(rest) == 0 && (len(part) == 0 || localityParts[string(part)])
	case "cx_pool_ready_duration":
		return appendNumber(dst, int64(s.info.upstreamReady)), s.info.upstreamReady > 0 && len(rest) == 0
	}
	return addressProperty(dst, path, textAddr(s.info.upstream))
}

var localityParts = map[string]bool{"region": true, "zone": true, "sub_zone": true}

// attempts is how often the request was sent to an upstream.
func (s *stream) attempts() int64 {
	if s.info.upstream == "" {
		return 0
	}
	return 1
}

// knownRoute fills in the route if it was never looked for. Envoy does so before the first filter; once a plugin has
// cleared the route cache, what was found stays to be read until somebody needs the route.
func (s *stream) knownRoute() *Route {
	if s.info.route == nil {
		s.resolveRoute()
	}
	return s.info.route
}

// routeCluster is the cluster that the known route leads to.
func (s *stream) routeCluster() *cluster {
	s.knownRoute()
	return s.l.cluster(s.info.clusterName)
}

// xdsProperty is what the request met in the configuration: of xds.*, and by the same names alone.
func (s *stream) xdsProperty(dst []byte, path abi.Path) ([]byte, bool) {
	name, rest, ok := path.Next()
	if !ok {
		return dst, false
	}
	route := s.knownRoute()
	switch string(name) {
	case "cluster_name":
		value, ok := appendText(dst, s.info.clusterName)
		return value, ok && len(rest) == 0
	case "cluster_metadata":
		if c := s.routeCluster(); c != nil {
			return c.config.Metadata.appendProperty(dst, rest)
		}
	case "upstream_host_metadata":
		if s.info.upstream != "" {
			return s.info.hostMetadata.appendProperty(dst, rest)
		}
	case "route_name":
		if route != nil {
			return append(dst, route.Name...), len(rest) == 0
		}
	case "route_metadata":
		if route != nil {
			return route.Metadata.appendProperty(dst, rest)
		}
	case "virtual_host_name":
		if s.info.virtualHost != nil {
			return append(dst, s.info.virtualHost.Name...), len(rest) == 0
		}
	case "virtual_host_metadata":
		if s.info.virtualHost != nil {
			return s.info.virtualHost.Metadata.appendProperty(dst, rest)
		}
	case "filter_chain_name":
		return dst, len(rest) == 0 // filter chains have no names here
	default:
		return s.l.appendProperty(dst, append(append([]byte(nil), "xds\x00"...), path...))
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
