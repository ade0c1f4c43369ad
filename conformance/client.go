package conformance

import (
	"bufio"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"
)

// patience is how long a step may wait for what the other side does.
const patience = 10 * time.Second

// client plays the client of a case, and returns what it saw. Its steps:
//
//	> send            writes the text (see step.wire); the method of the last request counts for reading
//	> read            reads a response, and says what it was; interim responses too
//	> end             waits for the gateway to close the connection
//	> open            says whether the connection is still open a moment later
//	> close, > reset  closes the connection, or resets it
//	> connect         begins a new connection
//	> await LINE      waits for a line in the plugins' log that begins so
//	> upstream        waits for the upstream to have read a request's head
func (p *play) client(c *Case, port int) string {
	var seen strings.Builder
	conn := &connection{port: port}
	defer conn.close()
	method := "GET"
	for i, s := range c.client {
		if err := p.clientStep(&seen, conn, s, &method); err != nil {
			fmt.Fprintf(&seen, "client: step %d (%s): %s\n", i+1, s.verb, plain(err))
			break
		}
	}
	return seen.String()
}

// plain is an error without what is another's on each run: addresses.
func plain(err error) string {
	text := err.Error()
	if i := strings.LastIndex(text, ": "); i >= 0 {
		text = text[i+2:]
	}
	if strings.Contains(text, "reset by peer") || strings.Contains(text, "broken pipe") || text == "EOF" || text == "unexpected EOF" {
		return "the connection has ended"
	}
	return text
}

func (p *play) clientStep(seen *strings.Builder, conn *connection, s step, method *string) error {
	switch s.verb {
	case "send":
		data, err := s.wire()
		if err != nil {
			return err
		}
		if m, rest, ok := strings.Cut(data, " "); ok && strings.Contains(rest, " HTTP/1") {
			*method = m
		}
		return conn.write(data)
	case "read":
		for final := false; !final; {
			if err := conn.open(); err != nil {
				return err
			}
			var text string
			var err error
			text, final, err = readResponse(conn.r, *method)
			if err != nil {
				return err
			}
			seen.WriteString("client: " + text)
		}
		return nil
	case "end":
		if err := conn.open(); err != nil {
			return err
		}
		b, err := conn.r.ReadByte()
		if ended(err) {
			seen.WriteString("client: the connection has ended\n")
			return nil
		}
		return fmt.Errorf("no end, but %q (%w)", b, err)
	case "open":
		if err := conn.open(); err != nil {
			return err
		}
		_ = conn.c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		_, err := conn.r.Peek(1)
		state := "open"
		if ended(err) {
			state = "closed"
		}
		fmt.Fprintf(seen, "client: the connection is %s\n", state)
		return nil
	case "close":
		conn.close()
		return nil
	case "reset":
		if conn.c != nil {
			_ = conn.c.(*net.TCPConn).SetLinger(0)
		}
		conn.close()
		return nil
	case "connect":
		conn.close()
		return conn.open()
	case "await":
		return p.log.await(p.c.Name, strings.Join(s.args, " "))
	case "upstream":
		select {
		case <-p.reached:
			return nil
		case <-time.After(patience):
			return fmt.Errorf("the upstream was not reached")
		}
	}
	return fmt.Errorf("a client has no step %q", s.verb)
}

// connection is a client's, made when it is first used.
type connection struct {
	port int
	c    net.Conn
	r    *bufio.Reader
}

func (c *connection) open() error {
	if c.c == nil {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", c.port))
		if err != nil {
			return err
		}
		c.c, c.r = conn, bufio.NewReader(conn)
	}
	return c.c.SetDeadline(time.Now().Add(patience))
}

func (c *connection) write(data string) error {
	if err := c.open(); err != nil {
		return err
	}
	_, err := c.c.Write([]byte(data))
	return err
}

func (c *connection) close() {
	if c.c != nil {
		_ = c.c.Close()
		c.c, c.r = nil, nil
	}
}

// verbs are the steps that clients and servers have.
var verbs = map[string][]string{
	"client": {"send", "read", "end", "open", "close", "reset", "connect", "await", "upstream"},
	"server": {"read", "head", "send", "close", "reset", "hang", "await"},
}

func checkVerbs(who string, steps []step) error {
	for _, s := range steps {
		if !slices.Contains(verbs[who], s.verb) {
			return fmt.Errorf("there is no step %q; there are: %s", s.verb, strings.Join(verbs[who], " "))
		}
	}
	return nil
}
