package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/higress-group/proxy-wasm-go-sdk/proxywasm/types"
	"github.com/higress-group/wasm-go/pkg/test"
)

func TestPlugin(t *testing.T) {
	test.RunTest(t, func(t *testing.T) {
		t.Run("headers and call-outs", headersAndCalls)
		t.Run("bodies", bodies)
		t.Run("a reply", reply)
		t.Run("foreign functions", foreign)
		t.Run("a refused configuration", refused)
		t.Run("a plugin that holds the default request", holds)
	})
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

func start(t *testing.T, config string) test.TestHost {
	t.Helper()
	host, status := test.NewTestHost(json.RawMessage(config))
	t.Cleanup(host.Reset)
	equal(t, "status", status, types.OnPluginStartStatusOK)
	return host
}

func headersAndCalls(t *testing.T) {
	host := start(t, "c")
	request := [][2]string{{":authority", "a.test"}, {":path", "/call"}}
	equal(t, "action", host.CallOnHttpRequestHeaders(request), types.HeaderStopAllIterationAndWatermark)
	equal(t, "calls", len(host.GetHttpCalloutAttributes()), 1)
	host.CallOnHttpCall([][2]string{{":status", "200"}}, []byte("yes"))
	equal(t, "still held", host.GetHttpStreamAction(), types.HeaderStopAllIterationAndWatermark)
	equal(t, "redis calls", len(host.GetRedisCalloutAttributes()), 1)
	host.CallOnRedisCall(0, test.CreateRedisRespInt(7))
	equal(t, "resumed", host.GetHttpStreamAction(), types.ActionContinue)
	equal(t, "answer", test.HasHeaderWithValue(host.GetRequestHeaders(), "X-Answer", "yes"), true)
	equal(t, "redis", test.HasHeaderWithValue(host.GetRequestHeaders(), "X-Redis", ":7"), true)

	equal(t, "response", host.CallOnHttpResponseHeaders(nil), types.ActionContinue)
	equal(t, "route", test.HasHeaderWithValue(host.GetResponseHeaders(), "x-route", "test-route-default"), true)
	host.CompleteHttp()

	// Another stream.
	host.CallOnHttpRequestHeaders(request[:1], test.WithEndOfStream(true))
	equal(t, "end", test.HasHeader(host.GetRequestHeaders(), "x-end"), true)
	if err := host.SetRouteName("r"); err != nil {
		t.Error(err)
	}
	host.CallOnHttpResponseHeaders(nil)
	equal(t, "route", test.HasHeaderWithValue(host.GetResponseHeaders(), "x-route", "r"), true)
	host.InitHttp()
	equal(t, "a new stream's headers", len(host.GetRequestHeaders()), 0)
}

func bodies(t *testing.T) {
	host := start(t, "c")
	// There is a stream without its headers having been given.
	host.CallOnHttpStreamingRequestBody([]byte("a"), false)
	host.CallOnHttpRequestBody([]byte("b"))
	equal(t, "body", string(host.GetRequestBody()), "a!b!")
	equal(t, "headers", test.HasHeaderWithValue(host.GetRequestHeaders(), ":authority", "default.test.com"), true)
	host.CallOnHttpStreamingResponseBody([]byte("a"), false)
	host.CallOnHttpResponseBody([]byte("b"))
	equal(t, "body", string(host.GetResponseBody()), "?b")
}

func reply(t *testing.T) {
	host := start(t, "c")
	host.CallOnHttpRequestHeaders([][2]string{{":path", "/denied"}})
	equal(t, "status", host.GetLocalResponse().StatusCode, 403)
	equal(t, "body", string(host.GetLocalResponse().Data), "no")
}

func foreign(t *testing.T) {
	host, _ := test.NewTestHostWithForeignFuncs(json.RawMessage("c"), map[string]func([]byte) []byte{
		"hello": func(b []byte) []byte { return []byte("hello " + string(b)) },
	})
	defer host.Reset()
	equal(t, "log", strings.Join(host.GetInfoLogs(), "\n"), "hello c")
}

func refused(t *testing.T) {
	host, status := test.NewTestHost(json.RawMessage("refuse"))
	defer host.Reset()
	equal(t, "status", status, types.OnPluginStartStatusFailed)
}

func holds(t *testing.T) {
	host := start(t, "hold")
	for name, call := range map[string]func(){
		"holds the headers": func() { host.CallOnHttpRequestBody(nil) },
		"no HTTP call":      func() { host.CallOnHttpCall(nil, nil) },
		"no Redis call":     func() { host.CallOnRedisCall(0, nil) },
	} {
		func() {
			defer func() {
				if v, _ := recover().(string); !strings.Contains(v, name) {
					t.Errorf("panic %q, want %q in it", v, name)
				}
			}()
			call()
		}()
	}
}

func TestGetMatchConfig(t *testing.T) {
	test.RunGoTest(t, func(t *testing.T) {
		host := start(t, "c")
		for _, domain := range []string{"default.test.com", "a.test"} {
			if domain == "a.test" {
				if err := host.SetDomainName(domain); err != nil {
					t.Fatal(err)
				}
			}
			got, err := host.GetMatchConfig()
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "config", *got.(*string), "c of "+domain)
		}
	})
	test.RunWasmTest(t, func(t *testing.T) {
		if got, err := start(t, "c").GetMatchConfig(); err == nil {
			t.Errorf("%v of a module", got)
		}
	})
}

// TestBroken is run with a folder whose plugin does not compile.
func TestBroken(t *testing.T) {
	dir := os.Getenv("BROKEN")
	if dir == "" {
		return
	}
	t.Chdir(dir)
	test.RunTest(t, func(*testing.T) {})
}
