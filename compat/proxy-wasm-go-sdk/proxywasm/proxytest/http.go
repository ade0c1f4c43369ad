package proxytest

import (
	"fmt"

	"github.com/sluice-gateway/sluice/sdk/abi"
	native "github.com/sluice-gateway/sluice/sdk/proxywasm"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
)

// httpStream is what the gateway knows of an HTTP stream, also after its end.
type httpStream struct {
	request, response message
	action            types.Action
	reply             *LocalHttpResponse
	// injected is what the plugin sent past itself; injectedEnd says that this ended the response.
	injected    []byte
	injectedEnd bool
}

// message is a request or a response.
type message struct {
	headers, trailers headerMap
	// body is what the last body callback was about. kept is what of it the plugin asked to be kept for the next.
	body, kept []byte
}

func (e *emulator) stream(id uint32) *httpStream {
	if s := e.streams[id]; s != nil {
		return s
	}
	panic(fmt.Sprintf("proxytest: %d is not the id of an HTTP stream", id))
}

// InitializeHttpContext implements [HostEmulator].
func (e *emulator) InitializeHttpContext() (contextID uint32) {
	id := newContextID()
	e.streams[id] = &httpStream{}
	e.create(id, PluginContextID)
	return id
}

// CompleteHttpContext implements [HostEmulator].
func (e *emulator) CompleteHttpContext(contextID uint32) { e.complete(contextID) }

type (
	headersCallback  func(p abi.Plugin, id, count uint32, endOfStream bool) (abi.Action, error)
	bodyCallback     func(p abi.Plugin, id, size uint32, endOfStream bool) (abi.Action, error)
	trailersCallback func(p abi.Plugin, id, count uint32) (abi.Action, error)
)

func (e *emulator) headers(id uint32, m *message, headers [][2]string, endOfStream bool, callback headersCallback) types.Action {
	s := e.stream(id)
	m.headers = lowerKeys(headers)
	s.action = types.Action(ask(e, id, func(p abi.Plugin) (abi.Action, error) {
		return callback(p, id, uint32(len(headers)), endOfStream)
	}))
	return s.action
}

func (e *emulator) body(id uint32, m *message, body []byte, endOfStream bool, callback bodyCallback) types.Action {
	s := e.stream(id)
	m.body = append(m.kept[:len(m.kept):len(m.kept)], body...)
	s.action = types.Action(ask(e, id, func(p abi.Plugin) (abi.Action, error) {
		return callback(p, id, uint32(len(m.body)), endOfStream)
	}))
	m.kept = nil
	if s.action == types.ActionPause {
		m.kept = m.body
	}
	return s.action
}

func (e *emulator) trailers(id uint32, m *message, trailers [][2]string, callback trailersCallback) types.Action {
	s := e.stream(id)
	m.trailers = lowerKeys(trailers)
	s.action = types.Action(ask(e, id, func(p abi.Plugin) (abi.Action, error) {
		return callback(p, id, uint32(len(trailers)))
	}))
	return s.action
}

// CallOnRequestHeaders implements [HostEmulator].
func (e *emulator) CallOnRequestHeaders(contextID uint32, headers [][2]string, endOfStream bool) types.Action {
	return e.headers(contextID, &e.stream(contextID).request, headers, endOfStream, abi.Plugin.OnRequestHeaders)
}

// CallOnRequestBody implements [HostEmulator].
func (e *emulator) CallOnRequestBody(contextID uint32, body []byte, endOfStream bool) types.Action {
	return e.body(contextID, &e.stream(contextID).request, body, endOfStream, abi.Plugin.OnRequestBody)
}

// CallOnRequestTrailers implements [HostEmulator].
func (e *emulator) CallOnRequestTrailers(contextID uint32, trailers [][2]string) types.Action {
	return e.trailers(contextID, &e.stream(contextID).request, trailers, abi.Plugin.OnRequestTrailers)
}

// CallOnResponseHeaders implements [HostEmulator].
func (e *emulator) CallOnResponseHeaders(contextID uint32, headers [][2]string, endOfStream bool) types.Action {
	return e.headers(contextID, &e.stream(contextID).response, headers, endOfStream, abi.Plugin.OnResponseHeaders)
}

// CallOnResponseBody implements [HostEmulator].
func (e *emulator) CallOnResponseBody(contextID uint32, body []byte, endOfStream bool) types.Action {
	return e.body(contextID, &e.stream(contextID).response, body, endOfStream, abi.Plugin.OnResponseBody)
}

// CallOnResponseTrailers implements [HostEmulator].
func (e *emulator) CallOnResponseTrailers(contextID uint32, trailers [][2]string) types.Action {
	return e.trailers(contextID, &e.stream(contextID).response, trailers, abi.Plugin.OnResponseTrailers)
}

// GetCurrentHttpStreamAction implements [HostEmulator].
func (e *emulator) GetCurrentHttpStreamAction(contextID uint32) types.Action {
	return e.stream(contextID).action
}

// GetCurrentRequestHeaders implements [HostEmulator].
func (e *emulator) GetCurrentRequestHeaders(contextID uint32) [][2]string {
	return e.stream(contextID).request.headers
}

// GetCurrentResponseHeaders implements [HostEmulator].
func (e *emulator) GetCurrentResponseHeaders(contextID uint32) [][2]string {
	return e.stream(contextID).response.headers
}

// GetCurrentRequestBody implements [HostEmulator].
func (e *emulator) GetCurrentRequestBody(contextID uint32) []byte {
	return e.stream(contextID).request.body
}

// GetCurrentResponseBody implements [HostEmulator].
func (e *emulator) GetCurrentResponseBody(contextID uint32) []byte {
	s := e.stream(contextID)
	if s.injectedEnd {
		return s.injected
	}
	return s.response.body
}

// GetSentLocalResponse implements [HostEmulator].
func (e *emulator) GetSentLocalResponse(contextID uint32) *LocalHttpResponse {
	return e.stream(contextID).reply
}

// SetHttpRequestHeaders implements [HostEmulator].
func (e *emulator) SetHttpRequestHeaders(contextID uint32, headers [][2]string) {
	e.stream(contextID).request.headers = lowerKeys(headers)
	if e.module == nil && e.depth == 0 {
		// A native SDK trusts what it read of the headers until the next callback; this is none.
		_ = native.SetEffectiveContext(e.active)
	}
}

// SendLocalResponse implements [abi.Host].
func (e *emulator) SendLocalResponse(code uint32, details, body []byte, headers abi.Pairs, grpcStatus int32) abi.Status {
	s := e.streams[e.active]
	if s == nil {
		return abi.StatusBadArgument
	}
	s.reply = &LocalHttpResponse{
		StatusCode:       code,
		StatusCodeDetail: string(details),
		Data:             append([]byte(nil), body...), // nil if empty
		Headers:          pairList(headers),
		GRPCStatus:       grpcStatus,
	}
	return abi.StatusOK
}

// ContinueStream implements [abi.Host].
func (e *emulator) ContinueStream(abi.StreamType) abi.Status {
	if s := e.streams[e.active]; s != nil {
		s.action = types.ActionContinue
	}
	return abi.StatusOK
}

// CloseStream implements [abi.Host]: nothing happens.
func (e *emulator) CloseStream(abi.StreamType) abi.Status { return abi.StatusOK }

// InjectEncodedData implements [abi.Host].
func (e *emulator) InjectEncodedData(data []byte, endStream bool) abi.Status {
	s := e.streams[e.active]
	if s == nil {
		return abi.StatusBadArgument
	}
	s.injected = append(s.injected, data...)
	s.injectedEnd = s.injectedEnd || endStream
	return abi.StatusOK
}

// GetUpstreamHosts implements [abi.Host]: there are none.
func (e *emulator) GetUpstreamHosts(dst []byte) ([]byte, abi.Status) { return dst, abi.StatusOK }

// SetUpstreamOverrideHost implements [abi.Host]: nothing happens.
func (e *emulator) SetUpstreamOverrideHost([]byte) abi.Status { return abi.StatusOK }
