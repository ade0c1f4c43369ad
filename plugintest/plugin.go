package plugintest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
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
	t testing.TB
	*instance
}

// instance is what the views of a plugin share.
type instance struct {
	timeout time.Duration
	// address is where the gateway listens.
	address  string
	upstream *upstream
	handler  http.Handler
	logs     *logs
	ends     *ends
	watch    *watch
	callouts *callouts
	redis    *redisServers
	misuse   bool
	mode     Mode
	host     *pluginhost.Host
	gateway  *gateway.Gateway
	// config is what the plugin runs with now.
	config   pluginhost.Config
	clock    *fakeClock // nil for the real one
	workers  int
	worker   atomic.Int64 // that serves new requests, -1 for each in turn
	turn     atomic.Uint64
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
		upstream: http.HandlerFunc(echo), node: gateway.Node{ID: "plugintest", Cluster: "plugintest"}}
	o.plugin.Name = t.Name()
	o.plugin.LogLevel = abi.LogTrace
	for _, opt := range opts {
		opt(&o)
	}
	if err := errors.Join(o.errs...); err != nil {
		return nil, err
	}
	p := &Plugin{t: t, instance: &instance{timeout: o.timeout, handler: o.upstream, upstream: &upstream{}, logs: &logs{},
		ends: &ends{}, watch: newWatch(), callouts: newCallouts(),
		redis: &redisServers{waiting: make(chan *RedisCall), over: make(chan struct{})}, misuse: o.misuse, mode: mode,
		clock: o.clock, workers: max(o.workers, 1)}}
	p.worker.Store(-1)
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
	hostOptions := pluginhost.Options{Workers: o.workers, Logger: slog.New(&logHandler{to: p.logs}),
		Observer: p.watch, PickWorker: p.pickWorker}
	if p.clock != nil {
		hostOptions.Clock = p.clock
	}
	switch mode {
	case Native:
		if err := o.nativeRefuses(); err != nil {
			return err
		}
		nativeSlot.take(p.t)
		p.onClose(func(context.Context) error { nativeSlot.free(); return nil })
		o.plugin.Native = proxywasm.NewPlugin
	case Wasm:
		m, err := compile(o.source)
		if err != nil {
			return err
		}
		o.plugin.Module, o.plugin.CodeSource = m, o.source
	}

	address := p.serveHTTP(p.upstream)
	clusters, err := p.startBackends(&o)
	if err != nil {
		return err
	}
	p.onClose(func(context.Context) error { close(p.callouts.over); close(p.redis.over); return nil })

	host := pluginhost.New(hostOptions)
	p.host = host
	p.onClose(func(ctx context.Context) error { return within(ctx, func() error { return host.Close(ctx) }) })
	g, err := gateway.New(p.gatewayConfig(o, address, clusters), gateway.Options{
		Logger: hostOptions.Logger, Plugins: host, Stdout: p.ends,
	})
	if err != nil {
		return err
	}
	if err := g.Start(context.Background()); err != nil {
		return err
	}
	p.onClose(func(ctx context.Context) error { return within(ctx, g.Close) })
	p.gateway, p.config = g, o.plugin
	p.address = g.Addr(listenerName).String()
	return nil
}

const listenerName = "plugintest"

// gatewayConfig is a gateway with the plugin between one listener and one cluster.
func (p *Plugin) gatewayConfig(o options, upstream string, backends []gateway.Cluster) *gateway.Config {
	l := o.listener
	l.Name, l.Address = listenerName, "127.0.0.1:0"
	l.HTTP.GenerateRequestID = true
	l.HTTP.Filters = []gateway.Filter{{Name: o.plugin.Name, Wasm: &o.plugin}}
	l.HTTP.AccessLogs = []gateway.AccessLog{p.ends.accessLog()}
	l.HTTP.Routes = gateway.RouteConfiguration{Name: "plugintest", VirtualHosts: []gateway.VirtualHost{{
		Name: "plugintest", Domains: []string{"*"}, Routes: append(o.routes, gateway.Route{
			Name: o.route, Match: gateway.RouteMatch{Prefix: "/"}, Cluster: o.cluster, Metadata: o.routeMetadata,
		}),
	}}}
	return &gateway.Config{
		Node:      o.node,
		Listeners: []gateway.Listener{l},
		Clusters: append(backends, gateway.Cluster{
			Name: o.cluster, Metadata: o.clusterMetadata, Type: gateway.ClusterStatic, ConnectTimeout: o.timeout,
			Endpoints: []gateway.Endpoint{{Address: upstream, Weight: 1}}, EnableTrailers: l.HTTP.EnableTrailers,
		}),
	}
}

func (p *Plugin) onClose(f func(context.Context) error) { p.closers = append(p.closers, f) }

// Close ends the plugin: its streams, its gateway, its upstream. [Start] sees to it, unless the test wants it earlier.
func (p *Plugin) Close() {
	p.t.Helper()
	if err := p.close(); err != nil {
		p.t.Errorf("plugintest: closing: %v", err)
	}
	p.reportMistakes(p.watch.takeMistakes())
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
	c, err := dial(p.address, r, p.timeout)
	if err != nil {
		return &Response{Err: err, Worker: -1}
	}
	defer c.close()
	x := newExchange(p.requestID(r))
	x.serve = serveWith(p.handler)
	p.upstream.expect(x)
	defer p.upstream.forget(x)
	p.ends.watch(c.address())
	p.watch.expect(c.address())
	c.deadline(time.Now().Add(p.timeout))
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_ = send(c, r, x.id) // an answer may come all the same; where none does, reading says why
	}()
	got, last := receive(c, r.method)
	select {
	case <-sent:
		if !last {
			c.settled()
		}
	default:
	}
	c.close()
	<-sent
	got.request = r
	tr := p.settle(c.address(), got)
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
	if isTimeout(got.Err) {
		p.t.Errorf("plugintest: %s %s: no whole answer in %v%s", r.method, r.target, p.timeout, tr.explain())
	}
	return got
}

// settle waits for the gateway's end of a stream, and notes what the access log says of it. Requests that are no HTTP
// have no stream.
func (p *Plugin) settle(client string, got *Response) *trace {
	p.t.Helper()
	const noStream = 2 * time.Second
	if e, ok := p.ends.wait(client, min(noStream, p.timeout)); ok {
		got.Details, got.Flags = e.Details, e.Flags
	}
	tr := p.watch.take(client)
	got.Worker, got.Callbacks, got.LocalReply, got.properties = tr.worker, tr.callbacks, tr.reply, tr.properties
	p.reportMistakes(append(tr.mistakes, p.watch.takeMistakes()...))
	return tr
}

// reportMistakes fails the test.
func (p *Plugin) reportMistakes(mistakes []string) {
	p.t.Helper()
	for _, m := range mistakes {
		if p.misuse {
			p.logs.add(Log{Level: slog.LevelWarn, Message: m})
			continue
		}
		p.t.Errorf("plugintest: %s (if it is meant: option AllowMisuse)", m)
	}
}

// recent says what callbacks the plugin had last.
func (p *Plugin) recent() string {
	const most = 10
	all := p.watch.all()
	if len(all) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("; its last callbacks:")
	for _, c := range all[max(0, len(all)-most):] {
		b.WriteString("\n    " + c.String())
	}
	return b.String()
}

// For returns the plugin for another test to use, a subtest or a call of a fuzz target: failures are that one's, with what
// was logged meanwhile. The plugin still ends with the test that started it.
func (p *Plugin) For(t testing.TB) *Plugin {
	from := p.logs.count()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("plugintest: the plugin and its host logged meanwhile:\n%s", p.logs.since(from))
		}
	})
	return &Plugin{t: t, instance: p.instance}
}

// requestID returns the x-request-id that r is sent with.
func (p *Plugin) requestID(r *Request) string {
	if id := r.get("x-request-id"); id != "" {
		return id
	}
	return fmt.Sprintf("request-%d", p.requests.Add(1))
}
