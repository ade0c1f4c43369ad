package wrapper

import (
	"strconv"
	"strings"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/internal/hostcall"
	"github.com/sluice-gateway/sluice/sdk/log"
	"github.com/sluice-gateway/sluice/sdk/proxywasm"
)

// The functions below read the headers themselves, so they are for the header phase of their message. The methods of
// HttpContext of the same names answer in every phase, and know more.

// requestHeader returns a request header that every request has.
func requestHeader(name string) string {
	v, err := proxywasm.GetHttpRequestHeader(name)
	if err != nil {
		log.Error("reading the request's " + name + ": " + err.Error())
	}
	return v
}

// GetRequestScheme returns :scheme, in the request's header phase. Prefer [HttpContext].Scheme.
func GetRequestScheme() string { return requestHeader(":scheme") }

// GetRequestHost returns :authority, in the request's header phase. Prefer [HttpContext].Host.
func GetRequestHost() string { return requestHeader(":authority") }

// GetRequestPath returns :path, with the query, in the request's header phase. Prefer [HttpContext].Path.
func GetRequestPath() string { return requestHeader(":path") }

// GetRequestMethod returns :method, in the request's header phase. Prefer [HttpContext].Method.
func GetRequestMethod() string { return requestHeader(":method") }

// GetRequestPathWithoutQuery returns the path of :path, decoded, in the request's header phase. A path that cannot be
// decoded is "". What upstreams see is the path as it came: compare that where a decision hangs on it.
func GetRequestPathWithoutQuery() string {
	path, _, _ := strings.Cut(GetRequestPath(), "?")
	path, _, _ = strings.Cut(path, "#")
	decoded, ok := unescape(path)
	if !ok {
		log.Error("the request's path cannot be decoded")
		return ""
	}
	return decoded
}

// unescape decodes %XX.
func unescape(path string) (string, bool) {
	if !strings.Contains(path, "%") {
		return path, true
	}
	out := make([]byte, 0, len(path))
	for i := 0; i < len(path); i++ {
		if path[i] != '%' {
			out = append(out, path[i])
			continue
		}
		if !escaped(path[i:]) {
			return "", false
		}
		out = append(out, unhex(path[i+1])<<4|unhex(path[i+2]))
		i += 2
	}
	return string(out), true
}

// escaped says whether s begins with %XX.
func escaped(s string) bool {
	return len(s) > 2 && unhex(s[1]) < 16 && unhex(s[2]) < 16
}

// unhex returns what a hexadecimal digit stands for, more than 15 for what is none.
func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 0xff
}

// headerOf returns the first value of a header, "" if there is none.
func headerOf(m abi.MapType, name string) string {
	v, _ := hostcall.Header(m, name)
	return v
}

// HasRequestBody guesses from the request's headers whether a body follows. Prefer [HttpContext].HasRequestBody, which
// knows.
func HasRequestBody() bool { return announcesBody(abi.MapHTTPRequestHeaders) }

// HasResponseBody guesses from the response's headers whether a body follows. Prefer [HttpContext].HasResponseBody,
// which knows.
func HasResponseBody() bool { return announcesBody(abi.MapHTTPResponseHeaders) }

// announcesBody goes by the length if there is one, else by what says something about a body.
func announcesBody(m abi.MapType) bool {
	if n, err := strconv.Atoi(headerOf(m, "content-length")); err == nil {
		return n != 0
	}
	return headerOf(m, "content-type") != "" || containsFold(headerOf(m, "transfer-encoding"), "chunked")
}

// IsWebsocket says whether the request asks for a websocket, in its header phase. Prefer [HttpContext].IsWebsocket.
func IsWebsocket() bool {
	return containsFold(headerOf(abi.MapHTTPRequestHeaders, "connection"), "upgrade") &&
		strings.EqualFold(headerOf(abi.MapHTTPRequestHeaders, "upgrade"), "websocket")
}

// IsBinaryRequestBody says whether the request's headers announce a binary body, in their phase. Prefer
// [HttpContext].IsBinaryRequestBody.
func IsBinaryRequestBody() bool { return announcesBinary(abi.MapHTTPRequestHeaders) }

// IsBinaryResponseBody says whether the response's headers announce a binary body, in their phase. Prefer
// [HttpContext].IsBinaryResponseBody.
func IsBinaryResponseBody() bool { return announcesBinary(abi.MapHTTPResponseHeaders) }

func announcesBinary(m abi.MapType) bool {
	return binaryType(headerOf(m, "content-type")) || binaryEncoding(headerOf(m, "content-encoding"))
}

// IsApplicationJson says whether the response's content-type is application/json, in the response's header phase.
func IsApplicationJson() bool {
	return containsFold(headerOf(abi.MapHTTPResponseHeaders, "content-type"), "application/json")
}

// IsResponseFromUpstream says whether the response comes from the upstream, not from the gateway, in a response phase or
// later.
func IsResponseFromUpstream() bool {
	details, err := proxywasm.GetProperty([]string{"response", "code_details"})
	if err != nil {
		log.Error("reading response.code_details: " + err.Error())
	}
	return string(details) == "via_upstream"
}
