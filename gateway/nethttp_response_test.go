package gateway

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/message"
)

// What filters see was observed with Envoy 1.40.
func TestResponseHeaders(t *testing.T) {
	for _, c := range []struct{ name, method, raw, want string }{
		{"plain", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Multi: a\r\nX-multi: b\r\nConnection: x-hop\r\nX-Hop: 1\r\n" +
			"Keep-Alive: timeout=5\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nServer: up\r\n\r\nok",
			"[:status=200][connection=x-hop][content-length=2][server=up][set-cookie=a][set-cookie=b][x-hop=1][x-multi=a][x-multi=b]"},
		{"chunked", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n0\r\n\r\n",
			"[:status=200][transfer-encoding=chunked][trailer=x-t]"},
		{"until the end", "GET", "HTTP/1.1 200 OK\r\n\r\nok", "[:status=200]"},
		{"304", "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 55\r\n\r\n", "[:status=304][content-length=55]"},
		{"204", "GET", "HTTP/1.1 204 No\r\nContent-Length: 0\r\n\r\n", "[:status=204]"},
		{"head", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n", "[:status=200][content-length=77]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(c.raw)), &http.Request{Method: c.method})
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			var h message.Headers
			responseHeaders(&h, resp)
			if got := show(&h); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestFinalizeResponseHeaders(t *testing.T) {
	now := time.Date(2026, 11, 22, 21, 0, 0, 0, time.FixedZone("", 3600))
	const date = "[date=Sun, 22 Nov 2026 20:00:00 GMT]"
	for _, c := range []struct {
		name string
		h    *message.Headers
		cfg  HTTPConnectionManager
		want string
	}{
		{"nothing there", message.NewHeaders(":status", "200"), HTTPConnectionManager{}, "[:status=200]" + date + "[server=envoy]"},
		{"hop by hop", message.NewHeaders("connection", "x-hop", "x-hop", "1", "proxy-connection", "x", "te", "x", "upgrade", "h2c",
			"transfer-encoding", "chunked", "keep-alive", "x"), HTTPConnectionManager{}, "[x-hop=1][te=x]" + date + "[server=envoy]"},
		{"the upstream's date and server", message.NewHeaders("date", "x", "server", "up"), HTTPConnectionManager{}, "[date=x][server=envoy]"},
		{"a name of our own", message.NewHeaders("date", "x"), HTTPConnectionManager{ServerName: "s"}, "[date=x][server=s]"},
		{"if absent, there", message.NewHeaders("server", "up", "date", "x"), HTTPConnectionManager{ServerHeaderIfAbsent: true}, "[server=up][date=x]"},
		{"if absent, not there", message.NewHeaders("date", "x"), HTTPConnectionManager{ServerHeaderIfAbsent: true}, "[date=x][server=envoy]"},
		{"pass through", message.NewHeaders("date", "x"), HTTPConnectionManager{ServerHeaderPassThrough: true}, "[date=x]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			finalizeResponseHeaders(c.h, &c.cfg, now)
			if got := show(c.h); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// sent returns the head that a client of HTTP/1 reads where h is sent, without the status line's text.
func sent(t *testing.T, h *message.Headers, body string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(applyResponseHeaders(w, h))
		_, _ = io.WriteString(w, body)
	}))
	defer s.Close()
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	all, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	return string(all)
}

func TestApplyResponseHeaders(t *testing.T) {
	const date = "date: x\r\n"
	with := func(status string, more ...string) *message.Headers {
		return message.NewHeaders(append([]string{":status", status, "date", "x"}, more...)...)
	}
	for _, c := range []struct {
		name string
		h    *message.Headers
		body string
		want string
	}{
		{"names in lower case, nothing added", with("200", "content-length", "2", "x-a", "1", "server", "s", "x-a", "2"), "ok",
			"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + date + "server: s\r\nx-a: 1\r\nx-a: 2\r\nConnection: close\r\n\r\nok"},
		{"content type", with("200", "content-type", "text/x", "content-length", "6"), "<html>",
			"HTTP/1.1 200 OK\r\nContent-Length: 6\r\ncontent-type: text/x\r\n" + date + "Connection: close\r\n\r\n<html>"},
		{"304 keeps its length", with("304", "content-length", "55"), "",
			"HTTP/1.1 304 Not Modified\r\ncontent-length: 55\r\n" + date + "Connection: close\r\n\r\n"},
		{"no status", with("abc"), "", "HTTP/1.1 502 Bad Gateway\r\n" + date + "Content-Length: 0\r\nConnection: close\r\n\r\n"},
		{"a status that is not final", with("103"), "", "HTTP/1.1 502 Bad Gateway\r\n" + date + "Content-Length: 0\r\nConnection: close\r\n\r\n"},
		// Envoy 1.40 writes these as they are.
		{"what cannot be sent is left out", with("200", "x-bad", "a\r\nx-inj: 1", "x bad", "a", "content-length", "zz", "", "a", "trailer:x", "b"), "",
			"HTTP/1.1 200 OK\r\n" + date + "Content-Length: 0\r\nConnection: close\r\n\r\n"},
		{"hop by hop", with("200", "transfer-encoding", "gzip", "keep-alive", "x", "upgrade", "x", "content-length", "0"), "",
			"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" + date + "Connection: close\r\n\r\n"},
		{"two lengths", with("200", "content-length", "2", "content-length", "3"), "ok",
			"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + date + "Connection: close\r\n\r\nok"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := sent(t, c.h, c.body); got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}
