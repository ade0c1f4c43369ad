package gateway

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

// fullBacklog returns an address that takes no more connections: SYNs go unanswered.
func fullBacklog(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	sa, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("127.0.0.1:%d", sa.(*syscall.SockaddrInet4).Port)
	for range 4 {
		d := net.Dialer{Timeout: 50 * time.Millisecond}
		if c, err := d.Dial("tcp", address); err == nil {
			t.Cleanup(func() { c.Close() })
		}
	}
	return address
}

// rawUpstream answers each connection, once it has read a request's head, with answer; reset closes it by RST.
func rawUpstream(t *testing.T, answer string, reset bool) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.SetDeadline(time.Now().Add(5 * time.Second))
			br := bufio.NewReader(c)
			for {
				if line, err := br.ReadString('\n'); err != nil || line == "\r\n" {
					break
				}
			}
			_, _ = io.WriteString(c, answer)
			if reset {
				_ = c.(*net.TCPConn).SetLinger(0)
			}
			c.Close()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return l.Addr().String()
}

// The answers were observed with Envoy 1.40 and upstreams that fail in the same ways.
func TestUpstreamFailure(t *testing.T) {
	const reset = "upstream connect error or disconnect/reset before headers. reset reason: "
	const before = "upstream_reset_before_response_started"
	protocol := [4]string{"502", "UPE", before + "{protocol_error}", reset + "protocol error"}
	terminated := [4]string{"503", "UC", before + "{connection_termination}", reset + "connection termination"}
	for _, c := range []struct {
		name    string
		address func(t *testing.T) string
		http2   bool
		want    [4]string
	}{
		{"refused", func(*testing.T) string { return closedAddress() }, false, [4]string{"503", "UF",
			before + "{remote_connection_failure|delayed_connect_error:_Connection_refused}", reset + "remote connection failure"}},
		{"connect timeout", fullBacklog, false, [4]string{"503", "UF", before + "{connection_timeout}", reset + "connection timeout"}},
		{"closed before a response", answers(""), false, terminated},
		{"reset before a response", resets(""), false, terminated},
		{"malformed", answers("BLAH BLAH\r\n\r\n"), false, protocol},
		{"closed within the head", answers("HTTP/1.1 200 OK\r\nContent-Le"), false, protocol},
		{"oversize head", answers("HTTP/1.1 200 OK\r\nx-big: " + strings.Repeat("a", 100_000) + "\r\n\r\n"), false, protocol},
		{"bad length", answers("HTTP/1.1 200 OK\r\nContent-Length: abc\r\n\r\nhello"), false, protocol},
		{"bad name", answers("HTTP/1.1 200 OK\r\nbad header: x\r\nContent-Length: 0\r\n\r\n"), false, protocol},
		{"control character", answers("HTTP/1.1 200 OK\r\nx: a\x01b\r\nContent-Length: 0\r\n\r\n"), false, protocol},
		{"upgrade nobody asked for", answers("HTTP/1.1 101 x\r\n\r\n"), false, protocol},
		{"HTTP/1 to HTTP/2", answers("HTTP/1.1 400 x\r\n\r\n"), true, protocol},
		{"HTTP/2 closed", answers(""), true, terminated},
	} {
		t.Run(c.name, func(t *testing.T) {
			cl := mustCluster(t, Cluster{ConnectTimeout: 100 * time.Millisecond, HTTP2: c.http2}, nil)
			resp, err := get(t, cl, c.address(t))
			if err == nil {
				t.Fatalf("got %s", resp.Status)
			}
			status, flag, details, body := upstreamFailure(err)
			if got := [4]string{fmt.Sprint(status), flag, details, body}; got != c.want {
				if c.name == "HTTP/1 to HTTP/2" && got == terminated {
					return // net/http saw the connection's end before it had opened the stream, and does not say what came before
				}
				t.Errorf("%v\ngot  %q\nwant %q", err, got, c.want)
			}
		})
	}
}

func answers(s string) func(*testing.T) string {
	return func(t *testing.T) string { return rawUpstream(t, s, false) }
}

func resets(s string) func(*testing.T) string {
	return func(t *testing.T) string { return rawUpstream(t, s, true) }
}

func TestUpstreamFailureOfTheGatewayItself(t *testing.T) {
	timedOut, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	for _, c := range []struct {
		name string
		err  error
		want string
	}{
		{"no route", errNoRoute, "404 NR route_not_found "},
		{"no cluster", errClusterNotFound, "503 NC cluster_not_found "},
		{"no host", fmt.Errorf("x: %w", errNoHealthyHost), "503 UH no_healthy_upstream no healthy upstream"},
		{"route timeout", errRouteTimeout, "504 UT response_timeout upstream request timeout"},
		{"deadline", timedOut.Err(), "504 UT response_timeout upstream request timeout"},
		{"client gone", context.Canceled, "0 DC downstream_remote_disconnect "},
		{"bad header", &headerError{"invalid header name: x y"},
			"503 DPE filter_removed_required_request_headers{invalid_header_name:_x_y} invalid header name: x y"},
		{"HTTP/2 reset", http2StreamError{Code: 2, Cause: errors.New("received from peer")}, "503 UR upstream_reset_before_response_started{remote_reset} " + resetBody + "remote reset"},
		{"HTTP/2 refused", http2StreamError{Code: 7, Cause: errors.New("received from peer")},
			"503 UR upstream_reset_before_response_started{remote_refused_stream_reset} " + resetBody + "remote refused stream reset"},
		{"HTTP/2 protocol error", http2StreamError{Code: 1, Cause: errTest},
			"502 UPE upstream_reset_before_response_started{protocol_error} " + resetBody + "protocol error"},
		{"unknown", errTest, "502 UPE upstream_reset_before_response_started{protocol_error} " + resetBody + "protocol error"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, flag, details, body := upstreamFailure(c.err)
			if got := fmt.Sprintf("%d %s %s %s", status, flag, details, body); got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestUpstreamBodyFailure(t *testing.T) {
	for _, c := range []struct {
		name    string
		address string
		want    string
	}{
		{"closed early", rawUpstream(t, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello", false),
			"UPE upstream_reset_after_response_started{protocol_error}"},
		{"bad chunk", rawUpstream(t, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nzz\r\n", false),
			"UPE upstream_reset_after_response_started{protocol_error}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cl := mustCluster(t, Cluster{}, nil)
			resp, err := get(t, cl, c.address)
			if err != nil {
				t.Fatal(err)
			}
			if _, err = io.ReadAll(resp.Body); err == nil {
				t.Fatal("no error")
			}
			flag, details := upstreamBodyFailure(err)
			if got := flag + " " + details; got != c.want {
				t.Errorf("%v: got %q, want %q", err, got, c.want)
			}
		})
	}
	for err, want := range map[error]string{
		errRouteTimeout:    "UT response_timeout",
		context.Canceled:   "DC downstream_remote_disconnect",
		syscall.ECONNRESET: "UC upstream_reset_after_response_started{connection_termination}",
	} {
		if flag, details := upstreamBodyFailure(err); flag+" "+details != want {
			t.Errorf("%v: got %s %s, want %s", err, flag, details, want)
		}
	}
}

func TestHTTP2ResetIsRecognised(t *testing.T) {
	s := http2Server(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	_, err := get(t, mustCluster(t, Cluster{HTTP2: true}, nil), s)
	if err == nil {
		t.Fatal("no error")
	}
	if status, flag, details, _ := upstreamFailure(err); status != 503 || flag != "UR" || !strings.Contains(details, "remote_reset") {
		t.Errorf("%v: got %d %s %s", err, status, flag, details)
	}
}

func http2Server(t *testing.T, h http.Handler) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: h, Protocols: new(http.Protocols)}
	s.Protocols.SetUnencryptedHTTP2(true)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(l)
	}()
	t.Cleanup(func() {
		_ = s.Close()
		<-done
	})
	return l.Addr().String()
}

func TestTransportFailureReason(t *testing.T) {
	_, err := get(t, mustCluster(t, Cluster{}, nil), closedAddress())
	if got := transportFailureReason(err); got != "delayed connect error: Connection refused" {
		t.Errorf("got %q", got)
	}
	_, _, details, _ := upstreamFailure(err)
	if got := transportFailureOf(details); got != "delayed_connect_error:_Connection_refused" {
		t.Errorf("out of details: %q", got)
	}
	if got := transportFailureReason(errTest); got != "" {
		t.Errorf("got %q", got)
	}
	if got := transportFailureOf("via_upstream"); got != "" {
		t.Errorf("got %q", got)
	}
}
