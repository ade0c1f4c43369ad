package wrapper_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/higress-group/proxy-wasm-go-sdk/proxywasm/proxytest"
	"github.com/higress-group/proxy-wasm-go-sdk/proxywasm/types"
	"github.com/higress-group/wasm-go/pkg/wrapper"
	sdk "github.com/sluice-gateway/sluice/sdk/wrapper"
	"github.com/tidwall/resp"
)

// calling is a plugin that calls out in the request's header phase.
func calling(t *testing.T, call func() error) *harness {
	t.Helper()
	environment(t, "open", "")
	return start(t, `{}`, wrapper.ProcessRequestHeaders(func(wrapper.HttpContext, config) types.Action {
		if err := call(); err != nil {
			t.Error(err)
		}
		return types.HeaderStopAllIterationAndWatermark
	}))
}

func (h *harness) request() (id uint32) {
	id = h.InitializeHttpContext()
	h.CallOnRequestHeaders(id, requestHeaders, true)
	return id
}

// The callback gets net/http's headers.
func TestHttpClient(t *testing.T) {
	var client wrapper.HttpClient = wrapper.NewClusterClient(wrapper.FQDNCluster{FQDN: "auth.dns", Port: 80})
	var status int
	var headers http.Header
	var body string
	h := calling(t, func() error {
		return client.Post("/check?a=b", [][2]string{{"x-a", "1"}}, []byte("ask"), func(s int, hs http.Header, b []byte) {
			status, headers, body = s, hs, string(b)
		}, 1000)
	})
	id := h.request()
	calls := h.GetCalloutAttributesFromContext(id)
	if len(calls) != 1 || calls[0].Upstream != "outbound|80||auth.dns" || string(calls[0].Body) != "ask" {
		t.Fatalf("calls: %+v", calls)
	}
	h.CallOnHttpCallResponse(calls[0].CalloutID, [][2]string{{":status", "403"}, {"x-why", "no"}, {"x-why", "never"}}, nil, []byte("go away"))
	if status != 403 || strings.Join(headers.Values("X-Why"), ",") != "no,never" || body != "go away" {
		t.Errorf("the callback got %d %v %q", status, headers, body)
	}
	if got := client.ClusterName(); got != "outbound|80||auth.dns" {
		t.Errorf("the cluster is %q", got)
	}
}

// The callback gets values of package resp, errors among them.
func TestRedisClient(t *testing.T) {
	for name, tc := range map[string]struct {
		status int32
		reply  string
		check  func(resp.Value) bool
	}{
		"a string":     {0, "$2\r\nhi\r\n", func(v resp.Value) bool { return v.Type() == resp.BulkString && v.String() == "hi" }},
		"null":         {0, "$-1\r\n", func(v resp.Value) bool { return v.IsNull() }},
		"an integer":   {0, ":7\r\n", func(v resp.Value) bool { return v.Integer() == 7 }},
		"an array":     {0, "*2\r\n:1\r\n$1\r\na\r\n", func(v resp.Value) bool { return len(v.Array()) == 2 && v.Array()[1].String() == "a" }},
		"an error":     {0, "-ERR no\r\n", func(v resp.Value) bool { return v.Error() != nil && strings.Contains(v.Error().Error(), "ERR no") }},
		"no reply":     {1, "", func(v resp.Value) bool { return v.Error() != nil }},
		"not in RESP":  {0, "what", func(v resp.Value) bool { return v.Error() != nil }},
		"a bare reply": {0, "+OK\r\n", func(v resp.Value) bool { return v.Error() == nil && v.String() == "OK" }},
	} {
		t.Run(name, func(t *testing.T) {
			var client wrapper.RedisClient = wrapper.NewRedisClusterClient(wrapper.StaticIpCluster{ServiceName: "redis", Port: 6379})
			var got []resp.Value
			h := calling(t, func() error {
				err := client.Init("u", "p", 1000, wrapper.WithDataBase(2), wrapper.WithBufferFlushTimeout(time.Millisecond),
					wrapper.WithMaxBufferSizeBeforeFlush(10), wrapper.WithDisableBuffer())
				if err != nil {
					return err
				}
				return client.Get("k", func(v resp.Value) { got = append(got, v) })
			})
			id := h.request()
			calls := h.GetRedisCalloutAttributesFromContext(id)
			if len(calls) != 1 || string(calls[0].Query) != "*2\r\n$3\r\nget\r\n$1\r\nk\r\n" {
				t.Fatalf("calls: %+v", calls)
			}
			h.CallOnRedisCallResponse(calls[0].CalloutID, tc.status, []byte(tc.reply))
			if len(got) != 1 || !tc.check(got[0]) {
				t.Errorf("the callback got %v", got)
			}
		})
	}
}

// Each command is the SDK's of the same name, with its arguments in the same order.
func TestRedisCommandsAreTheSDKs(t *testing.T) {
	environment(t, "open", "")
	cluster := wrapper.StaticIpCluster{ServiceName: "redis", Port: 6379}
	ours, theirs := wrapper.NewRedisClusterClient(cluster), sdk.NewRedisClusterClient(cluster)
	commands := reflect.TypeFor[wrapper.RedisClient]()
	var names []string
	h := start(t, `{}`, wrapper.ProcessRequestHeaders(func(wrapper.HttpContext, config) types.Action {
		if err := errors.Join(ours.Init("", "", 0), theirs.Init("", "", 0)); err != nil {
			t.Error(err)
		}
		for i := range commands.NumMethod() {
			name := commands.Method(i).Name
			if name == "Init" || name == "Ready" {
				continue
			}
			names = append(names, name)
			for _, client := range []any{ours, theirs} {
				method := reflect.ValueOf(client).MethodByName(name)
				args := make([]reflect.Value, method.Type().NumIn())
				for n := range args {
					args[n] = argument(method.Type().In(n), n)
				}
				if err := method.Call(args)[0]; !err.IsNil() {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
		return types.HeaderStopAllIterationAndWatermark
	}))
	calls := h.GetRedisCalloutAttributesFromContext(h.request())
	slices.SortFunc(calls, func(a, b proxytest.RedisCalloutAttribute) int { return int(a.CalloutID) - int(b.CalloutID) })
	if len(names) != commands.NumMethod()-2 || len(calls) != 2*len(names) {
		t.Fatalf("%d commands, %d calls", len(names), len(calls))
	}
	for i, name := range names {
		if a, b := calls[2*i].Query, calls[2*i+1].Query; !bytes.Equal(a, b) {
			t.Errorf("%s sends %q, the SDK's %q", name, a, b)
		}
	}
}

// argument returns a value that tells the n-th argument from others.
func argument(t reflect.Type, n int) reflect.Value {
	v := reflect.New(t).Elem()
	switch t.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprintf("s%d", n))
	case reflect.Int:
		v.SetInt(int64(n))
	case reflect.Float64:
		v.SetFloat(float64(n))
	case reflect.Interface:
		v.Set(reflect.ValueOf(fmt.Sprintf("i%d", n)))
	case reflect.Slice:
		v.Set(reflect.Append(v, argument(t.Elem(), 10*n)))
	case reflect.Map:
		v.Set(reflect.MakeMap(t))
		v.SetMapIndex(argument(t.Key(), 10*n), argument(t.Elem(), 10*n+1))
	}
	return v
}
