package main

import (
	"strconv"
	"strings"

	"github.com/sluice-gateway/sluice/sdk/proxywasm"
)

// actions are the words of return.
var actions = map[string]uint32{
	"Continue": 0, "StopIteration": 1, "ContinueAndEndStream": 2, "StopAllIterationAndBuffer": 3,
	"StopAllIterationAndWatermark": 4, "StopIterationAndBuffer": 1, "StopIterationAndWatermark": 2,
	"StopIterationNoBuffer": 3, "Fail": 1,
}

// run does what a block says, and returns its answer.
func (p *plugin) run(s *stream, block []command) uint32 {
	for _, c := range block {
		if c[0] == "return" {
			if a, ok := actions[c.word(1)]; ok {
				return a
			}
			n, _ := strconv.ParseUint(c.word(1), 10, 32)
			return uint32(n)
		}
		if err := p.do(s, c); err != nil {
			proxywasm.LogInfo(strings.Join(c, " ") + ": " + err.Error())
		}
	}
	return 0
}

func (c command) word(i int) string {
	if i < len(c) {
		return c[i]
	}
	return ""
}

func (c command) number(i int) int {
	n, _ := strconv.Atoi(c.word(i))
	return n
}

// pairs reads the words from i on, each name=value.
func (c command) pairs(i int) [][2]string {
	var list [][2]string
	for ; i < len(c); i++ {
		name, value, _ := strings.Cut(c[i], "=")
		list = append(list, [2]string{name, value})
	}
	return list
}

// do does one line. Where c[1] names a message it is request, response, request_trailers or response_trailers.
func (p *plugin) do(s *stream, c command) error {
	switch c[0] {
	case "log":
		proxywasm.LogInfo(c.word(1))
	case "add":
		return maps[c.word(1)].add(c.word(2), c.word(3))
	case "replace":
		return maps[c.word(1)].replace(c.word(2), c.word(3))
	case "remove":
		return maps[c.word(1)].remove(c.word(2))
	case "set":
		return maps[c.word(1)].set(c.pairs(2))
	case "get":
		v, err := maps[c.word(1)].get(c.word(2))
		return say(c, v, err)
	case "all":
		list, err := maps[c.word(1)].all()
		return say(c, show(list), err)
	case "body":
		return body(c)
	case "reply":
		n := c.number(1)
		return proxywasm.SendHttpResponseWithDetail(n, c.word(2), c.pairs(4), []byte(c.word(3)), -1)
	case "grpc_reply":
		return proxywasm.SendHttpResponse(c.number(1), nil, []byte(c.word(3)), int32(c.number(2)))
	case "resume":
		if c.word(1) == "request" {
			return proxywasm.ResumeHttpRequest()
		}
		return proxywasm.ResumeHttpResponse()
	case "property":
		v, err := proxywasm.GetProperty(c[1:])
		return say(c, strconv.Quote(string(v)), err)
	case "set_property":
		return proxywasm.SetProperty(c[1:len(c)-1], []byte(c[len(c)-1]))
	case "share":
		return proxywasm.SetSharedData(c.word(1), []byte(c.word(2)), uint32(c.number(3)))
	case "shared":
		v, _, err := proxywasm.GetSharedData(c.word(1))
		return say(c, strconv.Quote(string(v)), err)
	case "queue", "enqueue", "dequeue", "resolve":
		return p.queue(c)
	case "count", "gauge", "histogram":
		metric(c)
	case "call":
		return p.call(s, c)
	case "tick":
		return proxywasm.SetTickPeriodMilliSeconds(uint32(c.number(1)))
	case "foreign":
		v, err := proxywasm.CallForeignFunction(c.word(1), []byte(c.word(2)))
		return say(c, strconv.Quote(string(v)), err)
	case "trap":
		panic("trap")
	case "loop":
		for n := 0; ; n++ {
			p.ticks += n & 1
		}
	default:
		proxywasm.LogInfo("script: no command " + c[0])
	}
	return nil
}

// say logs what a line found.
func say(c command, value string, err error) error {
	if err == nil {
		proxywasm.LogInfo(strings.Join(c, " ") + " = " + value)
	}
	return err
}

func show(list [][2]string) string {
	var b strings.Builder
	for i, kv := range list {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(kv[0] + "=" + kv[1])
	}
	return b.String()
}

// body does "body MESSAGE VERB TEXT": replace, append, prepend, drain, write START LENGTH TEXT; or shows it.
func body(c command) error {
	request := c.word(1) == "request"
	text := []byte(c.word(3))
	switch c.word(2) {
	case "replace":
		if request {
			return proxywasm.ReplaceHttpRequestBody(text)
		}
		return proxywasm.ReplaceHttpResponseBody(text)
	case "append":
		if request {
			return proxywasm.AppendHttpRequestBody(text)
		}
		return proxywasm.AppendHttpResponseBody(text)
	case "prepend":
		if request {
			return proxywasm.PrependHttpRequestBody(text)
		}
		return proxywasm.PrependHttpResponseBody(text)
	}
	start, size := 0, 1<<30
	if len(c) > 3 {
		start, size = c.number(2), c.number(3)
	}
	var b []byte
	var err error
	if request {
		b, err = proxywasm.GetHttpRequestBody(start, size)
	} else {
		b, err = proxywasm.GetHttpResponseBody(start, size)
	}
	if len(b) > 200 {
		return say(c, strconv.Itoa(len(b))+" bytes, "+strconv.Quote(string(b[:20]))+"…", err)
	}
	return say(c, strconv.Quote(string(b)), err)
}

func (p *plugin) queue(c command) (err error) {
	name := c.word(1)
	switch c[0] {
	case "queue":
		p.queues[name], err = proxywasm.RegisterSharedQueue(name)
	case "resolve":
		p.queues[name], err = proxywasm.ResolveSharedQueue(c.word(2), name)
	case "enqueue":
		err = proxywasm.EnqueueSharedQueue(p.queues[name], []byte(c.word(2)))
	case "dequeue":
		var b []byte
		b, err = proxywasm.DequeueSharedQueue(p.queues[name])
		return say(c, strconv.Quote(string(b)), err)
	}
	return err
}

func metric(c command) {
	n := int64(c.number(2))
	switch c[0] {
	case "count":
		m := proxywasm.DefineCounterMetric(c.word(1))
		m.Increment(uint64(n))
		proxywasm.LogInfo(strings.Join(c, " ") + " = " + strconv.FormatUint(m.Value(), 10))
	case "gauge":
		m := proxywasm.DefineGaugeMetric(c.word(1))
		m.Add(n)
		proxywasm.LogInfo(strings.Join(c, " ") + " = " + strconv.FormatInt(m.Value(), 10))
	default:
		proxywasm.DefineHistogramMetric(c.word(1)).Record(uint64(n))
	}
}

// call does "call CLUSTER TIMEOUT METHOD PATH AUTHORITY BODY".
func (p *plugin) call(s *stream, c command) error {
	headers := [][2]string{{":method", c.word(3)}, {":path", c.word(4)}, {":authority", c.word(5)}}
	_, err := proxywasm.DispatchHttpCall(c.word(1), headers, []byte(c.word(6)), nil, uint32(c.number(2)), func(numHeaders, size, numTrailers int) {
		line := "call " + strconv.Itoa(size)
		if numHeaders == 0 {
			line += " failed"
		} else {
			list, _ := proxywasm.GetHttpCallResponseHeaders()
			for _, kv := range list {
				if kv[0] == ":status" {
					line += " " + kv[1]
				}
			}
			b, _ := proxywasm.GetHttpCallResponseBody(0, 1<<20)
			line += " " + strconv.Quote(string(b))
		}
		if numTrailers > 0 {
			trailers, _ := proxywasm.GetHttpCallResponseTrailers()
			line += " " + show(trailers)
		}
		proxywasm.LogInfo(line)
		n := 1
		if s != nil {
			s.counts["call"]++
			n = s.counts["call"]
		}
		p.run(s, p.block("call", n, false))
	})
	return err
}

// fields is a header map.
type fields struct {
	get     func(string) (string, error)
	add     func(string, string) error
	replace func(string, string) error
	remove  func(string) error
	all     func() ([][2]string, error)
	set     func([][2]string) error
}

var maps = map[string]fields{
	"request": {proxywasm.GetHttpRequestHeader, proxywasm.AddHttpRequestHeader, proxywasm.ReplaceHttpRequestHeader,
		proxywasm.RemoveHttpRequestHeader, proxywasm.GetHttpRequestHeaders, proxywasm.ReplaceHttpRequestHeaders},
	"response": {proxywasm.GetHttpResponseHeader, proxywasm.AddHttpResponseHeader, proxywasm.ReplaceHttpResponseHeader,
		proxywasm.RemoveHttpResponseHeader, proxywasm.GetHttpResponseHeaders, proxywasm.ReplaceHttpResponseHeaders},
	"request_trailers": {proxywasm.GetHttpRequestTrailer, proxywasm.AddHttpRequestTrailer, proxywasm.ReplaceHttpRequestTrailer,
		proxywasm.RemoveHttpRequestTrailer, proxywasm.GetHttpRequestTrailers, proxywasm.ReplaceHttpRequestTrailers},
	"response_trailers": {proxywasm.GetHttpResponseTrailer, proxywasm.AddHttpResponseTrailer, proxywasm.ReplaceHttpResponseTrailer,
		proxywasm.RemoveHttpResponseTrailer, proxywasm.GetHttpResponseTrailers, proxywasm.ReplaceHttpResponseTrailers},
}
