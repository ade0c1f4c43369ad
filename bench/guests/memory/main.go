// A plugin that keeps what the SDK gave it, for many requests, and looks whether it is still the same: the SDK uses the
// memory of host calls again, and plugin code must never see that.
package main

import (
	"hash/fnv"
	"strconv"

	"github.com/sluice-gateway/sluice/sdk/proxywasm"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
	"github.com/sluice-gateway/sluice/sdk/wrapper"
)

type config struct{}

// kept is something the SDK gave, and its hash when it did.
type kept struct {
	text string
	data []byte
	hash uint64
}

func (k *kept) same() bool { return k.hash == hash(k.text, k.data) }

var (
	ring [500]kept
	next int
)

func main() {}

func init() {
	wrapper.SetCtx("memory",
		wrapper.ProcessRequestHeaders(onRequestHeaders),
		wrapper.ProcessRequestBody(onRequestBody),
		wrapper.ProcessResponseHeaders(onResponseHeaders),
	)
}

func hash(text string, data []byte) uint64 {
	h := fnv.New64a()
	h.Write([]byte(text))
	h.Write(data)
	return h.Sum64()
}

func keep(text string, data []byte) {
	if k := &ring[next]; !k.same() && k.hash != 0 {
		proxywasm.LogError("what was kept has changed: " + strconv.Quote(k.text))
	}
	ring[next] = kept{text, data, hash(text, data)}
	next = (next + 1) % len(ring)
}

func onRequestHeaders(ctx wrapper.HttpContext, _ config) types.Action {
	for range 2 {
		for _, key := range []string{"x-long", "x-empty", "x-n", "User-Agent"} {
			v, err := proxywasm.GetHttpRequestHeader(key)
			if err != nil {
				proxywasm.LogError(key + ": " + err.Error())
			}
			keep(v, nil)
		}
		keep(ctx.Path()+ctx.Method(), nil)
		if err := proxywasm.AddHttpRequestHeader("x-empty", ""); err != nil {
			proxywasm.LogError(err.Error())
		}
	}
	all, err := proxywasm.GetHttpRequestHeaders()
	if err != nil {
		proxywasm.LogError(err.Error())
	}
	for _, kv := range all {
		keep(kv[0]+kv[1], nil)
		keep(kv[1], nil)
	}
	route, err := proxywasm.GetProperty([]string{"route_name"})
	if err != nil {
		proxywasm.LogError(err.Error())
	}
	keep("", route)
	return types.HeaderContinue
}

func onRequestBody(_ wrapper.HttpContext, _ config, body []byte) types.Action {
	keep("", body)
	part, err := proxywasm.GetHttpRequestBody(1, 40)
	if err != nil {
		proxywasm.LogError(err.Error())
	}
	keep("", part)
	keep("", append(part, "more"...)) // must not reach what lies behind part
	return types.ActionContinue
}

func onResponseHeaders(ctx wrapper.HttpContext, _ config) types.Action {
	keep(ctx.Host(), nil)
	for i := range ring {
		if k := &ring[i]; k.hash != 0 && !k.same() {
			proxywasm.LogError("what was kept has changed: " + strconv.Quote(k.text))
		}
	}
	return types.HeaderContinue
}
