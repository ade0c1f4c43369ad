package pluginhost

import (
	"context"
	"io"
	"time"

	"github.com/sluice-gateway/sluice/message"
)

// Upstreams is what a gateway gives a plugin to call: its clusters. It comes with the plugin's configuration
// ([Config.Upstreams]), so that gateways which share a [Host] each have their own plugins call their own clusters. Its
// methods are safe for concurrent use, must not block, and work until the plugin is closed.
type Upstreams interface {
	// Cluster returns the cluster of that name, ok false if there is none.
	Cluster(name string) (c UpstreamCluster, ok bool)
	// Names returns the names of all clusters, for messages.
	Names() []string
}

// UpstreamCluster is a cluster of a gateway. Its methods are safe for concurrent use; none but Send may block.
type UpstreamCluster interface {
	// Pick chooses the host (ip:port) of a call; ok is false if there is none that is healthy.
	Pick() (address string, ok bool)
	// Hosts returns the hosts there are now.
	Hosts() []UpstreamHost
	// ConnectTimeout bounds making a connection.
	ConnectTimeout() time.Duration
	// Send sends a request to the host at address, one that Pick chose, and returns when the head of the response is
	// there. headers are with their pseudo headers; body may be nil, and is length bytes long, -1 for not known yet. The
	// request ends with ctx, also after Send has returned. Send closes nothing and keeps headers no longer than it runs;
	// it may read body until the response's body is closed. A body that is an io.Closer is closed when no more of it is
	// read, perhaps while Read waits.
	//
	// An error is an [*UpstreamError] where it is the upstream's, else ctx's.
	Send(ctx context.Context, address string, headers *message.Headers, body io.Reader, length int64) (*UpstreamResponse, error)
}

// UpstreamHost is a host of a cluster.
type UpstreamHost struct {
	Address string // ip:port
	// Metrics is what the host says of itself, "" for nothing.
	Metrics string
}

// UpstreamResponse is a response whose head has come. Whoever got it closes Body.
type UpstreamResponse struct {
	// Headers begin with :status.
	Headers *message.Headers
	Body    io.ReadCloser
	// EndStream: there is no body, and there are no trailers.
	EndStream bool
	// Trailers returns the trailers, nil for none. It may be called when Body has been read to its end.
	Trailers func() *message.Headers
}

// UpstreamError says why there is no response, as the gateway would answer a client.
type UpstreamError struct {
	// Code is the HTTP status, Text the body of the answer.
	Code int
	Text string
	// Err is the cause.
	Err error
}

// Error implements error.
func (e *UpstreamError) Error() string { return e.Text }

// Unwrap returns the cause.
func (e *UpstreamError) Unwrap() error { return e.Err }
