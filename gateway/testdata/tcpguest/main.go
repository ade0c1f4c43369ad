// A plugin for TCP connections that logs each callback and does what its configuration names.
package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/sluice-gateway/sluice/sdk/proxywasm"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
)

func main() {}

func init() { proxywasm.SetPluginContext(func(uint32) types.PluginContext { return &plugin{} }) }

// tickPeriod is how long a paused connection waits, in milliseconds.
const tickPeriod = 50

type plugin struct {
	types.DefaultPluginContext
	mode   string
	paused []uint32
}

func (p *plugin) OnPluginStart(int) types.OnPluginStartStatus {
	if c, err := proxywasm.GetPluginConfiguration(); err == nil {
		p.mode = string(c)
	}
	if strings.HasSuffix(p.mode, "tick") {
		_ = proxywasm.SetTickPeriodMilliSeconds(tickPeriod)
	}
	return types.OnPluginStartStatusOK
}

func (p *plugin) OnTick() {
	for _, id := range p.paused {
		if err := proxywasm.SetEffectiveContext(id); err != nil {
			continue
		}
		log("resume", id)
		switch p.mode {
		case "close on tick":
			_ = proxywasm.CloseDownstream()
		default:
			_ = proxywasm.ContinueTcpStream()
		}
	}
	p.paused = nil
}

func (p *plugin) NewTcpContext(id uint32) types.TcpContext {
	log("create", id)
	return &connection{plugin: p, id: id}
}

type connection struct {
	types.DefaultTcpContext
	plugin *plugin
	id     uint32
	asked  bool
}

func log(what string, args ...any) { proxywasm.LogInfof("%s %v", what, args) }

func property(path ...string) string {
	v, err := proxywasm.GetProperty(path)
	if err != nil {
		return err.Error()
	}
	if len(v) == 8 && path[len(path)-1] != "address" {
		var n uint64
		for i := range v {
			n |= uint64(v[i]) << (8 * i)
		}
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%q", v)
}

// pause holds the connection until the next tick.
func (c *connection) pause() types.Action {
	c.plugin.paused = append(c.plugin.paused, c.id)
	return types.ActionPause
}

func (c *connection) OnNewConnection() types.Action {
	log("new", c.id)
	if c.plugin.mode == "properties" {
		c.properties()
	}
	switch c.plugin.mode {
	case "pause new, tick":
		return c.pause()
	case "close new":
		_ = proxywasm.CloseDownstream()
	case "panic new":
		panic("told to")
	}
	return types.ActionContinue
}

func (c *connection) properties() {
	for _, p := range [...]string{"source.address", "source.port", "destination.address", "destination.port", "connection.id",
		"connection_id", "upstream.address", "upstream.port", "upstream.local_address", "cluster_name", "route_name",
		"listener_direction", "connection.mtls", "connection.requested_server_name", "connection.termination_details",
		"request.protocol", "request.time", "request.path", "request.duration", "request.size", "response.size", "response.flags", "response.code",
		"xds.cluster_name", "xds.filter_chain_name", "node.id", "plugin_name", "plugin_root_id", "upstream.transport_failure_reason"} {
		log("property", p, property(strings.Split(p, ".")...))
	}
}

func (c *connection) OnDownstreamData(size int, end bool) types.Action {
	data, err := proxywasm.GetDownstreamData(0, size)
	text := string(data)
	if len(text) > 20 {
		text = text[:20]
	}
	log("downstream", c.id, size, end, len(data), text, err)
	switch c.plugin.mode {
	case "properties":
		c.properties()
		_ = proxywasm.SetProperty([]string{"x"}, []byte("value"))
		log("set", property("x"))
	case "rewrite":
		_ = proxywasm.ReplaceDownstreamData(bytes.ToUpper(data))
	case "around":
		_ = proxywasm.PrependDownstreamData([]byte("<"))
		_ = proxywasm.AppendDownstreamData([]byte(">"))
	case "drop":
		_ = proxywasm.ReplaceDownstreamData(nil)
	case "line":
		if !bytes.HasSuffix(data, []byte("\n")) && !end {
			return types.ActionPause
		}
	case "pause data, tick", "close on tick":
		if !c.asked {
			c.asked = true
			return c.pause()
		}
	case "continue paused":
		_ = proxywasm.ContinueTcpStream()
		return types.ActionPause
	case "quit":
		if bytes.HasPrefix(data, []byte("quit")) {
			_ = proxywasm.CloseDownstream()
		}
		if bytes.HasPrefix(data, []byte("quip")) {
			_ = proxywasm.CloseUpstream()
			return types.ActionPause
		}
	case "panic":
		panic("told to")
	}
	return types.ActionContinue
}

func (c *connection) OnUpstreamData(size int, end bool) types.Action {
	data, err := proxywasm.GetUpstreamData(0, size)
	text := string(data)
	if len(text) > 20 {
		text = text[:20]
	}
	log("upstream", c.id, size, end, len(data), text, err)
	switch c.plugin.mode {
	case "properties":
		c.properties()
	case "rewrite":
		_ = proxywasm.ReplaceUpstreamData(bytes.ReplaceAll(data, []byte("A"), []byte("--")))
	case "around up":
		_ = proxywasm.PrependUpstreamData([]byte("("))
		_ = proxywasm.AppendUpstreamData([]byte(")"))
	case "line up":
		if !bytes.HasSuffix(data, []byte("\n")) {
			return types.ActionPause
		}
	case "quit up":
		_ = proxywasm.CloseDownstream()
	case "panic up":
		panic("told to")
	}
	return types.ActionContinue
}

func (c *connection) OnDownstreamClose(peer types.PeerType) {
	log("downstream close", c.id, peer)
	if c.plugin.mode == "properties" {
		c.properties()
	}
}

func (c *connection) OnUpstreamClose(peer types.PeerType) { log("upstream close", c.id, peer) }

func (c *connection) OnStreamDone() {
	log("done", c.id)
	if c.plugin.mode == "properties" {
		c.properties()
	}
}
