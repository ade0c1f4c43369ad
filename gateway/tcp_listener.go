package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"
)

// tcpServer accepts the connections of a listener that has a TCP proxy.
type tcpServer struct {
	l       *listener
	config  TCPProxy
	cluster *cluster

	mu     sync.Mutex
	conns  map[*tcpConnection]struct{}
	closed bool
	// ended tells that a connection has; its lock is mu.
	ended sync.Cond
}

// checkTCP checks the configuration of the listener's TCP proxy.
func (l *listener) checkTCP() error {
	if l.gateway.clusters[l.config.TCP.Cluster] == nil {
		return fmt.Errorf("listener %q: TCP proxy: unknown cluster %q", l.config.Name, l.config.TCP.Cluster)
	}
	return nil
}

// newTCPServer makes the listener's server of connections, with defaults filled in.
func newTCPServer(l *listener) *tcpServer {
	s := &tcpServer{l: l, config: *l.config.TCP, cluster: l.cluster(l.config.TCP.Cluster), conns: map[*tcpConnection]struct{}{}}
	s.ended.L = &s.mu
	if s.config.IdleTimeout == 0 {
		s.config.IdleTimeout = defaultConnectionIdle
	}
	if s.config.MaxConnectAttempts == 0 {
		s.config.MaxConnectAttempts = 1
	}
	return s
}

// serveTCP accepts connections in the background until shutdown or close.
func (l *listener) serveTCP(logger *slog.Logger) {
	l.tcp = newTCPServer(l)
	go func() {
		defer close(l.done)
		if err := l.tcp.accept(); !errors.Is(err, net.ErrClosed) {
			logger.Error("listener stopped", "listener", l.config.Name, "error", err)
		}
	}()
}

// The pause after a failed accept, which mostly means that there are too many open files: doubled each time, as
// net/http does.
const (
	minAcceptPause = 5 * time.Millisecond
	maxAcceptPause = time.Second
)

func (s *tcpServer) accept() error {
	pause := time.Duration(0)
	for {
		conn, err := s.l.socket.Accept()
		if err != nil {
			if ne := net.Error(nil); !errors.As(err, &ne) || errors.Is(err, net.ErrClosed) {
				return err
			}
			pause = min(max(2*pause, minAcceptPause), maxAcceptPause)
			time.Sleep(pause)
			continue
		}
		pause = 0
		s.begin(conn)
	}
}

// begin serves a connection in the background.
func (s *tcpServer) begin(conn net.Conn) {
	down, ok := conn.(tcpSocket)
	if !ok || !s.l.gateway.streams.begin() {
		_ = conn.Close()
		return
	}
	c := newTCPConnection(s, down)
	s.mu.Lock()
	s.conns[c] = struct{}{}
	closed := s.closed
	s.mu.Unlock()
	if closed {
		c.cutOff()
	}
	go func() {
		defer s.l.gateway.streams.end()
		c.serve()
		s.mu.Lock()
		delete(s.conns, c)
		s.ended.Broadcast()
		s.mu.Unlock()
	}()
}

// shutdown accepts no more connections and waits for those there are until ctx ends, whose error it answers if they did
// not end.
func (s *tcpServer) shutdown(ctx context.Context) error {
	_ = s.l.socket.Close()
	defer context.AfterFunc(ctx, func() {
		s.mu.Lock()
		s.ended.Broadcast()
		s.mu.Unlock()
	})()
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.conns) > 0 && ctx.Err() == nil {
		s.ended.Wait()
	}
	if len(s.conns) == 0 {
		return nil
	}
	return ctx.Err()
}

// close accepts no more connections and cuts off those there are. It does not wait for them.
func (s *tcpServer) close() {
	_ = s.l.socket.Close() // it may be closed already
	s.mu.Lock()
	s.closed = true
	conns := make([]*tcpConnection, 0, len(s.conns))
	for c := range s.conns {
		conns = append(conns, c)
	}
	s.mu.Unlock()
	for _, c := range conns {
		c.cutOff()
	}
}

// dial connects to a host of the cluster. It ends with ctx, the cluster, or the cluster's connect timeout. Its errors are
// for transportFailureReason.
func (c *cluster) dial(ctx context.Context, address string) (tcpSocket, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.ctx, cancel)()
	dialer := net.Dialer{Timeout: c.config.ConnectTimeout, KeepAlive: -1}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, &connectError{err}
	}
	return conn.(*net.TCPConn), nil
}
