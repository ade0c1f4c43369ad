// A plugin that logs what the properties are that its configuration names, a line each with segments divided by bars, in
// each callback. Lines that begin with "set " set a property first, to the rest after a blank, in the request headers.
package main

import (
	"fmt"
	"strings"

	"github.com/sluice-gateway/sluice/sdk/proxywasm"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
)

func main() {}

func init() { proxywasm.SetPluginContext(func(uint32) types.PluginContext { return &plugin{} }) }

type plugin struct {
	types.DefaultPluginContext
	paths [][]string
}

func (p *plugin) OnPluginStart(int) types.OnPluginStartStatus {
	c, _ := proxywasm.GetPluginConfiguration()
	for _, line := range strings.Split(strings.TrimSpace(string(c)), "\n") {
		p.paths = append(p.paths, strings.Split(line, "|"))
	}
	p.dump("start")
	return types.OnPluginStartStatusOK
}

func (p *plugin) dump(phase string) {
	for _, path := range p.paths {
		name := strings.Join(path, "|")
		if strings.HasPrefix(name, "set ") {
			continue
		}
		v, err := proxywasm.GetProperty(path)
		if err != nil {
			proxywasm.LogWarn(fmt.Sprintf("PROP %s %s: %v", phase, name, err))
			continue
		}
		proxywasm.LogWarn(fmt.Sprintf("PROP %s %s = %q", phase, name, v))
	}
}

func (p *plugin) NewHttpContext(uint32) types.HttpContext { return &stream{plugin: p} }

type stream struct {
	types.DefaultHttpContext
	plugin *plugin
}

func (s *stream) OnHttpRequestHeaders(int, bool) types.Action {
	for _, path := range s.plugin.paths {
		if set, ok := strings.CutPrefix(strings.Join(path, "|"), "set "); ok {
			name, value, _ := strings.Cut(set, " ")
			if err := proxywasm.SetProperty(strings.Split(name, "|"), []byte(value)); err != nil {
				proxywasm.LogWarn(fmt.Sprintf("PROP set %s: %v", name, err))
			}
		}
	}
	s.plugin.dump("request")
	return types.ActionContinue
}

func (s *stream) OnHttpResponseHeaders(int, bool) types.Action {
	s.plugin.dump("response")
	return types.ActionContinue
}

func (s *stream) OnHttpStreamDone() { s.plugin.dump("log") }
