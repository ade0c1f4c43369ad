package proxywasm

import sdk "github.com/sluice-gateway/sluice/sdk/proxywasm"

// SendHttpResponse answers the request without the upstream, once the callback has returned. gRPCStatus is for gRPC
// clients; -1 derives it from the status.
func SendHttpResponse(statusCode uint32, headers [][2]string, body []byte, gRPCStatus int32) error {
	return sdk.SendHttpResponse(statusCode, headers, body, gRPCStatus)
}

// SendHttpResponseWithDetail is [SendHttpResponse] with a detail for access logs.
func SendHttpResponseWithDetail(statusCode uint32, statusCodeDetailData string, headers [][2]string, body []byte, gRPCStatus int32) error {
	return sdk.SendHttpResponseWithDetail(statusCode, statusCodeDetailData, headers, body, gRPCStatus)
}

// ResumeHttpRequest lets a paused request go on.
func ResumeHttpRequest() error { return sdk.ResumeHttpRequest() }

// ResumeHttpResponse lets a paused response go on.
func ResumeHttpResponse() error { return sdk.ResumeHttpResponse() }

// ContinueTcpStream lets a paused connection go on.
func ContinueTcpStream() error { return sdk.ContinueTcpStream() }

// CloseDownstream closes the client's connection.
func CloseDownstream() error { return sdk.CloseDownstream() }

// CloseUpstream closes the upstream's connection.
func CloseUpstream() error { return sdk.CloseUpstream() }

// InjectEncodedDataToFilterChain sends body bytes to the client, past this plugin. endStream ends the response.
func InjectEncodedDataToFilterChain(body []byte, endStream bool) error {
	return sdk.InjectEncodedDataToFilterChain(body, endStream)
}

// GetUpstreamHosts returns the hosts of the route's cluster: address, and metrics in text form or "".
func GetUpstreamHosts() ([][2]string, error) { return sdk.GetUpstreamHosts() }

// SetUpstreamOverrideHost makes the router prefer the host with this address.
func SetUpstreamOverrideHost(address []byte) error { return sdk.SetUpstreamOverrideHost(address) }
