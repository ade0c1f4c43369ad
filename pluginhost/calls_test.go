package pluginhost

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/message"
	"github.com/sluice-gateway/sluice/sdk/abi"
)

// Which maps a plugin has, by callback: what reading a header that is not there answers tells, and what an edit does.
func TestMapsByPhase(t *testing.T) {
	const (
		ok, missing, bad = abi.StatusOK, abi.StatusNotFound, abi.StatusBadArgument
	)
	type answers struct{ read, write abi.Status }
	var (
		have = answers{missing, ok}
		none = answers{bad, bad}
		made = answers{bad, ok} // made by the edit
		past = answers{missing, bad}
	)
	maps := []abi.MapType{abi.MapHTTPRequestHeaders, abi.MapHTTPRequestTrailers, abi.MapHTTPResponseHeaders, abi.MapHTTPResponseTrailers}
	for _, tc := range []struct {
		name    string
		stop    bool // every callback pauses
		want    map[string][4]answers
		lastOne bool // the body's piece is the last
	}{
		{name: "continue", want: map[string][4]answers{
			"context_create":    {none, none, none, none},
			"request_headers":   {have, none, none, none},
			"request_body":      {none, none, none, none},
			"request_trailers":  {none, have, none, none},
			"response_headers":  {none, none, have, none},
			"response_body":     {none, none, none, none},
			"response_trailers": {none, none, none, have},
			"log":               {past, past, past, past},
			"done":              {none, none, none, none},
			"delete":            {none, none, none, none},
		}},
		{name: "pause", stop: true, want: map[string][4]answers{
			"request_headers":   {have, none, none, none},
			"request_body":      {have, none, none, none},
			"request_trailers":  {have, have, none, none},
			"response_headers":  {have, have, have, none},
			"response_body":     {have, have, have, none},
			"response_trailers": {have, have, have, have},
			"log":               {past, past, past, past},
		}},
		{name: "last piece", lastOne: true, want: map[string][4]answers{
			"request_body":  {none, made, none, none},
			"response_body": {none, none, none, made},
		}},
	} {
		for phase, want := range tc.want {
			t.Run(tc.name+" "+phase, func(t *testing.T) {
				on := map[string]handler{}
				if tc.stop {
					for _, s := range steps[:6] {
						on[s.name] = answer(1)
					}
				}
				asked := false
				inner := on[phase]
				on[phase] = func(c call) (uint32, error) {
					if c.id == 1 { // the root context
						return 1, nil
					}
					asked = true
					for i, m := range maps {
						_, read := c.GetHeaderMapValue(nil, m, []byte("nope"))
						write := c.AddHeaderMapValue(m, []byte("k"), []byte("v"))
						wantEqual(t, m.String(), answers{read, write}, want[i])
						if pairs, status := c.GetHeaderMapPairs(nil, m); status != ok || len(pairs) > 0 != (read == missing && !(m == 1 && phase == "log")) && write != ok {
							t.Errorf("%v: pairs %q %v", m, pairs, status)
						}
					}
					if inner != nil {
						return inner(c)
					}
					return 0, nil
				}
				s := start(t, on)
				cb := newStream()
				cb.responseTrailers = message.NewHeaders("rt", "1")
				cb.lastPiece = tc.lastOne
				f := s.filter(cb)
				f.DecodeHeaders(cb.request, false)
				f.DecodeData(buffer("x"), tc.lastOne)
				if !tc.lastOne {
					f.DecodeTrailers(message.NewHeaders("t", "1"))
				}
				f.EncodeHeaders(cb.response, false)
				f.EncodeData(buffer("x"), tc.lastOne)
				if !tc.lastOne {
					f.EncodeTrailers(cb.responseTrailers)
				}
				f.OnLog()
				f.OnDestroy()
				if !asked {
					t.Error("the callback was not made")
				}
			})
		}
	}
}

// inHeaders runs do in a request header callback of a new stream, and returns the stream.
func inHeaders(t *testing.T, do func(c call)) *stream {
	t.Helper()
	s := start(t, map[string]handler{"request_headers": func(c call) (uint32, error) {
		do(c)
		return 0, nil
	}})
	cb := newStream()
	f := s.filter(cb)
	f.DecodeHeaders(cb.request, true)
	f.OnDestroy()
	return cb
}

func list(h *message.Headers) string {
	var s []string
	for k, v := range h.All() {
		s = append(s, k+"="+v)
	}
	return strings.Join(s, " ")
}

func TestHeaderCalls(t *testing.T) {
	const cleared = "clear route cache"
	many := make([][2]string, abi.MaxPairs+1)
	for i := range many {
		many[i][0] = "n"
	}
	tooMany := abi.AppendPairs(nil, many)
	for _, tc := range []struct {
		name   string
		do     func(c call) abi.Status
		status abi.Status
		want   string
		events string
	}{
		{"get", func(c call) abi.Status {
			v, s := c.GetHeaderMapValue([]byte("+"), 0, []byte("X-A"))
			wantEqual(t, "value", string(v), "+1")
			return s
		}, abi.StatusOK, ":method=GET :path=/p x-a=1 x-a=2", ""},
		{"get nothing", func(c call) abi.Status {
			v, s := c.GetHeaderMapValue([]byte("+"), 0, []byte("x-b"))
			wantEqual(t, "value", string(v), "+")
			return s
		}, abi.StatusNotFound, ":method=GET :path=/p x-a=1 x-a=2", ""},
		{"size", func(c call) abi.Status {
			n, s := c.GetHeaderMapSize(0)
			wantEqual(t, "size", n, 25)
			return s
		}, abi.StatusOK, ":method=GET :path=/p x-a=1 x-a=2", ""},
		{"add", func(c call) abi.Status { return c.AddHeaderMapValue(0, []byte("X-A"), []byte("3")) }, abi.StatusOK,
			":method=GET :path=/p x-a=1 x-a=2 x-a=3", cleared},
		{"replace", func(c call) abi.Status { return c.ReplaceHeaderMapValue(0, []byte("X-A"), []byte("3")) }, abi.StatusOK,
			":method=GET :path=/p x-a=3", cleared},
		{"remove", func(c call) abi.Status { return c.RemoveHeaderMapValue(0, []byte("X-A")) }, abi.StatusOK,
			":method=GET :path=/p", cleared},
		{"remove nothing", func(c call) abi.Status { return c.RemoveHeaderMapValue(0, []byte("x-b")) }, abi.StatusOK,
			":method=GET :path=/p x-a=1 x-a=2", cleared},
		{"set pairs", func(c call) abi.Status {
			return c.SetHeaderMapPairs(0, abi.AppendPairs(nil, [][2]string{{":path", "/q"}, {"Y", "1"}, {"y", "2"}}))
		}, abi.StatusOK, ":path=/q y=1 y=2", cleared},
		{"set no pairs", func(c call) abi.Status { return c.SetHeaderMapPairs(0, nil) }, abi.StatusOK, "", cleared},
		{"set malformed pairs", func(c call) abi.Status { return c.SetHeaderMapPairs(0, abi.Pairs("\x01\x00\x00\x00")) },
			abi.StatusBadArgument, ":method=GET :path=/p x-a=1 x-a=2", ""},
		{"set too many pairs", func(c call) abi.Status { return c.SetHeaderMapPairs(0, tooMany) },
			abi.StatusBadArgument, ":method=GET :path=/p x-a=1 x-a=2", ""},
		{"set an illegal pair", func(c call) abi.Status {
			return c.SetHeaderMapPairs(0, abi.AppendPairs(nil, [][2]string{{"a", "b"}, {"a\nb", "c"}}))
		}, abi.StatusBadArgument, ":method=GET :path=/p x-a=1 x-a=2", ""},
		{"add a header that ends its line", func(c call) abi.Status {
			return c.AddHeaderMapValue(0, []byte("a"), []byte("b\r\nc: d"))
		}, abi.StatusBadArgument, ":method=GET :path=/p x-a=1 x-a=2", ""},
		{"replace by a NUL", func(c call) abi.Status { return c.ReplaceHeaderMapValue(0, []byte("x-a"), []byte("\x00")) },
			abi.StatusBadArgument, ":method=GET :path=/p x-a=1 x-a=2", ""},
		{"add without a name", func(c call) abi.Status { return c.AddHeaderMapValue(0, nil, []byte("b")) },
			abi.StatusBadArgument, ":method=GET :path=/p x-a=1 x-a=2", ""},
		{"unknown map", func(c call) abi.Status { return c.AddHeaderMapValue(8, []byte("a"), []byte("b")) },
			abi.StatusBadArgument, ":method=GET :path=/p x-a=1 x-a=2", ""},
		{"rerouting off", func(c call) abi.Status {
			c.SetProperty(abi.Path(abi.PropertyClearRouteCache), []byte("off"))
			c.CallForeignFunction(nil, []byte(abi.FunctionClearRouteCache), nil)
			return c.RemoveHeaderMapValue(0, []byte("x-a"))
		}, abi.StatusOK, ":method=GET :path=/p", ""},
		{"rerouting off and on", func(c call) abi.Status {
			c.SetProperty(abi.Path(abi.PropertyClearRouteCache), []byte("off"))
			c.SetProperty(abi.Path(abi.PropertyClearRouteCache), []byte("on"))
			return c.RemoveHeaderMapValue(0, []byte("x-a"))
		}, abi.StatusOK, ":method=GET :path=/p", cleared},
		{"reroute by name", func(c call) abi.Status {
			_, s := c.CallForeignFunction(nil, []byte(abi.FunctionClearRouteCache), nil)
			return s
		}, abi.StatusOK, ":method=GET :path=/p x-a=1 x-a=2", cleared},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cb := inHeaders(t, func(c call) { wantEqual(t, "status", tc.do(c), tc.status) })
			wantEqual(t, "headers", list(cb.request), tc.want)
			wantEqual(t, "events", cb.happened(), tc.events)
		})
	}
}

func TestSetBody(t *testing.T) {
	const all = math.MaxInt32
	for _, tc := range []struct {
		name        string
		start, size uint32
		data        string
		status      abi.Status
		want        string
	}{
		{"replace", 0, all, "new", abi.StatusOK, "new"},
		{"replace by nothing", 0, all, "", abi.StatusOK, ""},
		{"replace exactly", 0, 6, "new", abi.StatusOK, "new"},
		{"replace the largest size", 0, math.MaxUint32, "new", abi.StatusOK, "new"},
		{"prepend", 0, 0, "new", abi.StatusOK, "newabcdef"},
		{"replace the front", 0, 2, "new", abi.StatusOK, "newcdef"},
		{"append", all, 0, "new", abi.StatusOK, "abcdefnew"},
		{"append at the end", 6, 3, "new", abi.StatusOK, "abcdefnew"},
		{"middle", 1, 2, "new", abi.StatusBadArgument, "abcdef"},
		{"last byte", 5, 1, "new", abi.StatusBadArgument, "abcdef"},
	} {
		for _, side := range []string{"request", "response"} {
			for _, collected := range []bool{false, true} {
				t.Run(fmt.Sprint(side, " ", tc.name, " collected ", collected), func(t *testing.T) {
					kind := abi.BufferHTTPRequestBody
					if side == "response" {
						kind = abi.BufferHTTPResponseBody
					}
					calls := 0
					s := start(t, map[string]handler{side + "_body": func(c call) (uint32, error) {
						if calls++; calls == 1 && collected {
							return uint32(abi.DataStopIterationAndBuffer), nil
						}
						wantEqual(t, "status", c.SetBufferBytes(kind, tc.start, tc.size, []byte(tc.data)), tc.status)
						got, _ := c.GetBufferBytes(nil, kind, 0, all)
						wantEqual(t, "read back", string(got), tc.want)
						return 0, nil
					}})
					cb := newStream()
					f := s.filter(cb)
					f.DecodeHeaders(cb.request, false)
					give, to := f.DecodeData, &cb.decoding
					if side == "response" {
						give, to = f.EncodeData, &cb.encoding
					}
					d := buffer("abcdef")
					if collected {
						d = buffer("abc")
						give(d, false)
						cb.add(to, d)
						give(buffer("def"), true)
						d = *to
					} else {
						give(d, true)
					}
					wantEqual(t, "body", string(d.Bytes()), tc.want)
					f.OnDestroy()
				})
			}
		}
	}
}

// What a plugin writes to a body that it collects, and of which nothing came, is not lost.
func TestSetBodyThatIsNotThere(t *testing.T) {
	s := start(t, map[string]handler{
		"request_headers": func(c call) (uint32, error) {
			wantEqual(t, "no body yet", c.SetBufferBytes(abi.BufferHTTPRequestBody, 0, 9, []byte("x")), abi.StatusBadArgument)
			return 0, nil
		},
		"request_body": func(c call) (uint32, error) {
			if !c.end {
				return uint32(abi.DataStopIterationAndBuffer), nil
			}
			wantEqual(t, "set", c.SetBufferBytes(abi.BufferHTTPRequestBody, 0, 9, []byte("one")), abi.StatusOK)
			wantEqual(t, "append", c.SetBufferBytes(abi.BufferHTTPRequestBody, 9, 0, []byte("two")), abi.StatusOK)
			wantEqual(t, "read", body(c, abi.BufferHTTPRequestBody), `0/true "onetwo" ok`)
			return 0, nil
		},
	})
	cb := newStream()
	f := s.plugin.NewFilter(0, &noAdd{cb})
	f.DecodeHeaders(cb.request, false)
	f.DecodeData(buffer(""), false)
	f.DecodeData(buffer(""), true)
	if cb.decoding == nil || string(cb.decoding.Bytes()) != "onetwo" {
		t.Errorf("body is %v", cb.decoding)
	}
	f.OnDestroy()
}

// noAdd is a stream that does not make a buffer of nothing.
type noAdd struct{ *stream }

func (s *noAdd) AddDecodedData(data *message.Buffer, streaming bool) bool {
	return data.Len() == 0 || s.stream.AddDecodedData(data, streaming)
}

func TestBuffers(t *testing.T) {
	check := func(t *testing.T, c call, b abi.BufferType, start, size uint32, want string, status abi.Status) {
		t.Helper()
		got, s := c.GetBufferBytes(nil, b, start, size)
		if string(got) != want || s != status {
			t.Errorf("%v from %d size %d: got %q %v, want %q %v", b, start, size, got, s, want, status)
		}
	}
	asked := ""
	always := func(t *testing.T, c call) {
		t.Helper()
		check(t, c, abi.BufferVMConfiguration, 0, 100, "vmconf", abi.StatusOK)
		check(t, c, abi.BufferVMConfiguration, 2, 3, "con", abi.StatusOK)
		check(t, c, abi.BufferVMConfiguration, 6, 1, "", abi.StatusOK)
		check(t, c, abi.BufferVMConfiguration, 100, 1, "", abi.StatusOK)
		check(t, c, abi.BufferVMConfiguration, 1, math.MaxUint32, "", abi.StatusBadArgument)
		check(t, c, abi.BufferHTTPCallResponseBody, 0, 1, "", abi.StatusNotFound)
		check(t, c, abi.BufferRedisCallResponse, 0, 1, "", abi.StatusNotFound)
		check(t, c, abi.BufferCallData, 0, 1, "", abi.StatusOK)
		check(t, c, 10, 0, 1, "", abi.StatusNotFound)
		n, flags, s := c.GetBufferStatus(abi.BufferVMConfiguration)
		if n != 6 || flags != 0 || s != abi.StatusOK {
			t.Errorf("status of the VM configuration: %d %d %v", n, flags, s)
		}
		_, _, s = c.GetBufferStatus(abi.BufferHTTPCallResponseBody)
		wantEqual(t, "status of nothing", s, abi.StatusNotFound)
		wantEqual(t, "write configuration", c.SetBufferBytes(abi.BufferVMConfiguration, 0, 1, nil), abi.StatusBadArgument)
		wantEqual(t, "write nothing", c.SetBufferBytes(abi.BufferHTTPCallResponseBody, 0, 1, nil), abi.StatusNotFound)
	}
	starting := func(c call) (uint32, error) {
		if c.id == 1 {
			asked += "s"
			always(t, c)
			check(t, c, abi.BufferPluginConfiguration, 0, 100, "conf", abi.StatusOK)
			check(t, c, abi.BufferHTTPRequestBody, 0, 100, "", abi.StatusOK)
			wantEqual(t, "write body", c.SetBufferBytes(abi.BufferHTTPRequestBody, 0, 0, nil), abi.StatusBadArgument)
		}
		return 1, nil
	}
	s := start(t, map[string]handler{
		"context_create": starting, "vm_start": starting, "configure": starting,
		"request_headers": func(c call) (uint32, error) {
			asked += "h"
			always(t, c)
			check(t, c, abi.BufferPluginConfiguration, 0, 100, "", abi.StatusNotFound)
			check(t, c, abi.BufferHTTPRequestBody, 0, 100, "", abi.StatusOK)
			return 0, nil
		},
	})
	cb := newStream()
	f := s.filter(cb)
	f.DecodeHeaders(cb.request, false)
	f.OnDestroy()
	wantEqual(t, "asked", asked, "sssh")
}

func TestProperties(t *testing.T) {
	nul := func(s string) abi.Path { return abi.Path(strings.ReplaceAll(s, ".", "\x00")) }
	ask := func(c call, path string) string {
		v, s := c.GetProperty([]byte("+"), nul(path))
		return fmt.Sprintf("%s %v", v, s)
	}
	own := func(t *testing.T, c call) {
		wantEqual(t, "name", ask(c, "plugin_name"), "+test ok")
		wantEqual(t, "name with a NUL", ask(c, "plugin_name."), "+test ok")
		wantEqual(t, "root id", ask(c, "plugin_root_id"), "+root ok")
		wantEqual(t, "vm id", ask(c, "plugin_vm_id"), "+vm ok")
		wantEqual(t, "memory of a native plugin", ask(c, "plugin_vm_memory"), "+ not found")
		wantEqual(t, "unknown", ask(c, "x"), "+ not found")
		wantEqual(t, "empty", ask(c, ""), "+ not found")
	}
	s := start(t, map[string]handler{
		"configure": func(c call) (uint32, error) {
			own(t, c)
			wantEqual(t, "node", ask(c, "node.id")+ask(c, "node.cluster"), "+n1 ok+c1 ok")
			wantEqual(t, "of a stream", ask(c, "route_name"), "+ not found")
			wantEqual(t, "set", c.SetProperty(nul("a"), []byte("b")), abi.StatusNotFound)
			return 1, nil
		},
		"request_headers": func(c call) (uint32, error) {
			own(t, c)
			wantEqual(t, "of a stream", ask(c, "route_name"), "+r1 ok")
			wantEqual(t, "set", c.SetProperty(nul("custom_log"), []byte("b")), abi.StatusOK)
			wantEqual(t, "set a path", c.SetProperty(nul("response.code_details"), []byte("d")), abi.StatusOK)
			wantEqual(t, "tag", c.SetProperty(abi.Path("trace_span_tag.t"), []byte("v")), abi.StatusOK)
			for value := range strings.SplitSeq("abc,-1,4294967296,99999999999999999999,7,", ",") {
				wantEqual(t, "limit", c.SetProperty(abi.Path(abi.PropertyEncoderBufferLimit), []byte(value)), abi.StatusOK)
			}
			wantEqual(t, "rebuild", c.SetProperty(abi.Path(abi.PropertyNeedRebuild), []byte("true")), abi.StatusOK)
			wantEqual(t, "rebuild", c.SetProperty(abi.Path(abi.PropertyNeedRebuild), []byte("true")), abi.StatusOK)
			return 0, nil
		},
	})
	cb := newStream()
	cb.properties["route_name"] = "r1"
	f := s.filter(cb)
	f.DecodeHeaders(cb.request, true)
	f.OnDestroy()
	wantEqual(t, "state", fmt.Sprintf("%q", cb.state), fmt.Sprintf("%q", map[string]string{
		"wasm.custom_log": "b", "wasm.response\x00code_details": "d", "wasm.trace_span_tag.t": "v"}))
	wantEqual(t, "limit", cb.limit, 7)
	wantEqual(t, "rebuild asked", strings.Count(s.log.String(), "asks for its VM"), 1)
}

func TestForeignFunctions(t *testing.T) {
	inHeaders(t, func(c call) {
		for _, tc := range []struct {
			name, argument, want string
			status               abi.Status
		}{
			{"get_log_level", "", "\x02\x00\x00\x00", abi.StatusOK},
			{"set_global_max_requests_per_io_cycle", "\x01\x00\x00\x00\x00\x00\x00\x00", "", abi.StatusOK},
			{"set_global_max_requests_per_io_cycle", "\x01", "", abi.StatusBadArgument},
			{"no_such_function", "", "", abi.StatusNotFound},
			{"", "", "", abi.StatusNotFound},
		} {
			got, status := c.CallForeignFunction(nil, []byte(tc.name), []byte(tc.argument))
			if string(got) != tc.want || status != tc.status {
				t.Errorf("%s(%q): got %q %v, want %q %v", tc.name, tc.argument, got, status, tc.want, tc.status)
			}
		}
		level, status := c.GetLogLevel()
		if level != abi.LogInfo || status != abi.StatusOK {
			t.Errorf("log level %v %v", level, status)
		}
		if now, status := c.CurrentTimeNanoseconds(); now == 0 || status != abi.StatusOK {
			t.Errorf("time: %d %v", now, status)
		}
	})
}

func FuzzParseInject(f *testing.F) {
	f.Add([]byte("\x0a\x02hi\x10\x01"))
	f.Add([]byte("\x10\x00\x0a\x00\x1d1234\x19abcdefgh"))
	f.Add([]byte("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		body, _, ok := parseInject(b)
		if !ok && body != nil || len(body) > len(b) {
			t.Errorf("%q: %q %v", b, body, ok)
		}
		again := append([]byte("\x0a\x01z"), b...)
		if _, _, ok2 := parseInject(again); ok2 != ok {
			t.Errorf("%q: %v with one more field before it", b, ok2)
		}
	})
}
