package pluginhost

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/message"
	"github.com/sluice-gateway/sluice/sdk/abi"
)

// settled waits until the plugin has no call left, and checks that nothing is counted any more.
func (s *setup) settled(t *testing.T) {
	t.Helper()
	for began := time.Now(); s.plugin.calls.active.Load() != 0; time.Sleep(time.Millisecond) {
		if time.Since(began) > 10*time.Second {
			t.Fatal("calls do not end")
		}
	}
	wantEqual(t, "bytes held", s.plugin.calls.bytes.Load(), 0)
}

func TestCallBytes(t *testing.T) {
	answer := func(body string) *upstream {
		return &upstream{func(context.Context, *message.Headers, io.Reader) (*UpstreamResponse, error) {
			return respond(strings.NewReader(body), message.NewHeaders("grpc-status", "0"), ":status", "200"), nil
		}}
	}
	const limit = 1000
	frame := func(n int) string { return string(appendGRPC(nil, make([]byte, n))) }
	u := upstreams{
		"fits": answer(strings.Repeat("x", limit)), "over": answer(strings.Repeat("x", limit+1)),
		"grpc fits": answer(frame(limit)), "grpc over": answer(frame(limit + 1)),
		"grpc many": answer(strings.Repeat(frame(limit), 5)),
		"grpc deaf": {func(ctx context.Context, _ *message.Headers, _ io.Reader) (*UpstreamResponse, error) {
			<-ctx.Done()
			return nil, context.Cause(ctx)
		}},
	}
	http := func(cluster string) func(h abi.Host) {
		return func(h abi.Host) { h.HTTPCall([]byte(cluster), target(), nil, nil, 0) }
	}
	stream := func(cluster string) func(h abi.Host) {
		return func(h abi.Host) { h.GRPCStream([]byte(cluster), []byte("s"), []byte("m"), nil) }
	}
	for _, tc := range []struct {
		name  string
		do    func(h abi.Host)
		want  string
		tells bool
	}{
		{"response that fits", http("fits"), "http_call_response [1 1000 1]", false},
		{"response too large", http("over"), "http_call_response [0 0 0]", true},
		{"message that fits", stream("grpc fits"), "grpc_receive [1000], grpc_close [0]", false},
		{"message too large", stream("grpc over"), "grpc_close [8]", true},
		{"one message at a time", stream("grpc many"), strings.Repeat("grpc_receive [1000], ", 5) + "grpc_close [0]", false},
		{"messages that nobody takes", func(h abi.Host) {
			id, _ := h.GRPCStream([]byte("grpc deaf"), []byte("s"), []byte("m"), nil)
			wantEqual(t, "first", h.GRPCSend(id, make([]byte, 600), false), abi.StatusOK)
			wantEqual(t, "second", h.GRPCSend(id, make([]byte, 600), false), abi.StatusInternalFailure)
			h.GRPCCancel(id)
		}, "", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []string
			record := func(name string) handler {
				return func(c call) (uint32, error) {
					got = append(got, fmt.Sprint(name, " ", c.args))
					return 0, nil
				}
			}
			s := calling(t, map[string]handler{"http_call_response": record("http_call_response"),
				"grpc_receive": record("grpc_receive"), "grpc_close": record("grpc_close")}, tc.do,
				func(c *Config) { c.Upstreams, c.Limits.CallBytes = u, limit })
			s.settled(t)
			closeHost(t, s.host)
			if tc.name == "response that fits" {
				tc.want = "http_call_response [1 1000 1]" // it has trailers
			}
			wantEqual(t, "callbacks", strings.Join(got, ", "), tc.want)
			if tells := strings.Contains(s.log.String(), "level=WARN"); tells != tc.tells {
				t.Errorf("warned: %v\n%s", tells, s.log)
			}
		})
	}
}

// The limit is for calls of all kinds, and gRPC too may only call allowed clusters.
func TestGRPCLimits(t *testing.T) {
	u := testUpstreams()
	u["grpc"] = &upstream{func(_ context.Context, _ *message.Headers, body io.Reader) (*UpstreamResponse, error) {
		b, _ := io.ReadAll(body)
		return respond(bytes.NewReader(b), message.NewHeaders("grpc-status", "0"), ":status", "200"), nil
	}}
	s := calling(t, nil, func(h abi.Host) {
		stream := func(cluster string) abi.Status {
			_, status := h.GRPCStream([]byte(cluster), []byte("s"), []byte("m"), nil)
			return status
		}
		wantEqual(t, "not allowed", stream("silent"), abi.StatusBadArgument)
		wantEqual(t, "no host", stream("none"), abi.StatusInternalFailure)
		wantEqual(t, "first", stream("grpc"), abi.StatusOK)
		_, status := h.HTTPCall([]byte("echo"), target(), nil, nil, 0)
		wantEqual(t, "second", status, abi.StatusOK)
		_, status = h.GRPCCall([]byte("grpc"), []byte("s"), []byte("m"), nil, nil, 0)
		wantEqual(t, "third", status, abi.StatusInternalFailure)
		wantEqual(t, "close", h.GRPCClose(6), abi.StatusOK)
	}, func(c *Config) {
		c.Upstreams, c.Limits.CallsInFlight, c.AllowedClusters = u, 2, []string{"grpc", "echo", "none"}
	})
	s.settled(t)
}

// What a call dispatched for another root of a shared VM answers belongs to that root.
func TestCallOfOtherRoot(t *testing.T) {
	var roots []uint32
	answered := make(chan uint32, 1)
	on := map[string]handler{
		"context_create": func(c call) (uint32, error) {
			if c.n == 0 {
				roots = append(roots, c.id)
			}
			return 0, nil
		},
		"configure": func(c call) (uint32, error) {
			if len(roots) == 2 {
				wantEqual(t, "effective context", c.SetEffectiveContext(roots[0]), abi.StatusOK)
				_, status := c.HTTPCall([]byte("echo"), target(), nil, nil, 0)
				wantEqual(t, "dispatch", status, abi.StatusOK)
			}
			return 1, nil
		},
		"http_call_response": func(c call) (uint32, error) {
			wantEqual(t, "other root", c.SetEffectiveContext(roots[1]), abi.StatusOK)
			_, status := c.GetHeaderMapValue(nil, abi.MapHTTPCallResponseHeaders, []byte(":status"))
			wantEqual(t, "response from the other root", status, abi.StatusBadArgument)
			answered <- c.id
			return 0, nil
		},
	}
	native := func(h abi.Host) abi.Plugin { return &fake{host: h, on: on} }
	host := New(Options{})
	t.Cleanup(func() { closeHost(t, host) })
	for i := range 2 {
		cfg := Config{Name: fmt.Sprint("p", i), Native: native}
		if i == 0 {
			cfg.Upstreams = testUpstreams() // the clusters are those of the root that calls
		}
		if _, err := host.NewPlugin(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
	}
	wantEqual(t, "root", wait(t, answered), roots[0])
}

// BenchmarkHTTPCall is a call to an upstream that answers at once: dispatch, goroutine, callback.
func BenchmarkHTTPCall(b *testing.B) {
	headers := target()
	answered := make(chan struct{})
	s := start(b, map[string]handler{"http_call_response": func(call) (uint32, error) {
		answered <- struct{}{}
		return 0, nil
	}}, func(c *Config) {
		c.Upstreams = upstreams{"u": {func(context.Context, *message.Headers, io.Reader) (*UpstreamResponse, error) {
			return respond(strings.NewReader("ok"), nil, ":status", "200"), nil
		}}}
	})
	r := s.plugin.roots[0].Load()
	v := r.vm
	b.ReportAllocs()
	for b.Loop() {
		v.lock.Lock()
		v.begin(r, nil)
		v.HTTPCall([]byte("u"), headers, nil, nil, 1000)
		v.finish("bench", nil)
		v.unlock()
		<-answered
	}
}
