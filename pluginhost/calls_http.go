package pluginhost

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strconv"
	"time"

	"github.com/sluice-gateway/sluice/message"
	"github.com/sluice-gateway/sluice/sdk/abi"
)

// errCallTimeout is the cause with which its timeout ends a call-out.
var errCallTimeout = errors.New("call-out timed out")

// errBodyTooLarge is a response that is not kept: one body of it is larger than maxReplyBody, or all together are more
// than the plugin may have.
var errBodyTooLarge = errors.New("response is too large")

// HTTPCall implements [abi.Host]. As in Envoy: trailers are taken and not sent; there are no retries; who asked for
// the call is not told (no x-forwarded-for); that it comes from inside, and its timeout, are.
//
// A call to a cluster without a healthy host fails at once, without a callback. Every other call has one: with the
// response, with the gateway's own 503 or 504 if there was none, or with nothing if the response broke off.
func (v *vm) HTTPCall(cluster []byte, headers abi.Pairs, body []byte, _ abi.Pairs, timeoutMillis uint32) (uint32, abi.Status) {
	if int32(timeoutMillis) < 0 {
		return 0, abi.StatusBadArgument
	}
	up, status := v.callable(string(cluster))
	if status != abi.StatusOK {
		return 0, status
	}
	if !legalPairs(headers) {
		return 0, abi.StatusBadArgument
	}
	if !v.allow(len(headers) + 64*headers.Len() + len(body)) {
		return 0, abi.StatusInternalFailure
	}
	timeout := time.Duration(timeoutMillis) * time.Millisecond
	h := callHeaders(headers)
	if !h.Has(":path") || !h.Has(":method") || !h.Has(":authority") {
		return 0, abi.StatusBadArgument
	}
	h.Del("content-length")
	if len(body) > 0 {
		h.Append("content-length", strconv.Itoa(len(body)))
	}
	timeout = finishCallHeaders(h, timeout)
	c, address, status := v.openCall(calloutHTTP, string(cluster), up, len(body))
	if status != abi.StatusOK {
		return 0, status
	}
	x := httpExchange{call: c, to: up, address: address, headers: h, timeout: timeout}
	if len(body) > 0 {
		x.body = append([]byte(nil), body...)
	}
	c.run(x.run)
	if v.observer != nil {
		v.notice(HostCall{Name: "proxy_http_call", About: string(cluster)})
	}
	return c.id, abi.StatusOK
}

// callHeaders returns the headers of a call. As in Envoy a host header is another name for :authority.
func callHeaders(pairs abi.Pairs) *message.Headers {
	h := &message.Headers{}
	for name, value := range pairs.All() {
		h.Add(string(name), string(value))
	}
	if host, ok := h.Get("host"); ok {
		if !h.Has(":authority") {
			h.Append(":authority", host)
		}
		h.Del("host")
	}
	return h
}

// finishCallHeaders adds what Envoy's router adds to a call, and takes out the headers that steer it (observed with Envoy
// 1.40, which retries where such a header says so; here no call is repeated). It returns the timeout, which one of them
// may set.
func finishCallHeaders(h *message.Headers, timeout time.Duration) time.Duration {
	if ms, err := strconv.ParseUint(h.Value("x-envoy-upstream-rq-timeout-ms"), 10, 31); err == nil {
		timeout = time.Duration(ms) * time.Millisecond
	}
	for _, name := range [...]string{
		"x-envoy-upstream-rq-timeout-ms", "x-envoy-upstream-rq-per-try-timeout-ms", "x-envoy-upstream-rq-timeout-alt-response",
		"x-envoy-upstream-alt-stat-name", "x-envoy-hedge-on-per-try-timeout", "x-envoy-max-retries", "x-envoy-retry-on",
		"x-envoy-retry-grpc-on", "x-envoy-retriable-status-codes", "x-envoy-retriable-header-names",
		"x-envoy-expected-rq-timeout-ms",
	} {
		h.Del(name)
	}
	h.Set("x-envoy-internal", "true")
	if timeout > 0 {
		h.Append("x-envoy-expected-rq-timeout-ms", strconv.FormatInt(timeout.Milliseconds(), 10))
	}
	return timeout
}

// httpExchange is the work of one HTTP call.
type httpExchange struct {
	call    *callout
	to      UpstreamCluster
	address string
	headers *message.Headers
	body    []byte
	timeout time.Duration
}

// run carries the call out and hands over what came of it.
func (x *httpExchange) run() {
	ctx := x.call.ctx
	if x.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, x.timeout, errCallTimeout)
		defer cancel()
	}
	r, err := x.send(ctx)
	if errors.Is(err, errBodyTooLarge) {
		x.call.logDropped(err)
	}
	x.call.complete("proxy_on_http_call_response", r, func(p abi.Plugin) error {
		var trailers int
		if r.trailers != nil {
			trailers = r.trailers.Len()
		}
		var headers int
		if r.headers != nil {
			headers = r.headers.Len()
		}
		return p.OnHTTPCallResponse(x.call.root.id, x.call.id, uint32(headers), uint32(len(r.body)), uint32(trailers))
	})
}

// send returns what the plugin gets; err says what went wrong.
func (x *httpExchange) send(ctx context.Context) (r reply, err error) {
	var body io.Reader
	if x.body != nil {
		body = bytes.NewReader(x.body)
	}
	resp, err := x.to.Send(ctx, x.address, x.headers, body, int64(len(x.body)))
	if err != nil {
		return reply{headers: failureHeaders(err), body: []byte(failureText(err)), hasBody: true}, err
	}
	defer resp.Body.Close()
	r = reply{headers: resp.Headers, hasBody: true}
	if !resp.EndStream {
		if r.body, err = x.call.readBody(resp.Body); err != nil {
			// It broke off: the plugin gets nothing (source: Envoy's AsyncRequestSharedImpl::onReset).
			return reply{failed: true}, err
		}
		r.trailers = resp.Trailers()
	}
	return r, nil
}

// failureCode is the status of the gateway's own answer to a call that had no response: what the upstream's failure
// says, or 504 for a timeout.
func failureCode(err error) int {
	var up *UpstreamError
	if errors.As(err, &up) {
		return up.Code
	}
	return 504
}

func failureText(err error) string {
	var up *UpstreamError
	if errors.As(err, &up) {
		return up.Text
	}
	return "upstream request timeout"
}

// failureHeaders are the headers of that answer.
func failureHeaders(err error) *message.Headers {
	h := message.NewHeaders(":status", strconv.Itoa(failureCode(err)))
	if text := failureText(err); text != "" {
		h.Append("content-length", strconv.Itoa(len(text)))
		h.Append("content-type", "text/plain")
	}
	return h
}

// readBody reads all of a response, as far as it may be kept.
func (c *callout) readBody(from io.Reader) ([]byte, error) {
	body := make([]byte, 0, 512)
	for {
		n, err := from.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		if len(body) > maxReplyBody || !c.hold(n) {
			return nil, errBodyTooLarge
		}
		if err == io.EOF {
			return body, nil
		}
		if err != nil {
			return nil, err
		}
		if len(body) == cap(body) {
			body = append(body, 0)[:len(body)]
		}
	}
}

// replyMap returns a map of the call-out that the running callback is about, nil if there is none. As in Envoy these
// belong to the root context, whichever stream of it is the effective context.
func (v *vm) replyMap(m abi.MapType) *message.Headers {
	if v.reply == nil || v.root != v.callRoot {
		return nil
	}
	switch m {
	case abi.MapGRPCReceiveInitialMetadata:
		return v.reply.initialMetadata
	case abi.MapGRPCReceiveTrailingMetadata:
		return v.reply.trailingMetadata
	case abi.MapHTTPCallResponseHeaders:
		return v.reply.headers
	case abi.MapHTTPCallResponseTrailers:
		return v.reply.trailers
	}
	return nil
}

// replyBuffer returns a buffer of the call-out that the running callback is about.
func (v *vm) replyBuffer(b abi.BufferType) (data []byte, ok bool) {
	r := v.reply
	if r == nil || v.root != v.callRoot {
		r = &reply{}
	}
	switch b {
	case abi.BufferHTTPCallResponseBody:
		return r.body, r.hasBody
	case abi.BufferGRPCReceive:
		return r.grpc, true // empty where there is none, as in Envoy
	case abi.BufferRedisCallResponse:
		return r.redis, r.hasRedis
	}
	return nil, false
}

// GetStatus implements [abi.Host]: the status of the last gRPC call that ended, or, in the callback of an HTTP call that
// broke off, BrokenConnection. The message is there in the callback only.
func (v *vm) GetStatus(dst []byte) ([]byte, uint32, abi.Status) {
	if v.root == nil || v.stream != nil {
		return dst, 0, abi.StatusOK
	}
	if v.reply != nil && v.root == v.callRoot {
		dst = append(dst, v.reply.statusMessage...)
	}
	return dst, v.root.callStatus, abi.StatusOK
}
