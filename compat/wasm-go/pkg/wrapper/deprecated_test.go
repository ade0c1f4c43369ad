package wrapper_test

import (
	"slices"
	"testing"

	"github.com/higress-group/proxy-wasm-go-sdk/proxywasm/types"
	"github.com/higress-group/wasm-go/pkg/log"
	"github.com/higress-group/wasm-go/pkg/wrapper"
	"github.com/tidwall/gjson"
)

// Functions that take the logger get the plugin's, also one that is given after them, and their other arguments.
func TestDeprecatedForms(t *testing.T) {
	environment(t, "open", "")
	logger := &recorder{}
	var got []string
	say := func(l log.Log, line string) {
		if l != log.Log(logger) {
			t.Errorf("%s: the logger is a %T", line, l)
		}
		got = append(got, line)
	}
	headers := func(name string) func(wrapper.HttpContext, config, log.Log) types.Action {
		return func(ctx wrapper.HttpContext, c config, l log.Log) types.Action {
			say(l, name+" "+c.value+ctx.Path())
			return types.ActionContinue
		}
	}
	body := func(name string) func(wrapper.HttpContext, config, []byte, log.Log) types.Action {
		return func(_ wrapper.HttpContext, c config, b []byte, l log.Log) types.Action {
			say(l, name+" "+c.value+" "+string(b))
			return types.ActionContinue
		}
	}
	chunk := func(name string) func(wrapper.HttpContext, config, []byte, bool, log.Log) []byte {
		return func(_ wrapper.HttpContext, c config, b []byte, last bool, l log.Log) []byte {
			if !last {
				t.Errorf("%s: not the last", name)
			}
			say(l, name+" "+c.value+" "+string(b))
			return []byte("new")
		}
	}
	oldParse := func(json gjson.Result, c *config, l log.Log) error {
		say(l, "parse")
		return parse(json, c)
	}
	done := func(_ wrapper.HttpContext, c config, l log.Log) { say(l, "done "+c.value) }

	t.Run("whole bodies", func(t *testing.T) {
		got = nil
		h := start(t, `{"value":"v"}`, wrapper.ParseConfigBy(oldParse),
			wrapper.ProcessRequestHeadersBy(headers("request")), wrapper.ProcessRequestBodyBy(body("request body")),
			wrapper.ProcessResponseHeadersBy(headers("response")), wrapper.ProcessResponseBodyBy(body("response body")),
			wrapper.ProcessStreamDoneBy(done), wrapper.WithLogger[config](logger))
		id, _ := h.exchange()
		h.CompleteHttpContext(id)
		want := []string{"parse", "request v/", "request body v ping", "response v/", "response body v pong", "done v"}
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
	t.Run("streaming bodies and rules", func(t *testing.T) {
		got = nil
		h := start(t, `{"value":"v","_rules_":[{"_match_domain_":["a.com"],"value":"r"}]}`,
			wrapper.ParseOverrideConfigBy(oldParse, func(json gjson.Result, global config, c *config, l log.Log) error {
				say(l, "rule over "+global.value)
				return parse(json, c)
			}),
			wrapper.ProcessStreamingRequestBodyBy(chunk("request body")),
			wrapper.ProcessStreamingResponseBodyBy(chunk("response body")), wrapper.WithLogger[config](logger))
		id, _ := h.exchange()
		want := []string{"parse", "rule over v", "request body r ping", "response body r pong"}
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		if b := string(h.GetCurrentResponseBody(id)); b != "new" {
			t.Errorf("the response's body is %q", b)
		}
	})
}

// recorder is a logger of the plugin's own.
type recorder struct {
	wrapper.DefaultLog
	lines []string
}

func (r *recorder) Info(msg string) { r.lines = append(r.lines, msg) }
