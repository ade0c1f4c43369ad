package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/sluice-gateway/sluice/pluginhost"
)

// The defaults of a listener, as in Envoy.
const (
	defaultBufferLimit          = 1 << 20
	defaultConnectionIdle       = time.Hour
	defaultMaxRequestHeadersKiB = 60
)

// listener serves one address: an HTTP server, a chain of plugins, a route table and access logs.
type listener struct {
	config  Listener
	gateway *Gateway
	plugins atomic.Pointer[[]*pluginhost.Plugin] // see chain
	routes  *routeTable
	logs    []*accessLogger

	// server serves HTTP; a listener of connections has tcp instead.
	server *http.Server
	// fresh has the connections on which no request has begun.
	fresh  sync.Map
	tcp    *tcpServer
	socket net.Listener
	done   chan struct{} // closed when the server has stopped serving
}

// newListener makes a listener that does not listen yet. Its plugins are added by the gateway.
func newListener(cfg Listener, g *Gateway) (*listener, error) {
	if cfg.BufferLimit == 0 {
		cfg.BufferLimit = defaultBufferLimit
	}
	l := &listener{config: cfg, gateway: g, done: make(chan struct{})}
	if cfg.TCP != nil {
		return l, l.checkTCP()
	}
	var err error
	if l.routes, err = newRouteTable(cfg.HTTP.Routes); err != nil {
		return nil, fmt.Errorf("listener %q: route configuration %q: %w", cfg.Name, cfg.HTTP.Routes.Name, err)
	}
	for _, vh := range cfg.HTTP.Routes.VirtualHosts {
		for i, r := range vh.Routes {
			if r.DirectResponse == nil && g.clusters[r.Cluster] == nil {
				return nil, fmt.Errorf("listener %q: virtual host %q: route %d: unknown cluster %q", cfg.Name, vh.Name, i, r.Cluster)
			}
		}
	}
	for i, a := range cfg.HTTP.AccessLogs {
		logger, err := newAccessLogger(a, g)
		if err != nil {
			return nil, fmt.Errorf("listener %q: access log %d: %w", cfg.Name, i, err)
		}
		l.logs = append(l.logs, logger)
	}
	return l, nil
}

// newServer makes the HTTP server. HTTP/1.1 and HTTP/2 with prior knowledge share the port.
func (l *listener) newServer(logger *slog.Logger) *http.Server {
	hcm := &l.config.HTTP
	kib := hcm.MaxRequestHeadersKiB
	if kib == 0 {
		kib = defaultMaxRequestHeadersKiB
	}
	idle := hcm.IdleTimeout
	if idle == 0 {
		idle = defaultConnectionIdle
	}
	s := &http.Server{
		Handler:           l.gateway.streams.count(l.serveHTTP),
		ReadHeaderTimeout: hcm.RequestHeadersTimeout,
		ReadTimeout:       hcm.RequestTimeout,
		IdleTimeout:       idle,
		// net/http lets through 4 KiB more than it is told.
		MaxHeaderBytes:               max(int(kib)<<10-4096, 1),
		DisableGeneralOptionsHandler: true,
		Protocols:                    new(http.Protocols),
		ErrorLog:                     slog.NewLogLogger(serverLog{logger.Handler()}, slog.LevelDebug),
		BaseContext:                  func(net.Listener) context.Context { return l.gateway.serving },
		ConnContext: func(ctx context.Context, _ net.Conn) context.Context {
			return context.WithValue(ctx, connectionKey{}, l.gateway.connections.Add(1))
		},
	}
	if idle > 0 && s.ReadHeaderTimeout == 0 && s.ReadTimeout == 0 {
		// net/http's idle timeout begins with the first request's end. A connection on which none comes must not stay for
		// ever either.
		number := s.ConnContext
		s.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
			l.fresh.Store(c, true)
			_ = c.SetReadDeadline(time.Now().Add(idle))
			return number(ctx, c)
		}
		s.ConnState = func(c net.Conn, state http.ConnState) {
			switch state {
			case http.StateActive: // with the first request only: a deadline costs a tenth of what a request does
				if _, fresh := l.fresh.LoadAndDelete(c); fresh {
					_ = c.SetReadDeadline(time.Time{})
				}
			case http.StateClosed, http.StateHijacked:
				l.fresh.Delete(c)
			}
		}
	}
	s.Protocols.SetHTTP1(true)
	s.Protocols.SetUnencryptedHTTP2(true)
	return s
}

// serverLog is a log handler for net/http's server, whose lines are about what clients did: nothing an operator must
// act on, so they are written at debug level, but for a panic, which is a bug of the gateway.
type serverLog struct{ slog.Handler }

func (h serverLog) Enabled(ctx context.Context, _ slog.Level) bool {
	return h.Handler.Enabled(ctx, slog.LevelError)
}

func (h serverLog) Handle(ctx context.Context, r slog.Record) error {
	r.Message = strings.TrimPrefix(strings.TrimSpace(r.Message), "http: ")
	if strings.HasPrefix(r.Message, "panic serving") {
		r.Level = slog.LevelError
	}
	if !h.Handler.Enabled(ctx, r.Level) {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}

// connectionKey finds a connection's number in a request's context.
type connectionKey struct{}

// connectionID returns the number of the connection that a request came on, 0 if there is none. Numbers are unique
// within a gateway.
func connectionID(ctx context.Context) uint64 {
	id, _ := ctx.Value(connectionKey{}).(uint64)
	return id
}

// listen binds the address.
func (l *listener) listen(ctx context.Context) error {
	var lc net.ListenConfig
	socket, err := lc.Listen(ctx, network(l.config.Address), l.config.Address)
	if err != nil {
		return listenError(fmt.Sprintf("listener %q", l.config.Name), l.config.Address, "--listen", err)
	}
	l.socket = socket
	return nil
}

// network is what to listen with on address: an address of one IP version takes connections of that version only, as in
// Envoy, where net would bind 0.0.0.0 for both.
func network(address string) string {
	ap, err := netip.ParseAddrPort(address)
	switch {
	case err != nil:
		return "tcp"
	case ap.Addr().Is4():
		return "tcp4"
	}
	return "tcp6"
}

// listenError says what to do about an address that cannot be listened on.
func listenError(what, address, flag string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%s: address %s is in use; choose another with %s or stop the process that holds it: %w",
			what, address, flag, err)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("%s: no permission to listen on %s; choose a port above 1023 with %s: %w", what, address, flag, err)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("%s: %s is not an address of this machine; choose another with %s: %w", what, address, flag, err)
	}
	return fmt.Errorf("%s: cannot listen on %s: %w", what, address, err)
}

// serve accepts connections in the background until shutdown or close.
func (l *listener) serve(logger *slog.Logger) {
	if l.config.TCP != nil {
		l.serveTCP(logger)
		return
	}
	l.server = l.newServer(logger)
	go func() {
		defer close(l.done)
		if err := l.server.Serve(l.socket); !errors.Is(err, http.ErrServerClosed) {
			logger.Error("listener stopped", "listener", l.config.Name, "error", err)
		}
	}()
}

// pickWorker chooses the plugin worker of a new stream.
func (l *listener) pickWorker() int { return l.gateway.plugins.PickWorker() }

// cluster returns the cluster of that name, nil if there is none.
func (l *listener) cluster(name string) *cluster { return l.gateway.clusters[name] }

// trailers reports whether trailers of a message with this client pass: always on HTTP/2, on HTTP/1 where enabled.
func (l *listener) trailers(r *http.Request) bool {
	return r.ProtoMajor >= 2 || l.config.HTTP.EnableTrailers
}
