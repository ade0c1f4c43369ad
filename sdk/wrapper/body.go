package wrapper

import (
	"math"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/internal/hostcall"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
)

// bodyPhases is the code of body phases; handlers.phases says why it is behind pointers.
type bodyPhases struct {
	// start finds out what the host can do.
	start func(p *pluginContext)
	// look takes from the headers, as they came, what decides about the body.
	look func(s *stream, which int)
	// prepare decides about the body when the header function has run, and returns the header phase's answer.
	prepare  func(s *stream, which int, action types.Action) types.Action
	data     func(s *stream, which int, endOfStream bool) types.Action
	trailers func(s *stream, which int) types.Action
}

var bodies = bodyPhases{start: sayWhatIsMissing, look: look, prepare: prepare, data: bodyData, trailers: bodyTrailers}

var (
	headerMaps  = [2]abi.MapType{abi.MapHTTPRequestHeaders, abi.MapHTTPResponseHeaders}
	bodyBuffers = [2]abi.BufferType{abi.BufferHTTPRequestBody, abi.BufferHTTPResponseBody}
)

func prepare(s *stream, which int, action types.Action) types.Action {
	h, m := &s.plugin.on[which], &s.message[which]
	if m.dontRead || s.isWebsocket() || m.binary && !m.forceBuffer {
		return action
	}
	m.wanted = true
	m.buffered = h.body != nil && (h.streaming == nil || m.forceBuffer)
	if s.plugin.headersAsReturned {
		return action
	}
	if !m.lengthKnown || m.hasLength {
		// It says what came, not what the plugin will send.
		hostcall.RemoveHeaderMapValue(headerMaps[which], "content-length")
		hostcall.HeadersChanged(headerMaps[which])
	}
	if m.buffered && action == types.HeaderContinue && s.root.holdsHeaders() {
		return types.HeaderStopIteration
	}
	return action
}

func bodyData(s *stream, which int, endOfStream bool) types.Action {
	m := &s.message[which]
	if m.buffered {
		if !endOfStream {
			return types.DataStopIterationAndBuffer
		}
		return wholeBody(s, which)
	}
	chunk, st := getBody(which)
	if st != abi.StatusOK {
		return s.fail("cannot read the body: "+st.String(), which, types.DataStopIterationNoBuffer)
	}
	if len(chunk) == 0 && !endOfStream {
		return types.DataContinue
	}
	m.ended = endOfStream
	out := s.plugin.on[which].streaming(s.ctx, s.config, chunk, endOfStream)
	if s.pauses(which) {
		return types.DataStopIterationNoBuffer
	}
	if len(out) > 0 || len(chunk) > 0 {
		if st := hostcall.SetBuffer(bodyBuffers[which], 0, math.MaxInt32, out); st != abi.StatusOK {
			return s.fail("cannot change the body: "+st.String(), which, types.DataStopIterationNoBuffer)
		}
	}
	return types.DataContinue
}

func wholeBody(s *stream, which int) types.Action {
	body, st := getBody(which)
	if st != abi.StatusOK {
		return s.fail("cannot read the body: "+st.String(), which, types.DataStopIterationNoBuffer)
	}
	s.message[which].ended = true
	return s.plugin.on[which].body(s.ctx, s.config, body)
}

// bodyTrailers ends a body that ends in trailers: no body callback was the last.
func bodyTrailers(s *stream, which int) types.Action {
	m := &s.message[which]
	if m.buffered {
		if wholeBody(s, which) != types.DataContinue {
			return types.ActionPause
		}
		return types.ActionContinue
	}
	m.ended = true
	out := s.plugin.on[which].streaming(s.ctx, s.config, []byte{}, true)
	if s.pauses(which) {
		return types.ActionPause
	}
	if len(out) > 0 {
		if st := hostcall.SetBuffer(bodyBuffers[which], math.MaxInt32, 0, out); st != abi.StatusOK {
			return s.fail("cannot add to the body before its trailers: "+st.String(), which, types.ActionPause)
		}
	}
	return types.ActionContinue
}

// getBody returns what there is of a body, never nil with StatusOK.
func getBody(which int) ([]byte, abi.Status) {
	body, st := hostcall.GetBuffer(bodyBuffers[which], 0, math.MaxInt32)
	if st == abi.StatusNotFound || st == abi.StatusEmpty || st == abi.StatusOK && body == nil {
		return []byte{}, abi.StatusOK
	}
	return body, st
}

// pauses says whether the plugin sends the response's body itself.
func (s *stream) pauses(which int) bool { return which == response && s.paused }
