package pluginhost

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/message"
	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/wasmvm/wasmtest"
)

// callingModule calls an HTTP cluster from its configure and from every request, which it holds, and opens a gRPC
// stream; it logs what it is told.
func callingModule() []byte {
	m := wasmtest.PluginOf(abi.Version0_2_1)
	log := m.Import("env", "proxy_log", "iii", "i")
	call := m.Import("env", "proxy_http_call", "iiiiiiiiii", "i")
	stream := m.Import("env", "proxy_grpc_stream", "iiiiiiiii", "i")
	send := m.Import("env", "proxy_grpc_send", "iiii", "i")
	pairs := m.Import("env", "proxy_get_header_map_pairs", "iii", "i")
	buffer := m.Import("env", "proxy_get_buffer_bytes", "iiiii", "i")
	status := m.Import("env", "proxy_get_status", "iii", "i")
	const id, at, size = 64, 72, 76
	headers, headersSize := m.Data(string(target())), len(target())
	echo, grpc, name, body := m.Data("echo"), m.Data("grpc"), m.Data("s"), m.Data("who")
	dispatch := wasmtest.Code{}.I32(echo).I32(4).I32(headers).I32(headersSize).I32(body).I32(3).I32(0).I32(0).I32(500).I32(id).
		Call(call)
	m.Func("proxy_on_request_headers", "iii", "i", dispatch.Drop().I32(1))
	m.Func("proxy_on_configure", "ii", "i", dispatch.Drop().
		I32(grpc).I32(4).I32(name).I32(1).I32(name).I32(1).I32(0).I32(0).I32(id).Call(stream).Drop().
		I32(id).Load32(0).I32(body).I32(3).I32(1).Call(send).
		Op(0x45)) // OK is true
	show := func(c wasmtest.Code) wasmtest.Code {
		return c.Drop().I32(int(abi.LogWarn)).I32(at).Load32(0).I32(size).Load32(0).Call(log).Drop()
	}
	m.Func("proxy_on_http_call_response", "iiiii", "", show(wasmtest.Code{}.I32(4).I32(0).LocalGet(3).I32(at).I32(size).Call(buffer)).
		Append(show(wasmtest.Code{}.I32(6).I32(at).I32(size).Call(pairs))))
	m.Func("proxy_on_grpc_receive_initial_metadata", "iii", "", show(wasmtest.Code{}.I32(4).I32(at).I32(size).Call(pairs)))
	m.Func("proxy_on_grpc_receive", "iii", "", show(wasmtest.Code{}.I32(5).I32(0).LocalGet(2).I32(at).I32(size).Call(buffer)))
	m.Func("proxy_on_grpc_receive_trailing_metadata", "iii", "", show(wasmtest.Code{}.I32(5).I32(at).I32(size).Call(pairs)))
	m.Func("proxy_on_grpc_close", "iii", "", show(wasmtest.Code{}.I32(id).I32(at).I32(size).Call(status)))
	return m.Bytes()
}

// grpcEcho sends a gRPC request back, and a status.
func grpcEcho(_ context.Context, _ *message.Headers, body io.Reader) (*UpstreamResponse, error) {
	b, err := io.ReadAll(body)
	if err != nil {
		return nil, &UpstreamError{Code: 503, Text: "gone", Err: err}
	}
	return respond(bytes.NewReader(b), message.NewHeaders("grpc-status", "3", "grpc-message", "third"), ":status", "200"), nil
}

func TestWasmCallOuts(t *testing.T) {
	h, log := wasmHost(t)
	u := testUpstreams()
	u["grpc"] = &upstream{grpcEcho}
	p, err := h.NewPlugin(t.Context(), Config{Name: "w", Code: callingModule(), Upstreams: u, LogLevel: abi.LogWarn})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"{:method GET} {:path /} {:authority a} {content-length 3} {x-envoy-internal true} {x-envoy-expected-rq-timeout-ms 500}] who",
		`:status\x00200\x00`, "msg=who", `grpc-status\x003\x00grpc-message\x00third\x00`, "msg=third",
	} {
		for began := time.Now(); strings.Count(log.String(), want) < 2; time.Sleep(time.Millisecond) {
			if time.Since(began) > 10*time.Second {
				t.Fatalf("not logged by both VMs: %q\n%s", want, log)
			}
		}
	}
	for p.calls.active.Load() != 0 {
		time.Sleep(time.Millisecond)
	}
	wantEqual(t, "bytes held", p.calls.bytes.Load(), 0)
}

// hammerUpstreams answer soon, late, never, or not in full.
func hammerUpstreams() upstreams {
	u := testUpstreams()
	u["late"] = &upstream{func(ctx context.Context, _ *message.Headers, body io.Reader) (*UpstreamResponse, error) {
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(time.Duration(rand.IntN(3000)) * time.Microsecond):
			return respond(strings.NewReader("late"), nil, ":status", "200"), nil
		}
	}}
	u["grpc"] = &upstream{grpcEcho}
	u["stream"] = &upstream{func(ctx context.Context, _ *message.Headers, body io.Reader) (*UpstreamResponse, error) {
		return respond(body, message.NewHeaders("grpc-status", "0"), ":status", "200"), nil
	}}
	return u
}

// Many plugins call while streams come and go, VMs die, and plugins are closed with calls in flight.
func TestHammerCallOuts(t *testing.T) {
	rounds := 6
	if testing.Short() {
		rounds = 2
	}
	u := hammerUpstreams()
	clusters := [][]byte{[]byte("echo"), []byte("late"), []byte("silent"), []byte("refused"), []byte("headers only"),
		[]byte("reset"), []byte("none"), []byte("nope")}
	plugin := func(deaths bool) func(abi.Host) abi.Plugin {
		return func(h abi.Host) abi.Plugin {
			waiting := map[uint32]uint32{}
			p := &fake{host: h}
			grpc := func(c call) (uint32, error) {
				switch c.GetHeaderMapPairs(nil, abi.MapGRPCReceiveInitialMetadata); rand.IntN(6) {
				case 0:
					c.GRPCCancel(c.n)
				case 1:
					c.GRPCClose(c.n)
				case 2:
					c.GRPCSend(c.n, []byte("more"), false)
				case 3:
					c.GRPCSend(c.n, []byte("last"), true)
				}
				return 0, nil
			}
			p.on = map[string]handler{
				"request_headers": func(c call) (uint32, error) {
					if rand.IntN(4) == 0 {
						if id, st := c.GRPCStream([]byte("stream"), []byte("s"), []byte("m"), nil); st == abi.StatusOK {
							c.GRPCSend(id, bytes.Repeat([]byte("x"), rand.IntN(5000)), rand.IntN(2) == 0)
						}
						c.GRPCCall([]byte("grpc"), []byte("s"), []byte("m"), nil, []byte("u"), 50)
					}
					id, status := c.HTTPCall(clusters[rand.IntN(len(clusters))], target(), []byte("body"), nil, uint32(1+rand.IntN(20)))
					if status != abi.StatusOK {
						return 0, nil
					}
					waiting[id] = c.id
					return uint32(abi.HeaderStopAllIterationAndWatermark), nil
				},
				"http_call_response": func(c call) (uint32, error) {
					c.GetBufferBytes(nil, abi.BufferHTTPCallResponseBody, 0, 100)
					c.GetHeaderMapPairs(nil, abi.MapHTTPCallResponseHeaders)
					if c.SetEffectiveContext(waiting[c.n]) == abi.StatusOK && rand.IntN(2) == 0 {
						c.ContinueStream(abi.StreamHTTPRequest)
					} else {
						c.SendLocalResponse(401, nil, nil, nil, -1)
					}
					delete(waiting, c.n)
					if deaths && rand.IntN(50) == 0 {
						return 0, errTrap
					}
					return 0, nil
				},
				"grpc_receive": grpc, "grpc_receive_initial_metadata": grpc, "grpc_close": grpc,
			}
			return p
		}
	}
	host := New(Options{Workers: 4})
	for range rounds {
		var wg sync.WaitGroup
		for i := range 4 {
			p, err := host.NewPlugin(t.Context(), Config{
				Name: fmt.Sprint("p", i), VMID: fmt.Sprint("vm", i), Upstreams: u, FailurePolicy: FailReload,
				ReloadBackoff: time.Millisecond, Limits: Limits{CallsInFlight: 50, CallBytes: 100_000}, Native: plugin(i == 0),
			})
			if err != nil {
				t.Fatal(err)
			}
			for range 4 {
				wg.Go(func() {
					for range 50 {
						cb := newStream()
						f := p.NewFilter(host.PickWorker(), cb)
						cb.onTurn(func() { f.DecodeHeaders(cb.request, true) })
						if rand.IntN(2) == 0 {
							time.Sleep(time.Duration(rand.IntN(1000)) * time.Microsecond)
						}
						cb.onTurn(func() { f.OnLog(); f.OnDestroy(); cb.over = true })
					}
				})
			}
			wg.Go(func() {
				time.Sleep(time.Duration(rand.IntN(50)) * time.Millisecond)
				ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
				defer cancel()
				if err := p.Close(ctx); err != nil {
					t.Error(err)
				}
				if active, held := p.calls.active.Load(), p.calls.bytes.Load(); active != 0 || held != 0 {
					t.Errorf("closed plugin has %d calls and %d bytes", active, held)
				}
			})
		}
		wg.Wait()
	}
	closeHost(t, host)
}

// The same with modules on several workers.
func TestHammerWasmCallOuts(t *testing.T) {
	h, _ := wasmHost(t)
	code := callingModule()
	for range 3 {
		p, err := h.NewPlugin(t.Context(), Config{Name: "w", Code: code, Upstreams: hammerUpstreams(), LogLevel: abi.LogCritical})
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for worker := range 8 {
			wg.Go(func() {
				for range 100 {
					cb := newStream()
					f := p.NewFilter(worker, cb)
					cb.onTurn(func() { f.DecodeHeaders(cb.request, true) })
					cb.onTurn(func() { f.OnLog(); f.OnDestroy(); cb.over = true })
				}
			})
		}
		time.Sleep(time.Duration(rand.IntN(10)) * time.Millisecond)
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		if err := p.Close(ctx); err != nil {
			t.Error(err)
		}
		cancel()
		wg.Wait()
		wantEqual(t, "calls", p.calls.active.Load(), 0)
	}
}

// FuzzCallOut has hostile bytes for every argument of a call, and for what a server sends back.
func FuzzCallOut(f *testing.F) {
	f.Add([]byte("echo"), []byte(target()), []byte("body"), uint32(10), []byte("\x00\x00\x00\x00\x01a"))
	f.Add([]byte("\x0a\x06\x0a\x04grpc"), []byte(nil), []byte(nil), uint32(0), []byte("\x01\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, cluster, headers, body []byte, timeout uint32, answer []byte) {
		u := upstreams{"echo": {}, "grpc": {}}
		for _, c := range u {
			c.send = func(_ context.Context, h *message.Headers, from io.Reader) (*UpstreamResponse, error) {
				for name, value := range h.All() {
					if name == "" || strings.ContainsAny(name+value, "\r\n\x00") {
						t.Errorf("header %q: %q", name, value)
					}
				}
				if from != nil {
					if b, err := io.ReadAll(io.LimitReader(from, 1<<20)); err != nil && !errors.Is(err, errCallOver) {
						t.Errorf("request body: %q, %v", b, err)
					}
				}
				trailers := message.NewHeaders("grpc-status", string(answer))
				return respond(bytes.NewReader(answer), trailers, ":status", "200"), nil
			}
		}
		calls := map[uint32]bool{}
		var mu sync.Mutex
		done := func(c call) (uint32, error) {
			mu.Lock()
			defer mu.Unlock()
			if !calls[c.n] {
				t.Errorf("callback of %d, which is no call", c.n)
			}
			delete(calls, c.n)
			return 0, nil
		}
		receive := func(c call) (uint32, error) {
			if kindOf(c.n) == calloutGRPC {
				return done(c)
			}
			return 0, nil
		}
		s, err := tryStart(map[string]handler{
			"http_call_response": done, "grpc_close": done, "grpc_receive": receive,
			"configure": func(c call) (uint32, error) {
				mu.Lock()
				defer mu.Unlock()
				note := func(id uint32, status abi.Status) {
					if status == abi.StatusOK {
						calls[id] = true
					}
				}
				note(c.HTTPCall(cluster, headers, body, body, timeout))
				note(c.GRPCCall(cluster, body, answer, headers, body, timeout))
				id, status := c.GRPCStream(cluster, body, answer, headers)
				note(id, status)
				c.GRPCSend(id, body, true)
				c.GRPCSend(timeout, body, false)
				c.GRPCCancel(timeout &^ 3)
				c.GRPCClose(binary.LittleEndian.Uint32(append(body[:len(body):len(body)], 0, 0, 0, 0)) | 1<<31)
				return 1, nil
			},
		}, func(cfg *Config) { cfg.Upstreams = u })
		if err != nil {
			t.Fatal(err)
		}
		for began := time.Now(); s.plugin.calls.active.Load() != 0; time.Sleep(10 * time.Microsecond) {
			if time.Since(began) > 5*time.Second {
				t.Fatal("a call did not end")
			}
		}
		closeHost(t, s.host)
		if len(calls) != 0 {
			t.Errorf("no callback of %v", calls)
		}
	})
}
