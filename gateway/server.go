package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-gateway/sluice/pluginhost"
)

// Options is what a gateway needs besides its configuration.
type Options struct {
	// Logger is the gateway's own log; nil discards.
	Logger *slog.Logger
	// Plugins runs the plugins of the filter chains. It may be nil where there are none. The gateway closes the plugins
	// that it made, not the host.
	Plugins *pluginhost.Host
	// Resolver finds the addresses of DNS clusters; nil is the system's.
	Resolver interface {
		LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
	}
	// Stdout and Stderr take the access logs that go there; nil is the process's own.
	Stdout, Stderr io.Writer
	// Quit is called, once for each request, by POST /quitquitquit of the admin listener. Nil does nothing.
	Quit func()
}

// Gateway is a running configuration.
//
// Life: [New] checks the configuration and touches nothing outside; [Gateway.Start] opens logs, starts plugins, begins
// to resolve names and listens, or undoes all that and says why; [Gateway.Shutdown] or [Gateway.Close] ends it. A
// gateway is not started again. Once Start has returned, Addr and ReopenLogs may be called by any goroutine.
type Gateway struct {
	config    *Config
	logger    *slog.Logger
	plugins   *pluginhost.Host
	stdout    io.Writer
	stderr    io.Writer
	quit      func()
	clusters  map[string]*cluster
	listeners []*listener
	admin     *admin

	// serving is the context of every request; cutOff ends it, and with it the streams.
	serving context.Context
	cutOff  context.CancelFunc

	// replacing is held while a plugin is replaced.
	replacing sync.Mutex

	connections atomic.Uint64
	chunks      chunkPool
	clock       deadlineClock
	streams     streamCount
	started     bool
	closed      sync.Once
	closeErr    error
}

// closeGrace is how long streams that were cut off have to end before their plugins are closed under them.
const closeGrace = 5 * time.Second

// New makes a gateway of cfg, which must not be changed any more. Errors name the listener, cluster or route.
func New(cfg *Config, opts Options) (*Gateway, error) {
	g := &Gateway{config: cfg, logger: opts.Logger, plugins: opts.Plugins, quit: opts.Quit,
		stdout: opts.Stdout, stderr: opts.Stderr}
	if g.stdout == nil {
		g.stdout = os.Stdout
	}
	if g.stderr == nil {
		g.stderr = os.Stderr
	}
	if g.logger == nil {
		g.logger = slog.New(slog.DiscardHandler)
	}
	if len(cfg.Listeners) == 0 {
		return nil, errors.New("no listener configured")
	}
	var err error
	if g.clusters, err = newClusters(cfg.Clusters, clusterDeps{opts.Resolver, g.logger}); err != nil {
		return nil, err
	}
	names := map[string]bool{}
	for _, lc := range cfg.Listeners {
		if names[lc.Name] {
			return nil, fmt.Errorf("listener %q: there are two of this name", lc.Name)
		}
		names[lc.Name] = true
		l, err := newListener(lc, g)
		if err != nil {
			return nil, err
		}
		for _, f := range lc.filters() {
			if f.Wasm == nil {
				return nil, fmt.Errorf("listener %q: filter %q: no plugin configured", lc.Name, f.Name)
			}
			if g.plugins == nil {
				return nil, fmt.Errorf("listener %q: filter %q: no plugin host to run it", lc.Name, f.Name)
			}
		}
		g.listeners = append(g.listeners, l)
	}
	if cfg.AdminAddress != "" {
		g.admin = newAdmin(cfg.AdminAddress, g)
	}
	return g, nil
}

// Start makes the gateway serve. It returns when all listeners accept connections; ctx bounds only the starting. On an
// error nothing is left running.
func (g *Gateway) Start(ctx context.Context) error {
	if g.started {
		return errors.New("gateway was started before")
	}
	g.started = true
	if err := g.start(ctx); err != nil {
		_ = g.Close()
		return err
	}
	return nil
}

func (g *Gateway) start(ctx context.Context) error {
	g.clock.run()
	g.serving, g.cutOff = context.WithCancel(context.WithoutCancel(ctx))
	for _, l := range g.listeners {
		for _, a := range l.logs {
			if err := a.open(); err != nil {
				return fmt.Errorf("listener %q: %w", l.config.Name, err)
			}
		}
		// Before the plugins, which take longer to start.
		if err := l.listen(ctx); err != nil {
			return err
		}
	}
	if g.admin != nil {
		if err := g.admin.listen(ctx); err != nil {
			return err
		}
	}
	for _, c := range g.clusters {
		c.start()
	}
	for _, l := range g.listeners {
		var chain []*pluginhost.Plugin
		for _, f := range l.config.filters() {
			cfg := *f.Wasm
			cfg.Upstreams = callable(g.clusters)
			cfg.AppendProperty = l.rootProperty
			p, err := g.plugins.NewPlugin(ctx, cfg)
			if err != nil {
				return fmt.Errorf("listener %q: filter %q: %w", l.config.Name, f.Name, err)
			}
			chain = append(chain, p)
			l.plugins.Store(&chain) // what was started is closed, whatever fails next
		}
	}
	for _, l := range g.listeners {
		l.serve(g.logger)
	}
	if g.admin != nil {
		g.admin.serve()
	}
	return nil
}

// Addr returns the address that a listener is bound to, nil before Start and for an unknown name.
func (g *Gateway) Addr(listener string) net.Addr {
	for _, l := range g.listeners {
		if l.config.Name == listener && l.socket != nil {
			return l.socket.Addr()
		}
	}
	return nil
}

// AdminAddr returns the address that the admin listener is bound to, nil if there is none.
func (g *Gateway) AdminAddr() net.Addr {
	if g.admin == nil || g.admin.socket == nil {
		return nil
	}
	return g.admin.socket.Addr()
}

// ReopenLogs opens the access log files anew, for log rotation.
func (g *Gateway) ReopenLogs() error {
	var errs []error
	for _, l := range g.listeners {
		for _, a := range l.logs {
			errs = append(errs, a.reopen())
		}
	}
	return errors.Join(errs...)
}

// Shutdown drains the gateway: it accepts no more connections, has idle ones closed, waits for the streams there are
// (and for TCP connections, of which none counts as idle) until ctx ends, then cuts off what is left and closes
// everything. It answers ctx's error if streams were cut off.
func (g *Gateway) Shutdown(ctx context.Context) error {
	if g.admin != nil {
		g.admin.draining.Store(true)
	}
	var wg sync.WaitGroup
	errs := make([]error, len(g.listeners))
	for i, l := range g.listeners {
		switch {
		case l.tcp != nil:
			wg.Go(func() { errs[i] = l.tcp.shutdown(ctx) })
		case l.server != nil:
			wg.Go(func() { errs[i] = l.server.Shutdown(ctx) })
		}
	}
	wg.Wait()
	return errors.Join(errors.Join(errs...), g.Close())
}

// Close ends the gateway at once: streams are cut off. Calls after the first do nothing and answer the same.
func (g *Gateway) Close() error {
	g.closed.Do(func() { g.closeErr = g.close() })
	return g.closeErr
}

func (g *Gateway) close() error {
	var errs []error
	if g.cutOff != nil {
		g.cutOff()
	}
	for _, l := range g.listeners {
		switch {
		case l.tcp != nil:
			l.tcp.close()
			<-l.done
		case l.server != nil:
			_ = l.server.Close() // closes the socket, which is what it may complain about after Shutdown
			<-l.done
		case l.socket != nil:
			errs = append(errs, l.socket.Close())
		}
	}
	if !g.streams.close(closeGrace) {
		errs = append(errs, errors.New("streams did not end; their plugins are closed all the same"))
	}
	g.clock.end()
	ctx, cancel := context.WithTimeout(context.Background(), closeGrace)
	defer cancel()
	for _, l := range g.listeners {
		for _, p := range l.chain() {
			errs = append(errs, p.Close(ctx))
		}
	}
	for _, c := range g.clusters {
		c.close()
	}
	for _, l := range g.listeners {
		for _, a := range l.logs {
			errs = append(errs, a.close())
		}
	}
	if g.admin != nil {
		g.admin.close()
	}
	return errors.Join(errs...)
}

// streamCount counts the streams of a gateway, so that it can wait for them.
type streamCount struct {
	// active is the number of streams, less countClosed once no more may begin.
	active atomic.Int64
	ended  chan struct{} // closed when the last stream has ended after close
	once   sync.Once     // a stream that is refused may be the last, again
}

// countClosed is more than there can be streams.
const countClosed = 1 << 40

// count has next's requests counted, and refused once the count is closed.
func (c *streamCount) count(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !c.begin() {
			panic(http.ErrAbortHandler)
		}
		defer c.end()
		next(w, r)
	})
}

// begin counts a stream that begins; false if none may begin any more.
func (c *streamCount) begin() bool {
	if c.active.Add(1) > 0 {
		return true
	}
	c.end()
	return false
}

// end counts a stream out.
func (c *streamCount) end() {
	if c.active.Add(-1) == -countClosed {
		c.once.Do(func() { close(c.ended) })
	}
}

// close lets no more streams begin and waits for those there are; false if they did not end in time. It is called once.
func (c *streamCount) close(limit time.Duration) bool {
	c.ended = make(chan struct{})
	if c.active.Add(-countClosed) == -countClosed {
		return true
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-c.ended:
		return true
	case <-timer.C:
		return false
	}
}
