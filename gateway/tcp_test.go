package gateway

import (
	"bytes"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

// set replaces, prepends (size 0) or appends (start beyond the end) in a buffer.
func set(h abi.Host, b abi.BufferType, start, size uint32, text string) {
	h.SetBufferBytes(b, start, size, []byte(text))
}

const all = 1<<31 - 1

// resumer has a plugin resume at each tick what was paused, after doing something to it.
type resumer struct {
	tcpPlugin
	paused atomic.Uint32
}

func newResumer(do func(h abi.Host)) *resumer {
	r := &resumer{}
	r.start = func(h abi.Host, _ uint32) { h.SetTickPeriod(5) }
	r.tick = func(h abi.Host) {
		id := r.paused.Swap(0)
		if id == 0 || h.SetEffectiveContext(id) != abi.StatusOK {
			return
		}
		_ = r.record("resume")
		do(h)
	}
	return r
}

func (r *resumer) pause(id uint32) abi.Action {
	r.paused.Store(id)
	return abi.ActionPause
}

func resume(h abi.Host) { h.ContinueStream(abi.StreamDownstream) }

// TestTCPCallbacks has the order of callbacks, the sizes and what is done to the data as Envoy 1.40 was seen to have
// them with the same plugins (but for the end, which Envoy mostly hands over with the last piece if both are there).
func TestTCPCallbacks(t *testing.T) {
	pausedNew := newResumer(resume)
	pausedNew.newConnection = func(_ abi.Host, id uint32) abi.Action { return pausedNew.pause(id) }
	pausedData := newResumer(resume)
	pausedData.data = func(_ abi.Host, id uint32, _ string, end bool) abi.Action { return pausedData.pause(id) }
	changed := newResumer(func(h abi.Host) {
		set(h, abi.BufferDownstreamData, 0, all, "changed")
		resume(h)
	})
	changed.data = func(_ abi.Host, id uint32, data string, _ bool) abi.Action {
		if data == "" {
			return abi.ActionContinue
		}
		return changed.pause(id)
	}
	closedByTick := newResumer(func(h abi.Host) { h.CloseStream(abi.StreamDownstream) })
	closedByTick.data = func(_ abi.Host, id uint32, _ string, _ bool) abi.Action { return closedByTick.pause(id) }

	const begin, end = "create\nnew\n", "\ndone\nlog\ndelete"
	for _, c := range []struct {
		name     string
		plugin   *tcpPlugin
		upstream func(t *testing.T, c *net.TCPConn) // nil is an echo
		client   func(t *testing.T, c *net.TCPConn)
		want     string
	}{
		{"client ends first", &tcpPlugin{}, nil, func(t *testing.T, c *net.TCPConn) {
			send(t, c, "one")
			want(t, c, "one")
			_ = c.CloseWrite()
			wantEnd(t, c, "")
		}, `data "one" false
write "one" false
data "" true
write "" true
upstream close 0
close 1`},
		{"upstream ends first", &tcpPlugin{}, func(t *testing.T, c *net.TCPConn) {
			send(t, c, "bye")
			_ = c.CloseWrite()
			wantEnd(t, c, "more")
		}, func(t *testing.T, c *net.TCPConn) {
			wantEnd(t, c, "bye")
			send(t, c, "more")
			_ = c.CloseWrite()
		}, `write "bye" false
write "" true
upstream close 0
data "more" false
data "" true
close 2`},
		{"rewrite both", &tcpPlugin{
			data: func(h abi.Host, _ uint32, data string, _ bool) abi.Action {
				set(h, abi.BufferDownstreamData, 0, all, strings.ToUpper(data))
				return 0
			},
			write: func(h abi.Host, _ uint32, data string, _ bool) abi.Action {
				set(h, abi.BufferUpstreamData, 0, all, strings.ReplaceAll(data, "A", "--"))
				return 0
			},
		}, nil, func(t *testing.T, c *net.TCPConn) {
			send(t, c, "abc")
			want(t, c, "--BC")
			_ = c.CloseWrite()
			wantEnd(t, c, "")
		}, `data "abc" false
write "ABC" false
data "" true
write "" true
upstream close 0
close 1`},
		{"prepend and append", &tcpPlugin{
			data: func(h abi.Host, _ uint32, data string, _ bool) abi.Action {
				set(h, abi.BufferDownstreamData, 0, 0, "<")
				set(h, abi.BufferDownstreamData, all, 0, ">")
				return 0
			},
		}, nil, func(t *testing.T, c *net.TCPConn) {
			send(t, c, "abc")
			want(t, c, "<abc>")
			_ = c.CloseWrite()
			wantEnd(t, c, "<>")
		}, `data "abc" false
write "<abc>" false
data "" true
write "<>" false
write "" true
upstream close 0
close 1`},
		{"drop", &tcpPlugin{
			data: func(h abi.Host, _ uint32, data string, _ bool) abi.Action {
				set(h, abi.BufferDownstreamData, 0, all, "")
				return 0
			},
		}, nil, func(t *testing.T, c *net.TCPConn) {
			send(t, c, "abc")
			_ = c.CloseWrite()
			wantEnd(t, c, "")
		}, `data "abc" false
data "" true
write "" true
upstream close 0
close 1`},
		{"hold until a delimiter", &tcpPlugin{
			data: func(_ abi.Host, _ uint32, data string, end bool) abi.Action {
				if end || strings.HasSuffix(data, "\n") {
					return abi.ActionContinue
				}
				return 7 // whatever is not Continue
			},
		}, nil, nil, `data "ab" false
data "abcd" false
data "abcdef\n" false
write "abcdef\n" false
data "rest" false
data "rest" true
write "rest" false
write "" true
upstream close 0
close 1`},
		{"hold the upstream's until a delimiter, and lose what comes after the last", &tcpPlugin{
			write: func(_ abi.Host, _ uint32, data string, _ bool) abi.Action {
				if strings.HasSuffix(data, "\n") {
					return abi.ActionContinue
				}
				return abi.ActionPause
			},
		}, nil, nil, `data "ab" false
write "ab" false
data "cd" false
write "abcd" false
data "ef\n" false
write "abcdef\n" false
data "rest" false
write "rest" false
data "" true
write "rest" true
upstream close 0
close 1`},
		{"close at once", &tcpPlugin{
			newConnection: func(h abi.Host, _ uint32) abi.Action {
				h.CloseStream(abi.StreamDownstream)
				return abi.ActionContinue
			},
		}, nil, func(t *testing.T, c *net.TCPConn) { wantEnd(t, c, "") }, `close 1`},
		{"close by a word, which goes nowhere", &tcpPlugin{
			data: func(h abi.Host, _ uint32, data string, _ bool) abi.Action {
				if data == "quit" {
					h.CloseStream(abi.StreamDownstream)
				}
				return abi.ActionContinue
			},
		}, func(t *testing.T, c *net.TCPConn) {
			want(t, c, "hi")
			send(t, c, "hi")
			wantEnd(t, c, "")
		}, func(t *testing.T, c *net.TCPConn) {
			send(t, c, "hi")
			want(t, c, "hi")
			send(t, c, "quit")
			wantEnd(t, c, "")
		}, `data "hi" false
write "hi" false
data "quit" false
close 1`},
		{"close the upstream's side, which is both", &tcpPlugin{
			data: func(h abi.Host, _ uint32, data string, _ bool) abi.Action {
				h.CloseStream(abi.StreamUpstream)
				return abi.ActionPause
			},
		}, func(t *testing.T, c *net.TCPConn) { wantEnd(t, c, "") },
			func(t *testing.T, c *net.TCPConn) {
				send(t, c, "hi")
				wantEnd(t, c, "")
			}, `data "hi" false
close 1`},
		{"close with the upstream's data, which goes nowhere", &tcpPlugin{
			write: func(h abi.Host, _ uint32, _ string, _ bool) abi.Action {
				h.CloseStream(abi.StreamDownstream)
				return abi.ActionContinue
			},
		}, nil, func(t *testing.T, c *net.TCPConn) {
			send(t, c, "hi")
			wantEnd(t, c, "")
		}, `data "hi" false
write "hi" false
close 1`},
		{"continue what is being paused", &tcpPlugin{
			data: func(h abi.Host, _ uint32, _ string, _ bool) abi.Action {
				resume(h)
				return abi.ActionPause
			},
		}, nil, func(t *testing.T, c *net.TCPConn) {
			send(t, c, "abc")
			want(t, c, "abc")
			_ = c.CloseWrite()
			wantEnd(t, c, "")
		}, `data "abc" false
write "abc" false
data "" true
write "" true
upstream close 0
close 1`},
		{"pause the connection until a tick", &pausedNew.tcpPlugin, nil, func(t *testing.T, c *net.TCPConn) {
			send(t, c, "early")
			want(t, c, "early")
			_ = c.CloseWrite()
			wantEnd(t, c, "")
		}, `resume
data "early" false
write "early" false
data "" true
write "" true
upstream close 0
close 1`},
		{"pause data until a tick", &pausedData.tcpPlugin, nil, func(t *testing.T, c *net.TCPConn) {
			send(t, c, "abc")
			want(t, c, "abc")
			_ = c.CloseWrite()
			wantEnd(t, c, "")
		}, `data "abc" false
resume
write "abc" false
data "" true
resume
write "" true
upstream close 0
close 1`},
		{"change paused data in a tick", &changed.tcpPlugin, nil, func(t *testing.T, c *net.TCPConn) {
			send(t, c, "abc")
			want(t, c, "changed")
			_ = c.CloseWrite()
			wantEnd(t, c, "")
		}, `data "abc" false
resume
write "changed" false
data "" true
write "" true
upstream close 0
close 1`},
		{"close in a tick", &closedByTick.tcpPlugin, func(t *testing.T, c *net.TCPConn) { wantEnd(t, c, "") },
			func(t *testing.T, c *net.TCPConn) {
				send(t, c, "abc")
				wantEnd(t, c, "")
			}, `data "abc" false
resume
close 1`},
		{"what is for HTTP alone does nothing", &tcpPlugin{
			data: func(h abi.Host, _ uint32, _ string, end bool) abi.Action {
				h.SendLocalResponse(403, nil, nil, nil, -1)
				h.ContinueStream(abi.StreamHTTPRequest)
				h.CloseStream(abi.StreamHTTPRequest)
				h.CloseStream(abi.StreamHTTPResponse)
				h.InjectEncodedData([]byte("x"), true)
				set(h, abi.BufferHTTPRequestBody, 0, 0, "x")
				return abi.ActionContinue
			},
		}, nil, func(t *testing.T, c *net.TCPConn) {
			send(t, c, "abc")
			want(t, c, "abc")
			_ = c.CloseWrite()
			wantEnd(t, c, "")
		}, `data "abc" false
write "abc" false
data "" true
write "" true
upstream close 0
close 1`},
	} {
		t.Run(c.name, func(t *testing.T) {
			upstream := echoTCP
			if c.upstream != nil {
				upstream = func(conn *net.TCPConn) { c.upstream(t, conn) }
			}
			cfg := tcpConfig(tcpUpstream(t, upstream), c.plugin)
			g := serveConfig(t, cfg)
			conn := dialTCP(t, g.addr)
			switch {
			case c.client != nil:
				c.client(t, conn)
			default: // pieces, each of which the plugin has seen before the next one is sent
				seen := func(callback string, times int) {
					waitFor(t, callback, func() bool { return strings.Count(c.plugin.happened(), "\n"+callback) == times })
				}
				for i, piece := range []string{"ab", "cd", "ef\n"} {
					send(t, conn, piece)
					seen("data", i+1)
					if c.plugin.write != nil {
						seen("write", i+1)
					}
				}
				want(t, conn, "abcdef\n")
				send(t, conn, "rest")
				seen("data", 4)
				if c.plugin.write != nil {
					seen("write", 4)
				}
				_ = conn.CloseWrite()
				_, _ = io.ReadAll(conn)
			}
			waitFor(t, "the end", func() bool { return c.plugin.deletes.Load() == 1 })
			if got := c.plugin.happened(); got != begin+c.want+end {
				t.Errorf("got\n%s\nwant\n%s", got, begin+c.want+end)
			}
		})
	}
}

// TestTCPTwoFilters: clients' data in the order of the chain, with all that is held from the first filter on each time;
// upstreams' in reverse; the end in the order of the chain.
func TestTCPTwoFilters(t *testing.T) {
	var order atomic.Pointer[[]string]
	order.Store(new([]string))
	note := func(s string) bool {
		for {
			old := order.Load()
			list := append(append([]string(nil), *old...), s)
			if order.CompareAndSwap(old, &list) {
				return false
			}
		}
	}
	one := &tcpPlugin{crash: func(e string) bool { return note("1 " + e) }}
	two := &tcpPlugin{crash: func(e string) bool { return note("2 " + e) },
		data: func(_ abi.Host, _ uint32, data string, end bool) abi.Action {
			if end || strings.HasSuffix(data, "\n") {
				return abi.ActionContinue
			}
			return abi.ActionPause
		}}
	g := serveConfig(t, tcpConfig(tcpUpstream(t, echoTCP), one, two))
	c := dialTCP(t, g.addr)
	send(t, c, "ab")
	waitFor(t, "callback", func() bool { return strings.Contains(two.happened(), `"ab"`) })
	send(t, c, "cd\n")
	want(t, c, "abcd\n")
	_ = c.CloseWrite()
	wantEnd(t, c, "")
	waitFor(t, "the end", func() bool { return two.deletes.Load() == 1 })
	const wanted = `1 create
1 new
2 create
2 new
1 data "ab" false
2 data "ab" false
1 data "abcd\n" false
2 data "abcd\n" false
2 write "abcd\n" false
1 write "abcd\n" false
1 data "" true
2 data "" true
2 write "" true
2 upstream close 0
1 write "" true
1 upstream close 0
1 close 1
1 done
1 log
1 delete
2 close 1
2 done
2 log
2 delete`
	if got := strings.Join(*order.Load(), "\n"); got != wanted {
		t.Errorf("got\n%s\nwant\n%s", got, wanted)
	}
}

// TestTCPProperties has the properties that a plugin of Envoy 1.40 was seen to read, at each stage.
func TestTCPProperties(t *testing.T) {
	property := func(h abi.Host, path string) string {
		v, status := h.GetProperty(nil, abi.Path(strings.ReplaceAll(path, ".", "\x00")))
		if status != abi.StatusOK {
			return status.String()
		}
		return string(v)
	}
	number := func(n byte) string { return string([]byte{n, 0, 0, 0, 0, 0, 0, 0}) }
	notFound := abi.StatusNotFound.String()
	var client, upstream string
	check := func(t *testing.T, h abi.Host, stage string, want map[string]string) {
		t.Helper()
		for path, w := range want {
			if got := property(h, path); got != w {
				t.Errorf("%s: %s is %q, want %q", stage, path, got, w)
			}
		}
	}
	p := &tcpPlugin{}
	p.newConnection = func(h abi.Host, _ uint32) abi.Action {
		client = property(h, "source.address")
		check(t, h, "new", map[string]string{
			"connection_id": number(1), "connection.id": number(1), "connection.mtls": "\x00", "plugin_name": "test0",
			"connection.requested_server_name": "", "upstream.address": notFound, "upstream.local_address": notFound,
			"xds.cluster_name": notFound, "cluster_name": notFound, "route_name": notFound, "request.path": notFound,
			"request.protocol": notFound, "response.code": notFound, "request.size": number(0), "response.flags": number(0),
			"node.id": "n", "nonsense": notFound, "connection": notFound, "source": notFound, "source.address.x": notFound,
		})
		if len(property(h, "request.time")) != 8 || len(property(h, "source.port")) != 8 {
			t.Error("no time, or no port")
		}
		h.SetProperty(abi.Path("x"), []byte("value"))
		return abi.ActionContinue
	}
	p.data = func(h abi.Host, _ uint32, data string, _ bool) abi.Action {
		if data != "" {
			check(t, h, "data", map[string]string{"x": "value", "request.size": number(2), "response.size": number(0),
				"xds.cluster_name": "u", "upstream.address": upstream, "filter_state.wasm.x": notFound})
			if property(h, "upstream.local_address") == notFound {
				t.Error("no local address")
			}
		}
		return abi.ActionContinue
	}
	p.log = nil
	upstream = tcpUpstream(t, echoTCP)
	cfg := tcpConfig(upstream, p)
	cfg.Node.ID = "n"
	g := serveConfig(t, cfg)
	c := dialTCP(t, g.addr)
	send(t, c, "hi")
	want(t, c, "hi")
	_ = c.CloseWrite()
	wantEnd(t, c, "")
	waitFor(t, "the end", func() bool { return p.deletes.Load() == 1 })
	if client != c.LocalAddr().String() {
		t.Errorf("source.address is %q, want %v", client, c.LocalAddr())
	}
}

// TestTCPWithoutFilters is the proxy alone.
func TestTCPWithoutFilters(t *testing.T) {
	g := serveConfig(t, tcpConfig(tcpUpstream(t, echoTCP)))
	c := dialTCP(t, g.addr)
	text := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	go func() {
		_, _ = c.Write(text)
		_ = c.CloseWrite()
	}()
	if got, err := io.ReadAll(c); err != nil || !bytes.Equal(got, text) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}
