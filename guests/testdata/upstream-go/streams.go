package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"
)

// headers adds, replaces and removes headers both ways.
type headers struct{ types.DefaultHttpContext }

func (*headers) OnHttpRequestHeaders(n int, _ bool) types.Action {
	all, err := proxywasm.GetHttpRequestHeaders()
	check("request headers", err)
	if len(all) != n {
		proxywasm.LogErrorf("%d request headers, told of %d", len(all), n)
	}
	check("add", proxywasm.AddHttpRequestHeader("X-Added", "a"))
	check("add", proxywasm.AddHttpRequestHeader("x-added", "b"))
	check("replace", proxywasm.ReplaceHttpRequestHeader("x-replaced", "new"))
	check("remove", proxywasm.RemoveHttpRequestHeader("x-removed"))
	check("path", proxywasm.ReplaceHttpRequestHeader(":path", "/edited"))
	if _, err := proxywasm.GetHttpRequestHeader("x-removed"); !errors.Is(err, types.ErrorStatusNotFound) {
		proxywasm.LogErrorf("removed header: %v", err)
	}
	return types.ActionContinue
}

func (*headers) OnHttpResponseHeaders(int, bool) types.Action {
	all, err := proxywasm.GetHttpResponseHeaders()
	check("response headers", err)
	all = slices.DeleteFunc(all, func(h [2]string) bool { return h[0] == "x-upstream" })
	all = append(all, [2]string{"x-all", "set"})
	check("set all", proxywasm.ReplaceHttpResponseHeaders(all))
	check("status", proxywasm.ReplaceHttpResponseHeader(":status", "201"))
	return types.ActionContinue
}

// body collects both bodies and changes them when they are whole.
type body struct {
	types.DefaultHttpContext
	request, response int
}

// OnHttpRequestHeaders does not pause: with this SDK's version of the ABI a pause here holds back the body as well.
func (*body) OnHttpRequestHeaders(int, bool) types.Action {
	check("content-length", proxywasm.RemoveHttpRequestHeader("content-length"))
	return types.ActionContinue
}

func (b *body) OnHttpRequestBody(size int, end bool) types.Action {
	b.request = size
	if !end {
		return types.ActionPause
	}
	all, err := proxywasm.GetHttpRequestBody(0, b.request)
	check("request body", err)
	check("replace", proxywasm.ReplaceHttpRequestBody(bytes.ToUpper(all)))
	check("prepend", proxywasm.PrependHttpRequestBody([]byte("<")))
	check("append", proxywasm.AppendHttpRequestBody([]byte(">")))
	return types.ActionContinue
}

func (*body) OnHttpResponseHeaders(int, bool) types.Action {
	check("content-length", proxywasm.RemoveHttpResponseHeader("content-length"))
	return types.ActionContinue
}

func (b *body) OnHttpResponseBody(size int, end bool) types.Action {
	b.response = size
	if !end {
		return types.ActionPause
	}
	all, err := proxywasm.GetHttpResponseBody(0, b.response)
	check("response body", err)
	check("replace", proxywasm.ReplaceHttpResponseBody([]byte(fmt.Sprintf("%d bytes: %s", len(all), all))))
	return types.ActionContinue
}

// callout asks the cluster of the header x-ask whether the request may pass: with 200 it may, with what it says in x-user.
type callout struct{ types.DefaultHttpContext }

func (*callout) OnHttpRequestHeaders(int, bool) types.Action {
	cluster, err := proxywasm.GetHttpRequestHeader("x-ask")
	check("x-ask", err)
	token, _ := proxywasm.GetHttpRequestHeader("x-token")
	ask := [][2]string{{":method", "POST"}, {":path", "/decide"}, {":authority", "decider"}, {"x-token", token}}
	_, err = proxywasm.DispatchHttpCall(cluster, ask, []byte("may it?"), nil, 5000, func(n, size, _ int) {
		answered, err := proxywasm.GetHttpCallResponseHeaders()
		if err != nil || len(answered) != n {
			proxywasm.LogErrorf("%d headers of the answer, told of %d: %v", len(answered), n, err)
		}
		says, err := proxywasm.GetHttpCallResponseBody(0, size)
		if size > 0 {
			check("body of the answer", err)
		}
		for _, h := range answered {
			if h[0] == ":status" && h[1] == "200" {
				check("x-user", proxywasm.ReplaceHttpRequestHeader("x-user", string(says)))
				check("resume", proxywasm.ResumeHttpRequest())
				return
			} else if h[0] == ":status" {
				answer(403, "decider: "+h[1])
			}
		}
	})
	if err != nil {
		return answer(500, err.Error())
	}
	return types.ActionPause
}

// properties answers what some properties are, and sets one.
type properties struct{ types.DefaultHttpContext }

func (*properties) OnHttpRequestHeaders(int, bool) types.Action {
	var b strings.Builder
	for _, path := range []string{
		"request.path", "request.method", "request.headers.x-one", "plugin_name", "plugin_root_id", "plugin_vm_id", "node.id",
	} {
		value, err := proxywasm.GetProperty(strings.Split(path, "."))
		check(path, err)
		fmt.Fprintf(&b, "%s=%s\n", path, value)
	}
	port, err := proxywasm.GetProperty([]string{"source", "port"})
	check("source.port", err)
	fmt.Fprintf(&b, "source.port: %v\n", len(port) == 8 && binary.LittleEndian.Uint64(port)-1 < 65535)
	all, err := proxywasm.GetPropertyMap([]string{"request", "headers"})
	check("request.headers", err)
	fmt.Fprintf(&b, "x-one in request.headers: %v\n", slices.Contains(all, [2]string{"x-one", "1"}))
	check("set", proxywasm.SetProperty([]string{"mine"}, []byte("kept")))
	kept, err := proxywasm.GetProperty([]string{"mine"})
	check("mine", err)
	fmt.Fprintf(&b, "mine=%s\n", kept)
	_, err = proxywasm.GetProperty([]string{"no", "such"})
	fmt.Fprintf(&b, "no.such: %v\n", errors.Is(err, types.ErrorStatusNotFound))
	return answer(200, b.String())
}

// reply answers /early requests, and others' responses once their headers are there.
type reply struct{ types.DefaultHttpContext }

func (*reply) OnHttpRequestHeaders(int, bool) types.Action {
	if path, err := proxywasm.GetHttpRequestHeader(":path"); err == nil && path == "/early" {
		return answer(418, "early")
	}
	return types.ActionContinue
}

func (*reply) OnHttpResponseHeaders(int, bool) types.Action {
	if status, err := proxywasm.GetHttpResponseHeader(":status"); err == nil && status == "200" {
		return answer(502, "late")
	}
	return types.ActionContinue
}
