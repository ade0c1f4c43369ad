// Package redistest starts Redis servers for tests.
package redistest

import (
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Server is a redis-server of a test.
type Server struct {
	// Addr is where it listens, on the loopback interface.
	Addr string

	args []string
	cmd  *exec.Cmd
}

// Start starts a redis-server, with further command line options, and stops it when the test ends. Without a redis-server
// on the path the test is skipped, or has failed if SLUICE_REQUIRE names redis.
func Start(t testing.TB, options ...string) *Server {
	t.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		if slices.Contains(strings.Split(os.Getenv("SLUICE_REQUIRE"), ","), "redis") {
			t.Fatal("SLUICE_REQUIRE names redis, and there is no redis-server on the path")
		}
		t.Skip("no redis-server on the path (SLUICE_REQUIRE=redis makes this a failure)")
	}
	port := freePort(t)
	s := &Server{
		Addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)),
		args: append([]string{
			program, "--bind", "127.0.0.1", "--port", strconv.Itoa(port), "--dir", t.TempDir(), "--save", "",
			"--appendonly", "no", "--loglevel", "warning", "--logfile", "",
		}, options...),
	}
	s.Restart(t)
	t.Cleanup(s.Stop)
	return s
}

// freePort returns a port that is free, with the port that a cluster's bus would have, 10000 above it.
func freePort(t testing.TB) int {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		_ = l.Close()
		if port > 55000 {
			continue
		}
		bus, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port+10000)))
		if err == nil {
			_ = bus.Close()
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}

// Restart starts a server that was stopped, at the same address, and returns when it answers.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	var out strings.Builder
	s.cmd = exec.Command(s.args[0], s.args[1:]...)
	s.cmd.Stdout, s.cmd.Stderr = &out, &out
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for range 500 {
		if conn, err := net.Dial("tcp", s.Addr); err == nil {
			_ = conn.Close()
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.Stop()
	t.Fatalf("redis-server does not answer at %s: %s", s.Addr, out.String())
}

// Stop kills the server, and returns when it is gone.
func (s *Server) Stop() {
	if s.cmd != nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		s.cmd = nil
	}
}
