//go:build !wasip1

package proxywasm_test

import (
	"errors"
	"math"
	"reflect"
	"slices"
	"testing"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/internal/hosttest"
	"github.com/sluice-gateway/sluice/sdk/proxywasm"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
)

func wantHeader(t *testing.T, key, want string) {
	t.Helper()
	if v, err := proxywasm.GetHttpRequestHeader(key); err != nil || v != want {
		t.Errorf("%s is %q, %v, want %q", key, v, err, want)
	}
}

func TestHeaderReads(t *testing.T) {
	host := hosttest.New()
	inRequest(t, host, func() {
		wantHeader(t, ":path", "/a?b=c")
		if n := host.Count("GetHeaderMap"); n != 1 {
			t.Errorf("%d calls for the first read: %q", n, host.Calls)
		}
		wantHeader(t, "Content-Type", "application/json")
		wantHeader(t, "x-a", "1")
		if _, err := proxywasm.GetHttpRequestHeader("x-none"); !errors.Is(err, types.ErrorStatusNotFound) {
			t.Errorf("absent header: %v", err)
		}
		if n := host.Count("GetHeaderMap"); n != 2 {
			t.Errorf("%d calls for four reads: %q", n, host.Calls)
		}
		if _, err := proxywasm.GetHttpRequestTrailer("x"); !errors.Is(err, types.ErrorStatusBadArgument) {
			t.Errorf("trailers that are not there: %v", err)
		}
	})
}

// What was read must not hide what the plugin then changes.
func TestHeaderReadsSeeChanges(t *testing.T) {
	for name, change := range map[string]struct {
		change func() error
		want   string // of x-a, "" for none
	}{
		"add":         {func() error { return proxywasm.AddHttpRequestHeader("x-a", "3") }, "1"},
		"replace":     {func() error { return proxywasm.ReplaceHttpRequestHeader("x-a", "3") }, "3"},
		"remove":      {func() error { return proxywasm.RemoveHttpRequestHeader("x-a") }, ""},
		"replace all": {func() error { return proxywasm.ReplaceHttpRequestHeaders([][2]string{{"x-a", "4"}}) }, "4"},
	} {
		t.Run(name, func(t *testing.T) {
			host := hosttest.New()
			inRequest(t, host, func() {
				for range 3 {
					wantHeader(t, "x-a", "1")
				}
				if err := change.change(); err != nil {
					t.Error(err)
				}
				for range 3 {
					if v, _ := proxywasm.GetHttpRequestHeader("x-a"); v != change.want {
						t.Errorf("x-a is %q, want %q", v, change.want)
					}
				}
			})
		})
	}
}

// Each callback asks anew: other plugins run between.
func TestHeaderReadsDoNotOutliveTheCallback(t *testing.T) {
	host := hosttest.New()
	var got []string
	p := start(t, host, &httpFuncs{
		requestHeaders: func(int, bool) types.Action {
			for range 3 {
				wantHeader(t, "x-a", "1")
			}
			return types.HeaderStopIteration
		},
		requestBody: func(int, bool) types.Action {
			for range 2 {
				v, _ := proxywasm.GetHttpRequestHeader("x-a")
				got = append(got, v)
			}
			return types.DataContinue
		},
	})
	if _, err := p.OnRequestHeaders(streamID, 0, false); err != nil {
		t.Fatal(err)
	}
	host.Headers[abi.MapHTTPRequestHeaders] = [][2]string{{"x-a", "changed"}}
	if _, err := p.OnRequestBody(streamID, 0, true); err != nil {
		t.Fatal(err)
	}
	if want := []string{"changed", "changed"}; !slices.Equal(got, want) {
		t.Fatalf("x-a is %q, want %q", got, want)
	}
}

func TestHeaderReadsFollowTheEffectiveContext(t *testing.T) {
	host := hosttest.New()
	inRequest(t, host, func() {
		for range 3 {
			wantHeader(t, "x-a", "1")
		}
		if err := proxywasm.SetEffectiveContext(5); err != nil {
			t.Error(err)
		}
		host.Headers[abi.MapHTTPRequestHeaders] = [][2]string{{"x-a", "other"}}
		wantHeader(t, "x-a", "other")
	})
}

// A host that gives no whole maps is asked for each value.
func TestHeaderReadsWithoutWholeMaps(t *testing.T) {
	host := hosttest.New()
	host.NoPairs = true
	inRequest(t, host, func() {
		for range 3 {
			wantHeader(t, "x-a", "1")
			wantHeader(t, ":path", "/a?b=c")
		}
	})
}

func TestWholeMaps(t *testing.T) {
	host := hosttest.New()
	host.Headers[abi.MapHTTPRequestTrailers] = nil
	inRequest(t, host, func() {
		got, err := proxywasm.GetHttpRequestHeaders()
		if err != nil || !reflect.DeepEqual(got, host.Headers[abi.MapHTTPRequestHeaders]) {
			t.Errorf("headers %q, %v", got, err)
		}
		if _, err := proxywasm.GetHttpRequestTrailers(); !errors.Is(err, types.ErrorStatusNotFound) {
			t.Errorf("empty map: %v", err)
		}
		want := [][2]string{{"x-t", ""}, {"y", "z"}}
		if err := proxywasm.ReplaceHttpRequestTrailers(want); err != nil {
			t.Error(err)
		}
		if got, err := proxywasm.GetHttpRequestTrailers(); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("trailers %q, %v", got, err)
		}
	})
}

func TestBodies(t *testing.T) {
	const body = abi.BufferHTTPRequestBody
	for name, tc := range map[string]struct {
		run  func() error
		want string
	}{
		"replace":          {func() error { return proxywasm.ReplaceHttpRequestBody([]byte("x")) }, "x"},
		"replace by empty": {func() error { return proxywasm.ReplaceHttpRequestBody(nil) }, ""},
		"prepend":          {func() error { return proxywasm.PrependHttpRequestBody([]byte("x")) }, "xbody"},
		"append":           {func() error { return proxywasm.AppendHttpRequestBody([]byte("x")) }, "bodyx"},
	} {
		t.Run(name, func(t *testing.T) {
			host := hosttest.New()
			host.Buffers[body] = []byte("body")
			inRequest(t, host, func() {
				if err := tc.run(); err != nil {
					t.Error(err)
				}
			})
			if got := string(host.Buffers[body]); got != tc.want {
				t.Fatalf("body %q, want %q", got, tc.want)
			}
		})
	}
}

func TestBodyReads(t *testing.T) {
	for name, tc := range map[string]struct {
		start, size int
		want        string
		err         error
	}{
		"all":            {0, 4, "body", nil},
		"more than all":  {0, math.MaxInt, "body", nil},
		"middle":         {1, 2, "od", nil},
		"past the end":   {9, 1, "", types.ErrorStatusNotFound},
		"nothing":        {0, 0, "", types.ErrorStatusNotFound},
		"negative start": {-1, 1, "", types.ErrorStatusBadArgument},
		"negative size":  {0, -1, "", types.ErrorStatusBadArgument},
		"start too far":  {math.MaxInt, 1, "", types.ErrorStatusBadArgument},
	} {
		t.Run(name, func(t *testing.T) {
			host := hosttest.New()
			host.Buffers[abi.BufferHTTPResponseBody] = []byte("body")
			inRequest(t, host, func() {
				got, err := proxywasm.GetHttpResponseBody(tc.start, tc.size)
				if string(got) != tc.want || !errors.Is(err, tc.err) {
					t.Errorf("%q, %v, want %q, %v", got, err, tc.want, tc.err)
				}
			})
		})
	}
}

type code uint16

func TestSendHttpResponse(t *testing.T) {
	headers := [][2]string{{"x-b", "1"}}
	for name, tc := range map[string]struct {
		send func() error
		want hosttest.Reply
		err  error
	}{
		"constant": {func() error { return proxywasm.SendHttpResponse(403, headers, []byte("no"), -1) },
			hosttest.Reply{Code: 403, Headers: headers, Body: "no", GRPC: -1}, nil},
		"uint32": {func() error { return proxywasm.SendHttpResponse(uint32(403), nil, nil, 7) },
			hosttest.Reply{Code: 403, GRPC: 7}, nil},
		"own type, with detail": {func() error { return proxywasm.SendHttpResponseWithDetail(code(403), "why", nil, nil, -1) },
			hosttest.Reply{Code: 403, Details: "why", GRPC: -1}, nil},
		"negative":  {func() error { return proxywasm.SendHttpResponse(-1, nil, nil, -1) }, hosttest.Reply{}, types.ErrorStatusBadArgument},
		"too large": {func() error { return proxywasm.SendHttpResponse(1000, nil, nil, -1) }, hosttest.Reply{}, types.ErrorStatusBadArgument},
	} {
		t.Run(name, func(t *testing.T) {
			host := hosttest.New()
			inRequest(t, host, func() {
				if err := tc.send(); !errors.Is(err, tc.err) {
					t.Errorf("error %v, want %v", err, tc.err)
				}
			})
			if tc.err != nil {
				if len(host.Replies) > 0 {
					t.Fatalf("sent %+v", host.Replies)
				}
				return
			}
			if len(host.Replies) != 1 || !reflect.DeepEqual(host.Replies[0], tc.want) {
				t.Fatalf("sent %+v, want %+v", host.Replies, tc.want)
			}
		})
	}
}

func TestProperties(t *testing.T) {
	host := hosttest.New()
	host.Properties["request.path"] = "/p"
	host.Properties["metadata"] = string(abi.AppendPairs(nil, [][2]string{{"k", "v"}}))
	host.Properties["broken"] = "not pairs"
	inRequest(t, host, func() {
		if v, err := proxywasm.GetProperty([]string{"request", "path"}); err != nil || string(v) != "/p" {
			t.Errorf("request.path %q, %v", v, err)
		}
		if _, err := proxywasm.GetProperty(nil); !errors.Is(err, types.ErrorStatusBadArgument) {
			t.Errorf("empty path: %v", err)
		}
		if m, err := proxywasm.GetPropertyMap([]string{"metadata"}); err != nil || !reflect.DeepEqual(m, [][2]string{{"k", "v"}}) {
			t.Errorf("map %q, %v", m, err)
		}
		if _, err := proxywasm.GetPropertyMap([]string{"broken"}); !errors.Is(err, abi.ErrPairs) {
			t.Errorf("broken map: %v", err)
		}
		if err := proxywasm.SetProperty([]string{"a", "b"}, []byte("v")); err != nil {
			t.Error(err)
		}
		if err := proxywasm.SetProperty([]string{"a"}, nil); !errors.Is(err, types.ErrorStatusBadArgument) {
			t.Errorf("empty value: %v", err)
		}
	})
	if host.Properties["a.b"] != "v" {
		t.Fatalf("properties %q", host.Properties)
	}
}

func TestStatusErrors(t *testing.T) {
	for st, want := range map[abi.Status]error{
		abi.StatusNotFound:        types.ErrorStatusNotFound,
		abi.StatusBadArgument:     types.ErrorStatusBadArgument,
		abi.StatusEmpty:           types.ErrorStatusEmpty,
		abi.StatusCasMismatch:     types.ErrorStatusCasMismatch,
		abi.StatusInternalFailure: types.ErrorInternalFailure,
		abi.StatusUnimplemented:   types.ErrorUnimplemented,
	} {
		t.Run(st.String(), func(t *testing.T) {
			host := hosttest.New()
			host.Refuse["ContinueStream"] = st
			inRequest(t, host, func() {
				if err := proxywasm.ResumeHttpRequest(); !errors.Is(err, want) {
					t.Errorf("%v: %v", st, err)
				}
			})
		})
	}
	t.Run("77", func(t *testing.T) {
		host := hosttest.New()
		host.Refuse["CloseStream"] = 77
		inRequest(t, host, func() {
			if err := proxywasm.CloseDownstream(); err == nil || err.Error() != "unknown status code: 77" {
				t.Errorf("status 77: %v", err)
			}
		})
	})
}

func TestHTTPCall(t *testing.T) {
	host := hosttest.New()
	var got []string
	p := start(t, host, &httpFuncs{requestHeaders: func(int, bool) types.Action {
		_, err := proxywasm.DispatchHttpCall("cluster", [][2]string{{":path", "/"}}, []byte("b"), nil, 100, func(h, b, tr int) {
			headers, err := proxywasm.GetHttpCallResponseHeaders()
			if err != nil || h != 1 || b != 2 || tr != 0 {
				t.Errorf("response %d %d %d, %v", h, b, tr, err)
			}
			body, err := proxywasm.GetHttpCallResponseBody(0, b)
			if err != nil {
				t.Error(err)
			}
			got = append(got, headers[0][1], string(body))
		})
		if err != nil {
			t.Error(err)
		}
		return types.ActionPause
	}})
	if _, err := p.OnRequestHeaders(streamID, 0, true); err != nil {
		t.Fatal(err)
	}
	host.Headers[abi.MapHTTPCallResponseHeaders] = [][2]string{{":status", "204"}}
	host.Buffers[abi.BufferHTTPCallResponseBody] = []byte("ok")
	for range 2 { // an answer counts once
		must(t, p.OnHTTPCallResponse(rootID, 1, 1, 2, 0))
	}
	if want := []string{"204", "ok"}; !slices.Equal(got, want) || host.Active != streamID {
		t.Fatalf("got %q in context %d", got, host.Active)
	}
	// The answer to a stream that has ended is nobody's.
	if _, err := p.OnRequestHeaders(streamID, 0, true); err != nil {
		t.Fatal(err)
	}
	must(t, p.OnDelete(streamID))
	must(t, p.OnHTTPCallResponse(rootID, 2, 1, 2, 0))
	if len(got) != 2 {
		t.Fatalf("got %q", got)
	}
}

func TestRedisCall(t *testing.T) {
	host := hosttest.New()
	host.Buffers[abi.BufferRedisCallResponse] = []byte("+OK\r\n")
	var got string
	var status int
	p := start(t, host, &httpFuncs{requestHeaders: func(int, bool) types.Action {
		if err := proxywasm.RedisInit("redis", "u", "p", 10); err != nil {
			t.Error(err)
		}
		if _, err := proxywasm.DispatchRedisCall("redis", nil, nil); !errors.Is(err, types.ErrorStatusBadArgument) {
			t.Errorf("empty query: %v", err)
		}
		if _, err := proxywasm.DispatchRedisCall("redis", []byte("PING\r\n"), func(st, size int) {
			status = st
			reply, err := proxywasm.GetRedisCallResponse(0, size)
			if err != nil {
				t.Error(err)
			}
			got = string(reply)
		}); err != nil {
			t.Error(err)
		}
		return types.ActionPause
	}})
	if _, err := p.OnRequestHeaders(streamID, 0, true); err != nil {
		t.Fatal(err)
	}
	must(t, p.OnRedisCallResponse(rootID, 1, math.MaxUint32, 5))
	if got != "+OK\r\n" || status != -1 {
		t.Fatalf("reply %q, status %d", got, status)
	}
}

func TestOtherCalls(t *testing.T) {
	host := hosttest.New()
	host.Foreign["twice"] = func(b []byte) ([]byte, abi.Status) { return append(b[:len(b):len(b)], b...), abi.StatusOK }
	host.Buffers[abi.BufferVMConfiguration] = []byte("vm")
	inRequest(t, host, func() {
		if v, err := proxywasm.CallForeignFunction("twice", []byte("ab")); err != nil || string(v) != "abab" {
			t.Errorf("foreign function %q, %v", v, err)
		}
		if _, err := proxywasm.CallForeignFunction("none", nil); !errors.Is(err, types.ErrorStatusNotFound) {
			t.Errorf("unknown foreign function: %v", err)
		}
		if v, err := proxywasm.GetVMConfiguration(); err != nil || string(v) != "vm" {
			t.Errorf("vm configuration %q, %v", v, err)
		}
		if _, err := proxywasm.GetPluginConfiguration(); !errors.Is(err, types.ErrorStatusNotFound) {
			t.Errorf("no plugin configuration: %v", err)
		}
		if err := proxywasm.SetSharedData("k", []byte("v"), 0); err != nil {
			t.Error(err)
		}
		if v, cas, err := proxywasm.GetSharedData("k"); err != nil || string(v) != "v" || cas != 1 {
			t.Errorf("shared data %q, %d, %v", v, cas, err)
		}
		if err := proxywasm.SetSharedData("k", nil, 9); !errors.Is(err, types.ErrorStatusCasMismatch) {
			t.Errorf("stale cas: %v", err)
		}
		if err := proxywasm.EnqueueSharedQueue(3, nil); err != nil {
			t.Error(err)
		}
		if v, err := proxywasm.DequeueSharedQueue(3); err != nil || string(v) != "element" {
			t.Errorf("element %q, %v", v, err)
		}
		counter := proxywasm.DefineCounterMetric("c")
		counter.Increment(0)
		counter.Increment(2)
		if v := counter.Value(); v != 7 || host.Count("IncrementMetric") != 1 {
			t.Errorf("counter %d: %q", v, host.Calls)
		}
		if hosts, err := proxywasm.GetUpstreamHosts(); err != nil || len(hosts) != 2 || hosts[1][1] != "m 1" {
			t.Errorf("hosts %q, %v", hosts, err)
		}
		if err := proxywasm.InjectEncodedDataToFilterChain([]byte("x"), true); err != nil {
			t.Error(err)
		}
		if err := proxywasm.SetTickPeriodMilliSeconds(20); err != nil || host.Tick != 20 {
			t.Errorf("tick %d, %v", host.Tick, err)
		}
		proxywasm.LogInfof("%s %d", "x", 1)
		proxywasm.LogWarn("100%")
	})
	if want := []string{"info: x 1", "warn: 100%"}; !slices.Equal(host.Logs, want) {
		t.Fatalf("logs %q, want %q", host.Logs, want)
	}
}
