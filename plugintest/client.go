package plugintest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// client is the client's end of one request, on a connection of its own to the gateway.
type client interface {
	// address is the client's, by which the gateway's and the plugin's reports of the request are known.
	address() string
	// begin sends the request's head. withBody says that a body follows, whether or not the request has one of its own.
	begin(r *Request, id string, withBody bool) error
	// write sends a piece of the body, end the rest: trailers or nothing.
	write(data string) error
	end(trailers []field) error
	// head reads the answer's head, past interim ones.
	head(method string) (*http.Response, error)
	// deadline is for all of the above; begin and write may end later.
	deadline(t time.Time)
	// settled says that nothing more will come in either direction, and nothing be lost when the connection is closed.
	settled()
	close()
}

// dial connects to the gateway for a request.
func dial(address string, r *Request, timeout time.Duration) (client, error) {
	conn, err := net.DialTimeout("tcp", address, timeout)
	if err != nil {
		return nil, err
	}
	if r.http2 {
		return newHTTP2Client(conn), nil
	}
	return &http1Client{conn: conn, r: bufio.NewReader(conn)}, nil
}

// send sends a whole request.
func send(c client, r *Request, id string) error {
	if err := c.begin(r, id, false); err != nil {
		return err
	}
	for _, piece := range r.pieces {
		if err := c.write(piece); err != nil {
			return err
		}
	}
	return c.end(r.trailers)
}

// receive reads a whole answer. last is that the gateway closes the connection, or that the answer is not whole.
func receive(c client, method string) (got *Response, last bool) {
	got = &Response{Worker: -1}
	resp, err := c.head(method)
	if err != nil {
		got.Err = err
		return got, true
	}
	defer resp.Body.Close()
	var body strings.Builder
	_, got.Err = io.Copy(&body, resp.Body)
	got.Status, got.Header, got.Body, got.Trailer = resp.StatusCode, resp.Header, body.String(), resp.Trailer
	return got, got.Err != nil || resp.Close
}

// forget has a connection leave no trace when it is closed. A port that waits for what may still come cannot be used for a
// minute, and a fuzzer would soon have used all there are.
func forget(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // to no effect if it fails
	}
}

// http1Client speaks HTTP/1.1 by itself rather than by net/http, because what is sent, and when, is the test's to say.
type http1Client struct {
	conn    net.Conn
	r       *bufio.Reader
	chunked bool
}

func (c *http1Client) address() string      { return c.conn.LocalAddr().String() }
func (c *http1Client) settled()             { forget(c.conn) }
func (c *http1Client) close()               { _ = c.conn.Close() }
func (c *http1Client) deadline(t time.Time) { _ = c.conn.SetDeadline(t) } // a connection that is closed shows when it is read

func (c *http1Client) begin(r *Request, id string, withBody bool) error {
	c.chunked = r.isChunked() || withBody && r.get("Content-Length") == ""
	_, err := io.WriteString(c.conn, r.head(id, withBody))
	return err
}

func (c *http1Client) write(data string) error {
	_, err := io.WriteString(c.conn, chunk(data, c.chunked))
	return err
}

func (c *http1Client) end(trailers []field) error {
	_, err := io.WriteString(c.conn, lastChunk(trailers, c.chunked))
	return err
}

func (c *http1Client) head(method string) (*http.Response, error) {
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

// isTimeout reports that err is a deadline.
func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}
