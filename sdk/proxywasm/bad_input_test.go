//go:build !wasip1

package proxywasm_test

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/internal/hosttest"
	"github.com/sluice-gateway/sluice/sdk/proxywasm"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
)

// entries returns n headers.
func entries(n int) [][2]string {
	list := make([][2]string, n)
	for i := range list {
		list[i] = [2]string{"x-" + strconv.Itoa(i), "v"}
	}
	return list
}

func response(int, int, int) {}
func reply(int, int)         {}

// TestBadArguments: what cannot be is refused before the host hears of it.
func TestBadArguments(t *testing.T) {
	many, large := entries(10_000), [][2]string{{"x", strings.Repeat("v", abi.MaxPairsBytes)}}
	second := func(_ uint32, err error) error { return err }
	third := func(_ []byte, err error) error { return err }
	for name, call := range map[string]func() error{
		"10,000 request headers":   func() error { return proxywasm.ReplaceHttpRequestHeaders(many) },
		"10,000 response headers":  func() error { return proxywasm.ReplaceHttpResponseHeaders(many) },
		"10,000 request trailers":  func() error { return proxywasm.ReplaceHttpRequestTrailers(many) },
		"10,000 response trailers": func() error { return proxywasm.ReplaceHttpResponseTrailers(many) },
		"1 MiB of headers":         func() error { return proxywasm.ReplaceHttpRequestHeaders(large) },
		"reply, 10,000 headers":    func() error { return proxywasm.SendHttpResponse(200, many, nil, -1) },
		"reply, negative status":   func() error { return proxywasm.SendHttpResponse(-1, nil, nil, -1) },
		"reply, status of 4 digits": func() error {
			return proxywasm.SendHttpResponse(1000, nil, nil, -1)
		},
		"call, 10,000 headers":  func() error { return second(proxywasm.DispatchHttpCall("c", many, nil, nil, 1, response)) },
		"call, 10,000 trailers": func() error { return second(proxywasm.DispatchHttpCall("c", nil, nil, many, 1, response)) },
		"call, no callback":     func() error { return second(proxywasm.DispatchHttpCall("c", nil, nil, nil, 1, nil)) },
		"redis, empty query":    func() error { return second(proxywasm.DispatchRedisCall("c", []byte{}, reply)) },
		"redis, nil query":      func() error { return second(proxywasm.DispatchRedisCall("c", nil, reply)) },
		"redis, no callback":    func() error { return second(proxywasm.DispatchRedisCall("c", []byte("x"), nil)) },
		"body from before it":   func() error { return third(proxywasm.GetHttpRequestBody(-1, 1)) },
		"less than no body":     func() error { return third(proxywasm.GetHttpResponseBody(0, -1)) },
		"property without name": func() error { return third(proxywasm.GetProperty(nil)) },
		"property, empty value": func() error { return proxywasm.SetProperty([]string{"a"}, nil) },
		"nameless property":     func() error { return proxywasm.SetProperty(nil, []byte("v")) },
	} {
		t.Run(name, func(t *testing.T) {
			host := hosttest.New()
			inRequest(t, host, func() {
				host.Calls = nil
				if err := call(); !errors.Is(err, types.ErrorStatusBadArgument) {
					t.Errorf("error %v, want a bad argument", err)
				}
				if len(host.Calls) != 0 {
					t.Errorf("the host was called: %q", host.Calls)
				}
			})
		})
	}
}

// TestEmptyArguments: nothing is as good as something empty, and for the host to judge.
func TestEmptyArguments(t *testing.T) {
	id := func(_ uint32, err error) error { return err }
	for name, tc := range map[string]struct {
		call func() error
		want string // the host's call
	}{
		"request body":        {func() error { return proxywasm.ReplaceHttpRequestBody(nil) }, `SetBufferBytes http request body 0 2147483647 ""`},
		"before request body": {func() error { return proxywasm.PrependHttpRequestBody(nil) }, `SetBufferBytes http request body 0 0 ""`},
		"after response body": {func() error { return proxywasm.AppendHttpResponseBody([]byte{}) }, `SetBufferBytes http response body 2147483647 0 ""`},
		"no headers":          {func() error { return proxywasm.ReplaceHttpRequestHeaders(nil) }, `SetHeaderMapPairs http request headers`},
		"nameless header":     {func() error { return proxywasm.AddHttpRequestHeader("", "") }, `AddHeaderMapValue http request headers "" ""`},
		"queue data":          {func() error { return proxywasm.EnqueueSharedQueue(3, nil) }, `EnqueueSharedQueue 3 ""`},
		"shared data":         {func() error { return proxywasm.SetSharedData("", nil, 0) }, `SetSharedData "" "" 0`},
		"injected":            {func() error { return proxywasm.InjectEncodedDataToFilterChain(nil, true) }, `InjectEncodedData "" true`},
		"override host":       {func() error { return proxywasm.SetUpstreamOverrideHost(nil) }, `SetUpstreamOverrideHost ""`},
		"queue name":          {func() error { return id(proxywasm.RegisterSharedQueue("")) }, `RegisterSharedQueue ""`},
		"redis cluster":       {func() error { return proxywasm.RedisInit("", "", "", 0) }, `RedisInit "" "" "" 0`},
		"call":                {func() error { return id(proxywasm.DispatchHttpCall("", nil, nil, nil, 0, response)) }, `HTTPCall "" 0 "" 0 0`},
		"reply": {func() error { return proxywasm.SendHttpResponseWithDetail(uint32(204), "", nil, nil, -1) },
			`SendLocalResponse 204`},
	} {
		t.Run(name, func(t *testing.T) {
			host := hosttest.New()
			inRequest(t, host, func() {
				host.Calls = nil
				if err := tc.call(); err != nil {
					t.Error(err)
				}
				if !slices.Equal(host.Calls, []string{tc.want}) {
					t.Errorf("calls %q, want %q", host.Calls, tc.want)
				}
			})
		})
	}
}

// TestRefusals: what the host refuses, as it does outside a call's phase, is an error value.
func TestRefusals(t *testing.T) {
	err1 := func(_ uint32, err error) error { return err }
	err2 := func(_ []byte, err error) error { return err }
	err3 := func(_ [][2]string, err error) error { return err }
	for name, call := range map[string]func() error{
		"GetHeaderMapPairs":     func() error { return err3(proxywasm.GetHttpResponseTrailers()) },
		"SetHeaderMapPairs":     func() error { return proxywasm.ReplaceHttpResponseHeaders(entries(1)) },
		"GetHeaderMapValue":     func() error { _, err := proxywasm.GetHttpRequestTrailer("X-T"); return err },
		"AddHeaderMapValue":     func() error { return proxywasm.AddHttpResponseHeader("X-T", "v") },
		"ReplaceHeaderMapValue": func() error { return proxywasm.ReplaceHttpResponseTrailer("X-T", "v") },
		"RemoveHeaderMapValue":  func() error { return proxywasm.RemoveHttpRequestHeader("X-T") },
		"GetBufferBytes":        func() error { return err2(proxywasm.GetHttpCallResponseBody(0, 9)) },
		"SetBufferBytes":        func() error { return proxywasm.ReplaceHttpResponseBody([]byte("x")) },
		"SendLocalResponse":     func() error { return proxywasm.SendHttpResponse(200, nil, nil, -1) },
		"ContinueStream":        func() error { return proxywasm.ResumeHttpResponse() },
		"CloseStream":           func() error { return proxywasm.CloseUpstream() },
		"GetProperty":           func() error { return err2(proxywasm.GetProperty([]string{"a"})) },
		"SetProperty":           func() error { return proxywasm.SetProperty([]string{"a"}, []byte("v")) },
		"SetTickPeriod":         func() error { return proxywasm.SetTickPeriodMilliSeconds(1) },
		"SetEffectiveContext":   func() error { return proxywasm.SetEffectiveContext(99) },
		"CallForeignFunction":   func() error { return err2(proxywasm.CallForeignFunction("f", nil)) },
		"GetSharedData":         func() error { _, _, err := proxywasm.GetSharedData("k"); return err },
		"SetSharedData":         func() error { return proxywasm.SetSharedData("k", nil, 0) },
		"RegisterSharedQueue":   func() error { return err1(proxywasm.RegisterSharedQueue("q")) },
		"ResolveSharedQueue":    func() error { return err1(proxywasm.ResolveSharedQueue("", "q")) },
		"DequeueSharedQueue":    func() error { return err2(proxywasm.DequeueSharedQueue(1)) },
		"EnqueueSharedQueue":    func() error { return proxywasm.EnqueueSharedQueue(1, nil) },
		"HTTPCall":              func() error { return err1(proxywasm.DispatchHttpCall("c", nil, nil, nil, 0, response)) },
		"RedisInit":             func() error { return proxywasm.RedisInit("c", "", "", 0) },
		"RedisCall":             func() error { return err1(proxywasm.DispatchRedisCall("c", []byte("x"), reply)) },
		"InjectEncodedData":     func() error { return proxywasm.InjectEncodedDataToFilterChain(nil, true) },
		"GetUpstreamHosts":      func() error { return err3(proxywasm.GetUpstreamHosts()) },
		"SetUpstreamOverrideHost": func() error {
			return proxywasm.SetUpstreamOverrideHost([]byte("h"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			host := hosttest.New()
			inRequest(t, host, func() {
				host.Refuse[name] = abi.StatusBadArgument
				if err := call(); !errors.Is(err, types.ErrorStatusBadArgument) {
					t.Errorf("error %v, want a bad argument", err)
				}
			})
		})
	}
}

func TestTenThousandHeadersAreRead(t *testing.T) {
	host := hosttest.New()
	host.Headers[abi.MapHTTPRequestHeaders] = entries(10_000)
	inRequest(t, host, func() {
		list, err := proxywasm.GetHttpRequestHeaders()
		if err != nil || !slices.Equal(list, entries(10_000)) {
			t.Errorf("%d headers, %v", len(list), err)
		}
		wantHeader(t, "X-9999", "v")
	})
}

func TestMetrics(t *testing.T) {
	host := hosttest.New()
	inRequest(t, host, func() {
		counter, gauge := proxywasm.DefineCounterMetric("c"), proxywasm.DefineGaugeMetric("g")
		histogram := proxywasm.DefineHistogramMetric("h")
		host.Calls = nil
		counter.Increment(0)
		counter.Increment(math.MaxUint64)
		gauge.Add(0)
		gauge.Add(-2)
		histogram.Record(0)
		want := []string{"IncrementMetric 4 9223372036854775807", "IncrementMetric 4 -2", "RecordMetric 4 0"}
		if !slices.Equal(host.Calls, want) {
			t.Errorf("calls %q, want %q", host.Calls, want)
		}
		if counter.Value() != 7 || gauge.Value() != 7 {
			t.Errorf("values %d, %d", counter.Value(), gauge.Value())
		}
		host.Refuse["GetMetric"] = abi.StatusBadArgument
		if v := histogram.Value(); v != 0 || len(host.Logs) != 1 {
			t.Errorf("value %d, log %q", v, host.Logs)
		}
	})
}

func TestRefusedMetrics(t *testing.T) {
	host := hosttest.New()
	inRequest(t, host, func() {
		host.Refuse["DefineMetric"] = abi.StatusBadArgument
		counter, gauge := proxywasm.DefineCounterMetric("requests"), proxywasm.DefineGaugeMetric("")
		histogram := proxywasm.DefineHistogramMetric("h")
		if len(host.Logs) != 3 || !strings.Contains(host.Logs[0], "metric requests") {
			t.Errorf("log %q", host.Logs)
		}
		host.Calls = nil
		counter.Increment(1)
		gauge.Add(1)
		histogram.Record(1)
		if v := counter.Value() + uint64(gauge.Value()) + histogram.Value(); v != 0 {
			t.Errorf("values sum up to %d", v)
		}
		if len(host.Calls) != 0 {
			t.Errorf("the host was called: %q", host.Calls)
		}
	})
}
