//go:build !wasip1

package wrapper_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
	"github.com/sluice-gateway/sluice/sdk/wrapper"
)

func boom(wrapper.HttpContext) types.Action { panic("boom") }

func TestPanicAnswers500(t *testing.T) {
	for name, tc := range map[string]struct {
		option wrapper.Option
		run    func(h *harness)
	}{
		"request headers": {onRequest(boom), func(h *harness) {
			h.request().sendHeaders(false, abi.HeaderStopAllIterationAndWatermark)
			h.request().sendBody("x", true, abi.DataStopIterationNoBuffer)
			h.response().sendHeaders(false, abi.HeaderContinue) // the answer passes
			h.response().sendBody("", true, abi.DataContinue)
		}},
		"request body": {wrapper.ProcessRequestBody(func(wrapper.HttpContext, config, []byte) types.Action { panic("boom") }), func(h *harness) {
			h.request().sendHeaders(false, abi.HeaderStopIteration)
			h.request().sendBody("x", true, abi.DataStopIterationNoBuffer)
			h.request().sendTrailers(abi.TrailerStopIteration)
		}},
		"request trailers": {wrapper.ProcessRequestBody(func(wrapper.HttpContext, config, []byte) types.Action { panic("boom") }), func(h *harness) {
			h.request().sendHeaders(false, abi.HeaderStopIteration)
			h.request().sendTrailers(abi.TrailerStopIteration)
		}},
		"streaming body": {wrapper.ProcessStreamingRequestBody(func(wrapper.HttpContext, config, []byte, bool) []byte { panic("boom") }), func(h *harness) {
			h.request().sendHeaders(false, abi.HeaderContinue)
			h.request().sendBody("x", false, abi.DataStopIterationNoBuffer)
		}},
		"response headers": {onResponse(boom), func(h *harness) {
			h.request().sendHeaders(true, 0)
			h.response().sendHeaders(false, abi.HeaderStopAllIterationAndWatermark)
			h.response().sendBody("secret", true, abi.DataStopIterationNoBuffer)
		}},
		"response body": {wrapper.ProcessResponseBody(func(wrapper.HttpContext, config, []byte) types.Action { panic("boom") }), func(h *harness) {
			h.request().sendHeaders(true, 0)
			h.response().sendHeaders(false, abi.HeaderStopIteration)
			h.response().sendBody("secret", true, abi.DataStopIterationNoBuffer)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			h := start(t, ``, tc.option)
			tc.run(h)
			if len(h.Replies) != 1 || h.Replies[0].Code != 500 || h.Replies[0].Body != "" {
				t.Fatalf("replies %+v", h.Replies)
			}
			if len(h.Logs) != 1 || !strings.HasPrefix(h.Logs[0], "critical: [test] panic: boom") ||
				!strings.Contains(h.Logs[0], "failure_test.go") || strings.Contains(h.Logs[0], "\n") {
				t.Fatalf("log %q", h.Logs)
			}
		})
	}
}

func TestPanicAtTheEndIsLogged(t *testing.T) {
	h := start(t, ``, wrapper.ProcessStreamDone(func(wrapper.HttpContext, config) { panic(errors.New("late")) }))
	h.request().sendHeaders(true, 0)
	h.end(streamID)
	if len(h.Replies) != 0 || len(h.Logs) != 1 || !strings.Contains(h.Logs[0], "panic: late") {
		t.Fatalf("replies %+v, log %q", h.Replies, h.Logs)
	}
}

func TestFailOpen(t *testing.T) {
	h := start(t, ``, wrapper.FailOpen(), onRequest(boom), onResponse(boom))
	h.request().sendHeaders(false, abi.HeaderContinue)
	h.request().sendBody("x", true, abi.DataContinue)
	h.response().sendHeaders(false, abi.HeaderContinue)
	if len(h.Replies) != 0 || len(h.Logs) != 1 {
		t.Fatalf("replies %+v, log %q", h.Replies, h.Logs)
	}
}

func TestRepanic(t *testing.T) {
	t.Setenv("WASM_DISABLE_PANIC_RECOVERY", "true")
	h := start(t, ``, onRequest(boom))
	if _, err := h.OnRequestHeaders(streamID, 1, true); err == nil {
		t.Fatal("the panic was recovered")
	}
}

func TestRepanicIsForTrueOnly(t *testing.T) {
	for _, value := range []string{"", "false", "1"} {
		t.Setenv("WASM_DISABLE_PANIC_RECOVERY", value)
		h := start(t, ``, onRequest(boom))
		if _, err := h.OnRequestHeaders(streamID, 1, true); err != nil {
			t.Errorf("%q: the panic was not recovered: %v", value, err)
		}
		h.Close()
	}
}

func TestUnreadableBodyAnswers500(t *testing.T) {
	forBodies(t, func(t *testing.T, c bodyCase) {
		for name, tc := range map[string]struct {
			option wrapper.Option
			refuse string
			held   abi.Action
		}{
			"whole": {c.whole(func(wrapper.HttpContext, config, []byte) types.Action { t.Error("called"); return 0 }),
				"GetBufferBytes", abi.HeaderStopIteration},
			"streaming": {c.streaming(func(_ wrapper.HttpContext, _ config, b []byte, _ bool) []byte { t.Error("called"); return b }),
				"GetBufferBytes", abi.HeaderContinue},
			"unwritable": {c.streaming(func(_ wrapper.HttpContext, _ config, b []byte, _ bool) []byte { return b }),
				"SetBufferBytes", abi.HeaderContinue},
		} {
			t.Run(name, func(t *testing.T) {
				h, m := c.open(t, tc.option)
				h.Refuse[tc.refuse] = abi.StatusBadArgument
				m.sendHeaders(false, tc.held)
				m.sendBody("x", true, abi.DataStopIterationNoBuffer)
				if len(h.Replies) != 1 || h.Replies[0].Code != 500 {
					t.Fatalf("replies %+v, log %q", h.Replies, h.Logs)
				}
			})
		}
	})
}
