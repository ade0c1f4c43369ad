package wrapper

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/internal/hostcall"
	"github.com/sluice-gateway/sluice/sdk/log"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
)

var (
	// ErrRequestNotHeld means that RouteCall came where the request cannot be changed as a whole: before its body was
	// there, after its headers were let go, in a response phase, or on a host that cannot hold headers (see the package's
	// comment).
	ErrRequestNotHeld = errors.New("route call: the request is not held with its headers and its whole body")
	// ErrRouteCalled means that the request is a route call already.
	ErrRouteCalled = errors.New("route call: the request is one already")
)

var (
	errNoCallback  = errors.New("route call: no callback")
	errBadMethod   = errors.New("route call: not a method that can be sent")
	errManyHeaders = errors.New("route call: more headers than a host takes")
)

// RouteCall implements [HttpContext]. What it needs is reached from here only, so that other plugins do not carry it.
func (c *httpContext) RouteCall(method, url string, headers [][2]string, body []byte, callback RouteResponseCallback) error {
	s := c.s
	switch {
	case s == nil || s.failed:
		return ErrRequestNotHeld
	case s.route != nil:
		return ErrRouteCalled
	case callback == nil:
		return errNoCallback
	case !isToken(method) || method == "CONNECT": // which makes a tunnel, not a call
		return errBadMethod
	case !s.holdsRequest(len(body) > 0):
		return ErrRequestNotHeld
	}
	host, target, err := splitURL(url)
	if err != nil {
		return err
	}
	before := hostcall.Headers(abi.MapHTTPRequestHeaders)
	if len(before) == 0 {
		return ErrRequestNotHeld
	}
	after, err := routeCallHeaders(before, method, host, target, headers)
	if err != nil {
		return err
	}
	before = append(abi.Pairs(nil), before...) // what is borrowed goes with the change
	if err := setRequestHeaders(after); err != nil {
		return err
	}
	if s.message[request].follows {
		if st := replaceRequestBody(body); st != abi.StatusOK {
			if err := setRequestHeaders(before); err != nil {
				log.Error("the headers stay changed: " + err.Error())
			}
			return &hostRefusal{"body", st}
		}
	}
	s.route = &routeCall{callback: callback}
	if log.Enabled(abi.LogDebug) {
		log.Debug("route call: " + method + " " + target)
	}
	return nil
}

// hostRefusal says that the host did not take a part of a route call.
type hostRefusal struct {
	what   string
	status abi.Status
}

func (e *hostRefusal) Error() string {
	return "route call: the host refused the " + e.what + ": " + e.status.String()
}

func setRequestHeaders(pairs abi.Pairs) error {
	st := hostcall.SetHeaderMapPairs(abi.MapHTTPRequestHeaders, pairs)
	hostcall.HeadersChanged(abi.MapHTTPRequestHeaders)
	if st != abi.StatusOK {
		return &hostRefusal{"headers", st}
	}
	return nil
}

// replaceRequestBody makes body the request's. A request that is headers and trailers has none to be replaced, which is no
// failure where none is wanted.
func replaceRequestBody(body []byte) abi.Status {
	st := hostcall.SetBuffer(abi.BufferHTTPRequestBody, 0, math.MaxInt32, body)
	if st != abi.StatusOK && len(body) == 0 {
		if old, readable := getBody(request); readable == abi.StatusOK && len(old) == 0 {
			return abi.StatusOK
		}
	}
	return st
}

// holdsRequest says whether the request is all there and none of it has gone on, as far as the SDK knows: whether the
// headers are still to be had is for the host to say.
func (s *stream) holdsRequest(body bool) bool {
	m := &s.message[request]
	switch s.phase {
	case DecodeHeader:
		return !m.follows && !body && s.root.holdsHeaders() // which the response will need
	case DecodeData:
		return m.buffered && m.ended
	}
	return false
}

// routeCallHeaders returns the request's headers as the route call wants them: one map, so that the host takes all of it
// or nothing.
func routeCallHeaders(before abi.Pairs, method, host, target string, headers [][2]string) (abi.Pairs, error) {
	given := map[string]bool{}
	var added [][2]string
	for _, kv := range headers {
		name := strings.ToLower(kv[0])
		switch {
		case name == "host" || name == ":authority":
			if host == "" {
				host = kv[1]
			}
			continue
		case strings.HasPrefix(name, ":") || name == "content-length":
			continue
		}
		given[name] = true
		added = append(added, [2]string{name, kv[1]})
	}
	list := make([][2]string, 0, before.Len()+len(added)+3)
	var originals [3]string
	for k, v := range before.All() {
		name, value := string(k), string(v)
		switch name {
		case ":method":
			originals[0], value = value, method
		case ":path":
			originals[1], value = value, target
		case ":authority":
			originals[2] = value
			if host != "" {
				value = host
			}
		case "accept-encoding", "content-length", originalMethod, originalPath, originalHost:
			continue
		}
		if !given[name] {
			list = append(list, [2]string{name, value})
		}
	}
	for i, name := range [...]string{originalMethod, originalPath, originalHost} {
		if !given[name] {
			list = append(list, [2]string{name, originals[i]})
		}
	}
	list = append(list, added...)
	after := abi.Pairs(abi.AppendPairs(nil, list))
	if len(list) > abi.MaxPairs || len(after) > abi.MaxPairsBytes {
		return nil, errManyHeaders // Envoy would take it for an empty map
	}
	return after, nil
}

const (
	originalMethod = "x-envoy-original-method"
	originalPath   = "x-envoy-original-path"
	originalHost   = "x-envoy-original-host"
)

// routeCall has the response to a route call.
type routeCall struct {
	callback RouteResponseCallback // nil when it was called
}

func (r *routeCall) headers(s *stream, endOfStream bool) types.Action {
	if !endOfStream {
		return types.HeaderStopIteration
	}
	r.call(s, nil)
	return types.HeaderContinue
}

func (r *routeCall) data(s *stream, endOfStream bool) types.Action {
	switch {
	case r.callback == nil:
		return types.DataContinue
	case !endOfStream:
		return types.DataStopIterationAndBuffer
	}
	return r.body(s, types.DataStopIterationNoBuffer)
}

func (r *routeCall) trailers(s *stream) types.Action {
	if r.callback == nil {
		return types.ActionContinue
	}
	return r.body(s, types.ActionPause)
}

// body calls back with a response that has come whole.
func (r *routeCall) body(s *stream, stop types.Action) types.Action {
	body, st := getBody(response)
	if st != abi.StatusOK {
		r.callback = nil
		return s.fail("cannot read the body of a route call's response: "+st.String(), response, stop)
	}
	hostcall.RemoveHeaderMapValue(abi.MapHTTPResponseHeaders, "content-length")
	hostcall.HeadersChanged(abi.MapHTTPResponseHeaders)
	r.call(s, body)
	return types.ActionContinue
}

// badGateway is the status of a response that says none, as of a call-out's.
const badGateway = 502

func (r *routeCall) call(s *stream, body []byte) {
	callback := r.callback
	r.callback = nil
	s.message[response].ended = true
	headers := [][2]string{}
	status := badGateway
	for k, v := range hostcall.Headers(abi.MapHTTPResponseHeaders).All() {
		headers = append(headers, [2]string{string(k), string(v)})
		if string(k) == ":status" {
			if n, err := strconv.Atoi(string(v)); err == nil {
				status = n
			}
		}
	}
	if log.Enabled(abi.LogDebug) {
		log.Debug("route call: answered " + strconv.Itoa(status))
	}
	hostcall.SetGoesOn(s.id)
	defer hostcall.SetGoesOn(0)
	callback(status, headers, body)
}
