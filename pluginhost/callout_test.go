package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/message"
	"github.com/sluice-gateway/sluice/sdk/abi"
)

// upstreams are clusters made of functions.
type upstreams map[string]*upstream

func (u upstreams) Cluster(name string) (UpstreamCluster, bool) {
	c, ok := u[name]
	return c, ok
}

func (u upstreams) Names() []string {
	var names []string
	for n := range u {
		names = append(names, n)
	}
	return names
}

// upstream answers calls by a function. Without one it has no host.
type upstream struct {
	send func(ctx context.Context, h *message.Headers, body io.Reader) (*UpstreamResponse, error)
}

func (u *upstream) Pick() (string, bool)          { return "192.0.2.1:80", u.send != nil }
func (u *upstream) Hosts() []UpstreamHost         { return nil }
func (u *upstream) ConnectTimeout() time.Duration { return time.Second }
func (u *upstream) Send(ctx context.Context, _ string, h *message.Headers, body io.Reader, _ int64) (*UpstreamResponse, error) {
	return u.send(ctx, h, body)
}

func respond(body io.Reader, trailers *message.Headers, headers ...string) *UpstreamResponse {
	return &UpstreamResponse{
		Headers: message.NewHeaders(headers...), Body: io.NopCloser(body),
		Trailers: func() *message.Headers { return trailers },
	}
}

// brokenBody yields n bytes and then fails.
type brokenBody struct{ n int64 }

func (b *brokenBody) Read(p []byte) (int, error) {
	if b.n == 0 {
		return 0, errors.New("reset")
	}
	n := min(int64(len(p)), b.n)
	b.n -= n
	return int(n), nil
}

// waitBody fails when ctx has ended.
type waitBody struct{ ctx context.Context }

func (b waitBody) Read([]byte) (int, error) {
	<-b.ctx.Done()
	return 0, context.Cause(b.ctx)
}

// testUpstreams has a cluster for each way in which a call ends.
func testUpstreams() upstreams {
	type response = *UpstreamResponse
	answer := func(f func(ctx context.Context) (response, error)) *upstream {
		return &upstream{func(ctx context.Context, _ *message.Headers, _ io.Reader) (response, error) { return f(ctx) }}
	}
	return upstreams{
		"none": {},
		"echo": {func(_ context.Context, h *message.Headers, body io.Reader) (response, error) {
			text := fmt.Sprint(h.Fields())
			if body != nil {
				b, _ := io.ReadAll(body)
				text += " " + string(b)
			}
			return respond(strings.NewReader(text), message.NewHeaders("t", "1"), ":status", "200"), nil
		}},
		"refused": answer(func(context.Context) (response, error) {
			return nil, &UpstreamError{Code: 503, Text: "connect failure"}
		}),
		"silent": answer(func(ctx context.Context) (response, error) {
			<-ctx.Done()
			return nil, context.Cause(ctx)
		}),
		"headers only": answer(func(ctx context.Context) (response, error) {
			return respond(waitBody{ctx}, nil, ":status", "200"), nil
		}),
		"reset": answer(func(context.Context) (response, error) {
			return respond(&brokenBody{10}, nil, ":status", "200"), nil
		}),
		"at limit": answer(func(context.Context) (response, error) {
			return respond(io.LimitReader(&brokenBody{1 << 40}, maxReplyBody), nil, ":status", "200"), nil
		}),
		"huge": answer(func(context.Context) (response, error) {
			return respond(io.LimitReader(&brokenBody{1 << 40}, maxReplyBody+1), nil, ":status", "200"), nil
		}),
		"empty": answer(func(context.Context) (response, error) {
			r := respond(strings.NewReader(""), nil, ":status", "204")
			r.EndStream = true
			return r, nil
		}),
	}
}

// calling runs f in a tick of a plugin that may call testUpstreams, then waits for n callbacks by on.
func calling(t *testing.T, on map[string]handler, f func(h abi.Host), edit ...func(*Config)) *setup {
	t.Helper()
	done := make(chan struct{})
	handlers := map[string]handler{"tick": func(c call) (uint32, error) {
		c.SetTickPeriod(0)
		f(c.Host)
		close(done)
		return 0, nil
	}}
	for name, h := range on {
		handlers[name] = h
	}
	edit = append([]func(*Config){func(cfg *Config) { cfg.Upstreams = testUpstreams() }}, edit...)
	s := start(t, handlers, edit...)
	r := s.plugin.roots[0].Load()
	v := r.vm
	v.lock.Lock()
	v.begin(r, nil)
	v.SetTickPeriod(1)
	v.finish("test", nil)
	v.unlock()
	wait(t, done)
	return s
}

func wait[T any](t *testing.T, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(10 * time.Second):
		t.Fatal("nothing happened")
	}
	return v
}

func pairs(nameValues ...string) abi.Pairs {
	var p [][2]string
	for i := 0; i < len(nameValues); i += 2 {
		p = append(p, [2]string{nameValues[i], nameValues[i+1]})
	}
	return abi.AppendPairs(nil, p)
}

func target() abi.Pairs {
	return pairs(":method", "GET", ":path", "/", ":authority", "a")
}

func TestHTTPCallArguments(t *testing.T) {
	noClusters := func(c *Config) { c.Upstreams = nil }
	only := func(names ...string) func(*Config) {
		return func(c *Config) { c.AllowedClusters = append([]string{}, names...) }
	}
	cases := []struct {
		name, cluster string
		headers       abi.Pairs
		body          string
		timeout       uint32
		edit          func(*Config)
		want          abi.Status
		log           string
	}{
		{name: "right", cluster: "echo", headers: target(), timeout: 1000, want: abi.StatusOK},
		{name: "no timeout", cluster: "echo", headers: target(), want: abi.StatusOK},
		{name: "host for authority", cluster: "echo", headers: pairs(":method", "GET", ":path", "/", "Host", "a"), want: abi.StatusOK},
		{name: "negative timeout", cluster: "echo", headers: target(), timeout: 1 << 31, want: abi.StatusBadArgument},
		{name: "unknown cluster", cluster: "nope", headers: target(), want: abi.StatusBadArgument,
			log: `call-out refused: unknown cluster`},
		{name: "known clusters are named", cluster: "nope", headers: target(), want: abi.StatusBadArgument,
			log: `known="at limit, echo, empty, `},
		{name: "no cluster name", headers: target(), want: abi.StatusBadArgument, log: "unknown cluster"},
		{name: "no clusters", cluster: "echo", headers: target(), edit: noClusters, want: abi.StatusBadArgument,
			log: "there are no clusters here"},
		{name: "cluster not allowed", cluster: "echo", headers: target(), edit: only("x", "b"), want: abi.StatusBadArgument,
			log: `the plugin may not call this cluster" plugin=test worker=0 allowed="b, x"`},
		{name: "no cluster allowed", cluster: "echo", headers: target(), edit: only(), want: abi.StatusBadArgument,
			log: "may not call"},
		{name: "cluster allowed", cluster: "echo", headers: target(), edit: only("echo"), want: abi.StatusOK},
		{name: "no method", cluster: "echo", headers: pairs(":path", "/", ":authority", "a"), want: abi.StatusBadArgument},
		{name: "no path", cluster: "echo", headers: pairs(":method", "GET", ":authority", "a"), want: abi.StatusBadArgument},
		{name: "no authority", cluster: "echo", headers: pairs(":method", "GET", ":path", "/"), want: abi.StatusBadArgument},
		{name: "no headers", cluster: "echo", want: abi.StatusBadArgument},
		{name: "malformed headers", cluster: "echo", headers: abi.Pairs("\xff\xff\xff\xffx"), want: abi.StatusBadArgument},
		{name: "line break", cluster: "echo", headers: pairs(":method", "GET", ":path", "/",
			":authority", "a", "x", "1\r\ny: 2"), want: abi.StatusBadArgument},
		{name: "no healthy host", cluster: "none", headers: target(), want: abi.StatusInternalFailure, log: "no healthy host"},
		{name: "body beyond the limit", cluster: "echo", headers: target(), body: strings.Repeat("x", 101),
			edit: func(c *Config) { c.Limits.CallBytes = 100 }, want: abi.StatusInternalFailure, log: "Limits.CallBytes"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			answered := make(chan struct{}, 10)
			edit := tc.edit
			if edit == nil {
				edit = func(*Config) {}
			}
			s := calling(t, map[string]handler{"http_call_response": func(call) (uint32, error) {
				answered <- struct{}{}
				return 0, nil
			}}, func(h abi.Host) {
				for range 2 {
					id, got := h.HTTPCall([]byte(tc.cluster), tc.headers, []byte(tc.body), nil, tc.timeout)
					wantEqual(t, "status", got, tc.want)
					wantEqual(t, "there is an id", id != 0, tc.want == abi.StatusOK)
				}
			}, edit)
			if tc.want == abi.StatusOK {
				wait(t, answered)
				wait(t, answered)
			}
			if tc.log != "" && strings.Count(s.log.String(), tc.log) != 1 {
				t.Errorf("log has not, or not once, %q:\n%s", tc.log, s.log)
			}
			if n := s.plugin.calls.active.Load(); n != 0 && tc.want != abi.StatusOK {
				t.Errorf("%d calls are counted", n)
			}
		})
	}
}

func TestHTTPCallOutcomes(t *testing.T) {
	const echoed = "[{:method GET} {:path /} {:authority a} "
	cases := []struct {
		name, cluster, body string
		timeout             uint32
		headers             abi.Pairs // default target
		args                string    // headers, body size, trailers
		status, text        string
		failed              bool
	}{
		{name: "response", cluster: "echo", args: "[1 64 1]", status: "200", text: echoed + "{x-envoy-internal true}]"},
		{name: "timeout and body", cluster: "echo", body: "hello", timeout: 5000, args: "[1 127 1]", status: "200",
			text: echoed + "{content-length 5} {x-envoy-internal true} {x-envoy-expected-rq-timeout-ms 5000}] hello"},
		{name: "timeout by header, and others that steer", cluster: "echo", timeout: 5000, args: "[1 100 1]", status: "200",
			headers: pairs(":method", "GET", ":path", "/", ":authority", "a", "x-envoy-retry-on", "5xx",
				"X-Envoy-Upstream-Rq-Timeout-Ms", "70", "content-length", "7", "x-envoy-internal", "false"),
			text: echoed + "{x-envoy-internal true} {x-envoy-expected-rq-timeout-ms 70}]"},
		{name: "no body", cluster: "empty", args: "[1 0 0]", status: "204"},
		{name: "refused", cluster: "refused", args: "[3 15 0]", status: "503", text: "connect failure"},
		{name: "timeout", cluster: "silent", timeout: 20, args: "[3 24 0]", status: "504", text: "upstream request timeout"},
		{name: "timeout after headers", cluster: "headers only", timeout: 20, args: "[0 0 0]", failed: true},
		{name: "reset after headers", cluster: "reset", args: "[0 0 0]", failed: true},
		{name: "largest body", cluster: "at limit", args: "[1 33554432 0]", status: "200"},
		{name: "body too large", cluster: "huge", args: "[0 0 0]", failed: true},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			var id uint32
			got := make(chan uint32, 1)
			s := calling(t, map[string]handler{"http_call_response": func(c call) (uint32, error) {
				wantEqual(t, "arguments", fmt.Sprint(c.args), tc.args)
				status, result := c.GetHeaderMapValue(nil, abi.MapHTTPCallResponseHeaders, []byte(":Status"))
				wantEqual(t, "status", string(status), tc.status)
				body, bodyResult := c.GetBufferBytes(nil, abi.BufferHTTPCallResponseBody, 0, 1<<30)
				if len(body) < 1000 {
					wantEqual(t, "body", string(body), tc.text)
				}
				message, code, _ := c.GetStatus(nil)
				if tc.failed {
					wantEqual(t, "header result", result, abi.StatusBadArgument)
					wantEqual(t, "body result", bodyResult, abi.StatusNotFound)
					wantEqual(t, "get_status", fmt.Sprint(code, string(message)), "11reset")
				} else {
					wantEqual(t, "body result", bodyResult, abi.StatusOK)
				}
				wantEqual(t, "write to a header", c.AddHeaderMapValue(abi.MapHTTPCallResponseHeaders, []byte("a"), []byte("b")),
					abi.StatusBadArgument)
				wantEqual(t, "set headers", c.SetHeaderMapPairs(abi.MapHTTPCallResponseHeaders, nil), abi.StatusBadArgument)
				if !tc.failed {
					wantEqual(t, "write to the body", c.SetBufferBytes(abi.BufferHTTPCallResponseBody, 0, 1, nil), abi.StatusBadArgument)
				}
				got <- c.n
				return 0, nil
			}}, func(h abi.Host) {
				var status abi.Status
				headers := tc.headers
				if headers == nil {
					headers = target()
				}
				id, status = h.HTTPCall([]byte(tc.cluster), headers, []byte(tc.body), pairs("t", "not sent"), tc.timeout)
				wantEqual(t, "dispatch", status, abi.StatusOK)
				_, result := h.GetHeaderMapValue(nil, abi.MapHTTPCallResponseHeaders, []byte(":status"))
				wantEqual(t, "headers outside the callback", result, abi.StatusBadArgument)
				_, result = h.GetBufferBytes(nil, abi.BufferHTTPCallResponseBody, 0, 1)
				wantEqual(t, "body outside the callback", result, abi.StatusNotFound)
			})
			wantEqual(t, "id", wait(t, got), id)
			for s.plugin.calls.active.Load() != 0 {
				runtime.Gosched() // until the callback has returned
			}
			wantEqual(t, "bytes held", s.plugin.calls.bytes.Load(), 0)
		})
	}
}

func TestCallIDs(t *testing.T) {
	answered := make(chan struct{}, 10)
	calling(t, map[string]handler{"http_call_response": func(call) (uint32, error) {
		answered <- struct{}{}
		return 0, nil
	}}, func(h abi.Host) {
		for _, want := range []uint32{4, 8, 12} {
			id, _ := h.HTTPCall([]byte("echo"), target(), nil, nil, 0)
			wantEqual(t, "id", id, want)
		}
	})
	for range 3 {
		wait(t, answered)
	}
}

func TestCallsInFlight(t *testing.T) {
	s := calling(t, nil, func(h abi.Host) {
		for i := range 5 {
			want := abi.StatusOK
			if i >= 3 {
				want = abi.StatusInternalFailure
			}
			_, got := h.HTTPCall([]byte("silent"), target(), nil, nil, 0)
			wantEqual(t, fmt.Sprint("call ", i), got, want)
		}
	}, func(c *Config) { c.Limits.CallsInFlight = 3 })
	wantEqual(t, "complaints", strings.Count(s.log.String(), "Limits.CallsInFlight"), 1)
	wantEqual(t, "in flight", s.plugin.calls.active.Load(), 3)
	closeHost(t, s.host) // ends them, and waits for their goroutines
	wantEqual(t, "in flight at the end", s.plugin.calls.active.Load(), 0)
	if strings.Contains(s.fake.took(), "http_call_response") {
		t.Error("the plugin was told of calls that its end cancelled")
	}
}

// A reply for a VM that died meanwhile is dropped, and so is what the plugin dispatched before.
func TestCallAfterCrash(t *testing.T) {
	var answers atomic.Int32
	s := calling(t, map[string]handler{"http_call_response": func(call) (uint32, error) {
		answers.Add(1)
		return 0, errors.New("trap")
	}}, func(h abi.Host) {
		for range 10 {
			h.HTTPCall([]byte("echo"), target(), nil, nil, 0)
		}
	})
	for s.plugin.calls.active.Load() != 0 {
		runtime.Gosched()
	}
	wantEqual(t, "answers", answers.Load(), 1)
	closeHost(t, s.host)
}

// A plugin that answers false to on_done still gets the replies to its calls until it calls proxy_done.
func TestCallWhileDone(t *testing.T) {
	s := start(t, map[string]handler{
		"done": func(c call) (uint32, error) {
			c.HTTPCall([]byte("echo"), target(), nil, nil, 0)
			return 0, nil
		},
		"http_call_response": func(c call) (uint32, error) {
			c.Done()
			return 0, nil
		},
	}, func(cfg *Config) { cfg.Upstreams = testUpstreams() })
	began := time.Now()
	closeHost(t, s.host)
	if !strings.HasSuffix(s.fake.took(), "http_call_response 1, delete 1") || time.Since(began) > doneTimeout {
		t.Error("the root context did not end with its call")
	}
}

// A call that a paused stream waits for resumes it, or answers it, through the stream's context.
func TestCallResumesStream(t *testing.T) {
	for _, resume := range []bool{true, false} {
		streams := map[uint32]uint32{}
		done := make(chan struct{})
		s := start(t, map[string]handler{
			"request_headers": func(c call) (uint32, error) {
				id, status := c.HTTPCall([]byte("echo"), target(), nil, nil, 0)
				wantEqual(t, "dispatch", status, abi.StatusOK)
				streams[id] = c.id
				return uint32(abi.HeaderStopAllIterationAndWatermark), nil
			},
			"http_call_response": func(c call) (uint32, error) {
				wantEqual(t, "effective context", c.SetEffectiveContext(streams[c.n]), abi.StatusOK)
				status, _ := c.GetHeaderMapValue(nil, abi.MapHTTPCallResponseHeaders, []byte(":status"))
				wantEqual(t, "response from the stream's context", string(status), "200")
				path, _ := c.GetHeaderMapValue(nil, abi.MapHTTPRequestHeaders, []byte(":path"))
				wantEqual(t, "held request", string(path), "/p")
				if resume {
					c.ContinueStream(abi.StreamHTTPRequest)
				} else {
					c.SendLocalResponse(401, nil, []byte("no"), nil, -1)
				}
				close(done)
				return 0, nil
			},
		}, func(cfg *Config) { cfg.Upstreams = testUpstreams() })
		cb := newStream()
		f := s.filter(cb)
		cb.onTurn(func() { f.DecodeHeaders(cb.request, true) })
		wait(t, done)
		want := "continue request"
		if !resume {
			want = `reply 401 "" "no" grpc -1`
		}
		got := cb.happened()
		for ; got == ""; got = cb.happened() { // until the stream has had its turn
			runtime.Gosched()
		}
		wantEqual(t, "events", got, want)
		cb.onTurn(func() { f.OnLog(); f.OnDestroy() })
	}
}
