package gateway

import (
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// streamInfo is what is known of a stream besides its messages: for access logs and properties. It is guarded by the
// stream's lock, but for the counters.
type streamInfo struct {
	start        time.Time
	connectionID uint64
	protocol     string
	remote       net.Addr
	local        net.Addr

	route       *Route
	virtualHost *VirtualHost
	// routed: route and virtualHost are what the request's headers lead to as they were when last looked at.
	routed      bool
	clusterName string
	upstream    string // host:port of the chosen endpoint
	// hostMetadata is that endpoint's.
	hostMetadata Metadata
	// overrideHost is the only endpoint that a plugin wants the request to go to, "" for any.
	overrideHost string

	responseCode    int
	responseDetails string
	replied         bool // there was a local reply, so the details are known, if empty
	responseFlags   []string
	filterState     map[string][]byte

	upstreamLocal     string        // address that the upstream's connection comes from
	upstreamPicked    time.Duration // since start; the endpoint was chosen
	upstreamStart     time.Duration // since start; the request was given to a connection
	upstreamReady     time.Duration // how long that took
	requestEnd        time.Duration // since start; the request was received whole
	upstreamFirstByte time.Duration // since start; the response's headers came from the upstream
	responseEnd       time.Duration // since start; the response was handed over whole
	upstreamReply     bool          // the response is the upstream's

	received atomic.Int64 // body bytes from the client
	sent     atomic.Int64 // body bytes to the client
}

func (i *streamInfo) init(r *http.Request) {
	i.start = time.Now()
	i.protocol = r.Proto
	if r.ProtoMajor == 2 {
		i.protocol = "HTTP/2"
	}
	i.local, _ = r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	i.connectionID = connectionID(r.Context())
	i.remote = textAddr(r.RemoteAddr)
}

// flag adds a response flag once.
func (i *streamInfo) flag(f string) {
	for _, have := range i.responseFlags {
		if have == f {
			return
		}
	}
	i.responseFlags = append(i.responseFlags, f)
}

// flags returns the response flags as access logs show them.
func (i *streamInfo) flags() string { return strings.Join(i.responseFlags, ",") }

// textAddr is an address that is known as text.
type textAddr string

func (a textAddr) Network() string { return "tcp" }
func (a textAddr) String() string  { return string(a) }
