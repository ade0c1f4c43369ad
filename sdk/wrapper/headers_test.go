//go:build !wasip1

package wrapper_test

import (
	"reflect"
	"slices"
	"testing"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/proxywasm"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
	"github.com/sluice-gateway/sluice/sdk/wrapper"
)

// onRequest and onResponse make header options of functions without a configuration.
func onRequest(f func(ctx wrapper.HttpContext) types.Action) wrapper.Option {
	return wrapper.ProcessRequestHeaders(func(ctx wrapper.HttpContext, _ config) types.Action { return f(ctx) })
}

func onResponse(f func(ctx wrapper.HttpContext) types.Action) wrapper.Option {
	return wrapper.ProcessResponseHeaders(func(ctx wrapper.HttpContext, _ config) types.Action { return f(ctx) })
}

func pseudo(ctx wrapper.HttpContext) []string {
	return []string{ctx.Scheme(), ctx.Host(), ctx.Path(), ctx.Method()}
}

func TestPseudoHeadersAreTheRequestsInEveryPhase(t *testing.T) {
	want := []string{"https", "example.com:8443", "/a?b=c", "POST"}
	for name, noPairs := range map[string]bool{"whole maps": false, "value by value": true} {
		t.Run(name, func(t *testing.T) {
			var early, late, done []string
			h := start(t, ``,
				onRequest(func(ctx wrapper.HttpContext) types.Action {
					if noPairs { // then only what was asked for in time is known
						early = pseudo(ctx)
					}
					proxywasm.ReplaceHttpRequestHeader(":path", "/rewritten")
					early = pseudo(ctx)
					return types.HeaderContinue
				}),
				onResponse(func(ctx wrapper.HttpContext) types.Action { late = pseudo(ctx); return types.HeaderContinue }),
				wrapper.ProcessStreamDone(func(ctx wrapper.HttpContext, _ config) { done = pseudo(ctx) }),
			)
			h.NoPairs = noPairs
			h.request().sendHeaders(true, 0)
			delete(h.Headers, abi.MapHTTPRequestHeaders) // let go
			h.response().sendHeaders(true, 0)
			h.end(streamID)
			for phase, got := range map[string][]string{"request": early, "response": late, "done": done} {
				if !slices.Equal(got, want) {
					t.Errorf("%s: %q, want %q", phase, got, want)
				}
			}
		})
	}
}

func TestPseudoHeadersFromProperties(t *testing.T) {
	var got []string
	h := start(t, ``, onResponse(func(ctx wrapper.HttpContext) types.Action { got = pseudo(ctx); return types.HeaderContinue }))
	h.NoPairs = true
	h.Properties["request.scheme"], h.Properties["request.host"] = "http", "h"
	h.Properties["request.path"], h.Properties["request.method"] = "/p", "GET"
	h.request().sendHeaders(true, 0)
	h.response().sendHeaders(true, 0)
	if want := []string{"http", "h", "/p", "GET"}; !slices.Equal(got, want) {
		t.Fatalf("got %q, want %q", got, want)
	}
}

func TestNothingIsFetchedThatNobodyReads(t *testing.T) {
	h := start(t, `{"value":"g"}`, onRequest(func(wrapper.HttpContext) types.Action { return types.HeaderContinue }))
	h.Calls = nil
	h.request().sendHeaders(false, 0)
	h.request().sendBody("body", true, 0)
	h.response().sendHeaders(false, 0)
	h.response().sendBody("body", true, 0)
	h.end(streamID)
	if len(h.Calls) > 0 {
		t.Fatalf("calls %q", h.Calls)
	}
}

func TestContextStorage(t *testing.T) {
	var h *harness
	check := func(ctx wrapper.HttpContext) types.Action {
		if ctx.GetContext("none") != nil || ctx.GetBoolContext("s", true) != true || ctx.GetIntContext("none", 3) != 3 {
			t.Error("defaults")
		}
		if ctx.GetStringContext("s", "") != "text" || !ctx.GetBoolContext("b", false) || ctx.GetIntContext("i", 0) != 7 {
			t.Error("values")
		}
		if got := ctx.GetByteSliceContext("y", nil); string(got) != "bytes" {
			t.Errorf("bytes %q", got)
		}
		return types.HeaderContinue
	}
	h = start(t, ``,
		onRequest(func(ctx wrapper.HttpContext) types.Action {
			ctx.SetContext("s", "first")
			ctx.SetContext("s", "text")
			ctx.SetContext("b", true)
			ctx.SetContext("i", 7)
			ctx.SetContext("y", []byte("bytes"))
			return types.HeaderContinue
		}),
		onResponse(check),
	)
	h.request().sendHeaders(true, 0)
	h.response().sendHeaders(true, 0)
}

// A stream's memory is used again; a context that plugin code kept must not reach into the next one.
func TestKeptContextsAreHarmless(t *testing.T) {
	var kept []wrapper.HttpContext
	h := start(t, ``, onRequest(func(ctx wrapper.HttpContext) types.Action {
		if len(kept) > 0 {
			if v := ctx.GetContext("secret"); v != nil {
				t.Errorf("the next stream sees %v", v)
			}
			kept[0].SetContext("secret", "from the grave")
			kept[0].DontReadRequestBody()
			kept[0].BufferRequestBody()
			kept[0].NeedPauseStreamingResponse()
			kept[0].PushBuffer([]byte("x"))
			if v := ctx.GetContext("secret"); v != nil {
				t.Errorf("a kept context wrote %v into the next stream", v)
			}
			if kept[0].Path() != "" || kept[0].GetContext("secret") != nil || kept[0].PopBuffer() != nil ||
				kept[0].BufferQueueSize() != 0 || kept[0].HasRequestBody() || kept[0].IsWebsocket() || kept[0].IsBinaryRequestBody() ||
				kept[0].GetExecutionPhase() != wrapper.Done {
				t.Error("a kept context answers")
			}
		}
		kept = append(kept, ctx)
		ctx.SetContext("secret", len(kept))
		return types.HeaderContinue
	}))
	h.request().sendHeaders(true, 0)
	h.end(streamID)
	for id := uint32(3); id < 50; id++ {
		h.begin(id)
		h.want("headers", 0)(h.OnRequestHeaders(id, 1, true))
		h.end(id)
	}
	if kept[0] == kept[1] {
		t.Fatal("two streams have one context")
	}
}

func TestSettings(t *testing.T) {
	h := start(t, ``,
		onRequest(func(ctx wrapper.HttpContext) types.Action {
			ctx.DisableReroute()
			ctx.SetRequestBodyBufferLimit(10 << 20)
			ctx.SetResponseBodyBufferLimit(0)
			return types.HeaderContinue
		}),
	)
	h.request().sendHeaders(true, 0)
	want := map[string]string{"clear_route_cache": "off", "set_decoder_buffer_limit": "10485760", "set_encoder_buffer_limit": "0"}
	if !reflect.DeepEqual(h.Properties, want) {
		t.Fatalf("properties %q, want %q", h.Properties, want)
	}
}
