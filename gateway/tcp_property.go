package gateway

import (
	"time"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

// tcpInfo is what is known of a connection besides its bytes. It is guarded by the connection's lock.
type tcpInfo struct {
	start        time.Time
	connectionID uint64
	cluster      string // where the proxy sends the connection, once it has heard of it
	upstream     string // host:port of the endpoint that was tried last
	failure      string // why that did not connect
	flags        []string
	filterState  map[string][]byte
}

func (i *tcpInfo) setFilterState(name string, value []byte) {
	if i.filterState == nil {
		i.filterState = map[string][]byte{}
	}
	i.filterState[name] = append([]byte(nil), value...)
}

func (i *tcpInfo) appendFilterState(dst []byte, name string) ([]byte, bool) {
	v, ok := i.filterState[name]
	return append(dst, v...), ok
}

// appendProperty is the properties of a connection, in the ABI's encodings. Which there are was seen with a plugin in
// Envoy 1.40, where request.* and response.* stand for the two directions.
func (c *tcpConnection) appendProperty(dst []byte, path abi.Path) ([]byte, bool) {
	root, rest, ok := path.Next()
	if !ok {
		return dst, false
	}
	switch string(root) {
	case "source":
		return addressProperty(dst, rest, c.down.RemoteAddr())
	case "destination":
		return addressProperty(dst, rest, c.down.LocalAddr())
	case "filter_state":
		if len(rest) == 0 {
			return dst, false
		}
		return c.info.appendFilterState(dst, string(rest))
	case abi.PropertyConnectionID:
		if len(rest) == 0 {
			return appendNumber(dst, int64(c.info.connectionID)), true
		}
	case "connection", "upstream", "request", "response":
		return c.attribute(dst, root, rest)
	case "xds":
		if value, ok := c.attribute(dst, root, rest); ok {
			return value, true
		}
	}
	if value, ok := c.s.l.appendProperty(dst, path); ok {
		return value, true
	}
	if len(rest) > 0 {
		return dst, false // the value is bytes, which have no parts
	}
	return c.info.appendFilterState(dst, "wasm."+string(root))
}

// attribute is one of the attributes that have two parts.
func (c *tcpConnection) attribute(dst []byte, root []byte, path abi.Path) ([]byte, bool) {
	name, rest, ok := path.Next()
	if !ok || len(rest) > 0 {
		return dst, false
	}
	switch string(root) + "." + string(name) {
	case "connection.id":
		return appendNumber(dst, int64(c.info.connectionID)), true
	case "connection.mtls":
		return append(dst, 0), true
	case "connection.requested_server_name", "xds.filter_chain_name":
		return dst, true // there, and empty
	case "upstream.transport_failure_reason":
		return append(dst, c.info.failure...), true
	case "upstream.address", "upstream.port":
		if c.info.upstream != "" {
			return addressProperty(dst, abi.Path(name), textAddr(c.info.upstream))
		}
	case "upstream.local_address":
		if c.up != nil {
			return appendText(dst, c.up.LocalAddr().String())
		}
	case "request.time":
		return appendNumber(dst, c.info.start.UnixNano()), true
	case "request.size":
		return appendNumber(dst, c.request.received.Load()), true
	case "response.size":
		return appendNumber(dst, c.response.sent.Load()), true
	case "response.flags":
		return appendNumber(dst, responseFlagBits(c.info.flags)), true
	case "xds.cluster_name":
		return appendText(dst, c.info.cluster)
	}
	return dst, false
}
