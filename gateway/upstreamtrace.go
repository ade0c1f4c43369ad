package gateway

import (
	"context"
	"net/http/httptrace"
	"time"
)

// traceConnection has the stream's info told which connection its request is sent on.
func (s *stream) traceConnection(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(c httptrace.GotConnInfo) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.info.upstreamStart = time.Since(s.info.start)
		s.info.upstreamReady = s.info.upstreamStart - s.info.upstreamPicked
		if a := c.Conn.LocalAddr(); a != nil {
			s.info.upstreamLocal = a.String()
		}
	}})
}
