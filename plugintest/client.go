package plugintest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// clientConn is the client's end of one connection to the gateway. It speaks HTTP/1.1 by itself rather than by net/http,
// because what is sent, and when, is the test's to say.
type clientConn struct {
	net.Conn
	r *bufio.Reader
}

func dial(address string, timeout time.Duration) (*clientConn, error) {
	conn, err := net.DialTimeout("tcp", address, timeout)
	if err != nil {
		return nil, err
	}
	return &clientConn{conn, bufio.NewReader(conn)}, nil
}

// send writes a whole request.
func (c *clientConn) send(r *Request, id string) error {
	if _, err := io.WriteString(c, r.head(id, false)); err != nil {
		return err
	}
	if r.pieces == nil && !r.isChunked() {
		return nil
	}
	for _, piece := range r.pieces {
		if _, err := io.WriteString(c, chunk(piece, r.isChunked())); err != nil {
			return err
		}
	}
	_, err := io.WriteString(c, lastChunk(r.trailers, r.isChunked()))
	return err
}

// head reads an answer's head, past interim ones.
func (c *clientConn) head(method string) (*http.Response, error) {
	for {
		resp, err := http.ReadResponse(c.r, &http.Request{Method: method})
		if err != nil {
			return nil, fmt.Errorf("no answer: %w", err)
		}
		if resp.StatusCode >= 200 || resp.StatusCode == http.StatusSwitchingProtocols {
			return resp, nil
		}
	}
}

// receive reads a whole answer.
func (c *clientConn) receive(method string) *Response {
	got := &Response{}
	resp, err := c.head(method)
	if err != nil {
		got.Err = err
		return got
	}
	defer resp.Body.Close()
	var body strings.Builder
	_, got.Err = io.Copy(&body, resp.Body)
	got.Status, got.Header, got.Body, got.Trailer = resp.StatusCode, resp.Header, body.String(), resp.Trailer
	return got
}
