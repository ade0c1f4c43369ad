package proxytest_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/higress-group/proxy-wasm-go-sdk/proxywasm/proxytest"
	"github.com/higress-group/proxy-wasm-go-sdk/proxywasm/proxytest/internal/probe"
	"github.com/higress-group/proxy-wasm-go-sdk/proxywasm/types"
)

// eachMode runs f with the probe natively and as a module.
func eachMode(t *testing.T, f func(t *testing.T, vm types.VMContext)) {
	t.Helper()
	t.Run("native", func(t *testing.T) { f(t, &probe.VM{}) })
	t.Run("wasm", func(t *testing.T) { f(t, newModule(t)) })
}

// start makes an emulator with the probe, configured with a script.
func start(t *testing.T, vm types.VMContext, script string) proxytest.HostEmulator {
	t.Helper()
	host := emulate(t, proxytest.NewEmulatorOption().WithVMContext(vm).WithPluginConfiguration([]byte(script)))
	if host.StartPlugin() != types.OnPluginStartStatusOK {
		t.Fatal("the probe refuses its configuration")
	}
	return host
}

func emulate(t *testing.T, opt *proxytest.EmulatorOption) proxytest.HostEmulator {
	t.Helper()
	host, reset := proxytest.NewHostEmulator(opt)
	t.Cleanup(reset)
	return host
}

// wantLogs compares what was logged at level info, a line each.
func wantLogs(t *testing.T, host proxytest.HostEmulator, want string) {
	t.Helper()
	var lines []string
	for line := range strings.SplitSeq(strings.TrimSpace(want), "\n") {
		lines = append(lines, strings.TrimSpace(line))
	}
	got := host.GetInfoLogs()
	for i := range got {
		got[i] = strings.TrimSpace(got[i])
	}
	if !slices.Equal(got, lines) {
		t.Errorf("logged\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(lines, "\n"))
	}
}

func wantEqual[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// A stream's request headers, and what the commands on them log and leave.
func TestHeaders(t *testing.T) {
	for name, test := range map[string]struct {
		commands string
		logs     string
		left     [][2]string
	}{
		"keys are in lower case": {
			"get X-ONE", "get X-ONE = 1",
			[][2]string{{"x-one", "1"}, {"x-two", "a"}, {"x-two", "b"}, {"x-blank", " "}, {"x-padded", " p\t"}},
		},
		"a blank value is none, each time": {
			"get x-blank\nget x-blank\nget x-blank", "get x-blank = not found\nget x-blank = not found\nget x-blank = not found",
			[][2]string{{"x-one", "1"}, {"x-two", "a"}, {"x-two", "b"}, {"x-blank", " "}, {"x-padded", " p\t"}},
		},
		"a value is trimmed, each time": {
			"get x-padded\nget x-padded", "get x-padded = p\nget x-padded = p",
			[][2]string{{"x-one", "1"}, {"x-two", "a"}, {"x-two", "b"}, {"x-blank", " "}, {"x-padded", " p\t"}},
		},
		"add to what is there": {
			"add X-Two c", "add X-Two c = ok",
			[][2]string{{"x-one", "1"}, {"x-two", "ac"}, {"x-two", "b"}, {"x-blank", " "}, {"x-padded", " p\t"}},
		},
		"add": {
			"add X-New c\nget x-new", "add X-New c = ok\nget x-new = c",
			[][2]string{{"x-one", "1"}, {"x-two", "a"}, {"x-two", "b"}, {"x-blank", " "}, {"x-padded", " p\t"}, {"x-new", "c"}},
		},
		"replace the first": {
			"replace X-Two c", "replace X-Two c = ok",
			[][2]string{{"x-one", "1"}, {"x-two", "c"}, {"x-two", "b"}, {"x-blank", " "}, {"x-padded", " p\t"}},
		},
		"remove the first": {
			"remove X-Two\nremove x-none", "remove X-Two = ok\nremove x-none = ok",
			[][2]string{{"x-one", "1"}, {"x-two", "b"}, {"x-blank", " "}, {"x-padded", " p\t"}},
		},
		"replace all": {
			"replace-all X-A b\nall", "replace-all X-A b = ok\nall = [[x-a b]]",
			[][2]string{{"x-a", "b"}},
		},
		"maps that are not there yet are empty": {
			"get-response x\ntrailers", "get-response x = not found\ntrailers = []",
			[][2]string{{"x-one", "1"}, {"x-two", "a"}, {"x-two", "b"}, {"x-blank", " "}, {"x-padded", " p\t"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachMode(t, func(t *testing.T, vm types.VMContext) {
				host := start(t, vm, "request headers: "+strings.ReplaceAll(test.commands, "\n", "\nrequest headers: "))
				id := host.InitializeHttpContext()
				before := [][2]string{{"X-One", "1"}, {"x-two", "a"}, {"x-two", "b"}, {"x-blank", " "}, {"x-padded", " p\t"}}
				host.CallOnRequestHeaders(id, before, true)
				wantLogs(t, host, test.logs)
				wantEqual(t, "headers", host.GetCurrentRequestHeaders(id), test.left)
				wantEqual(t, "the test's own", before[0], [2]string{"X-One", "1"})
			})
		})
	}
}

func TestBodies(t *testing.T) {
	for name, test := range map[string]struct {
		commands string
		logs     string
		left     string
	}{
		"read":               {"body 0 3\nbody 2 100", "body 0 3 = abc\nbody 2 100 = cd", "abcd"},
		"start at the end":   {"body 4 1", "body 4 1 = bad argument", "abcd"},
		"prepend and append": {"prepend 1\nappend 2\nbody 0 100", "prepend 1 = ok\nappend 2 = ok\nbody 0 100 = 1abcd2", "1abcd2"},
		"replace":            {"set x", "set x = ok", "x"},
		"drop":               {"set\nbody 0 1", "set = ok\nbody 0 1 = not found", ""},
	} {
		t.Run(name, func(t *testing.T) {
			eachMode(t, func(t *testing.T, vm types.VMContext) {
				host := start(t, vm, "request body: "+strings.ReplaceAll(test.commands, "\n", "\nrequest body: "))
				id := host.InitializeHttpContext()
				host.CallOnRequestBody(id, []byte("abcd"), true)
				wantLogs(t, host, test.logs)
				wantEqual(t, "body", string(host.GetCurrentRequestBody(id)), test.left)
			})
		})
	}
}

// What a body callback answers says what the next one sees.
func TestBuffering(t *testing.T) {
	for name, test := range map[string]struct {
		action int
		sizes  []string
		left   string
	}{
		"continue":       {0, []string{"request body 2 false", "request body 2 false", "request body 0 true"}, ""},
		"buffer":         {1, []string{"request body 2 false", "request body 4 false", "request body 4 true"}, "abcd"},
		"watermark":      {2, []string{"request body 2 false", "request body 2 false", "request body 0 true"}, ""},
		"without buffer": {3, []string{"request body 2 false", "request body 2 false", "request body 0 true"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			eachMode(t, func(t *testing.T, vm types.VMContext) {
				host := start(t, vm, "request body: return "+string(rune('0'+test.action)))
				id := host.InitializeHttpContext()
				for i, chunk := range []string{"ab", "cd", ""} {
					if a := host.CallOnRequestBody(id, []byte(chunk), i == 2); a != types.Action(test.action) {
						t.Errorf("action %d", a)
					}
				}
				wantEqual(t, "sizes", host.GetDebugLogs(), test.sizes)
				wantEqual(t, "body", string(host.GetCurrentRequestBody(id)), test.left)
				wantEqual(t, "action", host.GetCurrentHttpStreamAction(id), types.Action(test.action))
			})
		})
	}
}

// A body that was edited while it is kept is what the next callback sees.
func TestEditsOfKeptBodies(t *testing.T) {
	eachMode(t, func(t *testing.T, vm types.VMContext) {
		host := start(t, vm, "request body: append !\nrequest body: return 1")
		id := host.InitializeHttpContext()
		host.CallOnRequestBody(id, []byte("a"), false)
		first := host.GetCurrentRequestBody(id)
		host.CallOnRequestBody(id, []byte("b"), true)
		wantEqual(t, "first", string(first), "a!")
		wantEqual(t, "second", string(host.GetCurrentRequestBody(id)), "a!b!")
	})
}

func TestReplies(t *testing.T) {
	eachMode(t, func(t *testing.T, vm types.VMContext) {
		host := start(t, vm, "request headers: reply 403 v\nrequest headers: return 1\nresponse headers: reply-empty 500")
		id := host.InitializeHttpContext()
		if host.GetSentLocalResponse(id) != nil {
			t.Error("a reply before any")
		}
		if a := host.CallOnRequestHeaders(id, nil, true); a != types.ActionPause {
			t.Errorf("action %d", a)
		}
		wantEqual(t, "reply", *host.GetSentLocalResponse(id), proxytest.LocalHttpResponse{
			StatusCode: 403, StatusCodeDetail: "a.detail", Data: []byte("denied"), Headers: [][2]string{{"X-Reply", "v"}}, GRPCStatus: -1,
		})
		// A reply ends nothing: later callbacks come, and the last reply is the one that is told.
		if a := host.CallOnResponseHeaders(id, nil, true); a != types.ActionContinue {
			t.Errorf("action %d", a)
		}
		reply := host.GetSentLocalResponse(id)
		if reply.StatusCode != 500 || reply.GRPCStatus != 7 || len(reply.Data) != 0 || len(reply.Headers) != 0 {
			t.Errorf("%+v", reply)
		}
	})
}

func TestInject(t *testing.T) {
	eachMode(t, func(t *testing.T, vm types.VMContext) {
		host := start(t, vm, "response body: inject a\nlog: inject b end")
		id := host.InitializeHttpContext()
		host.CallOnResponseBody(id, []byte("1"), false)
		wantEqual(t, "before the end", string(host.GetCurrentResponseBody(id)), "1")
		host.CallOnResponseBody(id, []byte("2"), true)
		host.CompleteHttpContext(id)
		wantEqual(t, "after the end", string(host.GetCurrentResponseBody(id)), "aab")
	})
}

func TestCallsWithoutEffect(t *testing.T) {
	eachMode(t, func(t *testing.T, vm types.VMContext) {
		host := start(t, vm, `request headers: close
			request headers: override 1.1.1.1:80
			request headers: hosts
			request headers: resolve none
			request headers: redis-init r
			request headers: redis-response
			request headers: http-response
			request headers: return 1
			response headers: resume
			response headers: return 4`)
		id := host.InitializeHttpContext()
		host.CallOnRequestHeaders(id, nil, true)
		host.CallOnResponseHeaders(id, nil, true)
		wantLogs(t, host, `close = ok
			override 1.1.1.1:80 = ok
			hosts = not found
			resolve none = 0
			redis-init r = ok
			redis-response = not found
			http-response = bad argument
			resume = ok`)
		wantEqual(t, "action", host.GetCurrentHttpStreamAction(id), types.HeaderStopAllIterationAndWatermark)
	})
}

func TestHTTPCalls(t *testing.T) {
	eachMode(t, func(t *testing.T, vm types.VMContext) {
		host := start(t, vm, "request headers: http a again\nrequest headers: http b\nrequest headers: return 1")
		id, other := host.InitializeHttpContext(), host.InitializeHttpContext()
		host.CallOnRequestHeaders(id, [][2]string{{":path", "/1"}}, true)
		host.CallOnRequestHeaders(other, [][2]string{{":path", "/2"}}, true)
		calls := host.GetCalloutAttributesFromContext(id)
		wantEqual(t, "first", calls[0], proxytest.HttpCalloutAttribute{
			CalloutID: 0, Upstream: "a", Body: []byte("again"), Trailers: [][2]string{},
			Headers: [][2]string{{":method", "GET"}, {":path", "/"}, {":authority", "a"}, {"X-Case", "Kept"}},
		})
		wantEqual(t, "second", calls[1].CalloutID, 1)
		wantEqual(t, "the other stream's", host.GetCalloutAttributesFromContext(other)[0].CalloutID, 2)
		wantEqual(t, "paused", host.GetCurrentHttpStreamAction(id), types.ActionPause)

		host.CallOnHttpCallResponse(0, [][2]string{{":Status", "200"}}, nil, []byte("body"))
		wantEqual(t, "resumed", host.GetCurrentHttpStreamAction(id), types.ActionContinue)
		wantEqual(t, "the other stream", host.GetCurrentHttpStreamAction(other), types.ActionPause)
		// What the callback called goes behind.
		var upstreams []string
		for _, c := range host.GetCalloutAttributesFromContext(id) {
			upstreams = append(upstreams, c.Upstream)
		}
		wantEqual(t, "left", upstreams, []string{"b", "a"})
		wantEqual(t, "not the emulator's", calls[0].Upstream, "a")

		// A stream that has ended is told nothing.
		host.CompleteHttpContext(other)
		host.CallOnHttpCallResponse(2, nil, nil, nil)
		host.CallOnHttpCallResponse(1, nil, [][2]string{{"T", "1"}}, nil)
		wantLogs(t, host, `http a again = 0
			http b = 1
			http a again = 2
			http b = 3
			http 1 of /1: [[:status 200]], body, []
			http 0 of /1: [], not found, [[t 1]]`)
		wantPanic(t, "no call 1", func() { host.CallOnHttpCallResponse(1, nil, nil, nil) })
	})
}

func TestRedisCalls(t *testing.T) {
	eachMode(t, func(t *testing.T, vm types.VMContext) {
		host := start(t, vm, "request headers: redis r PING\nrequest headers: redis r")
		id := host.InitializeHttpContext()
		host.CallOnRequestHeaders(id, nil, true)
		wantEqual(t, "calls", host.GetRedisCalloutAttributesFromContext(id),
			[]proxytest.RedisCalloutAttribute{{CalloutID: 0, Upstream: "r", Query: []byte("PING")}})
		host.CallOnRedisCallResponse(0, 0, []byte("+PONG"))
		wantEqual(t, "left", len(host.GetRedisCalloutAttributesFromContext(id)), 0)
		host.CallOnRequestHeaders(id, nil, true)
		host.CallOnRedisCallResponse(1, -1, nil)
		wantLogs(t, host, "redis r PING = 0\nredis r = bad argument\nredis 0: +PONG\nredis r PING = 1\nredis r = bad argument\nredis -1: not found")
	})
}

func TestProperties(t *testing.T) {
	eachMode(t, func(t *testing.T, vm types.VMContext) {
		opt := proxytest.NewEmulatorOption().WithVMContext(vm).WithProperty([]string{"a", "b"}, []byte("given")).
			WithPluginConfiguration([]byte("start: property a.b\nstart: property none\nstart: set-property c.d v\nstart: set-property e"))
		host := emulate(t, opt)
		host.StartPlugin()
		wantLogs(t, host, "property a.b = given\nproperty none = not found\nset-property c.d v = ok\nset-property e = bad argument")
		if v, err := host.GetProperty([]string{"c", "d"}); err != nil || string(v) != "v" {
			t.Errorf("%q, %v", v, err)
		}
		if _, err := host.GetProperty([]string{"c"}); err != types.ErrorStatusNotFound {
			t.Error(err)
		}
		if err := host.SetProperty([]string{"c"}, nil); err != types.ErrorStatusBadArgument {
			t.Error(err)
		}
		if err := host.SetProperty(nil, []byte("v")); err != types.ErrorStatusBadArgument {
			t.Error(err)
		}
	})
}

func TestSharedData(t *testing.T) {
	eachMode(t, func(t *testing.T, vm types.VMContext) {
		host := start(t, vm, `start: shared k
			start: set-shared k one 0
			start: shared k
			start: set-shared k two 0
			start: set-shared k two 1
			start: shared k`)
		wantLogs(t, host, `shared k = not found
			set-shared k one 0 = ok
			shared k = one at 1
			set-shared k two 0 = cas mismatch
			set-shared k two 1 = ok
			shared k = two at 2`)
	})
}

// The queue's callback comes when the one that put something in it has returned.
func TestQueues(t *testing.T) {
	eachMode(t, func(t *testing.T, vm types.VMContext) {
		host := start(t, vm, `start: register a
			start: register b
			start: register a
			start: resolve b
			start: dequeue 1
			start: dequeue 9
			tick: enqueue 1 x
			tick: enqueue 9 x
			tick: set-tick 5
			queue 1: dequeue 1`)
		host.Tick()
		wantLogs(t, host, `register a = 0
			register b = 1
			register a = 0
			resolve b = 1
			dequeue 1 = empty
			dequeue 9 = not found
			enqueue 1 x = ok
			enqueue 9 x = not found
			set-tick 5 = ok
			dequeue 1 = x`)
		wantEqual(t, "period", host.GetTickPeriod(), 5)
		wantEqual(t, "size", host.GetQueueSize(1), 0)
		wantEqual(t, "no queue", host.GetQueueSize(7), 0)
	})
}

func TestMetrics(t *testing.T) {
	eachMode(t, func(t *testing.T, vm types.VMContext) {
		host := start(t, vm, "start: counter c 2\nstart: counter c 3\nstart: gauge g 5\nstart: gauge g -7\nstart: histogram h 9\nstart: histogram h 4")
		wantLogs(t, host, "counter c 2 = 2\ncounter c 3 = 5\ngauge g 5 = 5\ngauge g -7 = -2\nhistogram h 9 = 9\nhistogram h 4 = 4")
		for _, m := range []struct {
			get  func(string) (uint64, error)
			name string
			want uint64
		}{
			{host.GetCounterMetric, "c", 5}, {host.GetGaugeMetric, "g", 1<<64 - 2}, {host.GetHistogramMetric, "h", 4},
		} {
			if v, err := m.get(m.name); err != nil || v != m.want {
				t.Errorf("%s: %d, %v", m.name, v, err)
			}
			if _, err := m.get("none"); err == nil {
				t.Error("a metric that nobody defined")
			}
		}
		if _, err := host.GetCounterMetric("g"); err == nil || !strings.Contains(err.Error(), "a gauge") {
			t.Error(err)
		}
	})
}

func TestForeignFunctions(t *testing.T) {
	eachMode(t, func(t *testing.T, vm types.VMContext) {
		host := start(t, vm, "tick: foreign double ab\ntick: foreign nothing\ntick: foreign unknown")
		host.RegisterForeignFunction("double", func(b []byte) []byte { return append(b, b...) })
		host.RegisterForeignFunction("nothing", func([]byte) []byte { return nil })
		host.Tick()
		wantLogs(t, host, "foreign double ab = abab\nforeign nothing =\nforeign unknown = not found")
	})
}

func TestLifeOfAPlugin(t *testing.T) {
	eachMode(t, func(t *testing.T, vm types.VMContext) {
		opt := proxytest.NewEmulatorOption().WithVMContext(vm).WithVMConfiguration([]byte("vm"))
		host := emulate(t, opt)
		wantEqual(t, "vm", host.StartVM(), types.OnVMStartStatusOK)
		wantEqual(t, "plugin", host.StartPlugin(), types.OnPluginStartStatusOK)
		wantEqual(t, "done", host.FinishVM(), true)
		wantLogs(t, host, "vm start with 2: vm\nno configuration: error status returned by host: not found")
	})
	eachMode(t, func(t *testing.T, vm types.VMContext) {
		opt := proxytest.NewEmulatorOption().WithVMContext(vm).WithPluginConfiguration([]byte("start: return 1\ndone: return 1"))
		host := emulate(t, opt)
		wantEqual(t, "plugin", host.StartPlugin(), types.OnPluginStartStatusFailed)
		wantEqual(t, "done", host.FinishVM(), false)
	})
}

func TestTCP(t *testing.T) {
	eachMode(t, func(t *testing.T, vm types.VMContext) {
		host := start(t, vm, "kind: tcp\nconnection: return 1\ndownstream: data\ndownstream: return 1\nupstream: return 0\nlog: get x\ndownstream close: close\nupstream close: close")
		id, action := host.InitializeConnection()
		wantEqual(t, "connection", action, types.ActionPause)
		wantEqual(t, "paused", host.CallOnDownstreamData(id, []byte("ab")), types.ActionPause)
		wantEqual(t, "paused", host.CallOnDownstreamData(id, []byte("cd")), types.ActionPause)
		wantEqual(t, "passed", host.CallOnUpstreamData(id, []byte("x")), types.ActionContinue)
		host.CallOnUpstreamData(id, []byte("yz"))
		host.CloseUpstreamConnection(id)
		host.CloseDownstreamConnection(id)
		host.CompleteConnection(id)
		wantLogs(t, host, "data = ab\ndata = abcd\nclose = ok\nclose = ok\nget x = bad argument")
		wantEqual(t, "sizes", host.GetDebugLogs(), []string{
			"connection 0 false", "downstream 2 false", "downstream 4 false", "upstream 1 false", "upstream 2 false",
		})
	})
}

// What the emulator knows of a stream outlives it.
func TestAfterTheEnd(t *testing.T) {
	eachMode(t, func(t *testing.T, vm types.VMContext) {
		host := start(t, vm, "log: get x")
		id := host.InitializeHttpContext()
		host.CallOnRequestHeaders(id, [][2]string{{"x", "1"}}, false)
		host.CallOnRequestBody(id, []byte("b"), true)
		host.CallOnRequestTrailers(id, [][2]string{{"t", "1"}})
		host.CallOnResponseTrailers(id, [][2]string{{"t", "1"}})
		host.CompleteHttpContext(id)
		wantLogs(t, host, "get x = 1")
		wantEqual(t, "headers", host.GetCurrentRequestHeaders(id), [][2]string{{"x", "1"}})
		wantEqual(t, "body", string(host.GetCurrentRequestBody(id)), "b")
		wantEqual(t, "response headers", len(host.GetCurrentResponseHeaders(id)), 0)
		wantPanic(t, "not the id of an HTTP stream", func() { host.GetCurrentRequestHeaders(id + 1) })
	})
}
