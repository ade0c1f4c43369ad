// Command guest is a plugin by the upstream Go SDK. Its configuration is the name of what it does; see behaviours.
package main

import (
	"encoding/binary"
	"errors"
	"strconv"
	"strings"

	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm"
	"github.com/proxy-wasm/proxy-wasm-go-sdk/proxywasm/types"
)

func main() {}

func init() { proxywasm.SetVMContext(&vm{}) }

type vm struct{ types.DefaultVMContext }

func (*vm) OnVMStart(size int) types.OnVMStartStatus {
	if size > 0 {
		conf, err := proxywasm.GetVMConfiguration()
		if err != nil || string(conf) != "vm configuration" {
			proxywasm.LogErrorf("vm configuration %q: %v", conf, err)
			return types.OnVMStartStatusFailed
		}
	}
	return types.OnVMStartStatusOK
}

func (*vm) NewPluginContext(uint32) types.PluginContext { return &plugin{} }

// behaviours make the streams of each behaviour.
var behaviours = map[string]func(p *plugin) types.HttpContext{
	"headers":    func(*plugin) types.HttpContext { return &headers{} },
	"body":       func(*plugin) types.HttpContext { return &body{} },
	"callout":    func(*plugin) types.HttpContext { return &callout{} },
	"tick":       func(p *plugin) types.HttpContext { return &counter{plugin: p} },
	"queue":      func(p *plugin) types.HttpContext { return &queue{plugin: p} },
	"metrics":    func(p *plugin) types.HttpContext { return &metrics{plugin: p} },
	"properties": func(*plugin) types.HttpContext { return &properties{} },
	"reply":      func(*plugin) types.HttpContext { return &reply{} },
}

type plugin struct {
	types.DefaultPluginContext
	behaviour string
	queue     uint32
	requests  proxywasm.MetricCounter
	active    proxywasm.MetricGauge
	sizes     proxywasm.MetricHistogram
}

func (p *plugin) OnPluginStart(int) types.OnPluginStartStatus {
	conf, err := proxywasm.GetPluginConfiguration()
	p.behaviour = string(conf)
	if err != nil || behaviours[p.behaviour] == nil {
		proxywasm.LogErrorf("configuration %q: %v", conf, err)
		return types.OnPluginStartStatusFailed
	}
	switch p.behaviour {
	case "tick":
		err = proxywasm.SetTickPeriodMilliSeconds(20)
	case "queue":
		p.queue, err = proxywasm.RegisterSharedQueue("work")
	case "metrics":
		p.requests = proxywasm.DefineCounterMetric("guest.requests")
		p.active = proxywasm.DefineGaugeMetric("guest.active")
		p.sizes = proxywasm.DefineHistogramMetric("guest.sizes")
	}
	if err != nil {
		proxywasm.LogErrorf("start: %v", err)
		return types.OnPluginStartStatusFailed
	}
	return types.OnPluginStartStatusOK
}

func (p *plugin) NewHttpContext(uint32) types.HttpContext { return behaviours[p.behaviour](p) }

// add adds one to the number under a key of the shared data.
func add(key string) error {
	for {
		value, cas, err := proxywasm.GetSharedData(key)
		if err != nil && !errors.Is(err, types.ErrorStatusNotFound) {
			return err
		}
		n := uint64(0)
		if len(value) == 8 {
			n = binary.LittleEndian.Uint64(value)
		}
		err = proxywasm.SetSharedData(key, binary.LittleEndian.AppendUint64(nil, n+1), cas)
		if !errors.Is(err, types.ErrorStatusCasMismatch) {
			return err
		}
	}
}

// number reads the number under a key of the shared data.
func number(key string) string {
	value, _, err := proxywasm.GetSharedData(key)
	if errors.Is(err, types.ErrorStatusNotFound) {
		return "0"
	} else if err != nil || len(value) != 8 {
		return "error"
	}
	return strconv.FormatUint(binary.LittleEndian.Uint64(value), 10)
}

// answer sends a local reply.
func answer(status uint32, text string) types.Action {
	check("local reply", proxywasm.SendHttpResponse(status, [][2]string{{"x-guest", "yes"}}, []byte(text), -1))
	return types.ActionPause
}

// check logs an error. The tests fail on errors in the log.
func check(what string, err error) {
	if err != nil {
		proxywasm.LogErrorf("%s: %v", what, err)
	}
}

// OnTick counts ticks of all VMs. Requests are counted under another key.
func (p *plugin) OnTick() { check("tick", add("ticks")) }

// OnQueueReady takes what is in the queue, and keeps the last of it for who asks.
func (p *plugin) OnQueueReady(id uint32) {
	for {
		element, err := proxywasm.DequeueSharedQueue(id)
		if errors.Is(err, types.ErrorStatusEmpty) {
			return
		}
		check("dequeue", err)
		if err != nil {
			return
		}
		check("element", proxywasm.SetSharedData("element", element, 0))
		check("elements", add("elements"))
	}
}

// counter answers how many ticks and requests there were.
type counter struct {
	types.DefaultHttpContext
	plugin *plugin
}

func (*counter) OnHttpRequestHeaders(int, bool) types.Action {
	check("count", add("requests"))
	return answer(200, number("requests")+" requests, ticked "+number("ticks"))
}

// queue puts the path into the queue on /put…, and answers what was last taken out otherwise.
type queue struct {
	types.DefaultHttpContext
	plugin *plugin
}

func (q *queue) OnHttpRequestHeaders(int, bool) types.Action {
	path, err := proxywasm.GetHttpRequestHeader(":path")
	check("path", err)
	if !strings.HasPrefix(path, "/put") {
		element, _, _ := proxywasm.GetSharedData("element")
		return answer(200, number("elements")+" elements, last "+string(element))
	}
	id, err := proxywasm.ResolveSharedQueue("guests", "work")
	check("resolve", err)
	if id != q.plugin.queue {
		proxywasm.LogErrorf("queue resolved as %d, registered as %d", id, q.plugin.queue)
	}
	check("enqueue", proxywasm.EnqueueSharedQueue(id, []byte(path)))
	if _, err := proxywasm.ResolveSharedQueue("guests", "no such queue"); !errors.Is(err, types.ErrorStatusNotFound) {
		proxywasm.LogErrorf("unknown queue: %v", err)
	}
	return answer(202, "put")
}

// metrics counts requests and their sizes.
type metrics struct {
	types.DefaultHttpContext
	plugin *plugin
}

func (m *metrics) OnHttpRequestHeaders(int, bool) types.Action {
	m.plugin.requests.Increment(2)
	m.plugin.active.Add(1)
	m.plugin.sizes.Record(42)
	return types.ActionContinue
}

func (m *metrics) OnHttpResponseHeaders(int, bool) types.Action {
	check("response", proxywasm.AddHttpResponseHeader("x-active", strconv.FormatInt(m.plugin.active.Value(), 10)))
	return types.ActionContinue
}

func (m *metrics) OnHttpStreamDone() { m.plugin.active.Add(-1) }
