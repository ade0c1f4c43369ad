package plugintest

import (
	"bufio"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/pluginhost"
	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
)

// TestCallbacksThatAPauseForbids plays a host that makes them: the real one must not, and would be found out.
func TestCallbacksThatAPauseForbids(t *testing.T) {
	event := func(callback string, action abi.Action, calls ...pluginhost.HostCall) *pluginhost.CallbackEvent {
		return &pluginhost.CallbackEvent{
			Context: pluginhost.Context{Stream: 2}, Name: "proxy_" + callback, Answers: true, Returned: action, Taken: action, Calls: calls,
		}
	}
	resume := func(what string) pluginhost.HostCall {
		return pluginhost.HostCall{Context: pluginhost.Context{Stream: 2}, Name: "proxy_continue_stream", About: what}
	}
	tick := &pluginhost.CallbackEvent{Name: "proxy_on_tick", Calls: []pluginhost.HostCall{resume("request")}}
	for _, tt := range []struct {
		name   string
		events []*pluginhost.CallbackEvent
		says   string
	}{
		{"a body after all iteration was stopped", []*pluginhost.CallbackEvent{
			event("on_request_headers", abi.HeaderStopAllIterationAndWatermark), event("on_request_body", 0)},
			"the host made the callback on_request_body after on_request_headers answered HeaderStopAllIterationAndWatermark"},
		{"trailers after all iteration was stopped", []*pluginhost.CallbackEvent{
			event("on_response_headers", abi.HeaderStopAllIterationAndBuffer), event("on_response_trailers", 0)}, "on_response_trailers"},
		{"the other direction", []*pluginhost.CallbackEvent{
			event("on_request_headers", abi.HeaderStopAllIterationAndWatermark), event("on_response_headers", 0), event("on_response_body", 0)}, ""},
		{"a body after iteration was stopped", []*pluginhost.CallbackEvent{
			event("on_request_headers", abi.HeaderStopIteration), event("on_request_body", 1), event("on_request_body", 0)}, ""},
		{"a body after a resume from elsewhere", []*pluginhost.CallbackEvent{
			event("on_request_headers", abi.HeaderStopAllIterationAndWatermark), tick, event("on_request_body", 0)}, ""},
		{"a body after the other direction's resume", []*pluginhost.CallbackEvent{
			event("on_request_headers", abi.HeaderStopAllIterationAndWatermark, resume("response")), event("on_request_body", 0)}, "on_request_body"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWatch()
			w.byContext[contextKey{0, 2}] = &trace{}
			for _, e := range tt.events {
				w.CallbackEnded(e)
			}
			got := strings.Join(w.byContext[contextKey{0, 2}].mistakes, "\n")
			if tt.says == "" && got != "" || !strings.Contains(got, tt.says) {
				t.Errorf("it says %q, want %q", got, tt.says)
			}
		})
	}
}

func TestActionNames(t *testing.T) {
	for _, tt := range []struct {
		callback string
		action   types.Action
		want     string
	}{
		{"on_request_headers", types.HeaderStopIteration, "HeaderStopIteration"},
		{"on_response_body", types.DataStopIterationNoBuffer, "DataStopIterationNoBuffer"},
		{"on_request_trailers", types.ActionPause, "ActionPause"},
		{"on_response_headers", 9, "9, which is no action and taken as HeaderStopAllIterationAndWatermark"},
	} {
		if got := actionName(tt.callback, tt.action); got != tt.want {
			t.Errorf("%s %d: %q, want %q", tt.callback, tt.action, got, tt.want)
		}
	}
}

func FuzzReadRedisCommand(f *testing.F) {
	for _, text := range []string{"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", "*0\r\n", "*1\r\n$-1\r\n", "*99999999\r\n", "*1\r\n$5\r\nab\r\n", "PING\r\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		command, err := readRedisCommand(newReader(text))
		if err != nil {
			return
		}
		if len(command) == 0 {
			t.Fatal("an empty command")
		}
		encoded, err := appendRedis(nil, command)
		if err != nil {
			t.Fatal(err)
		}
		again, err := readRedisCommand(newReader(string(encoded)))
		if err != nil || strings.Join(again, "\x00") != strings.Join(command, "\x00") {
			t.Errorf("%q becomes %q, %v", command, again, err)
		}
	})
}

func newReader(text string) *bufio.Reader { return bufio.NewReader(strings.NewReader(text)) }
