package plugintest

import (
	"fmt"
	"strings"

	"github.com/sluice-gateway/sluice/pluginhost"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
)

// held is a message that the plugin holds back: by which answer of which callback. The zero value is none.
type held struct {
	callback string
	action   types.Action
}

// ended takes a callback of the stream into account.
func (t *trace) ended(c Callback) {
	t.callbacks = append(t.callbacks, c)
	if !c.Answers {
		return
	}
	h := &t.request
	if strings.HasPrefix(c.Name, "on_response") {
		h = &t.response
	}
	if h.forbids(c.Name) {
		t.mistakes = append(t.mistakes, fmt.Sprintf("the host made the callback %s after %s answered %s, which allows none "+
			"until the plugin resumes: a bug of this host, not of the plugin", c.Name, h.callback, actionName(h.callback, h.action)))
	}
	if *h = (held{c.Name, c.Taken}); c.Taken == types.ActionContinue {
		*h = held{}
	}
}

// forbids reports whether a callback must not be made while a message is held so.
func (h held) forbids(callback string) bool {
	return strings.HasSuffix(h.callback, "_headers") && h.action >= types.HeaderStopAllIterationAndBuffer &&
		!strings.HasSuffix(callback, "_headers")
}

// actionName names an action as the callback means it.
func actionName(callback string, a types.Action) string {
	var names []string
	switch {
	case strings.HasSuffix(callback, "_headers"):
		names = []string{"HeaderContinue", "HeaderStopIteration", "HeaderContinueAndEndStream", "HeaderStopAllIterationAndBuffer",
			"HeaderStopAllIterationAndWatermark"}
	case strings.HasSuffix(callback, "_body"):
		names = []string{"DataContinue", "DataStopIterationAndBuffer", "DataStopIterationAndWatermark", "DataStopIterationNoBuffer"}
	default:
		names = []string{"ActionContinue", "ActionPause"}
	}
	if int64(a) < int64(len(names)) {
		return names[a]
	}
	return fmt.Sprintf("%d, which is no action and taken as %s", a, names[len(names)-1])
}

// explain says what an Envoy does about a message that is held so.
func (h held) explain(message string) string {
	resume := "proxywasm.ResumeHttpRequest"
	if message == "response" {
		resume = "proxywasm.ResumeHttpResponse"
	}
	does := "it hands the message on, and what it has kept of the body, when the plugin answers Continue or resumes"
	switch {
	case strings.HasSuffix(h.callback, "_headers") && h.action >= types.HeaderStopAllIterationAndBuffer:
		does = "it makes no callback for the body or the trailers, and keeps the message from all filters, until the plugin resumes"
	case strings.HasSuffix(h.callback, "_headers"):
		does = "it goes on making the plugin's body and trailer callbacks, and hands the headers on when one of them answers " +
			"Continue or the plugin resumes"
	case strings.HasSuffix(h.callback, "_body") && h.action == types.DataStopIterationNoBuffer:
		does = "it drops the piece of the body, and hands on what comes when the plugin answers Continue or resumes"
	}
	return fmt.Sprintf("%s answered %s and the %s has not been resumed since. Envoy, and this gateway, wait then: %s (%s) or "+
		"sends a local reply", h.callback, actionName(h.callback, h.action), message, does, resume)
}

// explain says why the stream may not move, as far as that is the plugin's doing, and what it did so far.
func (t *trace) explain() string {
	var b strings.Builder
	for _, m := range []struct {
		held held
		name string
	}{{t.request, "request"}, {t.response, "response"}} {
		if m.held.callback != "" && (t.reply == nil || m.name == "response") {
			b.WriteString("\n  " + m.held.explain(m.name))
		}
	}
	if len(t.callbacks) == 0 {
		b.WriteString("\n  the plugin has had no callback for this request")
		return b.String()
	}
	b.WriteString("\n  the plugin's callbacks for this request, in order:")
	for _, c := range t.callbacks {
		b.WriteString("\n    " + c.String())
	}
	return b.String()
}

// explainMisuse says what a call that came to nothing was, and what Envoy does about it. t is nil if the stream is
// unknown.
func explainMisuse(t *trace, callback string, c *pluginhost.HostCall) string {
	who := "the plugin"
	if callback != "" && callback != "(none)" {
		who = callback
	}
	last := ""
	if t != nil && len(t.callbacks) > 0 {
		last = fmt.Sprintf(" (the last callback before: %s)", t.callbacks[len(t.callbacks)-1])
	}
	switch c.Misuse {
	case pluginhost.ResumeNotPaused:
		return fmt.Sprintf("%s resumes the %s, which nobody waits for: no callback has paused it, or it was resumed already%s. "+
			"Envoy finds nothing to resume: the call does nothing, and if the callback then answers a pause, that pause is void",
			who, c.About, last)
	case pluginhost.ResumeAnswered:
		reply := ""
		if t != nil && t.reply != nil {
			reply = fmt.Sprintf(" in %s, with status %d", t.reply.Callback, t.reply.Status)
		}
		return fmt.Sprintf("%s resumes a request that the plugin has answered itself%s. Envoy lets a request that was answered go "+
			"nowhere: the call does nothing", who, reply)
	case pluginhost.SecondReply:
		reply := ""
		if t != nil && t.reply != nil {
			reply = fmt.Sprintf(" (the first: status %d, in %s)", t.reply.Status, t.reply.Callback)
		}
		return fmt.Sprintf("%s sends a second local reply%s. Envoy sends the first one and answers BadArgument to the second",
			who, reply)
	case pluginhost.AfterEnd:
		what := "sends a local reply"
		if c.Name == "proxy_continue_stream" {
			what = "resumes the " + c.About
		}
		return fmt.Sprintf("%s %s after the stream's end: the client has its answer, whole, or is gone. Envoy does nothing then",
			who, what)
	}
	return fmt.Sprintf("%s: %s came to nothing", who, c.Name)
}
