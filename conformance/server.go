package conformance

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// server is a case's upstream, or the cluster of its call-outs. It plays its steps for each request of a connection:
//
//	> read            reads a request, and notes what it was
//	> head            reads a request's head only, and notes its first line; a read after it takes the rest
//	> send            writes the text (see step.wire)
//	> await LINE      waits for a line in the plugins' log that begins so
//	> close, > reset  closes the connection, or resets it
//	> hang            waits until the gateway closes the connection
type server struct {
	name     string
	steps    []step
	listener net.Listener
	wg       sync.WaitGroup

	mu    sync.Mutex
	play  *play // that is on; nil: nobody should come
	seen  []string
	conns map[net.Conn]bool
}

func newServer(name string, steps []step) (*server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &server{name: name, steps: steps, listener: l, conns: map[net.Conn]bool{}}
	s.wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns[conn] = true
			s.mu.Unlock()
			s.wg.Go(func() { s.serve(conn) })
		}
	})
	return s, nil
}

func (s *server) port() int { return s.listener.Addr().(*net.TCPAddr).Port }

// begin makes p the play that is on.
func (s *server) begin(p *play) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.play, s.seen = p, nil
}

// end returns what was seen in the play, and closes the connections that are left.
func (s *server) end() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for conn := range s.conns {
		_ = conn.Close()
	}
	s.play = nil
	return s.seen
}

func (s *server) close() {
	_ = s.listener.Close()
	s.end()
	s.wg.Wait()
}

func (s *server) note(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = append(s.seen, s.name+": "+text)
}

func (s *server) current() *play {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.play
}

func (s *server) serve(conn net.Conn) {
	defer func() {
		s.mu.Lock()
		delete(s.conns, conn)
		s.mu.Unlock()
		_ = conn.Close()
	}()
	r := bufio.NewReader(conn)
	for {
		if _, err := r.Peek(1); err != nil {
			return
		}
		p := s.current()
		if p == nil {
			return
		}
		var request *http.Request
		for _, step := range s.steps {
			if err := s.step(p, conn, r, step, &request); err != nil {
				return
			}
		}
	}
}

func (s *server) step(p *play, conn net.Conn, r *bufio.Reader, step step, request **http.Request) (err error) {
	switch step.verb {
	case "head", "read":
		if *request == nil {
			if *request, err = http.ReadRequest(r); err != nil {
				s.note("bad request: " + err.Error() + "\n")
				return err
			}
			if s.name == "upstream" {
				p.reach()
			}
			if step.verb == "head" {
				s.note(fmt.Sprintf("begins %s %s\n", (*request).Method, (*request).RequestURI))
				return nil
			}
		}
		s.note(describeRequest(*request))
		*request = nil
	case "send":
		var data string
		if data, err = step.wire(); err == nil {
			_, err = conn.Write([]byte(data))
		}
	case "await":
		err = p.log.await(p.c.Name, strings.Join(step.args, " "))
	case "close":
		return net.ErrClosed
	case "reset":
		_ = conn.(*net.TCPConn).SetLinger(0)
		return net.ErrClosed
	case "hang":
		_ = conn.SetReadDeadline(time.Now().Add(patience))
		_, _ = io.Copy(io.Discard, r)
		return net.ErrClosed
	}
	return err
}
