// Command script is the plugin of conformance cases: it does in each callback what its configuration says, and logs
// each callback, so that the same behaviour runs on every host.
//
// The configuration is blocks of a callback's name and what is done in it, an indented line each:
//
//	request_headers:
//	  replace request x-a 1
//	  return StopIteration
//	request_body end:
//	  body request replace hello
//
// A block is for the callback of that name that is the Nth of the stream ("request_body 2:"), that ends the message
// ("request_body end:"), or for all that have no such block ("request_body:"). What happens in a call-out's answer
// ("call:", "call 2:") is about the stream that made the call; what happens in a tick ("tick:") about each stream there
// is. "start:" is the configuration's own callback. Words are separated by spaces; a word may be quoted as in Go.
package main

import (
	"strconv"
	"strings"

	"github.com/sluice-gateway/sluice/sdk/proxywasm"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
)

func main() {}

func init() {
	proxywasm.SetPluginContext(func(id uint32) types.PluginContext { return &plugin{id: id, live: map[uint32]*stream{}} })
}

// plugin is the root context.
type plugin struct {
	types.DefaultPluginContext
	id     uint32
	blocks map[string][]command
	live   map[uint32]*stream
	ids    []uint32 // of live, in the order of their creation
	ticks  int
	queues map[string]uint32
}

// command is a line of a block.
type command []string

func (p *plugin) OnPluginStart(int) types.OnPluginStartStatus {
	text, err := proxywasm.GetPluginConfiguration()
	if err != nil && err != types.ErrorStatusNotFound {
		proxywasm.LogError("no configuration: " + err.Error())
		return types.OnPluginStartStatusFailed
	}
	p.blocks, p.queues = map[string][]command{}, map[string]uint32{}
	var block string
	for line := range strings.Lines(string(text)) {
		body := strings.TrimRight(line, "\n")
		if strings.TrimSpace(body) == "" || strings.HasPrefix(body, "#") {
			continue
		}
		if name, ok := strings.CutSuffix(body, ":"); ok && body[0] != ' ' {
			block = name
			p.blocks[block] = []command{}
			continue
		}
		words, ok := split(body)
		if block == "" || !ok {
			proxywasm.LogError("script: bad line " + strconv.Quote(body))
			return types.OnPluginStartStatusFailed
		}
		p.blocks[block] = append(p.blocks[block], words)
	}
	if p.run(nil, p.blocks["start"]) == 1 {
		return types.OnPluginStartStatusFailed
	}
	return types.OnPluginStartStatusOK
}

// split takes a line apart into words.
func split(line string) (words []string, ok bool) {
	for {
		line = strings.TrimLeft(line, " ")
		if line == "" {
			return words, true
		}
		if line[0] == '"' {
			quoted, err := strconv.QuotedPrefix(line)
			if err != nil {
				return nil, false
			}
			word, err := strconv.Unquote(quoted)
			if err != nil {
				return nil, false
			}
			words, line = append(words, word), line[len(quoted):]
			continue
		}
		word, rest, _ := strings.Cut(line, " ")
		words, line = append(words, word), rest
	}
}

// block finds what is to be done in a callback.
func (p *plugin) block(name string, count int, end bool) []command {
	if b, ok := p.blocks[name+" "+strconv.Itoa(count)]; ok {
		return b
	}
	if b, ok := p.blocks[name+" end"]; ok && end {
		return b
	}
	return p.blocks[name]
}

func (p *plugin) OnTick() {
	p.ticks++
	block := p.block("tick", p.ticks, false)
	if block == nil {
		return
	}
	if len(p.ids) == 0 {
		p.run(nil, block)
	}
	for _, id := range append([]uint32(nil), p.ids...) {
		if s := p.live[id]; s != nil && proxywasm.SetEffectiveContext(id) == nil {
			p.run(s, block)
		}
	}
}

func (p *plugin) OnQueueReady(uint32) {
	proxywasm.LogInfo("queue_ready")
	p.run(nil, p.blocks["queue_ready"])
}

func (p *plugin) NewHttpContext(id uint32) types.HttpContext {
	s := &stream{plugin: p, id: id, counts: map[string]int{}}
	p.live[id] = s
	p.ids = append(p.ids, id)
	return s
}

// stream is a stream context.
type stream struct {
	plugin *plugin
	id     uint32
	counts map[string]int
}

// on logs a callback and does what its block says. with is what goes with it: a count or a size.
func (s *stream) on(name string, with int, end bool) types.Action {
	s.counts[name]++
	line := name + " " + strconv.Itoa(with)
	if end {
		line += " end"
	}
	proxywasm.LogInfo(line)
	return types.Action(s.plugin.run(s, s.plugin.block(name, s.counts[name], end)))
}

func (s *stream) OnHttpRequestHeaders(_ int, end bool) types.Action {
	// The number of headers is the host's affair: hosts add some of their own.
	return s.on("request_headers", 0, end)
}

func (s *stream) OnHttpRequestBody(n int, end bool) types.Action { return s.on("request_body", n, end) }
func (s *stream) OnHttpRequestTrailers(n int) types.Action {
	return s.on("request_trailers", n, false)
}

func (s *stream) OnHttpResponseHeaders(_ int, end bool) types.Action {
	return s.on("response_headers", 0, end)
}

func (s *stream) OnHttpResponseBody(n int, end bool) types.Action {
	return s.on("response_body", n, end)
}
func (s *stream) OnHttpResponseTrailers(n int) types.Action {
	return s.on("response_trailers", n, false)
}

func (s *stream) OnHttpStreamDone() {
	s.on("done", 0, false)
	delete(s.plugin.live, s.id)
	for i, id := range s.plugin.ids {
		if id == s.id {
			s.plugin.ids = append(s.plugin.ids[:i], s.plugin.ids[i+1:]...)
			break
		}
	}
}
