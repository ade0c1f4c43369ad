package gateway

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
)

// errNoRoute, errClusterNotFound and errNoHealthyHost are failures before anything was sent; upstreamFailure knows their
// answers.
var (
	errNoRoute         = errors.New("no route")
	errClusterNotFound = errors.New("cluster not found")
	errNoHealthyHost   = errors.New("no healthy host")
)

// connectError is a connection that could not be made.
type connectError struct{ err error }

func (e *connectError) Error() string { return "connect: " + e.err.Error() }
func (e *connectError) Unwrap() error { return e.err }

// resetBody begins the body of each answer to an upstream that failed before its response began.
const resetBody = "upstream connect error or disconnect/reset before headers. reset reason: "

// upstreamFailure returns what Envoy answers when sending a request to its upstream failed with err before the response
// began: status, response flag, response code details and body. A status of 0 means that nobody is there to answer.
//
// Observed with Envoy 1.40:
//
//	refused                             503 UF  ...{remote_connection_failure|delayed_connect_error:_Connection_refused}
//	connect timeout                     503 UF  ...{connection_timeout}
//	closed or reset before a response   503 UC  ...{connection_termination}
//	closed within the response's head   502 UPE ...{protocol_error}
//	malformed or oversize head          502 UPE ...{protocol_error}
//	HTTP/1 answer to HTTP/2             502 UPE ...{protocol_error}
//	route timeout                       504 UT  response_timeout
//	no host                             503 UH  no_healthy_upstream
//	unknown cluster                     503 NC  cluster_not_found, no body
//	no route                            404 NR  route_not_found, no body
//	invalid header set by a filter      503 DPE filter_removed_required_request_headers{invalid_header_name:_x_y}
func upstreamFailure(err error) (status int, flag, details, body string) {
	var connect *connectError
	var header *headerError
	switch {
	case errors.Is(err, errNoRoute):
		return 404, "NR", "route_not_found", ""
	case errors.Is(err, errClusterNotFound):
		return 503, "NC", "cluster_not_found", ""
	case errors.Is(err, errNoHealthyHost):
		return 503, "UH", "no_healthy_upstream", "no healthy upstream"
	case errors.As(err, &header):
		return 503, "DPE", "filter_removed_required_request_headers{" + detailsToken(header.reason) + "}", header.reason
	case errors.As(err, &connect):
		if isTimeout(connect.err) {
			return 503, "UF", beforeResponse("connection timeout", ""), resetBody + "connection timeout"
		}
		const reason = "remote connection failure"
		return 503, "UF", beforeResponse(reason, transportFailureReason(err)), resetBody + reason
	case errors.Is(err, errRouteTimeout), errors.Is(err, context.DeadlineExceeded):
		return 504, "UT", "response_timeout", "upstream request timeout"
	case errors.Is(err, context.Canceled):
		return 0, "DC", "downstream_remote_disconnect", ""
	}
	reason, flag := resetReason(err)
	status = 503
	if flag == "UPE" {
		status = 502
	}
	return status, flag, beforeResponse(reason, ""), resetBody + reason
}

// upstreamBodyFailure returns the response flag and the response code details of a response that broke off with err.
//
// Observed with Envoy 1.40: a connection closed before the declared length is UPE
// upstream_reset_after_response_started{protocol_error}.
func upstreamBodyFailure(err error) (flag, details string) {
	switch {
	case errors.Is(err, errRouteTimeout), errors.Is(err, context.DeadlineExceeded):
		return "UT", "response_timeout"
	case errors.Is(err, context.Canceled):
		return "DC", "downstream_remote_disconnect"
	}
	reason, flag := "protocol error", "UPE"
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		reason, flag = resetReason(err)
	}
	return flag, "upstream_reset_after_response_started{" + detailsToken(reason) + "}"
}

func beforeResponse(reason, transport string) string {
	if transport != "" {
		reason += "|" + transport
	}
	return "upstream_reset_before_response_started{" + detailsToken(reason) + "}"
}

// transportFailureReason returns %UPSTREAM_TRANSPORT_FAILURE_REASON% of err, "" for none.
func transportFailureReason(err error) string {
	var connect *connectError
	if !errors.As(err, &connect) || isTimeout(connect.err) {
		return ""
	}
	var errno syscall.Errno
	if !errors.As(connect.err, &errno) {
		return "delayed connect error"
	}
	// Envoy shows the C library's text, which begins with a capital where Go's does not.
	text := errno.Error()
	return "delayed connect error: " + strings.ToUpper(text[:1]) + text[1:]
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}

// http2StreamError has the shape of net/http's error for a reset HTTP/2 stream, which lets errors.As fill it in
// (source: net/http/h2_error.go).
type http2StreamError struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

func (e http2StreamError) Error() string { return "HTTP/2 stream reset" }

// http2RefusedStream is HTTP/2's REFUSED_STREAM.
const http2RefusedStream = 7

// resetReason sorts the errors of net/http's transport into Envoy's reset reasons, with the response flag of each. net/http
// has no error values for most of them, so their texts must do; what is not known counts as a protocol error.
func resetReason(err error) (reason, flag string) {
	var reset http2StreamError
	if errors.As(err, &reset) {
		switch {
		case reset.Cause == nil || reset.Cause.Error() != "received from peer":
			return "protocol error", "UPE" // net/http reset it, for what the upstream sent
		case reset.Code == http2RefusedStream:
			return "remote refused stream reset", "UR"
		}
		return "remote reset", "UR"
	}
	const terminated = "connection termination"
	text := err.Error()
	switch {
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, net.ErrClosed),
		errors.Is(err, io.EOF):
		return terminated, "UC"
	case errors.Is(err, io.ErrUnexpectedEOF):
		if strings.Contains(text, "HTTP/1.x") {
			return "protocol error", "UPE" // in the middle of the response's head
		}
		return terminated, "UC"
	case strings.Contains(text, "server closed idle connection"),
		strings.Contains(text, "client connection lost"),
		strings.Contains(text, "client connection force closed"),
		strings.Contains(text, "client conn not usable"),
		strings.Contains(text, "client conn could not be established"),
		strings.Contains(text, "server sent GOAWAY"),
		strings.Contains(text, "conn was aborted"):
		return terminated, "UC"
	}
	return "protocol error", "UPE"
}

// transportFailureOf returns the transport's reason out of details that upstreamFailure made, "" for none.
func transportFailureOf(details string) string {
	rest, ok := strings.CutPrefix(details, "upstream_reset_before_response_started{")
	if !ok {
		return ""
	}
	_, reason, _ := strings.Cut(strings.TrimSuffix(rest, "}"), "|")
	return reason
}
