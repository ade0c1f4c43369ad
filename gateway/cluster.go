package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// The defaults of a cluster, as in Envoy.
const (
	defaultConnectTimeout = 5 * time.Second
	defaultDNSRefresh     = 5 * time.Second
	// upstreamIdleTimeout closes a connection that nothing was sent on.
	upstreamIdleTimeout = time.Hour
	// maxResponseHeaders bounds a response's headers, in bytes.
	maxResponseHeaders = 60 << 10
)

// clusterDeps is what a cluster needs from its surroundings.
type clusterDeps struct {
	resolver resolver     // nil for the system's
	logger   *slog.Logger // nil discards
}

// cluster is a set of hosts and the connections to them. All methods but start and close may be called by any number of
// goroutines.
//
// Life: newCluster, start, any use, close. A cluster that is not started has its literal addresses and no names.
type cluster struct {
	config   Cluster
	resolver resolver
	logger   *slog.Logger
	conns    *http.Transport

	hosts atomic.Pointer[endpointSet]
	turn  atomic.Uint64

	// names are the endpoints that must be resolved, owned by the goroutine that does it.
	names []clusterName
	// ctx ends with close, and with it the resolving and the connecting.
	ctx     context.Context
	cancel  context.CancelFunc
	started bool
	done    sync.WaitGroup
}

// trailers reports whether trailers of a message with a host pass, by the version of HTTP that is spoken with it.
func (c *cluster) trailers(major int) bool { return major >= 2 || c.config.EnableTrailers }

// sendsTrailers reports whether requests to the hosts have trailers.
func (c *cluster) sendsTrailers() bool { return c.config.HTTP2 || c.config.EnableTrailers }

// clusterName is an endpoint of a DNS cluster and what it resolved to last.
type clusterName struct {
	host, port string
	hostname   string
	weight     uint32
	metadata   Metadata
	found      []netip.Addr
	failed     bool
}

// newCluster checks cfg and makes its cluster, without a connection or a look-up yet.
func newCluster(cfg Cluster, deps clusterDeps) (*cluster, error) {
	c := &cluster{config: cfg, resolver: deps.resolver, logger: deps.logger}
	if c.resolver == nil {
		c.resolver = net.DefaultResolver
	}
	if c.logger == nil {
		c.logger = slog.New(slog.DiscardHandler)
	}
	if cfg.ConnectTimeout <= 0 {
		c.config.ConnectTimeout = defaultConnectTimeout
	}
	if cfg.DNSRefresh <= 0 {
		c.config.DNSRefresh = defaultDNSRefresh
	}
	if cfg.Type == ClusterLogicalDNS && len(cfg.Endpoints) != 1 {
		return nil, fmt.Errorf("cluster %q: LOGICAL_DNS clusters must have a single endpoint, this one has %d",
			cfg.Name, len(cfg.Endpoints))
	}
	for _, e := range cfg.Endpoints {
		n, err := newClusterName(cfg.Type, e)
		if err != nil {
			return nil, fmt.Errorf("cluster %q: endpoint %q: %w", cfg.Name, e.Address, err)
		}
		c.names = append(c.names, n)
	}
	c.publish()
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.conns = newTransport(c.ctx, &c.config)
	return c, nil
}

func newClusterName(t ClusterType, e Endpoint) (clusterName, error) {
	host, port, err := net.SplitHostPort(e.Address)
	if err != nil {
		return clusterName{}, err
	}
	if _, err = net.LookupPort("tcp", port); err != nil || port == "" || port[0] < '0' || port[0] > '9' {
		return clusterName{}, fmt.Errorf("port %q is not a number from 0 to 65535", port)
	}
	n := clusterName{host: host, port: port, hostname: e.Hostname, weight: e.Weight, metadata: e.Metadata}
	if ip, err := netip.ParseAddr(host); err == nil {
		n.found, n.host = []netip.Addr{ip}, ""
		return n, nil
	}
	if t == ClusterStatic {
		return clusterName{}, errors.New("a STATIC cluster takes IP addresses; use STRICT_DNS or LOGICAL_DNS for names")
	}
	if host == "" {
		return clusterName{}, errors.New("no host")
	}
	if n.hostname == "" {
		n.hostname = host
	}
	return n, nil
}

// newTransport makes the connections to a cluster. It changes nothing about messages: no compression, no proxy, no
// redirects. What it repeats is what net/http always repeats: a request without a body on a kept connection that turns
// out to be closed before a byte of the response was read.
//
// net/http goes on connecting when the request that wanted a connection is gone; ctx ends that too.
func newTransport(ctx context.Context, cfg *Cluster) *http.Transport {
	dialer := &net.Dialer{Timeout: cfg.ConnectTimeout, KeepAlive: -1}
	t := &http.Transport{
		DialContext: func(request context.Context, network, address string) (net.Conn, error) {
			request, cancel := context.WithCancel(request)
			defer cancel()
			defer context.AfterFunc(ctx, cancel)()
			conn, err := dialer.DialContext(request, network, address)
			if err != nil {
				return nil, &connectError{err}
			}
			return conn, nil
		},
		DisableCompression:     true,
		MaxIdleConns:           0, // no limit over all hosts
		MaxIdleConnsPerHost:    1024,
		IdleConnTimeout:        upstreamIdleTimeout,
		MaxResponseHeaderBytes: maxResponseHeaders,
		WriteBufferSize:        16 << 10,
		ReadBufferSize:         16 << 10,
		Protocols:              new(http.Protocols),
	}
	if cfg.HTTP2 {
		t.Protocols.SetUnencryptedHTTP2(true)
	} else {
		t.Protocols.SetHTTP1(true)
	}
	return t
}

// errBadResponse is a response that net/http reads and Envoy does not. It counts as a protocol error.
var errBadResponse = errors.New("malformed response")

// checkedTransport refuses what must not get to filters or clients: names and values that are none, and a change of
// protocol that nobody asked for.
type checkedTransport struct{ *http.Transport }

func (t checkedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.Transport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	valid := resp.StatusCode != http.StatusSwitchingProtocols
	for name, values := range resp.Header {
		valid = valid && validToken(name)
		for _, v := range values {
			valid = valid && validValue(v)
		}
	}
	if !valid {
		resp.Body.Close()
		return nil, errBadResponse
	}
	return resp, nil
}

// start resolves the cluster's names in the background, again and again, until close. It does not wait: until a name
// has resolved the cluster has no host of it, and requests are answered 503.
func (c *cluster) start() {
	if c.started || !slices.ContainsFunc(c.names, func(n clusterName) bool { return n.host != "" }) {
		return
	}
	c.started = true
	c.done.Go(func() {
		timer := time.NewTimer(0)
		defer timer.Stop()
		for {
			select {
			case <-c.ctx.Done():
				return
			case <-timer.C:
			}
			c.resolve(c.ctx)
			timer.Reset(c.config.DNSRefresh)
		}
	})
}

// close ends the resolving and closes the connections that are idle. Requests on their way end by themselves.
func (c *cluster) close() {
	c.cancel()
	c.done.Wait()
	c.conns.CloseIdleConnections()
}

// resolve looks every name up once. A name that fails keeps the addresses it had, as in Envoy; one that does not exist
// loses them.
func (c *cluster) resolve(ctx context.Context) {
	changed := false
	for i := range c.names {
		n := &c.names[i]
		if n.host == "" {
			continue
		}
		found, err := lookup(ctx, c.resolver, &c.config, n.host)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			if !n.failed {
				c.logger.Warn("name does not resolve", "cluster", c.config.Name, "name", n.host, "error", err)
			}
			n.failed = true
			if de := (*net.DNSError)(nil); !errors.As(err, &de) || !de.IsNotFound {
				continue
			}
			found = nil
		} else {
			n.failed = false
		}
		if c.config.Type == ClusterLogicalDNS && len(found) > 1 {
			found = found[:1]
		}
		if c.config.Type != ClusterLogicalDNS {
			// Resolvers turn their answers round; that is no change of the set.
			slices.SortFunc(found, netip.Addr.Compare)
		}
		if !slices.Equal(found, n.found) {
			n.found, changed = found, true
		}
	}
	if changed {
		c.publish()
	}
}

// publish makes the addresses known to pick.
func (c *cluster) publish() {
	var all []*endpoint
	for _, n := range c.names {
		for _, a := range n.found {
			all = append(all, &endpoint{net.JoinHostPort(a.String(), n.port), n.hostname, n.weight, n.metadata})
		}
	}
	c.hosts.Store(newEndpointSet(all))
}

// pick chooses the host of a request, hosts taking turns by their weights; false if there is none.
func (c *cluster) pick() (*endpoint, bool) {
	turns := c.hosts.Load().turns
	switch len(turns) {
	case 0:
		return nil, false
	case 1:
		return turns[0], true
	}
	return turns[(c.turn.Add(1)-1)%uint64(len(turns))], true
}

// endpoints returns the hosts there are now.
func (c *cluster) endpoints() []*endpoint { return c.hosts.Load().all }

// transport sends requests to the cluster's hosts, each to the URL's host, which must be an endpoint's address. Its
// errors are for upstreamFailure.
func (c *cluster) transport() http.RoundTripper { return checkedTransport{c.conns} }

// newClusters makes every cluster of cfg. Names must be unique.
func newClusters(cfg []Cluster, deps clusterDeps) (map[string]*cluster, error) {
	all := make(map[string]*cluster, len(cfg))
	for _, cc := range cfg {
		if strings.TrimSpace(cc.Name) == "" {
			return nil, errors.New("cluster without a name")
		}
		if all[cc.Name] != nil {
			return nil, fmt.Errorf("cluster %q: there are two of this name", cc.Name)
		}
		c, err := newCluster(cc, deps)
		if err != nil {
			return nil, err
		}
		all[cc.Name] = c
	}
	return all, nil
}
