package plugintest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/gateway"
	"github.com/sluice-gateway/sluice/pluginhost"
	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/proxywasm"
)

// Plugin is the plugin under test, running in a gateway of its own.
type Plugin struct {
	t       testing.TB
	timeout time.Duration
	// address is where the gateway listens.
	address  string
	upstream *upstream
	handler  http.Handler
	logs     *logs
	ends     *ends
	requests atomic.Uint64
	once     sync.Once
	// closers are what is to be closed, the last first.
	closers []func(context.Context) error
}

// Start starts the plugin under test, and ends it with the test. A plugin that does not start fails the test, with what
// it logged.
func Start(t testing.TB, mode Mode, opts ...Option) *Plugin {
	t.Helper()
	p, err := TryStart(t, mode, opts...)
	if err != nil {
		t.Fatalf("plugintest: %v", err)
	}
	return p
}

// TryStart is [Start] for a plugin that may refuse: because of its configuration, for one. The error says which step
// failed, and wraps a [*pluginhost.StartError] where it is the plugin's.
func TryStart(t testing.TB, mode Mode, opts ...Option) (*Plugin, error) {
	t.Helper()
	o := options{source: ".", timeout: 10 * time.Second, route: "route", cluster: "cluster", workers: 1,
		upstream: http.HandlerFunc(echo)}
	o.plugin.Name = t.Name()
	o.plugin.LogLevel = abi.LogTrace
	for _, opt := range opts {
		opt(&o)
	}
	if err := errors.Join(o.errs...); err != nil {
		return nil, err
	}
	p := &Plugin{t: t, timeout: o.timeout, handler: o.upstream, upstream: &upstream{}, logs: &logs{}, ends: &ends{}}
	if err := p.start(mode, o); err != nil {
		err = errors.Join(err, p.close())
		return nil, fmt.Errorf("%w\nlogged:\n%s", err, p.logs)
	}
	t.Cleanup(func() {
		p.Close()
		if t.Failed() {
			t.Logf("plugintest: the plugin and its host logged:\n%s", p.logs)
		}
	})
	return p, nil
}

func (p *Plugin) start(mode Mode, o options) error {
	hostOptions := pluginhost.Options{Workers: o.workers, Logger: slog.New(&logHandler{to: p.logs})}
	switch mode {
	case Native:
		if err := o.nativeRefuses(); err != nil {
			return err
		}
		nativeSlot.take(p.t)
		p.onClose(func(context.Context) error { nativeSlot.free(); return nil })
		o.plugin.Native = proxywasm.NewPlugin
	case Wasm:
		code, err := module(o.source)
		if err != nil {
			return err
		}
		e, err := engine()
		if err != nil {
			return err
		}
		o.plugin.Code, o.plugin.CodeSource = code, o.source
		hostOptions.Engine = e
	}

	server := httptest.NewUnstartedServer(p.upstream)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	p.onClose(func(context.Context) error { server.CloseClientConnections(); server.Close(); return nil })

	host := pluginhost.New(hostOptions)
	p.onClose(func(ctx context.Context) error { return within(ctx, func() error { return host.Close(ctx) }) })
	g, err := gateway.New(p.gatewayConfig(o, server.Listener.Addr().String()), gateway.Options{
		Logger: hostOptions.Logger, Plugins: host, Stdout: p.ends,
	})
	if err != nil {
		return err
	}
	if err := g.Start(context.Background()); err != nil {
		return err
	}
	p.onClose(func(ctx context.Context) error { return within(ctx, g.Close) })
	p.address = g.Addr(listenerName).String()
	return nil
}

const listenerName = "plugintest"

// gatewayConfig is a gateway with the plugin between one listener and one cluster.
func (p *Plugin) gatewayConfig(o options, upstream string) *gateway.Config {
	l := o.listener
	l.Name, l.Address = listenerName, "127.0.0.1:0"
	l.HTTP.GenerateRequestID = true
	l.HTTP.Filters = []gateway.Filter{{Name: o.plugin.Name, Wasm: &o.plugin}}
	l.HTTP.AccessLogs = []gateway.AccessLog{p.ends.accessLog()}
	l.HTTP.Routes = gateway.RouteConfiguration{Name: "plugintest", VirtualHosts: []gateway.VirtualHost{{
		Name: "plugintest", Domains: []string{"*"}, Routes: []gateway.Route{{
			Name: o.route, Match: gateway.RouteMatch{Prefix: "/"}, Cluster: o.cluster,
		}},
	}}}
	return &gateway.Config{
		Node:      gateway.Node{ID: "plugintest", Cluster: "plugintest"},
		Listeners: []gateway.Listener{l},
		Clusters: []gateway.Cluster{{
			Name: o.cluster, Type: gateway.ClusterStatic, ConnectTimeout: o.timeout,
			Endpoints: []gateway.Endpoint{{Address: upstream, Weight: 1}}, EnableTrailers: l.HTTP.EnableTrailers,
		}},
	}
}

func (p *Plugin) onClose(f func(context.Context) error) { p.closers = append(p.closers, f) }

// Close ends the plugin: its streams, its gateway, its upstream. [Start] sees to it, unless the test wants it earlier.
func (p *Plugin) Close() {
	p.t.Helper()
	if err := p.close(); err != nil {
		p.t.Errorf("plugintest: closing: %v", err)
	}
}

func (p *Plugin) close() (err error) {
	p.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), closePatience)
		defer cancel()
		for i := len(p.closers) - 1; i >= 0; i-- {
			if failed := p.closers[i](ctx); !errors.Is(err, errStuck) { // what follows is stuck as well
				err = errors.Join(err, failed)
			}
		}
	})
	return err
}

// Logs returns what has been logged so far: the plugin's lines and, at the levels the host chose, what the host says of
// it.
func (p *Plugin) Logs() []Log { return p.logs.all() }

// Logged reports whether a line that contains text has been logged.
func (p *Plugin) Logged(text string) bool {
	for _, l := range p.logs.all() {
		if strings.Contains(l.Message, text) {
			return true
		}
	}
	return false
}

// Do sends a request, and returns when the client has the answer, whole or broken off, and gateway and upstream are done
// with it. It fails the test if that takes longer than [Timeout]. Do may be called by several goroutines at once.
func (p *Plugin) Do(r *Request) *Response {
	p.t.Helper()
	conn, err := dial(p.address, p.timeout)
	if err != nil {
		return &Response{Err: err}
	}
	defer conn.Close()
	x := newExchange(p.requestID(r))
	x.serve = serveWith(p.handler)
	p.upstream.expect(x)
	defer p.upstream.forget(x)
	p.ends.watch(conn.LocalAddr().String())
	_ = conn.SetDeadline(time.Now().Add(p.timeout)) // a connection that is closed shows when it is read
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_ = conn.send(r, x.id) // an answer may come all the same; where none does, reading says why
	}()
	got := conn.receive(r.method)
	conn.Close()
	<-sent
	p.settle(conn, got)
	select {
	case <-x.arrived:
		select {
		case <-x.served:
			got.Upstream = x.request
		case <-time.After(p.timeout):
			p.t.Errorf("plugintest: %s %s: the upstream is still busy after %v", r.method, r.target, p.timeout)
		}
	default:
	}
	var timeout interface{ Timeout() bool }
	if errors.As(got.Err, &timeout) && timeout.Timeout() {
		p.t.Errorf("plugintest: %s %s: no whole answer in %v", r.method, r.target, p.timeout)
	}
	return got
}

// settle waits for the gateway's end of a stream, and notes what the access log says of it. Requests that are no HTTP
// have no stream.
func (p *Plugin) settle(conn *clientConn, got *Response) {
	const noStream = 2 * time.Second
	if e, ok := p.ends.wait(conn.LocalAddr().String(), min(noStream, p.timeout)); ok {
		got.Details, got.Flags = e.Details, e.Flags
	}
}

// requestID returns the x-request-id that r is sent with.
func (p *Plugin) requestID(r *Request) string {
	if id := r.get("x-request-id"); id != "" {
		return id
	}
	return fmt.Sprintf("request-%d", p.requests.Add(1))
}
