package wrapper

import (
	"github.com/tidwall/gjson"

	"github.com/sluice-gateway/sluice/sdk/proxywasm"
	"github.com/sluice-gateway/sluice/sdk/wrapper"
)

// The functions below are those of package wrapper of the Sluice SDK, about the stream whose callback runs.

// GetRequestScheme returns :scheme.
func GetRequestScheme() string { return wrapper.GetRequestScheme() }

// GetRequestHost returns :authority.
func GetRequestHost() string { return wrapper.GetRequestHost() }

// GetRequestPath returns :path.
func GetRequestPath() string { return wrapper.GetRequestPath() }

// GetRequestPathWithoutQuery returns the path's part before the query, decoded.
func GetRequestPathWithoutQuery() string { return wrapper.GetRequestPathWithoutQuery() }

// GetRequestMethod returns :method.
func GetRequestMethod() string { return wrapper.GetRequestMethod() }

// IsWebsocket says whether the request asks for a websocket.
func IsWebsocket() bool { return wrapper.IsWebsocket() }

// IsBinaryRequestBody says whether the request's headers announce a binary body.
func IsBinaryRequestBody() bool { return wrapper.IsBinaryRequestBody() }

// IsBinaryResponseBody says whether the response's headers announce a binary body.
func IsBinaryResponseBody() bool { return wrapper.IsBinaryResponseBody() }

// HasRequestBody guesses from the request's headers.
func HasRequestBody() bool { return wrapper.HasRequestBody() }

// HasResponseBody guesses from the response's headers.
func HasResponseBody() bool { return wrapper.HasResponseBody() }

// IsApplicationJson says whether the response's content-type is JSON.
func IsApplicationJson() bool { return wrapper.IsApplicationJson() }

// IsResponseFromUpstream says whether the response came from the upstream, not from a filter.
func IsResponseFromUpstream() bool { return wrapper.IsResponseFromUpstream() }

// GetPluginFingerPrint returns the plugin's name at the host.
func GetPluginFingerPrint() string {
	name, _ := proxywasm.GetProperty([]string{"plugin_name"}) // "" where there is none
	return string(name)
}

// MarshalStr returns raw as the inside of a JSON string.
func MarshalStr(raw string) string { return wrapper.MarshalStr(raw) }

// UnmarshalStr returns the text of a JSON string, "" if it is none.
func UnmarshalStr(marshalledJsonStr string) string { return wrapper.UnmarshalStr(marshalledJsonStr) }

// UnifySSEChunk makes all line ends line feeds.
func UnifySSEChunk(data []byte) []byte { return wrapper.UnifySSEChunk(data) }

// GetValueFromBody returns the value at the first path that there is in data, nil if there is none.
func GetValueFromBody(data []byte, paths []string) *gjson.Result {
	for _, path := range paths {
		if v := gjson.GetBytes(data, path); v.Exists() {
			return &v
		}
	}
	return nil
}

// RegisterTickFunc has tickFunc called every tickPeriod milliseconds.
func RegisterTickFunc(tickPeriod int64, tickFunc func()) {
	wrapper.RegisterTickFunc(tickPeriod, tickFunc)
}
