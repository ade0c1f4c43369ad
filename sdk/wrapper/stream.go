package wrapper

import (
	"errors"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/internal/hostcall"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
)

// stream is one HTTP stream. It is used again when it has ended, so plugin code never holds it: it holds ctx, which
// then lets go of it.
type stream struct {
	plugin *plugin
	root   *pluginContext
	ctx    *httpContext
	id     uint32
	// config is the configuration that was chosen, nil while the plugin is off.
	config any
	phase  HTTPExecutionPhase
	// failed says that the client was answered 500 in the plugin's place, failedResponse that the response's phases did
	// it: request phases after that stop, and the answer passes through response phases untouched.
	failed, failedResponse bool

	message [2]message
	pseudo  pseudoHeaders
	traits  traits
	paused  bool // NeedPauseStreamingResponse
	values  values
	queue   [][]byte

	attributes map[string]any // user attributes
	// route has the response, where the request is a route call.
	route responder
}

// message is what a stream knows of its request or its response.
type message struct {
	begun       bool // the headers came
	follows     bool // something follows the headers
	binary      bool // the headers announce a binary body
	lengthKnown bool // the headers were looked at, and have
	hasLength   bool // a content-length
	dontRead    bool // the plugin asked not to be given the body
	forceBuffer bool // the plugin asked for the whole body
	wanted      bool // the body goes to a function
	buffered    bool // and whole
	ended       bool // the function was given the end
}

// Memory for handles is got for several at a time; a kept handle keeps its neighbours' memory too, so not for many.
const contextsAtOnce = 32

func (p *pluginContext) newStream(id uint32) *stream {
	var s *stream
	if n := len(p.spare); n > 0 {
		s = p.spare[n-1]
		p.spare = p.spare[:n-1]
	} else {
		s = &stream{plugin: p.plugin, root: p}
	}
	if len(p.contexts) == 0 {
		p.contexts = make([]httpContext, contextsAtOnce)
	}
	s.ctx = &p.contexts[0]
	p.contexts = p.contexts[1:]
	s.ctx.s = s
	s.id = id
	liveStreams++
	return s
}

// RecycleHttpContext takes back a stream that has ended.
func (p *pluginContext) RecycleHttpContext(ctx types.HttpContext) {
	s, ok := ctx.(*stream)
	if !ok {
		return
	}
	s.ctx.s = nil
	clear(s.values)
	*s = stream{plugin: s.plugin, root: s.root, values: s.values[:0], pseudo: pseudoHeaders{text: s.pseudo.text[:0]}}
	p.spare = append(p.spare, s)
	liveStreams--
	if p.plugin.streamEnded != nil {
		p.plugin.streamEnded()
	}
}

// OnHttpRequestHeaders implements [types.HttpContext].
func (s *stream) OnHttpRequestHeaders(_ int, endOfStream bool) (action types.Action) {
	defer s.recover(&action, request, types.HeaderStopAllIterationAndWatermark)
	s.phase = DecodeHeader
	for _, f := range s.plugin.onRequest {
		f()
	}
	if s.plugin.readsLater {
		s.pseudo.capture()
	}
	if s.root.rules == nil {
		return s.unmatched(errNotConfigured)
	}
	config, err := s.root.rules.Match(matchRequest{s})
	if err != nil {
		return s.unmatched(err)
	}
	if config == nil {
		return types.HeaderContinue
	}
	s.config = config
	return s.headers(request, endOfStream)
}

// OnHttpRequestBody implements [types.HttpContext].
func (s *stream) OnHttpRequestBody(_ int, endOfStream bool) (action types.Action) {
	return s.data(request, endOfStream)
}

// OnHttpRequestTrailers implements [types.HttpContext].
func (s *stream) OnHttpRequestTrailers(int) types.Action { return s.trailers(request) }

// OnHttpResponseHeaders implements [types.HttpContext].
func (s *stream) OnHttpResponseHeaders(_ int, endOfStream bool) (action types.Action) {
	defer s.recover(&action, response, types.HeaderStopAllIterationAndWatermark)
	s.phase = EncodeHeader
	if s.config == nil || s.failed {
		return s.off(response, types.HeaderStopAllIterationAndWatermark)
	}
	if s.route != nil {
		s.message[response].follows = !endOfStream
		return s.route.headers(s, endOfStream)
	}
	return s.headers(response, endOfStream)
}

// OnHttpResponseBody implements [types.HttpContext].
func (s *stream) OnHttpResponseBody(_ int, endOfStream bool) types.Action {
	return s.data(response, endOfStream)
}

// OnHttpResponseTrailers implements [types.HttpContext].
func (s *stream) OnHttpResponseTrailers(int) types.Action { return s.trailers(response) }

// OnHttpStreamDone implements [types.HttpContext].
func (s *stream) OnHttpStreamDone() {
	s.phase = Done
	if s.plugin.streamDone == nil || s.config == nil {
		return
	}
	defer s.recoverDone()
	s.plugin.streamDone(s.ctx, s.config)
}

// errNotConfigured is that a host makes streams although the plugin refused its configuration.
var errNotConfigured = errors.New("the plugin has refused its configuration, and has none")

// headers runs a header phase.
func (s *stream) headers(which int, endOfStream bool) (action types.Action) {
	h, m := &s.plugin.on[which], &s.message[which]
	m.begun, m.follows = true, !endOfStream
	if h.phases != nil && m.follows {
		h.phases.look(s, which)
	}
	if h.headers != nil {
		action = h.headers(s.ctx, s.config)
	}
	if h.phases != nil && m.follows {
		action = h.phases.prepare(s, which, action)
	}
	return action
}

func (s *stream) data(which int, endOfStream bool) (action types.Action) {
	if s.failed || s.config == nil {
		return s.off(which, types.DataStopIterationNoBuffer)
	}
	h, m := &s.plugin.on[which], &s.message[which]
	routed := which == response && s.route != nil
	if !m.begun && h.phases != nil {
		// Gateways begin a message with its headers. Tests of published plugins, in their emulator, begin it with its body.
		m.begun, m.follows, m.wanted = true, true, !m.dontRead
		m.buffered = h.body != nil && (h.streaming == nil || m.forceBuffer)
	}
	if !routed && !m.wanted || routed && m.ended {
		return types.DataContinue
	}
	defer s.recover(&action, which, types.DataStopIterationNoBuffer)
	s.phase = dataPhases[which]
	if routed {
		return s.route.data(s, endOfStream)
	}
	return h.phases.data(s, which, endOfStream)
}

// trailers ends a body that has no other end, and runs the trailers' function.
func (s *stream) trailers(which int) (action types.Action) {
	if s.failed || s.config == nil {
		return s.off(which, types.ActionPause)
	}
	h, m := &s.plugin.on[which], &s.message[which]
	routed := which == response && s.route != nil
	endsBody := (routed || m.wanted) && !m.ended
	if !endsBody && (h.trailers == nil || routed) {
		return types.ActionContinue
	}
	defer s.recover(&action, which, types.ActionPause)
	s.phase = dataPhases[which]
	if routed {
		return s.route.trailers(s)
	}
	if endsBody {
		action = h.phases.trailers(s, which)
	}
	// A body function that holds the message does not keep its trailers from being seen: they come no second time.
	if h.trailers != nil && !s.failed && s.config != nil {
		if a := h.trailers(s.ctx, s.config); a != types.ActionContinue {
			action = types.ActionPause
		}
	}
	return action
}

var dataPhases = [2]HTTPExecutionPhase{DecodeData, EncodeData}

// off is the answer of a phase that the plugin takes no part in: pass, or stop if the client was answered in its place.
func (s *stream) off(which int, stop types.Action) types.Action {
	if s.failed && (which == request || s.failedResponse) {
		return stop
	}
	return types.ActionContinue
}

// MatchConfig returns the configuration that the rules choose for this stream, as a pointer to it, nil if none. Before
// the request's headers have come to the plugin they are asked of the host. For tests.
func (s *stream) MatchConfig() (config any, err error) {
	if s.config != nil || s.root.rules == nil {
		return s.config, nil
	}
	hostcall.Begin()
	defer hostcall.End()
	pseudo := s.pseudo
	s.pseudo = pseudoHeaders{}
	config, err = s.root.rules.Match(matchRequest{s})
	s.pseudo = pseudo
	return config, err
}

// responder has a stream's response in the plugin's place.
type responder interface {
	headers(s *stream, endOfStream bool) types.Action
	data(s *stream, endOfStream bool) types.Action
	trailers(s *stream) types.Action
}

// matchRequest is what rules see of a stream.
type matchRequest struct{ s *stream }

func (r matchRequest) Host() (string, bool) {
	host := r.s.pseudo.get(authority, r.s.phase)
	return host, host != ""
}

func (r matchRequest) Route() (string, bool)   { return textProperty(abi.PropertyRouteName) }
func (r matchRequest) Cluster() (string, bool) { return textProperty(abi.PropertyClusterName) }

// textProperty borrows a property that may be missing. ok is false if the host does not say whether it is.
func textProperty(name string) (value string, ok bool) {
	b, st := hostcall.BorrowProperty(name)
	return hostcall.String(b), st == abi.StatusOK || st == abi.StatusNotFound
}
