package plugintest

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

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
	// LocalReply is the answer that the plugin gave itself, nil for none. What the client got of it is above.
	LocalReply *LocalReply
	// Callbacks are those that the plugin had for this request, in order.
	Callbacks []Callback
	// Worker is the number of the VM that served the request, -1 if none did.
	Worker int

	request    *Request
	properties map[string]string
}

// Property returns what the plugin set a property of the request's stream to, last; ok is false if it did not. Access
// logs have it as %FILTER_STATE(wasm.NAME)%.
func (r *Response) Property(path ...string) (value string, ok bool) {
	value, ok = r.properties[strings.Join(path, "\x00")]
	return value, ok
}

// UserAttributes returns what the plugin wrote to the access log: WriteUserAttributeToLog, or, with another key,
// WriteUserAttributeToLogWithKey (keys are "custom_log", "ai_log"). It is nil if the plugin wrote none under that key.
func (r *Response) UserAttributes(key string) map[string]any {
	text, ok := r.Property(key)
	if !ok {
		return nil
	}
	// It is the inside of a JSON string, for access logs in JSON, whose text is JSON itself.
	var inner string
	if json.Unmarshal([]byte(`"`+text+`"`), &inner) != nil {
		inner = text
	}
	attributes := map[string]any{}
	if json.Unmarshal([]byte(inner), &attributes) != nil {
		return nil
	}
	return attributes
}

// SpanTags returns the tags that the plugin gave the request's trace span, by name.
func (r *Response) SpanTags() map[string]string {
	tags := map[string]string{}
	for path, value := range r.properties {
		if name, ok := strings.CutPrefix(path, abi.PropertyTraceSpanTagPrefix); ok {
			tags[name] = value
		}
	}
	return tags
}
