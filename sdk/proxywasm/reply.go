package proxywasm

import (
	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/internal/hostcall"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
)

// Integer is any integer type: what an HTTP status may be written as.
type Integer interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~uintptr
}

// SendHttpResponse answers the request without the upstream, once the callback has returned. The first answer on a
// stream counts. gRPCStatus is for gRPC clients; -1 derives it from the status.
//
// statusCode is any integer: constants, the int of a call-out's response, the uint32 of other SDKs. A negative one is
// types.ErrorStatusBadArgument, and so are more headers than a host takes. A :status among headers counts for nothing: the
// headers of another response can be handed over as they are.
func SendHttpResponse[S Integer](statusCode S, headers [][2]string, body []byte, gRPCStatus int32) error {
	return SendHttpResponseWithDetail(statusCode, "", headers, body, gRPCStatus)
}

// SendHttpResponseWithDetail is [SendHttpResponse] with a detail for access logs, where %RESPONSE_CODE_DETAILS% shows
// it.
func SendHttpResponseWithDetail[S Integer](statusCode S, statusCodeDetailData string, headers [][2]string, body []byte, gRPCStatus int32) error {
	if statusCode < 0 || uint64(statusCode) > 999 {
		return types.ErrorStatusBadArgument
	}
	return sendHTTPResponse(uint32(statusCode), statusCodeDetailData, headers, body, gRPCStatus)
}

func sendHTTPResponse(code uint32, detail string, headers [][2]string, body []byte, grpcStatus int32) error {
	pairs, err := encodePairs(headers)
	if err != nil {
		return err
	}
	return statusError(hostcall.SendLocalResponse(code, detail, body, pairs, grpcStatus))
}

// ResumeHttpRequest lets a paused request go on, once the callback has returned. The request's headers and body cannot
// be changed after it: edit first.
func ResumeHttpRequest() error { return statusError(hostcall.ContinueStream(abi.StreamHTTPRequest)) }

// ResumeHttpResponse lets a paused response go on, once the callback has returned. The response's headers and body
// cannot be changed after it: edit first. In the callback of a wrapper's RouteCall it does nothing, for there the response
// goes on by itself.
func ResumeHttpResponse() error {
	if hostcall.GoesOn(vm.active) {
		return nil
	}
	return statusError(hostcall.ContinueStream(abi.StreamHTTPResponse))
}
