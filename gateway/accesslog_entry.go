package gateway

import (
	"net"
	"time"
)

// accessLogEntry is a stream that is over, as access logs see it. A false second result, or an empty text, is a value
// that there is not.
type accessLogEntry interface {
	// The header methods return the first value of a header; name is in lower case.
	requestHeader(name string) (string, bool)
	responseHeader(name string) (string, bool)
	responseTrailer(name string) (string, bool)

	startTime() time.Time
	// duration is from the start until the stream was over, requestDuration until the request was received whole,
	// responseDuration until the upstream's response began.
	duration() (time.Duration, bool)
	requestDuration() (time.Duration, bool)
	responseDuration() (time.Duration, bool)

	protocol() string
	// responseCode is 0 where no response began.
	responseCode() int
	// responseCodeDetails are there for each response, but may be empty: those of a plugin that gave none are.
	responseCodeDetails() (details string, ok bool)
	responseFlags() string
	bytesReceived() int64
	bytesSent() int64

	upstreamHost() string
	upstreamCluster() string
	upstreamTransportFailure() string
	routeName() string
	connectionID() uint64
	downstreamRemote() net.Addr
	downstreamLocal() net.Addr
	filterState(name string) ([]byte, bool)
}

// streamEntry makes a stream an accessLogEntry. The stream must be over, or its lock held.
type streamEntry struct{ s *stream }

// logAccess writes s to the listener's access logs.
func (l *listener) logAccess(s *stream) {
	for _, a := range l.logs {
		a.log(streamEntry{s})
	}
}

func (e streamEntry) requestHeader(name string) (string, bool) {
	return e.s.requestHead.Get(name)
}

func (e streamEntry) responseHeader(name string) (string, bool) {
	if h := e.s.encode.headers; h != nil {
		return h.Get(name)
	}
	return "", false
}

func (e streamEntry) responseTrailer(name string) (string, bool) {
	if h := e.s.encode.trailers; h != nil {
		return h.Get(name)
	}
	return "", false
}

func (e streamEntry) startTime() time.Time { return e.s.info.start }

func (e streamEntry) duration() (time.Duration, bool) {
	return e.s.info.responseEnd, e.s.info.responseEnd > 0
}

func (e streamEntry) requestDuration() (time.Duration, bool) {
	// A request without a body has ended as it began.
	return e.s.info.requestEnd, e.s.requestEnded.Load()
}

func (e streamEntry) responseDuration() (time.Duration, bool) {
	return e.s.info.upstreamFirstByte, e.s.info.upstreamFirstByte > 0
}

func (e streamEntry) protocol() string           { return e.s.info.protocol }
func (e streamEntry) responseCode() int          { return e.s.info.responseCode }
func (e streamEntry) responseFlags() string      { return e.s.info.flags() }
func (e streamEntry) bytesReceived() int64       { return e.s.info.received.Load() }
func (e streamEntry) bytesSent() int64           { return e.s.info.sent.Load() }
func (e streamEntry) upstreamHost() string       { return e.s.info.upstream }
func (e streamEntry) upstreamCluster() string    { return e.s.info.clusterName }
func (e streamEntry) connectionID() uint64       { return e.s.info.connectionID }
func (e streamEntry) downstreamRemote() net.Addr { return e.s.info.remote }
func (e streamEntry) downstreamLocal() net.Addr  { return e.s.info.local }

func (e streamEntry) responseCodeDetails() (details string, ok bool) {
	return e.s.info.responseDetails, e.s.info.responseDetails != "" || e.s.info.replied
}

// upstreamTransportFailure is the second part of the reset reason in the details, where Envoy keeps it too.
func (e streamEntry) upstreamTransportFailure() string {
	return transportFailureOf(e.s.info.responseDetails)
}

func (e streamEntry) routeName() string {
	if e.s.info.route == nil {
		return ""
	}
	return e.s.info.route.Name
}

func (e streamEntry) filterState(name string) ([]byte, bool) {
	v, ok := e.s.info.filterState[name]
	return v, ok
}
