package gateway

import (
	"regexp"
	"time"

	"github.com/sluice-gateway/sluice/pluginhost"
)

// Config is all that a gateway serves, resolved: defaults filled in, files read, checked. It is not changed once a
// gateway has it.
type Config struct {
	// Node identifies this gateway to plugins (properties node.id and node.cluster).
	Node Node
	// AdminAddress is host:port of the admin listener, "" for none.
	AdminAddress string
	Listeners    []Listener
	Clusters     []Cluster
}

// Node is the gateway's identity.
type Node struct {
	ID, Cluster string
	// Metadata is what plugins read as node.metadata: values as encoding/json has them.
	Metadata map[string]any
}

// Listener is an address that is listened on and what serves it: the HTTP connection manager, or a TCP proxy.
type Listener struct {
	Name string
	// Address is host:port; port 0 chooses a free one.
	Address string
	// BufferLimit is per_connection_buffer_limit_bytes: what a stream may buffer in filters. Default 1 MiB, as Envoy.
	BufferLimit uint32
	// Metadata and Direction are what plugins read as listener_metadata and listener_direction.
	Metadata  Metadata
	Direction TrafficDirection
	HTTP      HTTPConnectionManager
	// TCP, if not nil, is used in place of HTTP. BufferLimit is then what each direction of a connection may hold back in
	// filters; reading stops beyond it.
	TCP *TCPProxy
}

// filters are the plugins of the listener's chain.
func (l *Listener) filters() []Filter {
	if l.TCP != nil {
		return l.TCP.Filters
	}
	return l.HTTP.Filters
}

// TCPProxy is how a listener's connections are filtered, and where they go.
type TCPProxy struct {
	StatPrefix string
	// Filters run in this order on what clients send and in reverse on what upstreams send. The proxy, which ends the
	// chain, is not among them.
	Filters []Filter
	// Cluster is where the connections go, each to the host whose turn it is.
	Cluster string
	// IdleTimeout closes a connection on which no byte has moved in either direction; default 1 h, negative never. Source:
	// Envoy's TcpProxy.idle_timeout.
	IdleTimeout time.Duration
	// MaxConnectAttempts is how many hosts are tried before the client's connection is closed; default 1.
	MaxConnectAttempts uint32
}

// HTTPConnectionManager is how a listener's requests are read, filtered, routed and logged.
type HTTPConnectionManager struct {
	StatPrefix string
	// Filters run in this order on requests and in reverse on responses. The router, which ends the chain, is not among
	// them.
	Filters    []Filter
	Routes     RouteConfiguration
	AccessLogs []AccessLog
	// SchemeOverwrite, if set, becomes :scheme of every request.
	SchemeOverwrite string
	// StreamIdleTimeout ends a stream without activity; default 5 min, 0 never. Envoy answers 504 (408 for requests).
	StreamIdleTimeout time.Duration
	// RequestTimeout is the time for a whole request to arrive; 0, the default, is none.
	RequestTimeout time.Duration
	// RequestHeadersTimeout is the time for a request's headers to arrive; 0, the default, is none.
	RequestHeadersTimeout time.Duration
	// IdleTimeout closes a connection without requests; default 1 h.
	IdleTimeout time.Duration
	// MaxRequestHeadersKiB bounds a request's headers; default 60.
	MaxRequestHeadersKiB uint32
	// EnableTrailers passes HTTP/1 trailers; off by default, as in Envoy.
	EnableTrailers bool
	// ServerName is the server header's value; default "envoy", as in Envoy, so that moving between the two changes
	// nothing.
	ServerName string
	// ServerHeaderIfAbsent sets the server header only where there is none (Envoy's APPEND_IF_ABSENT); by default an
	// upstream's is overwritten (OVERWRITE).
	ServerHeaderIfAbsent bool
	// ServerHeaderPassThrough leaves the server header alone (PASS_THROUGH).
	ServerHeaderPassThrough bool
	// GenerateRequestID adds x-request-id where absent; default true.
	GenerateRequestID bool
	// UseRemoteAddress appends the client's address to x-forwarded-for.
	UseRemoteAddress bool
}

// Filter is one filter of a chain.
type Filter struct {
	Name string
	// Wasm is the plugin that the filter runs.
	Wasm *pluginhost.Config
}

// RouteConfiguration is the table that requests are routed by.
type RouteConfiguration struct {
	Name         string
	VirtualHosts []VirtualHost
}

// VirtualHost is the routes of a set of domains. Domains are matched in Envoy's order: exact, then the longest suffix
// wildcard (*.a.com), then the longest prefix wildcard (a.*), then "*".
type VirtualHost struct {
	Name     string
	Metadata Metadata
	Domains  []string
	Routes   []Route
}

// Route is a match and what is done with the requests it takes. The first route that matches wins.
type Route struct {
	Name     string
	Metadata Metadata
	Match    RouteMatch
	// Cluster is where the requests go, "" where DirectResponse answers them.
	Cluster        string
	DirectResponse *DirectResponse
	// Timeout is the time for the whole response, from the request's end; default 15 s, 0 none.
	Timeout time.Duration
	// PrefixRewrite replaces what a prefix or path match matched.
	PrefixRewrite string
	// HostRewrite replaces :authority.
	HostRewrite string
	// AutoHostRewrite replaces :authority by the chosen host's name (DNS clusters).
	AutoHostRewrite bool
}

// DirectResponse answers a request without an upstream.
type DirectResponse struct {
	Status int
	Body   []byte
}

// RouteMatch says which requests a route takes. Exactly one of Prefix, Path, PathSeparatedPrefix and Regex is set.
type RouteMatch struct {
	Prefix              string
	Path                string
	PathSeparatedPrefix string
	// Regex matches the whole path without its query.
	Regex *regexp.Regexp
	// IgnoreCase makes Prefix and Path matches case-insensitive.
	IgnoreCase bool
	Headers    []HeaderMatch
}

// HeaderMatch is a condition on a request header. All of the fields that are set must hold. With several values, they
// are matched joined by commas, as in Envoy.
type HeaderMatch struct {
	Name string
	// Present: nil no condition, else whether the header must be there.
	Present *bool
	String  *StringMatch
	Range   *RangeMatch
	// Invert turns the result round.
	Invert bool
	// MissingAsEmpty takes an absent header as an empty one.
	MissingAsEmpty bool
}

// StringMatch is one way of matching a string; exactly one of the first five is set.
type StringMatch struct {
	Exact, Prefix, Suffix, Contains *string
	Regex                           *regexp.Regexp
	IgnoreCase                      bool
}

// RangeMatch holds for base 10 integers in [Start, End).
type RangeMatch struct{ Start, End int64 }

// AccessLog is a sink of access log lines.
type AccessLog struct {
	// Path is a file that is appended to; Stdout and Stderr write to the standard streams instead.
	Path           string
	Stdout, Stderr bool
	// Format is Envoy's text format; "" is Envoy's default format.
	Format string
	// JSON, if not nil, makes each line an object of these members, values in Envoy's format.
	JSON []AccessLogMember
}

// AccessLogMember is a member of a JSON access log line.
type AccessLogMember struct{ Name, Format string }

// ClusterType says how a cluster's hosts are found.
type ClusterType uint8

// The cluster types, as Envoy names them.
const (
	ClusterStatic ClusterType = iota
	ClusterStrictDNS
	ClusterLogicalDNS
)

// Cluster is a set of hosts that requests are sent to.
type Cluster struct {
	Name     string
	Type     ClusterType
	Metadata Metadata
	// Endpoints are host:port. In DNS clusters hosts are names.
	Endpoints []Endpoint
	// ConnectTimeout bounds making a connection; default 5 s.
	ConnectTimeout time.Duration
	// DNSRefresh is how often names are resolved; default 5 s.
	DNSRefresh time.Duration
	// IPv4Only and IPv6Only restrict what names resolve to; default both (Envoy's AUTO prefers IPv6).
	IPv4Only, IPv6Only bool
	// HTTP2 speaks HTTP/2 to the hosts, with prior knowledge where there is no TLS.
	HTTP2 bool
	// EnableTrailers passes HTTP/1 trailers, to the hosts and from them; off by default, as in Envoy.
	EnableTrailers bool
}

// Endpoint is a host of a cluster.
type Endpoint struct {
	// Address is host:port.
	Address string
	// Hostname is the name for AutoHostRewrite; default the address' host where that is a name.
	Hostname string
	Weight   uint32
	Metadata Metadata
}
