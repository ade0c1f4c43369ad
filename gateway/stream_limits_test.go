package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

// send opens a connection to the gateway, closed when the test ends, and sends request on it.
func (g *testGateway) send(t *testing.T, request string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", g.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	return c
}

// resumeFromTick has p resume, from its ticks, the stream of the context whose id is stored in the result, once ready.
func resumeFromTick(p *funcPlugin, s abi.StreamType, ready func() bool) *atomic.Uint32 {
	held := new(atomic.Uint32)
	p.start = func(h abi.Host, _ uint32) { h.SetTickPeriod(10) }
	p.tick = func(h abi.Host) {
		if id := held.Load(); id != 0 && ready() && h.SetEffectiveContext(id) == abi.StatusOK {
			held.Store(0)
			h.ContinueStream(s)
		}
	}
	return held
}

func always() bool { return true }

// stuck reports that n has moved, and then stood still for a while.
func stuck(n *atomic.Int64) func() bool {
	last, since := int64(0), time.Now()
	return func() bool {
		if now := n.Load(); now != last {
			last, since = now, time.Now()
		}
		return last > 0 && time.Since(since) > 100*time.Millisecond
	}
}

// countedReader counts what is read.
type countedReader struct {
	io.Reader
	n atomic.Int64
}

func (r *countedReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.n.Add(int64(n))
	return n, err
}

// TestBufferLimitAfterWatermark checks that the limit holds for a plugin that collects the body after it has paused
// with back-pressure, when more than the limit is buffered already.
func TestBufferLimitAfterWatermark(t *testing.T) {
	var largest atomic.Uint32
	body := &countedReader{Reader: io.LimitReader(zeros{}, 20<<20)}
	p := &funcPlugin{requestBody: func(_ abi.Host, _, size uint32, end bool) abi.Action {
		largest.Store(max(largest.Load(), size))
		if end {
			return abi.DataContinue
		}
		return abi.DataStopIterationAndBuffer
	}}
	held := resumeFromTick(p, abi.StreamHTTPRequest, stuck(&body.n))
	p.requestHeaders = func(_ abi.Host, id uint32, _ bool) abi.Action {
		held.Store(id)
		return abi.HeaderStopAllIterationAndWatermark
	}
	g := startGateway(t, http.HandlerFunc(echoHandler), []*funcPlugin{p}, nil)
	req, _ := http.NewRequest("POST", g.url+"/", body)
	resp, err := client(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if n := largest.Load(); resp.StatusCode != 413 || n > 1<<20 {
		t.Errorf("%d, and the plugin saw %d bytes collected", resp.StatusCode, n)
	}
}

// TestTakenDataMakesRoom checks that a plugin which takes what was held back with back-pressure gets the rest too.
func TestTakenDataMakesRoom(t *testing.T) {
	const size = 8 << 20
	body := &countedReader{Reader: io.LimitReader(zeros{}, size)}
	p := &funcPlugin{responseBody: func(h abi.Host, _, size uint32, end bool) abi.Action {
		b, _ := h.GetBufferBytes(nil, abi.BufferHTTPResponseBody, 0, size)
		h.InjectEncodedData(b, end)
		return abi.DataStopIterationNoBuffer
	}}
	held := resumeFromTick(p, abi.StreamHTTPResponse, stuck(&body.n))
	p.responseHeaders = func(_ abi.Host, id uint32, _ bool) abi.Action {
		held.Store(id)
		return abi.HeaderStopAllIterationAndWatermark
	}
	g := startGateway(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.Copy(w, body)
	}), []*funcPlugin{p}, nil)
	resp, err := client(t).Get(g.url + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if n, err := io.Copy(io.Discard, resp.Body); err != nil || n != size {
		t.Errorf("%d bytes of %d, %v", n, size, err)
	}
}

// TestIdleTimeoutOfSlowClient checks that a client which does not read its response is idle.
func TestIdleTimeoutOfSlowClient(t *testing.T) {
	for _, plugins := range [][]*funcPlugin{nil, {{}}} {
		t.Run(fmt.Sprintf("plugins=%d", len(plugins)), func(t *testing.T) {
			ended := make(chan struct{})
			g := startGateway(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				defer close(ended)
				_, _ = io.Copy(w, zeros{})
			}), plugins, func(c *Config) { c.Listeners[0].HTTP.StreamIdleTimeout = 300 * time.Millisecond })
			g.send(t, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			select {
			case <-ended:
			case <-time.After(10 * time.Second):
				t.Error("the upstream request goes on")
			}
			waitFor(t, "the stream ends", func() bool { return g.streams.active.Load() == 0 })
		})
	}
}

// TestIdleTimeoutWhileReplyHeld checks that a filter which holds the idle timeout's answer cannot hold the stream.
func TestIdleTimeoutWhileReplyHeld(t *testing.T) {
	pause := func(abi.Host, uint32, bool) abi.Action { return abi.HeaderStopAllIterationAndWatermark }
	p := &funcPlugin{requestHeaders: pause, responseHeaders: pause}
	g := startGateway(t, http.NotFoundHandler(), []*funcPlugin{p}, func(c *Config) {
		c.Listeners[0].HTTP.StreamIdleTimeout = 200 * time.Millisecond
	})
	if got := g.raw(t, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 504 ") {
		t.Errorf("got %q", got)
	}
}

// TestRequestTimeout checks that the request timeout is about receiving the request, not about answering it.
func TestRequestTimeout(t *testing.T) {
	for _, plugins := range [][]*funcPlugin{nil, {{}}} {
		g := startGateway(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			time.Sleep(300 * time.Millisecond) // longer than the timeout
			_, _ = io.WriteString(w, "late")
		}), plugins, func(c *Config) { c.Listeners[0].HTTP.RequestTimeout = 100 * time.Millisecond })
		for request, want := range map[string]string{
			"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n":                           "HTTP/1.1 200 ",
			"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 4\r\n\r\nall!": "HTTP/1.1 200 ",
			"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\npart":                    "HTTP/1.1 408 ",
		} {
			if got := g.raw(t, request); !strings.HasPrefix(got, want) {
				t.Errorf("plugins=%d: got %q to %q, want %q", len(plugins), got, request, want)
			}
		}
	}
}

// TestShutdownEndsPausedUpload checks that a shutdown ends a stream that is paused with its client's body unread, also
// when the client has gone.
func TestShutdownEndsPausedUpload(t *testing.T) {
	for _, gone := range []bool{false, true} {
		t.Run(fmt.Sprintf("gone=%v", gone), func(t *testing.T) {
			p := &funcPlugin{requestHeaders: func(abi.Host, uint32, bool) abi.Action { return abi.HeaderStopAllIterationAndWatermark }}
			g := startGateway(t, http.NotFoundHandler(), []*funcPlugin{p}, nil)
			body := &countedReader{Reader: zeros{}}
			c := g.send(t, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n")
			sent := make(chan struct{})
			go func() {
				defer close(sent)
				_, _ = io.Copy(c, body)
			}()
			waitFor(t, "the upload is held back", stuck(&body.n))
			if gone {
				c.Close()
			}
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			start := time.Now()
			if err := g.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > closeGrace {
				t.Errorf("%v after %v", err, time.Since(start))
			}
			if err := g.Close(); err != nil || p.logs.Load() != 1 {
				t.Errorf("%v, %d streams logged", err, p.logs.Load())
			}
			c.Close()
			<-sent
		})
	}
}
