//go:build !wasip1

package wrapper_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/proxywasm"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
	"github.com/sluice-gateway/sluice/sdk/wrapper"
)

// A panic in a call-out's callback is the failure of its request, and of no other.
func TestPanicInACallback(t *testing.T) {
	calls := map[string]struct {
		begin  func() error
		answer func(h *harness)
	}{
		"http": {
			func() error {
				return wrapper.HttpCall(auth, "GET", "/", nil, nil, func(int, wrapper.Header, []byte) { panic("boom") })
			},
			func(h *harness) { h.answerHTTP(h.HTTPCalls[0].ID, [][2]string{{":status", "200"}}, "") },
		},
		"redis": {
			func() error {
				return wrapper.RedisCall(redisCluster, []byte("*1\r\n$4\r\nping\r\n"), func(wrapper.RedisValue) {
					_ = proxywasm.SetEffectiveContext(rootID) // and panics there
					panic("boom")
				})
			},
			func(h *harness) { h.answerRedis(h.RedisCalls[0].ID, 0, "+PONG\r\n") },
		},
	}
	for name, c := range calls {
		t.Run(name+", request", func(t *testing.T) {
			h := start(t, ``, onRequest(func(wrapper.HttpContext) types.Action {
				if err := c.begin(); err != nil {
					t.Error(err)
				}
				return types.HeaderStopAllIterationAndWatermark
			}), onResponse(func(wrapper.HttpContext) types.Action { t.Error("a later phase runs"); return 0 }))
			h.request().sendHeaders(false, abi.HeaderStopAllIterationAndWatermark)
			c.answer(h)
			h.request().sendBody("x", true, abi.DataStopIterationNoBuffer)
			h.response().sendHeaders(false, abi.HeaderContinue)
			checkFailed(t, h)
			// The VM goes on.
			h.begin(streamID + 1)
			h.want("another request", abi.HeaderStopAllIterationAndWatermark)(h.OnRequestHeaders(streamID+1, 1, true))
		})
		t.Run(name+", response", func(t *testing.T) {
			h := start(t, ``, onResponse(func(wrapper.HttpContext) types.Action {
				if err := c.begin(); err != nil {
					t.Error(err)
				}
				return types.HeaderStopAllIterationAndWatermark
			}))
			h.request().sendHeaders(true, 0)
			h.response().sendHeaders(false, abi.HeaderStopAllIterationAndWatermark)
			c.answer(h)
			h.response().sendBody("secret", true, abi.DataStopIterationNoBuffer)
			checkFailed(t, h)
		})
		for phase, stream := range map[string]string{"request": "http request", "response": "http response"} {
			t.Run(name+", fail open, "+phase, func(t *testing.T) {
				stop := func(wrapper.HttpContext) types.Action {
					if err := c.begin(); err != nil {
						t.Error(err)
					}
					return types.HeaderStopAllIterationAndWatermark
				}
				on := onRequest(stop)
				if phase == "response" {
					on = onResponse(stop)
				}
				h := start(t, ``, wrapper.FailOpen(), on)
				if phase == "request" {
					h.request().sendHeaders(true, abi.HeaderStopAllIterationAndWatermark)
				} else {
					h.request().sendHeaders(true, 0)
					h.response().sendHeaders(true, abi.HeaderStopAllIterationAndWatermark)
				}
				c.answer(h)
				if len(h.Replies) != 0 || h.Count("ContinueStream "+stream) != 1 || h.Count("ContinueStream") != 1 {
					t.Fatalf("replies %+v, calls %q", h.Replies, h.Calls)
				}
			})
		}
		t.Run(name+", repanic", func(t *testing.T) {
			t.Setenv("WASM_DISABLE_PANIC_RECOVERY", "true")
			h := inRequest(t, func() { _ = c.begin() })
			var err error
			if name == "http" {
				err = h.OnHTTPCallResponse(rootID, h.HTTPCalls[0].ID, 0, 0, 0)
			} else {
				err = h.OnRedisCallResponse(rootID, h.RedisCalls[0].ID, 1, 0)
			}
			if err == nil {
				t.Fatal("the panic was recovered")
			}
		})
	}
}

func checkFailed(t *testing.T, h *harness) {
	t.Helper()
	if len(h.Replies) != 1 || h.Replies[0].Code != 500 || h.Active != streamID {
		t.Fatalf("replies %+v, about context %d", h.Replies, h.Active)
	}
	if !slices.ContainsFunc(h.Logs, func(l string) bool {
		return strings.HasPrefix(l, "critical: [test] panic: boom") && strings.Contains(l, "failure_clients_test.go")
	}) {
		t.Fatalf("log %q", h.Logs)
	}
}
