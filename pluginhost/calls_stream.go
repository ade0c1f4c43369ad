package pluginhost

import (
	"log/slog"
	"time"

	"github.com/sluice-gateway/sluice/message"
	"github.com/sluice-gateway/sluice/sdk/abi"
)

// note has a be done to the effective stream when the callback has returned. It reports false if the stream has too much
// to be done.
func (v *vm) note(a action) bool {
	f := v.stream
	a.cost += entryCost
	if f.holding.asked.Load()+int64(a.cost) > maxHeld {
		v.refuseMore("requests of the plugin")
		return false
	}
	f.holding.asked.Add(int64(a.cost))
	if f != v.callStream && len(f.actions) == 0 {
		v.touched = append(v.touched, f)
	}
	f.actions = append(f.actions, a)
	return true
}

// SendLocalResponse implements [abi.Host]. Outside a stream it does nothing, as in Envoy.
func (v *vm) SendLocalResponse(code uint32, details, body []byte, headers abi.Pairs, grpcStatus int32) abi.Status {
	f := v.stream
	if f == nil || f.tcp != nil {
		return abi.StatusOK
	}
	if f.over {
		return v.misused("proxy_send_local_response", "", AfterEnd, abi.StatusOK)
	}
	if f.replied {
		return v.misused("proxy_send_local_response", "", SecondReply, abi.StatusBadArgument)
	}
	if !legalPairs(headers) {
		return abi.StatusBadArgument
	}
	if !v.allow(len(details) + len(body) + len(headers) + 64*headers.Len()) {
		return abi.StatusInternalFailure
	}
	if grpcStatus < 0 || grpcStatus > 16 {
		grpcStatus = -1 // not one of gRPC's
	}
	reply := &LocalReply{Code: code, Details: string(details), GRPCStatus: grpcStatus}
	if len(body) > 0 {
		reply.Body = append([]byte(nil), body...)
	}
	if headers.Len() > 0 {
		reply.Headers = &message.Headers{}
		reply.Headers.AddPairs(headers)
	}
	if !v.note(action{kind: sendReply, reply: reply, cost: len(details) + len(body) + len(headers)}) {
		return abi.StatusInternalFailure
	}
	f.replied = true
	if v.observer != nil {
		v.notice(HostCall{Name: "proxy_send_local_response", Reply: reply})
	}
	if f == v.callStream {
		v.stopNext = true
	}
	return abi.StatusOK
}

// ContinueStream implements [abi.Host]. The plugin loses the message that it lets go, and, as in Envoy, the request in
// either case.
func (v *vm) ContinueStream(stream abi.StreamType) abi.Status {
	if stream > abi.StreamUpstream {
		return abi.StatusBadArgument
	}
	f := v.stream
	if f == nil {
		return abi.StatusOK
	}
	if f.tcp != nil {
		if f.over {
			return abi.StatusOK
		}
		return v.continueConnection(f, stream)
	}
	if v.observer != nil {
		v.noticeResume(f, stream)
	}
	if f.over {
		return abi.StatusOK
	}
	switch stream {
	case abi.StreamHTTPRequest:
		if f.replied { // a request that was answered goes nowhere
			break
		}
		if !v.note(action{kind: continueRequest}) {
			return abi.StatusInternalFailure
		}
		f.request.resume()
	case abi.StreamHTTPResponse:
		if !v.note(action{kind: continueResponse}) {
			return abi.StatusInternalFailure
		}
		f.response.resume()
	case abi.StreamDownstream:
		return abi.StatusOK
	default:
		return abi.StatusUnimplemented
	}
	f.request.headers, f.request.trailers, f.request.chunk = nil, nil, nil
	return abi.StatusOK
}

// noticeResume is [vm.notice] for a stream that is continued.
func (v *vm) noticeResume(f *Filter, stream abi.StreamType) {
	c := HostCall{Name: "proxy_continue_stream", About: "request"}
	d := &f.request
	switch stream {
	case abi.StreamHTTPRequest:
	case abi.StreamHTTPResponse:
		c.About, d = "response", &f.response
	default:
		return
	}
	switch {
	case f.over:
		c.Misuse = AfterEnd
	case d == &f.request && f.replied:
		c.Misuse = ResumeAnswered
	case !d.stopped:
		c.Misuse = ResumeNotPaused
	}
	v.notice(c)
}

func (d *direction) resume() { d.stopped, d.resumed, d.added = false, true, 0 }

// CloseStream implements [abi.Host].
func (v *vm) CloseStream(stream abi.StreamType) abi.Status {
	if stream > abi.StreamUpstream {
		return abi.StatusBadArgument
	}
	f := v.stream
	if f == nil || f.over {
		return abi.StatusOK
	}
	if f.tcp != nil {
		return v.closeConnection(stream)
	}
	if stream <= abi.StreamHTTPResponse {
		if !v.note(action{kind: resetStream}) {
			return abi.StatusInternalFailure
		}
		if v.observer != nil {
			v.notice(HostCall{Name: "proxy_close_stream", About: [...]string{"request", "response"}[stream]})
		}
	}
	return abi.StatusOK
}

// InjectEncodedData implements [abi.Host].
func (v *vm) InjectEncodedData(data []byte, endStream bool) abi.Status {
	return v.inject(injectResponseData, data, endStream)
}

func (v *vm) inject(kind actionKind, data []byte, endStream bool) abi.Status {
	f := v.stream
	if f == nil || f.over {
		return abi.StatusBadArgument
	}
	if !v.allow(len(data)) {
		return abi.StatusInternalFailure
	}
	b := message.Own(append([]byte(nil), data...))
	if !v.note(action{kind: kind, data: &b, end: endStream, cost: len(data)}) {
		return abi.StatusInternalFailure
	}
	return abi.StatusOK
}

// SetEffectiveContext implements [abi.Host]. Id 0 is the context that the callback is about. The stream's lock is handed
// over: the old one's is given back before the new one's is taken, so that nobody ever holds two.
func (v *vm) SetEffectiveContext(id uint32) abi.Status {
	r, f := v.callRoot, v.callStream
	if id != 0 {
		if f = v.streams[id]; f != nil {
			r = f.root
		} else if r = v.roots[id]; r == nil {
			return abi.StatusBadArgument
		}
	}
	if f != v.stream {
		if v.stream != nil {
			v.stream.cb.Unlock()
		}
		if f != nil {
			f.cb.Lock()
		}
	}
	v.root, v.stream = r, f
	return abi.StatusOK
}

// SetTickPeriod implements [abi.Host].
func (v *vm) SetTickPeriod(millis uint32) abi.Status {
	r := v.root
	if r == nil {
		return abi.StatusBadArgument
	}
	period := time.Duration(millis) * time.Millisecond
	if least := r.plugin.cfg.Limits.MinTickPeriod; period > 0 && period < least {
		v.exceeded("MinTickPeriod", least, slog.Duration("period", period))
		return abi.StatusInternalFailure
	}
	if int32(millis) < 0 {
		// To the host it is a long time, as in Envoy; to who wrote the plugin it may be a mistake.
		v.complain("negative period", "plugin sets a negative tick period, which is taken as a number without a sign",
			slog.Duration("period", period))
	}
	r.period = period
	if !r.rearm {
		r.rearm = true
		v.rearmed = append(v.rearmed, r)
	}
	return abi.StatusOK
}

// Done implements [abi.Host].
func (v *vm) Done() abi.Status {
	r := v.root
	if r == nil || !r.waiting {
		return abi.StatusNotFound
	}
	r.waiting = false
	v.done = append(v.done, r)
	return abi.StatusOK
}

// CurrentTimeNanoseconds implements [abi.Host].
func (v *vm) CurrentTimeNanoseconds() (uint64, abi.Status) {
	return uint64(v.group.host.clock.Now().UnixNano()), abi.StatusOK
}
