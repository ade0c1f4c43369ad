package plugintest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/plugintest"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
)

// shortly is a time-out for steps that wait in vain on purpose.
const shortly = 200 * time.Millisecond

// TestCallsAtTheWrongMomentFailTheTest, and say what Envoy does about them.
func TestCallsAtTheWrongMomentFailTheTest(t *testing.T) {
	tests := []struct {
		name, config, arg string
		says              []string
	}{
		{"a resume of what is not paused", `{}`, "resume", []string{
			"on_request_headers resumes the request, which nobody waits for", "Envoy finds nothing to resume"}},
		{"a resume of a response that has not come", `{}`, "resume response", []string{"on_request_headers resumes the response"}},
		{"a second reply", `{}`, "second reply", []string{
			"on_request_headers sends a second local reply", "the first: status 401, in on_request_headers", "BadArgument to the second"}},
		{"a resume of what was answered", `{}`, "resume after reply", []string{
			"resumes a request that the plugin has answered itself in on_request_headers, with status 401"}},
		{"a reply after the end", `{"done": "reply"}`, "", []string{"on_log sends a local reply after the stream's end"}},
	}
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				f := &failing{TB: t}
				p := start(f, mode, plugintest.Config(tt.config))
				p.Do(plugintest.Get("/").Header("x-do", "misuse").Header("x-arg", tt.arg))
				for _, want := range append(tt.says, "AllowMisuse") {
					if !strings.Contains(f.said, want) {
						t.Errorf("it says %q, want %q", f.said, want)
					}
				}
			})
			t.Run(tt.name+", allowed", func(t *testing.T) {
				p := start(t, mode, plugintest.Config(tt.config), plugintest.AllowMisuse())
				p.Do(plugintest.Get("/").Header("x-do", "misuse").Header("x-arg", tt.arg))
				if !p.Logged(tt.says[0]) {
					t.Errorf("it is not noted: %v", p.Logs())
				}
			})
		}
	})
}

// TestStepsThatThePluginHoldsUpSayWhy: the message names the callback, its answer and what Envoy does.
func TestStepsThatThePluginHoldsUpSayWhy(t *testing.T) {
	for _, tt := range []struct {
		name, do string
		says     []string
	}{
		{"all iteration stopped", "hold", []string{"on_request_headers answered HeaderStopAllIterationAndWatermark",
			"makes no callback for the body or the trailers", "ResumeHttpRequest"}},
		{"iteration stopped", "hold body", []string{"on_request_headers answered HeaderStopIteration",
			"goes on making the plugin's body and trailer callbacks"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := &failing{TB: t}
			p := start(f, plugintest.Native, plugintest.Timeout(shortly))
			inGoroutine(func() {
				s := p.Stream(plugintest.Post("/").Header("x-do", tt.do))
				if tt.do == "hold" {
					s.Send("a body, which nobody is told of")
				}
				s.Upstream()
			})
			for _, want := range append(tt.says, "has not reached the upstream", "callbacks for this request, in order") {
				if !strings.Contains(f.said, want) {
					t.Errorf("it says %q, want %q", f.said, want)
				}
			}
		})
	}
}

func TestCallbacksShowTheirAnswers(t *testing.T) {
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		p := start(t, mode)
		got := p.Do(plugintest.Get("/").Header("x-do", "reply"))
		if len(got.Callbacks) < 2 {
			t.Fatalf("%v", got.Callbacks)
		}
		first := got.Callbacks[0]
		if first.Name != "on_request_headers" || !first.Answers || first.Action != types.HeaderContinue ||
			first.Taken != types.HeaderStopAllIterationAndWatermark || first.Err != nil {
			t.Errorf("%+v", first)
		}
		if r := got.LocalReply; r == nil || r.Status != 418 || r.Body != "no tea" || r.GRPCStatus != -1 ||
			len(r.Headers) != 1 || r.Headers[0] != [2]string{"x-probe", "abc"} || r.Callback != "on_request_headers" {
			t.Errorf("%+v", r)
		}
	})
}

// TestAMistakeInAStreamThatNobodyWaitsFor is reported at the test's end.
func TestAMistakeInAStreamThatNobodyWaitsFor(t *testing.T) {
	f := &cleaning{failing: failing{TB: t}}
	p := start(f, plugintest.Native)
	s := p.Stream(plugintest.Get("/").Header("x-do", "misuse").Header("x-arg", "resume"))
	s.Upstream()
	f.end()
	if !strings.Contains(f.said, "resumes the request, which nobody waits for") {
		t.Errorf("it says %q", f.said)
	}
}

// cleaning is a failing test that ends when it is told to.
type cleaning struct {
	failing
	cleanups []func()
}

func (c *cleaning) Cleanup(f func()) { c.cleanups = append(c.cleanups, f) }

func (c *cleaning) end() {
	for i := len(c.cleanups) - 1; i >= 0; i-- {
		c.cleanups[i]()
	}
}
