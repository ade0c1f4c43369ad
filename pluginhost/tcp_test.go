package pluginhost

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"testing"

	"github.com/sluice-gateway/sluice/message"
	"github.com/sluice-gateway/sluice/sdk/abi"
)

// connection is a gateway's connection as simple as it can be: what is asked of it is written down. The turn is that of
// the stream that it is made of.
type connection struct{ *stream }

var _ Connection = connection{}

func newConnection() connection { return connection{newStream()} }

func (c connection) ContinueReading()               { c.event("continue reading") }
func (c connection) ContinueWriting()               { c.event("continue writing") }
func (c connection) CloseConnection(details string) { c.event("close %s", details) }

func (s *setup) tcpFilter(c connection) *TCPFilter {
	return s.plugin.NewTCPFilter(s.host.PickWorker(), c)
}

// TestTCPLifecycle has the order of callbacks of Envoy's onCloseTCP: done, log, delete.
func TestTCPLifecycle(t *testing.T) {
	s := start(t, nil)
	c := newConnection()
	f := s.tcpFilter(c)
	c.onTurn(func() {
		wantEqual(t, "new connection", f.OnNewConnection(), abi.ActionContinue)
		wantEqual(t, "data", f.OnData(buffer("a"), false), abi.ActionContinue)
		wantEqual(t, "write", f.OnWrite(buffer("b"), false), abi.ActionContinue)
		wantEqual(t, "end", f.OnWrite(buffer(""), true), abi.ActionContinue)
		f.OnClose(abi.PeerRemote)
		f.OnClose(abi.PeerRemote)
	})
	wantEqual(t, "callbacks", s.fake.took(), "context_create 2, new_connection 2, downstream_data 2, upstream_data 2, "+
		"upstream_data 2, upstream_connection_close 2, downstream_connection_close 2, done 2, log 2, delete 2")
	wantEqual(t, "events", c.happened(), "")
}

// TestTCPActions: whatever is not Continue is a pause.
func TestTCPActions(t *testing.T) {
	for _, answer := range []uint32{0, 1, 2, 3, 4, math.MaxUint32} {
		a := func(call) (uint32, error) { return answer, nil }
		s := start(t, map[string]handler{"new_connection": a, "downstream_data": a, "upstream_data": a})
		c := newConnection()
		f := s.tcpFilter(c)
		wanted := abi.ActionPause
		if answer == 0 {
			wanted = abi.ActionContinue
		}
		c.onTurn(func() {
			wantEqual(t, "new connection", f.OnNewConnection(), wanted)
			wantEqual(t, "data", f.OnData(buffer("a"), false), wanted)
			wantEqual(t, "write", f.OnWrite(buffer("a"), true), wanted)
			f.OnClose(abi.PeerLocal)
		})
	}
}

// TestTCPBuffers has each right and wrong use of the two buffers.
func TestTCPBuffers(t *testing.T) {
	const all = math.MaxInt32
	for _, tt := range []struct {
		name        string
		start, size uint32
		data        string
		status      abi.Status
		want        string
	}{
		{"replace", 0, all, "xyz", abi.StatusOK, "xyz"},
		{"replace by nothing", 0, all, "", abi.StatusOK, ""},
		{"replace by the exact size", 0, 5, "xyz", abi.StatusOK, "xyz"},
		{"replace the front", 0, 2, "xyz", abi.StatusOK, "xyzllo"},
		{"prepend", 0, 0, "xyz", abi.StatusOK, "xyzhello"},
		{"append", all, 0, "xyz", abi.StatusOK, "helloxyz"},
		{"append at the end", 5, 9, "xyz", abi.StatusOK, "helloxyz"},
		{"in the middle", 2, 1, "xyz", abi.StatusBadArgument, "hello"},
		{"the largest numbers", math.MaxUint32, math.MaxUint32, "xyz", abi.StatusOK, "helloxyz"},
		{"the largest size", 0, math.MaxUint32, "xyz", abi.StatusOK, "xyz"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got [2]abi.Status
			set := func(b abi.BufferType, i int) handler {
				return func(c call) (uint32, error) {
					got[i] = c.SetBufferBytes(b, tt.start, tt.size, []byte(tt.data))
					return 0, nil
				}
			}
			s := start(t, map[string]handler{
				"downstream_data": set(abi.BufferDownstreamData, 0), "upstream_data": set(abi.BufferUpstreamData, 1),
			})
			c := newConnection()
			f := s.tcpFilter(c)
			down, up := buffer("hello"), buffer("hello")
			c.onTurn(func() {
				f.OnNewConnection()
				f.OnData(down, false)
				f.OnWrite(up, false)
				f.OnClose(abi.PeerLocal)
			})
			for i, b := range []*message.Buffer{down, up} {
				wantEqual(t, "status", got[i], tt.status)
				wantEqual(t, "data", string(b.Bytes()), tt.want)
			}
		})
	}
}

func TestTCPBufferReads(t *testing.T) {
	for _, tt := range []struct {
		start, size uint32
		status      abi.Status
		want        string
	}{
		{0, math.MaxInt32, abi.StatusOK, "hello"},
		{1, 3, abi.StatusOK, "ell"},
		{5, 1, abi.StatusOK, ""},
		{9, 1, abi.StatusOK, ""},
		{math.MaxUint32, 1, abi.StatusBadArgument, ""},
		{0, math.MaxUint32, abi.StatusOK, "hello"},
	} {
		s := start(t, map[string]handler{"downstream_data": func(c call) (uint32, error) {
			b, status := c.GetBufferBytes(nil, abi.BufferDownstreamData, tt.start, tt.size)
			wantEqual(t, fmt.Sprint(tt), fmt.Sprintf("%v %s", status, b), fmt.Sprintf("%v %s", tt.status, tt.want))
			size, _, status := c.GetBufferStatus(abi.BufferDownstreamData)
			wantEqual(t, "size", size, 5)
			wantEqual(t, "status", status, abi.StatusOK)
			return 0, nil
		}})
		c := newConnection()
		f := s.tcpFilter(c)
		c.onTurn(func() {
			f.OnNewConnection()
			f.OnData(buffer("hello"), false)
			f.OnClose(abi.PeerLocal)
		})
	}
}

// TestTCPPhases: data is there in its own callback, and afterwards while it is held back; elsewhere it reads as empty
// and cannot be written to. Calls that are for HTTP do nothing, on either kind of stream.
func TestTCPPhases(t *testing.T) {
	read := func(c call, b abi.BufferType) string {
		data, status := c.GetBufferBytes(nil, b, 0, math.MaxInt32)
		return fmt.Sprintf("%s %v %v", data, status, c.SetBufferBytes(b, 0, 0, []byte("+")))
	}
	seen := map[string][2]string{}
	look := func(name string, answer uint32) handler {
		return func(c call) (uint32, error) {
			seen[name] = [2]string{read(c, abi.BufferDownstreamData), read(c, abi.BufferUpstreamData)}
			return answer, nil
		}
	}
	on := map[string]handler{}
	for _, name := range []string{"context_create", "new_connection", "upstream_connection_close", "downstream_connection_close", "done", "log", "delete"} {
		on[name] = look(name, 1)
	}
	on["new_connection"] = look("new_connection", 0)
	on["downstream_data"] = look("downstream_data", 1)
	on["upstream_data"] = look("upstream_data", 0)
	on["request_headers"] = look("request_headers", 0)
	s := start(t, on)
	seen = map[string][2]string{}
	c := newConnection()
	f := s.tcpFilter(c)
	held := buffer("down")
	c.onTurn(func() {
		f.OnNewConnection()
		f.OnData(held, false)
		f.OnWrite(buffer("up"), true)
		f.OnClose(abi.PeerLocal)
	})
	const none = " ok bad argument"
	for name, want := range map[string][2]string{
		"context_create":              {none, none},
		"new_connection":              {none, none},
		"downstream_data":             {"down ok ok", none},
		"upstream_data":               {"+down ok ok", "up ok ok"},
		"upstream_connection_close":   {"++down ok ok", none},
		"downstream_connection_close": {none, none},
		"done":                        {none, none},
		"log":                         {none, none},
		"delete":                      {none, none},
	} {
		wantEqual(t, name, seen[name], want)
	}
	wantEqual(t, "held", string(held.Bytes()), "+++down")

	h := newStream()
	hf := s.filter(h)
	h.onTurn(func() {
		hf.DecodeHeaders(h.request, true)
		hf.OnLog()
		hf.OnDestroy()
	})
	wantEqual(t, "in an HTTP stream", seen["request_headers"], [2]string{none, none})
}

// TestTCPStreamCalls has continue_stream and close_stream for each kind of stream.
func TestTCPStreamCalls(t *testing.T) {
	for _, tt := range []struct {
		stream            abi.StreamType
		continued, closed abi.Status
		events            string
	}{
		{abi.StreamHTTPRequest, abi.StatusOK, abi.StatusOK, ""},
		{abi.StreamHTTPResponse, abi.StatusOK, abi.StatusOK, ""},
		{abi.StreamDownstream, abi.StatusOK, abi.StatusOK, "continue reading; close wasm_downstream_close"},
		{abi.StreamUpstream, abi.StatusUnimplemented, abi.StatusOK, "close wasm_upstream_close"},
		{abi.StreamUpstream + 1, abi.StatusBadArgument, abi.StatusBadArgument, ""},
		{math.MaxUint32, abi.StatusBadArgument, abi.StatusBadArgument, ""},
	} {
		t.Run(tt.stream.String(), func(t *testing.T) {
			s := start(t, map[string]handler{"downstream_data": func(c call) (uint32, error) {
				wantEqual(t, "continue", c.ContinueStream(tt.stream), tt.continued)
				wantEqual(t, "close", c.CloseStream(tt.stream), tt.closed)
				wantEqual(t, "reply", c.SendLocalResponse(200, nil, nil, nil, -1), abi.StatusOK)
				return 1, nil
			}, "downstream_connection_close": func(c call) (uint32, error) {
				wantEqual(t, "continue at the end", c.ContinueStream(abi.StreamDownstream), abi.StatusOK)
				wantEqual(t, "close at the end", c.CloseStream(abi.StreamDownstream), abi.StatusOK)
				return 0, nil
			}})
			c := newConnection()
			f := s.tcpFilter(c)
			c.onTurn(func() {
				f.OnNewConnection()
				wantEqual(t, "action", f.OnData(buffer("a"), false), abi.ActionPause)
				wantEqual(t, "events", c.happened(), tt.events)
				f.OnClose(abi.PeerLocal)
			})
			wantEqual(t, "events at the end", c.happened(), "")
		})
	}
}

// TestTCPEffectiveContext has a tick change what a connection holds back, and resume it.
func TestTCPEffectiveContext(t *testing.T) {
	ticked := make(chan struct{})
	var once sync.Once
	s := start(t, map[string]handler{
		"configure":       func(c call) (uint32, error) { c.SetTickPeriod(2); return 1, nil },
		"downstream_data": func(call) (uint32, error) { return 1, nil },
		"tick": func(c call) (uint32, error) {
			if c.SetEffectiveContext(2) != abi.StatusOK {
				return 0, nil
			}
			once.Do(func() {
				b, _ := c.GetBufferBytes(nil, abi.BufferDownstreamData, 0, 100)
				wantEqual(t, "held data", string(b), "held")
				wantEqual(t, "set", c.SetBufferBytes(abi.BufferDownstreamData, 0, 100, []byte("new")), abi.StatusOK)
				wantEqual(t, "property", c.SetProperty(abi.Path("x"), []byte("v")), abi.StatusOK)
				c.ContinueStream(abi.StreamDownstream)
				close(ticked)
			})
			return 0, nil
		},
	})
	c := newConnection()
	f := s.tcpFilter(c)
	held := buffer("held")
	c.onTurn(func() {
		f.OnNewConnection()
		f.OnData(held, false)
		<-ticked
		wantEqual(t, "events on somebody else's turn", c.happened(), "")
	})
	eventually(t, "resume", func() bool { return c.happened() == "continue reading" })
	c.Lock()
	wantEqual(t, "data", string(held.Bytes()), "new")
	wantEqual(t, "state", c.state["wasm.x"], "v")
	c.Unlock()
	c.onTurn(func() { f.OnClose(abi.PeerLocal) })
}

// TestTCPFailure: a plugin that died, in each callback, and was dead already.
func TestTCPFailure(t *testing.T) {
	told := errors.New("told to")
	for _, policy := range []FailurePolicy{FailClosed, FailOpen} {
		for _, callback := range []string{"context_create", "new_connection", "downstream_data", "upstream_data",
			"upstream_connection_close", "downstream_connection_close", "done", "log", "delete"} {
			t.Run(fmt.Sprint(callback, policy), func(t *testing.T) {
				dying := false
				s := start(t, map[string]handler{callback: func(call) (uint32, error) {
					if !dying {
						return 1, nil // the root's context_create
					}
					return 0, told
				}}, func(c *Config) { c.FailurePolicy = policy })
				dying = true
				var actions []abi.Action
				c := newConnection()
				f := s.tcpFilter(c)
				c.onTurn(func() {
					actions = append(actions, f.OnNewConnection(), f.OnData(buffer("a"), false), f.OnWrite(buffer("a"), true))
					f.OnClose(abi.PeerLocal)
				})
				late := newConnection()
				lf := s.tcpFilter(late)
				late.onTurn(func() {
					actions = append(actions, lf.OnNewConnection(), lf.OnData(buffer("a"), false))
					lf.OnClose(abi.PeerLocal)
				})
				if policy == FailOpen {
					for _, a := range actions {
						wantEqual(t, "action", a, abi.ActionContinue)
					}
					wantEqual(t, "events", c.happened()+late.happened(), "")
					return
				}
				wantEqual(t, "a new connection", actions[3], abi.ActionPause)
				wantEqual(t, "events of a new connection", late.happened(), "close wasm_fail_stream")
				switch callback {
				case "downstream_connection_close", "done", "log", "delete":
					wantEqual(t, "events", c.happened(), "")
				default:
					wantEqual(t, "events", c.happened(), "close wasm_fail_stream")
				}
			})
		}
	}
}

// FuzzTCPBuffers has the buffer calls take any numbers.
func FuzzTCPBuffers(f *testing.F) {
	f.Add(uint32(2), uint32(0), uint32(5), []byte("x"))
	f.Add(uint32(3), uint32(math.MaxUint32), uint32(math.MaxUint32), []byte(""))
	f.Fuzz(func(t *testing.T, which, from, size uint32, data []byte) {
		s := start(t, map[string]handler{"downstream_data": func(c call) (uint32, error) {
			b := abi.BufferType(which)
			before, _ := c.GetBufferBytes(nil, abi.BufferDownstreamData, 0, math.MaxInt32)
			status := c.SetBufferBytes(b, from, size, data)
			after, _ := c.GetBufferBytes(nil, abi.BufferDownstreamData, 0, math.MaxInt32)
			if b != abi.BufferDownstreamData || status != abi.StatusOK {
				wantEqual(t, "data that was not set", string(after), string(before))
			} else if len(after) < len(data) {
				t.Errorf("%d bytes are left of %d", len(after), len(data))
			}
			_, _ = c.GetBufferBytes(nil, b, from, size)
			_, _, _ = c.GetBufferStatus(b)
			c.ContinueStream(abi.StreamType(which))
			c.CloseStream(abi.StreamType(which))
			return from % 5, nil
		}})
		c := newConnection()
		tf := s.tcpFilter(c)
		c.onTurn(func() {
			tf.OnNewConnection()
			tf.OnData(buffer("hello"), true)
			tf.OnClose(abi.PeerLocal)
		})
	})
}
