package gateway

import (
	"context"
	"io"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/sluice-gateway/sluice/message"
	"github.com/sluice-gateway/sluice/pluginhost"
)

// callable is a gateway's clusters as its plugins call them.
type callable map[string]*cluster

// Cluster implements [pluginhost.Upstreams].
func (c callable) Cluster(name string) (pluginhost.UpstreamCluster, bool) {
	if found := c[name]; found != nil {
		return callableCluster{found}, true
	}
	return nil, false
}

// Names implements [pluginhost.Upstreams].
func (c callable) Names() []string { return slices.Sorted(maps.Keys(c)) }

// callableCluster is a cluster as plugins call it.
type callableCluster struct{ cluster *cluster }

// Pick implements [pluginhost.UpstreamCluster].
func (c callableCluster) Pick() (string, bool) {
	host, ok := c.cluster.pick()
	if !ok {
		return "", false
	}
	return host.address(), true
}

// Hosts implements [pluginhost.UpstreamCluster].
func (c callableCluster) Hosts() []pluginhost.UpstreamHost {
	all := c.cluster.endpoints()
	hosts := make([]pluginhost.UpstreamHost, len(all))
	for i, e := range all {
		hosts[i].Address = e.address()
	}
	return hosts
}

// ConnectTimeout implements [pluginhost.UpstreamCluster].
func (c callableCluster) ConnectTimeout() time.Duration { return c.cluster.config.ConnectTimeout }

// Send implements [pluginhost.UpstreamCluster]. What the router refuses to send is refused here too.
func (c callableCluster) Send(ctx context.Context, address string, headers *message.Headers, body io.Reader,
	length int64) (*pluginhost.UpstreamResponse, error) {
	start := time.Now()
	out := (&http.Request{Header: make(http.Header, headers.Len())}).WithContext(ctx)
	if err := applyRequestHeaders(out, headers, false); err != nil {
		return nil, callFailure(err)
	}
	out.URL.Host = address
	out.ContentLength = 0
	if body != nil {
		out.ContentLength = length
		if closer, ok := body.(io.ReadCloser); ok {
			out.Body = closer
		} else {
			out.Body = io.NopCloser(body)
		}
	}
	if out.ContentLength >= 0 {
		out.TransferEncoding = nil
	}
	resp, err := c.cluster.transport().RoundTrip(out) //nolint:bodyclose // whoever gets the response closes it
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, callFailure(err)
	}
	r := &pluginhost.UpstreamResponse{
		Headers: &message.Headers{}, Body: resp.Body,
		EndStream: endsWithHeaders(resp),
		Trailers: func() *message.Headers {
			if len(resp.Trailer) == 0 || !c.cluster.trailers(resp.ProtoMajor) {
				return nil
			}
			h := &message.Headers{}
			trailers(h, resp.Trailer)
			return h
		},
	}
	responseHeaders(r.Headers, resp)
	setServiceTime(r.Headers, time.Since(start))
	return r, nil
}

// endsWithHeaders reports whether nothing follows a response's headers. In HTTP/2, trailers may follow a body that is
// said to have no bytes.
func endsWithHeaders(resp *http.Response) bool {
	return resp.Body == http.NoBody || resp.ContentLength == 0 && (resp.ProtoMajor == 1 || resp.Header["Content-Length"] == nil)
}

// callFailure is err as the router would answer it.
func callFailure(err error) error {
	code, _, _, body := upstreamFailure(err)
	return &pluginhost.UpstreamError{Code: code, Text: body, Err: err}
}
