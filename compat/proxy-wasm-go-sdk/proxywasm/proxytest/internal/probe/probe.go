// Package probe is a plugin that does what its configuration says, to test the emulator with.
//
// A line of the configuration is "callback: command arguments". When the callback comes, its commands run in order; each
// logs "command arguments = result" at level info. What a callback answers is set by its command "return".
package probe

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/higress-group/proxy-wasm-go-sdk/proxywasm"
	"github.com/higress-group/proxy-wasm-go-sdk/proxywasm/types"
)

// VM is the probe.
type VM struct{ types.DefaultVMContext }

// starts counts configurations, as a package variable does.
var starts int

// OnVMStart implements [types.VMContext].
func (*VM) OnVMStart(size int) types.OnVMStartStatus {
	text, err := proxywasm.GetVMConfiguration()
	proxywasm.LogInfof("vm start with %d: %s", size, result(string(text), err))
	return types.OnVMStartStatusOK
}

// NewPluginContext implements [types.VMContext].
func (*VM) NewPluginContext(uint32) types.PluginContext { return &plugin{} }

type plugin struct {
	types.DefaultPluginContext
	script map[string][]string
}

func (p *plugin) OnPluginStart(int) types.OnPluginStartStatus {
	starts++
	text, err := proxywasm.GetPluginConfiguration()
	if err != nil {
		proxywasm.LogInfof("no configuration: %v", err)
		return types.OnPluginStartStatusOK
	}
	p.script = map[string][]string{}
	for line := range strings.SplitSeq(string(text), "\n") {
		if callback, command, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
			p.script[callback] = append(p.script[callback], command)
		}
	}
	return types.OnPluginStartStatus(p.run("start") == 0)
}

func (p *plugin) OnTick()                                    { p.run("tick") }
func (p *plugin) OnQueueReady(id uint32)                     { p.run(fmt.Sprintf("queue %d", id)) }
func (p *plugin) OnPluginDone() bool                         { return p.run("done") == 0 }
func (p *plugin) NewHttpContext(id uint32) types.HttpContext { return &stream{plugin: p, id: id} }

func (p *plugin) NewTcpContext(uint32) types.TcpContext {
	if p.script["kind"] == nil {
		return nil
	}
	return &connection{plugin: p}
}

type stream struct {
	plugin *plugin
	id     uint32
}

func (s *stream) OnHttpRequestHeaders(n int, end bool) types.Action {
	return s.plugin.step("request headers", n, end)
}
func (s *stream) OnHttpRequestBody(n int, end bool) types.Action {
	return s.plugin.step("request body", n, end)
}
func (s *stream) OnHttpRequestTrailers(n int) types.Action {
	return s.plugin.step("request trailers", n, true)
}
func (s *stream) OnHttpResponseHeaders(n int, end bool) types.Action {
	return s.plugin.step("response headers", n, end)
}
func (s *stream) OnHttpResponseBody(n int, end bool) types.Action {
	return s.plugin.step("response body", n, end)
}
func (s *stream) OnHttpResponseTrailers(n int) types.Action {
	return s.plugin.step("response trailers", n, true)
}
func (s *stream) OnHttpStreamDone() { s.plugin.run("log") }

type connection struct{ plugin *plugin }

func (c *connection) OnNewConnection() types.Action { return c.plugin.step("connection", 0, false) }
func (c *connection) OnDownstreamData(n int, end bool) types.Action {
	return c.plugin.step("downstream", n, end)
}
func (c *connection) OnDownstreamClose(types.PeerType) { c.plugin.run("downstream close") }
func (c *connection) OnUpstreamData(n int, end bool) types.Action {
	return c.plugin.step("upstream", n, end)
}
func (c *connection) OnUpstreamClose(types.PeerType) { c.plugin.run("upstream close") }
func (c *connection) OnStreamDone()                  { c.plugin.run("log") }

// step runs a callback that is told a count and whether it is the last.
func (p *plugin) step(callback string, n int, end bool) types.Action {
	if len(p.script[callback]) > 0 {
		proxywasm.LogDebugf("%s %d %v", callback, n, end)
	}
	return types.Action(p.run(callback))
}

// run runs the commands of a callback and returns what the last "return" says.
func (p *plugin) run(callback string) (answer int) {
	for _, command := range p.script[callback] {
		args := strings.Fields(command)
		if args[0] == "return" {
			answer, _ = strconv.Atoi(args[1])
			continue
		}
		for len(args) < 5 {
			args = append(args, "")
		}
		proxywasm.LogInfof("%s = %s", command, p.do(args))
	}
	return answer
}

func result(v any, err error) string {
	if err != nil {
		return strings.TrimPrefix(err.Error(), "error status returned by host: ")
	}
	return fmt.Sprint(v)
}

func number(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

// do runs one command.
func (p *plugin) do(args []string) string {
	switch name, a, b := args[0], args[1], unquote(args[2]); name {
	case "panic":
		panic(a + " " + b)
	case "starts":
		return strconv.Itoa(starts)

	case "get":
		return result(proxywasm.GetHttpRequestHeader(a))
	case "all":
		return result(proxywasm.GetHttpRequestHeaders())
	case "add":
		return result("ok", proxywasm.AddHttpRequestHeader(a, b))
	case "replace":
		return result("ok", proxywasm.ReplaceHttpRequestHeader(a, b))
	case "remove":
		return result("ok", proxywasm.RemoveHttpRequestHeader(a))
	case "replace-all":
		return result("ok", proxywasm.ReplaceHttpRequestHeaders([][2]string{{a, b}}))
	case "get-response":
		return result(proxywasm.GetHttpResponseHeader(a))
	case "trailers":
		return result(proxywasm.GetHttpRequestTrailers())

	case "body":
		return result(text(proxywasm.GetHttpRequestBody(number(a), number(b))))
	case "prepend":
		return result("ok", proxywasm.PrependHttpRequestBody([]byte(a)))
	case "append":
		return result("ok", proxywasm.AppendHttpRequestBody([]byte(a)))
	case "set":
		return result("ok", proxywasm.ReplaceHttpRequestBody([]byte(a)))
	case "set-response":
		return result("ok", proxywasm.ReplaceHttpResponseBody([]byte(a)))
	case "inject":
		return result("ok", proxywasm.InjectEncodedDataToFilterChain([]byte(a), b == "end"))

	case "reply":
		return result("ok", proxywasm.SendHttpResponseWithDetail(uint32(number(a)), "a.detail", [][2]string{{"X-Reply", b}}, []byte("denied"), -1))
	case "reply-empty":
		return result("ok", proxywasm.SendHttpResponse(uint32(number(a)), nil, nil, 7))
	case "resume":
		return result("ok", proxywasm.ResumeHttpRequest())
	case "close":
		return result("ok", proxywasm.CloseDownstream())
	case "hosts":
		return result(proxywasm.GetUpstreamHosts())
	case "override":
		return result("ok", proxywasm.SetUpstreamOverrideHost([]byte(a)))

	case "http":
		return result(p.http(a, b))
	case "redis":
		return result(proxywasm.DispatchRedisCall(a, []byte(b), func(status, size int) {
			proxywasm.LogInfof("redis %d: %s", status, result(text(proxywasm.GetRedisCallResponse(0, size))))
		}))
	case "redis-init":
		return result("ok", proxywasm.RedisInit(a, "user", "password", 100))
	case "redis-response":
		return result(text(proxywasm.GetRedisCallResponse(0, 10)))
	case "http-response":
		return result(proxywasm.GetHttpCallResponseHeaders())

	case "property":
		return result(text(proxywasm.GetProperty(strings.Split(a, "."))))
	case "set-property":
		return result("ok", proxywasm.SetProperty(strings.Split(a, "."), []byte(b)))
	case "shared":
		v, cas, err := proxywasm.GetSharedData(a)
		return result(fmt.Sprintf("%s at %d", v, cas), err)
	case "set-shared":
		return result("ok", proxywasm.SetSharedData(a, []byte(b), uint32(number(args[3]))))
	case "register":
		return result(proxywasm.RegisterSharedQueue(a))
	case "resolve":
		return result(proxywasm.ResolveSharedQueue("", a))
	case "enqueue":
		return result("ok", proxywasm.EnqueueSharedQueue(uint32(number(a)), []byte(b)))
	case "dequeue":
		return result(text(proxywasm.DequeueSharedQueue(uint32(number(a)))))
	case "foreign":
		return result(text(proxywasm.CallForeignFunction(a, []byte(b))))
	case "set-tick":
		return result("ok", proxywasm.SetTickPeriodMilliSeconds(uint32(number(a))))
	case "counter":
		m := proxywasm.DefineCounterMetric(a)
		m.Increment(uint64(number(b)))
		return fmt.Sprint(m.Value())
	case "gauge":
		m := proxywasm.DefineGaugeMetric(a)
		m.Add(int64(number(b)))
		return fmt.Sprint(m.Value())
	case "histogram":
		m := proxywasm.DefineHistogramMetric(a)
		m.Record(uint64(number(b)))
		return fmt.Sprint(m.Value())

	case "data":
		return result(text(proxywasm.GetDownstreamData(0, 1000)))
	}
	return "no such command"
}

// http makes a call to cluster a, and another from its callback if b says so.
func (p *plugin) http(a, b string) (uint32, error) {
	headers := [][2]string{{":method", "GET"}, {":path", "/"}, {":authority", "a"}, {"X-Case", "Kept"}}
	return proxywasm.DispatchHttpCall(a, headers, []byte(b), nil, 100, func(n, size, _ int) {
		headers, err := proxywasm.GetHttpCallResponseHeaders()
		body, bodyErr := proxywasm.GetHttpCallResponseBody(0, size)
		trailers, trailersErr := proxywasm.GetHttpCallResponseTrailers()
		path, _ := proxywasm.GetHttpRequestHeader(":path")
		proxywasm.LogInfof("http %d of %s: %s, %s, %s", n, path, result(headers, err), result(text(body, bodyErr)), result(trailers, trailersErr))
		if b == "again" {
			_, _ = p.http(a, "last")
		}
		if err := proxywasm.ResumeHttpRequest(); err != nil {
			proxywasm.LogErrorf("resume: %v", err)
		}
	})
}

func text(b []byte, err error) (string, error) { return string(b), err }

// unquote lets a blank be written: it is what stands between the words of a command.
func unquote(s string) string { return strings.ReplaceAll(s, "_", " ") }
