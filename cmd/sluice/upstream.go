package main

import (
	"fmt"
	"net"
	"net/http"

	"github.com/sluice-gateway/sluice/echo"
)

// echoUpstream is the built-in upstream, on a free port of this machine.
type echoUpstream struct {
	address string
	server  *http.Server
	done    chan struct{}
}

func startEcho() (*echoUpstream, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("the built-in upstream cannot listen: %w", err)
	}
	u := &echoUpstream{address: l.Addr().String(), server: &http.Server{Handler: echo.Handler()}, done: make(chan struct{})}
	go func() {
		defer close(u.done)
		_ = u.server.Serve(l) // ends with close
	}()
	return u, nil
}

func (u *echoUpstream) close() {
	_ = u.server.Close()
	<-u.done
}
