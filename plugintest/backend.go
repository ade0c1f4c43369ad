package plugintest

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/gateway"
)

// backend is a cluster beside the one that requests are routed to: what call-outs go to.
type backend struct {
	cluster string
	// address is host:port, "" for a server of the kit's.
	address string
	// handler answers; nil leaves it to the test.
	handler http.Handler
	// redis is a server of the kit's for Redis, answered by script, or nil by the test.
	redis  bool
	script func(command []string) any
}

// Backend adds a cluster that the plugin may call (HttpCall, DispatchHttpCall, RouteCall): a server of the kit's, which
// the call reaches over a real connection. With a nil handler the test answers each call itself, see [Plugin.Callout].
func Backend(cluster string, h http.Handler) Option {
	return func(o *options) { o.backends = append(o.backends, backend{cluster: cluster, handler: h}) }
}

// BackendAt adds a cluster whose one host is at address, host:port: an [httptest.Server] of the test's, say.
func BackendAt(cluster, address string) Option {
	return func(o *options) { o.backends = append(o.backends, backend{cluster: cluster, address: address}) }
}

// Redis adds a cluster whose one host is a Redis server at address, host:port. [RedisScript] adds one without a server.
func Redis(cluster, address string) Option { return BackendAt(cluster, address) }

// startBackends starts the servers and returns the clusters.
func (p *Plugin) startBackends(o *options) ([]gateway.Cluster, error) {
	var clusters []gateway.Cluster
	for _, b := range o.backends {
		if b.cluster == o.cluster || slices.ContainsFunc(clusters, func(c gateway.Cluster) bool { return c.Name == b.cluster }) {
			return nil, fmt.Errorf("there are two clusters %q", b.cluster)
		}
		address := b.address
		kind := gateway.ClusterStatic
		if b.redis {
			var err error
			if address, err = p.serveRedis(b); err != nil {
				return nil, fmt.Errorf("cluster %q: %w", b.cluster, err)
			}
		} else if address == "" {
			address = p.serveHTTP(&calls{to: p.callouts, cluster: b.cluster, handler: b.handler})
		} else if host, _, err := net.SplitHostPort(address); err != nil {
			return nil, fmt.Errorf("cluster %q: %w", b.cluster, err)
		} else if net.ParseIP(host) == nil {
			kind = gateway.ClusterStrictDNS
		}
		clusters = append(clusters, gateway.Cluster{
			Name: b.cluster, Type: kind, ConnectTimeout: o.timeout,
			Endpoints: []gateway.Endpoint{{Address: address, Weight: 1}},
		})
	}
	return clusters, nil
}

// serveHTTP starts a server and returns its address. It is closed with the plugin.
func (p *Plugin) serveHTTP(h http.Handler) (address string) {
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetHTTP1(true)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	p.onClose(func(context.Context) error { server.CloseClientConnections(); server.Close(); return nil })
	return server.Listener.Addr().String()
}

// callouts has the calls that have come, and those that the test is to answer.
type callouts struct {
	mu      sync.Mutex
	seen    []*Callout
	waiting []*Callout
	arrived chan struct{} // closed and made anew with each that waits
	over    chan struct{} // closed with the plugin
}

func newCallouts() *callouts {
	return &callouts{arrived: make(chan struct{}), over: make(chan struct{})}
}

// calls serves one cluster.
type calls struct {
	to      *callouts
	cluster string
	handler http.Handler
}

// ServeHTTP implements [http.Handler].
func (s *calls) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	seen := newUpstreamRequest(r)
	body := &recorder{ReadCloser: r.Body}
	r.Body = body
	_, _ = io.Copy(io.Discard, body) // the recorder keeps the error
	seen.Body, seen.Err, seen.Trailer = body.text.String(), body.err, r.Trailer.Clone()
	c := &Callout{UpstreamRequest: *seen, Cluster: s.cluster, answer: make(chan func(http.ResponseWriter), 1)}
	s.to.add(c, s.handler == nil)
	if s.handler != nil {
		r.Body = io.NopCloser(strings.NewReader(seen.Body))
		s.handler.ServeHTTP(w, r)
		return
	}
	select {
	case answer := <-c.answer:
		answer(w)
	case <-r.Context().Done(): // the plugin's call timed out, or its plugin ended
	case <-s.to.over:
		panic(http.ErrAbortHandler)
	}
}

func (c *callouts) add(call *Callout, waits bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.seen) >= maxWatched {
		c.seen = slices.Clone(c.seen[maxWatched/2:])
	}
	c.seen = append(c.seen, call)
	if waits {
		c.waiting = append(c.waiting, call)
		close(c.arrived)
		c.arrived = make(chan struct{})
	}
}

// next waits for a call that the test is to answer.
func (c *callouts) next(timeout time.Duration) *Callout {
	deadline := time.After(timeout)
	for {
		c.mu.Lock()
		if len(c.waiting) > 0 {
			call := c.waiting[0]
			c.waiting = c.waiting[1:]
			c.mu.Unlock()
			return call
		}
		arrived := c.arrived
		c.mu.Unlock()
		select {
		case <-arrived:
		case <-deadline:
			return nil
		}
	}
}

// Callout is an HTTP call of the plugin's as the cluster's server got it. One that came to a [Backend] without a handler
// waits for its answer: [Callout.Respond] or [Callout.Reset], once.
type Callout struct {
	UpstreamRequest
	// Cluster is the one that was called.
	Cluster string

	t        testing.TB
	answer   chan func(http.ResponseWriter)
	answered bool
}

// Callout waits for the next call of the plugin's to a [Backend] without a handler, and fails the test if none comes
// in time. Calls come in the order in which they reach their servers.
func (p *Plugin) Callout() *Callout {
	p.t.Helper()
	c := p.callouts.next(p.timeout)
	if c == nil {
		p.t.Fatalf("plugintest: the plugin has made no call that waits for an answer in %v%s", p.timeout, p.recent())
	}
	c.t = p.t
	return c
}

// Callouts returns the HTTP calls that have come so far to the servers of [Backend], in order.
func (p *Plugin) Callouts() []*Callout {
	p.callouts.mu.Lock()
	defer p.callouts.mu.Unlock()
	return slices.Clone(p.callouts.seen)
}

// Respond answers the call.
func (c *Callout) Respond(status int, header http.Header, body string) {
	c.t.Helper()
	c.give(func(w http.ResponseWriter) {
		for name, values := range header {
			w.Header()[http.CanonicalHeaderKey(name)] = values
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body) // an error is that the call is over: it timed out, say
	})
}

// Reset breaks the connection off without an answer.
func (c *Callout) Reset() {
	c.t.Helper()
	c.give(func(http.ResponseWriter) { panic(http.ErrAbortHandler) })
}

func (c *Callout) give(answer func(http.ResponseWriter)) {
	c.t.Helper()
	if c.answered {
		c.t.Fatalf("plugintest: the call to %s is answered already", c.Cluster)
	}
	c.answered = true
	c.answer <- answer
}
