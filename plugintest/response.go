package plugintest

import "net/http"

// Response is what became of a request.
type Response struct {
	// Status, Header, Body and Trailer are what the client got; Status is 0 if it got no answer.
	Status  int
	Header  http.Header
	Body    string
	Trailer http.Header
	// Err is why the client got no whole answer: the gateway broke it off, say. Nil if it did.
	Err error
	// Details is the gateway's reason for the answer, as access logs have it (%RESPONSE_CODE_DETAILS%): "via_upstream",
	// "request_payload_too_large", and so on. Flags are its response flags, "" for none.
	Details, Flags string
	// Upstream is the request that the upstream got, nil if none reached it.
	Upstream *UpstreamRequest
}
