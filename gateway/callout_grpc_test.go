package gateway

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

// grpcServer is a real gRPC server with one method for each kind of call, over strings.
func grpcServer(t *testing.T) (*grpc.Server, string) {
	text := func(s grpc.ServerStream) (string, error) {
		m := new(wrapperspb.StringValue)
		err := s.RecvMsg(m)
		return m.Value, err
	}
	send := func(s grpc.ServerStream, v string) error { return s.SendMsg(wrapperspb.String(v)) }
	stream := func(name string, f func(grpc.ServerStream) error) grpc.StreamDesc {
		return grpc.StreamDesc{StreamName: name, ServerStreams: true, ClientStreams: true,
			Handler: func(_ any, s grpc.ServerStream) error { return f(s) }}
	}
	s := grpc.NewServer()
	s.RegisterService(&grpc.ServiceDesc{ServiceName: "test.Svc", HandlerType: (*any)(nil), Streams: []grpc.StreamDesc{
		stream("Echo", func(s grpc.ServerStream) error {
			v, err := text(s)
			if err != nil {
				return err
			}
			md, _ := metadata.FromIncomingContext(s.Context())
			_ = s.SetHeader(metadata.Pairs("x-initial", "i"))
			s.SetTrailer(metadata.Pairs("x-trailing", "t"))
			return send(s, fmt.Sprint(v, md["x-one"], md[":authority"], md["x-service"]))
		}),
		stream("Fail", func(grpc.ServerStream) error { return status.Error(codes.NotFound, "no such thing") }),
		stream("FailLate", func(s grpc.ServerStream) error {
			_ = send(s, "one")
			return status.Error(codes.Aborted, "late")
		}),
		stream("Nothing", func(grpc.ServerStream) error { return nil }),
		stream("Count", func(s grpc.ServerStream) error {
			if _, err := text(s); err != nil {
				return err
			}
			for _, v := range []string{"a", "", "c"} {
				if err := send(s, v); err != nil {
					return err
				}
			}
			return nil
		}),
		stream("Chat", func(s grpc.ServerStream) error {
			for {
				v, err := text(s)
				if errors.Is(err, io.EOF) {
					return send(s, "bye")
				}
				if err != nil {
					return err
				}
				if err := send(s, strings.ToUpper(v)); err != nil {
					return err
				}
			}
		}),
		stream("Hang", func(s grpc.ServerStream) error {
			_ = s.SendHeader(nil)
			time.Sleep(100 * time.Millisecond) // past the client's deadline, whatever the server makes of it
			<-s.Context().Done()
			return nil
		}),
		stream("Silent", func(s grpc.ServerStream) error { time.Sleep(300 * time.Millisecond); return nil }),
	}}, nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(l)
	}()
	t.Cleanup(func() {
		s.Stop()
		<-done
	})
	return s, l.Addr().String()
}

// grpcService names a cluster, as a plugin does.
func grpcService(cluster string) []byte {
	b, err := proto.Marshal(&corev3.GrpcService{
		TargetSpecifier: &corev3.GrpcService_EnvoyGrpc_{EnvoyGrpc: &corev3.GrpcService_EnvoyGrpc{ClusterName: cluster}},
		InitialMetadata: []*corev3.HeaderValue{{Key: "x-service", Value: "s"}},
	})
	if err != nil {
		panic(err)
	}
	return b
}

func stringMessage(v string) []byte {
	b, err := proto.Marshal(wrapperspb.String(v))
	if err != nil {
		panic(err)
	}
	return b
}

// grpcGateway runs begin in a plugin's configure, with a cluster "grpc" of the server at address, and describes the
// callbacks that follow. react, if not nil, is called in each.
func grpcGateway(t *testing.T, address string, begin func(h abi.Host), react func(h abi.Host, event string, call uint32)) <-chan string {
	events := make(chan string, 100)
	p := &funcPlugin{
		start: func(h abi.Host, _ uint32) { begin(h) },
		grpc: func(h abi.Host, callback string, call, n uint32) {
			event := callback
			switch callback {
			case "ReceiveInitialMetadata":
				v, _ := h.GetHeaderMapValue(nil, abi.MapGRPCReceiveInitialMetadata, []byte("x-initial"))
				event += " " + string(v)
			case "Receive":
				b, st := h.GetBufferBytes(nil, abi.BufferGRPCReceive, 0, n)
				m := new(wrapperspb.StringValue)
				if err := proto.Unmarshal(b, m); err != nil || st != abi.StatusOK || len(b) != int(n) {
					event += fmt.Sprint(" bad ", err, st)
				}
				event += " " + m.Value
			case "ReceiveTrailingMetadata":
				v, _ := h.GetHeaderMapValue(nil, abi.MapGRPCReceiveTrailingMetadata, []byte("x-trailing"))
				event += " " + string(v)
			case "Close":
				text, code, _ := h.GetStatus(nil)
				event += fmt.Sprintf(" %d %d %s", n, code, text)
			}
			events <- event
			if react != nil {
				react(h, event, call)
			}
		},
	}
	startGateway(t, http.HandlerFunc(echoHandler), []*funcPlugin{p}, addCluster("grpc", address, true))
	return events
}

func expect(t *testing.T, events <-chan string, want ...string) {
	t.Helper()
	for _, w := range want {
		select {
		case got := <-events:
			if got != w {
				t.Fatalf("got %q, want %q", got, w)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%q did not come", w)
		}
	}
}

func expectNothing(t *testing.T, events <-chan string) {
	t.Helper()
	select {
	case got := <-events:
		t.Errorf("%q came", got)
	case <-time.After(50 * time.Millisecond):
	}
}

func TestGRPCUnary(t *testing.T) {
	server, address := grpcServer(t)
	cases := []struct {
		name, method string
		service      []byte
		timeout      uint32
		want         string
	}{
		{name: "response", method: "Echo", want: "Receive hello[1] [grpc] [s]"},
		{name: "plain cluster name", method: "Echo", service: []byte("grpc"), want: "Receive hello[1] [grpc] []"},
		{name: "error status", method: "Fail", want: "Close 5 5 no such thing"},
		{name: "error after a message", method: "FailLate", want: "Close 10 10 late"},
		{name: "the last message counts", method: "Count", want: "Receive c"},
		{name: "no message", method: "Nothing", want: "Close 13 13 "},
		{name: "unknown method", method: "Nope", want: "Close 12 12 unknown method Nope for service test.Svc"},
		{name: "deadline before headers", method: "Silent", timeout: 30, want: "Close 14 14 upstream request timeout"},
		{name: "deadline after headers", method: "Hang", timeout: 30, want: "Close 13 13 response_timeout"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			events := grpcGateway(t, address, func(h abi.Host) {
				service := tc.service
				if service == nil {
					service = grpcService("grpc")
				}
				id, st := h.GRPCCall(service, []byte("test.Svc"), []byte(tc.method),
					abi.AppendPairs(nil, [][2]string{{"X-One", "1"}}), stringMessage("hello"), tc.timeout)
				if id != 5 || st != abi.StatusOK {
					t.Errorf("dispatch: %d %v", id, st)
				}
			}, nil)
			expect(t, events, tc.want)
			expectNothing(t, events)
		})
	}
	t.Run("server gone", func(t *testing.T) {
		server.Stop()
		events := grpcGateway(t, address, func(h abi.Host) {
			h.GRPCCall(grpcService("grpc"), []byte("test.Svc"), []byte("Echo"), nil, nil, 0)
		}, nil)
		expect(t, events, "Close 14 14 upstream connect error or disconnect/reset before headers. reset reason: "+
			"remote connection failure")
	})
}

func TestGRPCStream(t *testing.T) {
	_, address := grpcServer(t)
	open := func(method string, id *uint32) func(h abi.Host) {
		return func(h abi.Host) {
			var st abi.Status
			*id, st = h.GRPCStream(grpcService("grpc"), []byte("test.Svc"), []byte(method), nil)
			if *id != 6 || st != abi.StatusOK {
				t.Errorf("open: %d %v", *id, st)
			}
			if st := h.GRPCSend(*id, stringMessage("hello"), false); st != abi.StatusOK {
				t.Errorf("send: %v", st)
			}
		}
	}
	var id uint32
	t.Run("all callbacks", func(t *testing.T) {
		events := grpcGateway(t, address, open("Echo", &id), nil)
		expect(t, events, "ReceiveInitialMetadata i", "Receive hello[] [grpc] [s]", "ReceiveTrailingMetadata t", "Close 0 0 ")
		expectNothing(t, events)
	})
	t.Run("server stream", func(t *testing.T) {
		events := grpcGateway(t, address, open("Count", &id), nil)
		expect(t, events, "ReceiveInitialMetadata ", "Receive a", "Receive ", "Receive c", "ReceiveTrailingMetadata ", "Close 0 0 ")
	})
	t.Run("error status", func(t *testing.T) {
		events := grpcGateway(t, address, open("Fail", &id), nil)
		expect(t, events, "ReceiveInitialMetadata ", "ReceiveTrailingMetadata ", "Close 5 5 no such thing")
	})
	t.Run("bidirectional", func(t *testing.T) {
		sent := 0
		events := grpcGateway(t, address, open("Chat", &id), func(h abi.Host, event string, call uint32) {
			if !strings.HasPrefix(event, "Receive ") || event == "Receive bye" {
				return
			}
			if sent++; sent < 3 {
				h.GRPCSend(call, stringMessage(fmt.Sprint("m", sent)), false)
				return
			}
			if st := h.GRPCClose(call); st != abi.StatusOK {
				t.Errorf("close: %v", st)
			}
			if st := h.GRPCSend(call, nil, false); st != abi.StatusBadArgument {
				t.Errorf("send after close: %v", st)
			}
		})
		expect(t, events, "ReceiveInitialMetadata ", "Receive HELLO", "Receive M1", "Receive M2", "Receive bye",
			"ReceiveTrailingMetadata ", "Close 0 0 ")
	})
	t.Run("cancel", func(t *testing.T) {
		events := grpcGateway(t, address, open("Hang", &id), func(h abi.Host, _ string, call uint32) {
			if st := h.GRPCCancel(call); st != abi.StatusOK {
				t.Errorf("cancel: %v", st)
			}
			if st := h.GRPCCancel(call); st != abi.StatusNotFound {
				t.Errorf("second cancel: %v", st)
			}
		})
		expect(t, events, "ReceiveInitialMetadata ")
		expectNothing(t, events)
	})
	t.Run("close in the last callback, and after it", func(t *testing.T) {
		events := grpcGateway(t, address, open("Fail", &id), func(h abi.Host, event string, call uint32) {
			if strings.HasPrefix(event, "Close") {
				if st := h.GRPCClose(call); st != abi.StatusOK {
					t.Errorf("close: %v", st)
				}
			}
		})
		expect(t, events, "ReceiveInitialMetadata ", "ReceiveTrailingMetadata ", "Close 5 5 no such thing")
	})
	t.Run("server dies", func(t *testing.T) {
		server, address := grpcServer(t)
		events := grpcGateway(t, address, open("Hang", &id), nil)
		expect(t, events, "ReceiveInitialMetadata ")
		server.Stop()
		expect(t, events, "ReceiveTrailingMetadata ", "Close 13 13 ")
	})
	t.Run("gateway closes", func(t *testing.T) {
		events := grpcGateway(t, address, open("Hang", &id), nil)
		expect(t, events, "ReceiveInitialMetadata ") // and the test ends with the stream open
	})
}

// A server that is none of gRPC's.
func TestGRPCNotSpoken(t *testing.T) {
	frames := func(b string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/grpc")
			w.Header().Set("Trailer", "Grpc-Status")
			_, _ = io.WriteString(w, b)
			w.Header().Set("Grpc-Status", "0")
		}
	}
	cases := []struct {
		name   string
		answer http.HandlerFunc
		want   string
	}{
		{"404", http.NotFound, "Close 12 12 "},
		{"502", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, "Close 14 14 "},
		{"no status", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "\x00\x00\x00\x00\x00") }, "Close 2 2 "},
		{"status is no number", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Grpc-Status", "x") }, "Close 2 2 "},
		{"compressed", frames("\x01\x00\x00\x00\x01a"), "Close 13 13 "},
		{"not frames", frames("hello world"), "Close 13 13 "},
		{"cut frame", frames("\x00\x00\x00\x00\x05a"), "Close 13 13 "},
		{"too large", frames("\x00\x7f\xff\xff\xff"), "Close 8 8 message of 2147483647 bytes is larger than 33554432"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			events := grpcGateway(t, h2cServer(t, tc.answer), func(h abi.Host) {
				h.GRPCCall(grpcService("grpc"), []byte("s"), []byte("m"), nil, nil, 0)
			}, nil)
			expect(t, events, tc.want)
		})
	}
}

func TestGRPCArguments(t *testing.T) {
	_, address := grpcServer(t)
	google, _ := proto.Marshal(&corev3.GrpcService{
		TargetSpecifier: &corev3.GrpcService_GoogleGrpc_{GoogleGrpc: &corev3.GrpcService_GoogleGrpc{TargetUri: "x"}}})
	pseudo := abi.AppendPairs(nil, [][2]string{{":path", "/x"}})
	cases := []struct {
		name string
		do   func(h abi.Host) abi.Status
		want abi.Status
	}{
		{"not a service", func(h abi.Host) abi.Status {
			_, st := h.GRPCCall([]byte("\xff\xff"), nil, nil, nil, nil, 0)
			return st
		}, abi.StatusParseFailure},
		{"empty service", func(h abi.Host) abi.Status { _, st := h.GRPCCall(nil, nil, nil, nil, nil, 0); return st }, abi.StatusBadArgument},
		{"google_grpc", func(h abi.Host) abi.Status { _, st := h.GRPCStream(google, nil, nil, nil); return st }, abi.StatusBadArgument},
		{"unknown cluster", func(h abi.Host) abi.Status { _, st := h.GRPCStream(grpcService("x"), nil, nil, nil); return st }, abi.StatusBadArgument},
		{"negative timeout", func(h abi.Host) abi.Status {
			_, st := h.GRPCCall(grpcService("grpc"), nil, nil, nil, nil, 1<<31)
			return st
		}, abi.StatusBadArgument},
		{"pseudo header", func(h abi.Host) abi.Status {
			_, st := h.GRPCCall(grpcService("grpc"), []byte("s"), []byte("m"), pseudo, nil, 0)
			return st
		}, abi.StatusBadArgument},
		{"malformed metadata", func(h abi.Host) abi.Status {
			_, st := h.GRPCCall(grpcService("grpc"), []byte("s"), []byte("m"), abi.Pairs("\x01"), nil, 0)
			return st
		}, abi.StatusBadArgument},
		{"send on no stream", func(h abi.Host) abi.Status { return h.GRPCSend(6, nil, true) }, abi.StatusNotFound},
		{"send on a unary call", func(h abi.Host) abi.Status { return h.GRPCSend(5, nil, true) }, abi.StatusBadArgument},
		{"send on an HTTP call", func(h abi.Host) abi.Status { return h.GRPCSend(4, nil, true) }, abi.StatusBadArgument},
		{"close of no stream", func(h abi.Host) abi.Status { return h.GRPCClose(6) }, abi.StatusNotFound},
		{"close of no call", func(h abi.Host) abi.Status { return h.GRPCClose(5) }, abi.StatusNotFound},
		{"close of an HTTP call", func(h abi.Host) abi.Status { return h.GRPCClose(4) }, abi.StatusBadArgument},
		{"cancel of no call", func(h abi.Host) abi.Status { return h.GRPCCancel(5) }, abi.StatusNotFound},
		{"cancel of a Redis call", func(h abi.Host) abi.Status { return h.GRPCCancel(7) }, abi.StatusBadArgument},
	}
	grpcGateway(t, address, func(h abi.Host) {
		for _, tc := range cases {
			if got := tc.do(h); got != tc.want {
				t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
			}
		}
	}, nil)
}
