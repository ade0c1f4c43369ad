package message

// inlineDelimiter says how Envoy joins a repeated value of name onto the first, "" where it keeps both. Envoy keeps
// the headers it knows by name ("inline" headers) as one entry each.
func inlineDelimiter(name string) string {
	switch name {
	case "cookie":
		return "; "
	case "accept", "accept-encoding", "access-control-allow-headers", "access-control-allow-methods",
		"access-control-allow-origin", "access-control-expose-headers", "access-control-max-age",
		"access-control-allow-credentials", "access-control-request-headers", "access-control-request-method",
		"authorization", "cache-control", "cdn-loop", "client-trace-id", "connection", "content-encoding",
		"content-length", "content-type", "date", "etag", "expect", "grpc-accept-encoding", "grpc-message",
		"grpc-status", "grpc-timeout", "host", "if-match", "if-modified-since", "if-none-match", "if-range",
		"if-unmodified-since", "keep-alive", "location", "origin", "pragma", "proxy-authenticate",
		"proxy-connection", "proxy-status", "referer", "server", "te", "transfer-encoding", "upgrade",
		"user-agent", "vary", "via", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host",
		"x-request-id", ":authority", ":method", ":path", ":scheme", ":status", ":protocol":
		return ","
	}
	return ""
}
