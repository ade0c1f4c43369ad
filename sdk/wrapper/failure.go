package wrapper

import (
	"reflect"
	"runtime"
	"strings"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/internal/hostcall"
	"github.com/sluice-gateway/sluice/sdk/log"
	"github.com/sluice-gateway/sluice/sdk/matcher"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
)

// What access logs show of a request that was answered in a plugin's place.
const (
	failureDetail  = "plugin_failed"
	rejectedDetail = "rule_rejected"
)

// recover, deferred, takes a panic of a plugin's function for a failure.
func (s *stream) recover(action *types.Action, which int, stop types.Action) {
	if v := recover(); v != nil {
		if s.root.repanic {
			panic(v)
		}
		*action = s.fail("panic: "+panicText(v)+" "+stackLine(), which, stop)
	}
}

// recoverDone is recover where nothing is left to be answered.
func (s *stream) recoverDone() {
	if v := recover(); v != nil {
		if s.root.repanic {
			panic(v)
		}
		log.Critical("panic: " + panicText(v) + " " + stackLine())
	}
}

// fail answers the client 500, because the plugin cannot decide about the message, or leaves the plugin out of the rest
// of the stream if it is to fail open. It returns what the phase answers.
func (s *stream) fail(reason string, which int, stop types.Action) types.Action {
	log.Critical(reason)
	if s.plugin.failOpen {
		s.config = nil
		return types.ActionContinue
	}
	s.refuse(500, failureDetail, which)
	return stop
}

// refuse answers the client and ends the plugin's part in the stream.
func (s *stream) refuse(code uint32, detail string, which int) {
	s.failed = true
	s.failedResponse = which == response
	// Refused if the plugin has answered already: then the client has its answer.
	if st := hostcall.SendLocalResponse(code, detail, nil, nil, -1); st != abi.StatusOK {
		log.Error("the client was not answered for the plugin: " + st.String())
	}
}

// unmatched answers for rules that do not lead to a configuration. Of a rule that was rejected the log said so when the
// plugin started, not again with each request.
func (s *stream) unmatched(err error) types.Action {
	if err != matcher.ErrRejected {
		return s.fail(err.Error(), request, types.HeaderStopAllIterationAndWatermark)
	}
	s.refuse(503, rejectedDetail, request)
	return types.HeaderStopAllIterationAndWatermark
}

func panicText(v any) string {
	switch v := v.(type) {
	case error:
		return v.Error()
	case string:
		return v
	case interface{ String() string }:
		return v.String()
	}
	return "a " + reflect.TypeOf(v).String()
}

// stackLine returns the stack of the panic as one line: hosts make a record of each.
func stackLine() string {
	buf := make([]byte, 8<<10)
	stack := string(buf[:runtime.Stack(buf, false)])
	if _, below, ok := strings.Cut(stack, "panic("); ok {
		if _, below, ok = strings.Cut(below, "\n"); ok {
			if _, below, ok = strings.Cut(below, "\n"); ok {
				stack = below
			}
		}
	}
	line := make([]byte, 0, len(stack)+256)
	for i := range len(stack) {
		switch c := stack[i]; {
		case c == '\t':
		case c != '\n':
			line = append(line, c)
		case i+1 == len(stack):
		case stack[i+1] == '\t': // the place of the function before
			line = append(line, ' ')
		default:
			line = append(line, " | "...)
		}
	}
	return string(line)
}
