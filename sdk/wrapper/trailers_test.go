//go:build !wasip1

package wrapper_test

import (
	"slices"
	"testing"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
	"github.com/sluice-gateway/sluice/sdk/wrapper"
)

// trailersOf returns the option for the case's trailers.
func (c bodyCase) trailersOf(f func(ctx wrapper.HttpContext) types.Action) wrapper.Option {
	if c.name == "response" {
		return wrapper.ProcessResponseTrailers(func(ctx wrapper.HttpContext, _ config) types.Action { return f(ctx) })
	}
	return wrapper.ProcessRequestTrailers(func(ctx wrapper.HttpContext, _ config) types.Action { return f(ctx) })
}

func TestTrailersFunction(t *testing.T) {
	withBody := func(m *message, held, body abi.Action, end abi.Action) {
		m.sendHeaders(false, held)
		m.sendBody("body", false, body)
		m.sendTrailers(end)
	}
	forBodies(t, func(t *testing.T, c bodyCase) {
		for name, tc := range map[string]struct {
			whole, streaming types.Action // what a body function answers, none where negative
			trailers         types.Action
			binary           bool
			send             func(m *message)
			want             []string
		}{
			"alone": {none, none, 0, false, func(m *message) { withBody(m, 0, 0, 0) }, []string{"trailers"}},
			"alone, without a body": {none, none, 0, false, func(m *message) {
				m.sendHeaders(false, 0)
				m.sendTrailers(abi.TrailerContinue)
			}, []string{"trailers"}},
			"pausing": {none, none, types.ActionPause, false, func(m *message) { withBody(m, 0, 0, abi.TrailerStopIteration) }, []string{"trailers"}},
			"an answer that trailers do not have": {none, none, types.HeaderStopAllIterationAndBuffer, false,
				func(m *message) { withBody(m, 0, 0, abi.TrailerStopIteration) }, []string{"trailers"}},
			"after a whole body": {0, none, 0, false, func(m *message) {
				withBody(m, abi.HeaderStopIteration, abi.DataStopIterationAndBuffer, 0)
			}, []string{"body", "trailers"}},
			"after a whole body that pauses": {types.ActionPause, none, 0, false, func(m *message) {
				withBody(m, abi.HeaderStopIteration, abi.DataStopIterationAndBuffer, abi.TrailerStopIteration)
			}, []string{"body", "trailers"}},
			"after a streaming body": {none, 0, 0, false, func(m *message) { withBody(m, 0, 0, 0) }, []string{"body", "end", "trailers"}},
			"beside a binary body":   {0, none, 0, true, func(m *message) { withBody(m, 0, 0, 0) }, []string{"trailers"}},
			"where there are none": {none, none, 0, false, func(m *message) {
				m.sendHeaders(false, 0)
				m.sendBody("body", true, 0)
			}, nil},
		} {
			t.Run(name, func(t *testing.T) {
				var got []string
				options := []wrapper.Option{c.trailersOf(func(ctx wrapper.HttpContext) types.Action {
					got = append(got, "trailers")
					want := wrapper.DecodeData
					if c.name == "response" {
						want = wrapper.EncodeData
					}
					if ctx.GetExecutionPhase() != want || ctx.Path() != "/a?b=c" {
						t.Errorf("phase %d, path %s", ctx.GetExecutionPhase(), ctx.Path())
					}
					return tc.trailers
				})}
				if tc.whole != none {
					options = append(options, c.whole(func(wrapper.HttpContext, config, []byte) types.Action {
						got = append(got, "body")
						return tc.whole
					}))
				}
				if tc.streaming != none {
					options = append(options, c.streaming(func(_ wrapper.HttpContext, _ config, b []byte, last bool) []byte {
						if last {
							got = append(got, "end")
						} else {
							got = append(got, "body")
						}
						return b
					}))
				}
				h, m := c.open(t, options...)
				if tc.binary {
					h.Headers[c.headers] = append(h.Headers[c.headers], [2]string{"content-encoding", "gzip"})
				}
				tc.send(m)
				if !slices.Equal(got, tc.want) {
					t.Errorf("calls %q, want %q", got, tc.want)
				}
			})
		}
	})
}

// none is a function that is not registered.
const none = ^types.Action(0)

func TestTrailersFunctionFails(t *testing.T) {
	forBodies(t, func(t *testing.T, c bodyCase) {
		t.Run("panic", func(t *testing.T) {
			h, m := c.open(t, c.trailersOf(boom))
			m.sendHeaders(false, 0)
			m.sendTrailers(abi.TrailerStopIteration)
			if len(h.Replies) != 1 || h.Replies[0].Code != 500 {
				t.Errorf("replies %+v", h.Replies)
			}
		})
		t.Run("not after a body that cannot be read", func(t *testing.T) {
			h, m := c.open(t, c.trailersOf(boom),
				c.whole(func(wrapper.HttpContext, config, []byte) types.Action { t.Error("body function"); return 0 }))
			m.sendHeaders(false, abi.HeaderStopIteration)
			h.Refuse["GetBufferBytes"] = abi.StatusInternalFailure
			m.sendTrailers(abi.TrailerStopIteration)
			if len(h.Replies) != 1 || len(h.Logs) != 1 {
				t.Errorf("replies %+v, log %q", h.Replies, h.Logs)
			}
		})
		t.Run("not after a failure that lets pass", func(t *testing.T) {
			h, m := c.open(t, wrapper.FailOpen(), c.trailersOf(boom),
				c.whole(func(wrapper.HttpContext, config, []byte) types.Action { panic("body") }))
			m.sendHeaders(false, abi.HeaderStopIteration)
			m.sendTrailers(abi.TrailerContinue)
			if len(h.Replies) != 0 || len(h.Logs) != 1 {
				t.Errorf("replies %+v, log %q", h.Replies, h.Logs)
			}
		})
	})
}
