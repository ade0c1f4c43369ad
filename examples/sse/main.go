// Command sse is a gateway plugin for the responses of language models that come as server-sent events: it changes each
// event as it streams through, and writes what the response cost to the access log.
package main

import (
	"errors"
	"strings"

	"github.com/sluice-gateway/sluice/sdk/log"
	"github.com/sluice-gateway/sluice/sdk/proxywasm"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
	"github.com/sluice-gateway/sluice/sdk/sse"
	"github.com/sluice-gateway/sluice/sdk/tokenusage"
	"github.com/sluice-gateway/sluice/sdk/wrapper"
	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"
)

func main() {}

func init() {
	wrapper.SetCtx(
		"sse",
		wrapper.ParseConfig(parseConfig),
		wrapper.ProcessRequestHeaders(onRequestHeaders),
		wrapper.ProcessResponseHeaders(onResponseHeaders),
		wrapper.ProcessStreamingResponseBody(onResponseBody),
		wrapper.ProcessStreamDone(onStreamDone),
	)
}

// config is the plugin's configuration.
type config struct {
	model    string // what clients are told that the model is
	maxEvent int    // bytes
}

func parseConfig(json gjson.Result, c *config) error {
	*c = config{model: "house-model", maxEvent: 64 << 10}
	if v := json.Get("model"); v.Exists() {
		c.model = v.String()
	}
	if v := json.Get("max_event"); v.Exists() {
		c.maxEvent = int(v.Int())
	}
	if c.model == "" || c.maxEvent < 1 {
		return errors.New("model must not be empty, and max_event must be at least 1")
	}
	return nil
}

func onRequestHeaders(ctx wrapper.HttpContext, c config) types.Action {
	// A compressed answer cannot be read: have the upstream send it plain.
	if err := proxywasm.RemoveHttpRequestHeader("accept-encoding"); err != nil {
		log.Warnf("removing accept-encoding: %v", err)
	}
	return types.HeaderContinue
}

// readerKey is the key of the stream's *sse.Reader, in its context.
const readerKey = "reader"

func onResponseHeaders(ctx wrapper.HttpContext, c config) types.Action {
	contentType, err := proxywasm.GetHttpResponseHeader("content-type")
	if err != nil || !strings.HasPrefix(strings.ToLower(contentType), "text/event-stream") {
		ctx.DontReadResponseBody()
		return types.HeaderContinue
	}
	ctx.SetContext(readerKey, &sse.Reader{Max: c.maxEvent})
	return types.HeaderContinue
}

// onResponseBody takes the place of a chunk by the events that end in it.
func onResponseBody(ctx wrapper.HttpContext, c config, chunk []byte, isLastChunk bool) []byte {
	r, ok := ctx.GetContext(readerKey).(*sse.Reader)
	if !ok || r.Err() != nil {
		return nil
	}
	tokenusage.GetTokenUsage(ctx, chunk)
	out := []byte{}
	r.Feed(chunk, isLastChunk)
	for r.Next() {
		out = appendChanged(out, r.Event(), c)
	}
	if r.Err() != nil {
		// What cannot be read may not pass as it is, and the status has been sent. So the client is told in the stream, which
		// ends here.
		log.Errorf("%v: more than %d bytes", r.Err(), c.maxEvent)
		out = sse.AppendEvent(out, sse.Event{Name: []byte("error"), Data: []byte(`{"error":{"message":"the answer cannot be passed on"}}`)})
	}
	return out
}

// appendChanged appends what the client gets of an event.
func appendChanged(out []byte, e sse.Event, c config) []byte {
	if !gjson.GetBytes(e.Data, "model").Exists() || !gjson.ValidBytes(e.Data) {
		return append(out, e.Raw...) // "[DONE]", keep-alives, and what else there is
	}
	data, err := sjson.SetBytes(e.Data, "model", c.model)
	if err == nil {
		data, err = sjson.DeleteBytes(data, "system_fingerprint")
	}
	if err != nil {
		log.Errorf("changing an event: %v", err)
		return out
	}
	e.Data = data
	return sse.AppendEvent(out, e)
}

func onStreamDone(ctx wrapper.HttpContext, c config) {
	if ctx.GetUserAttribute(tokenusage.CtxKeyTotalToken) == nil {
		return
	}
	if err := ctx.WriteUserAttributeToLog(); err != nil {
		log.Errorf("writing the usage to the access log: %v", err)
	}
}
