package properties

// GetRequestPath returns the property request.path.
func GetRequestPath() (string, error) { return text("request", "path") }

// GetRequestUrlPath returns the property request.url_path.
func GetRequestUrlPath() (string, error) { return text("request", "url_path") }

// GetRequestHost returns the property request.host.
func GetRequestHost() (string, error) { return text("request", "host") }

// GetRequestScheme returns the property request.scheme.
func GetRequestScheme() (string, error) { return text("request", "scheme") }

// GetRequestMethod returns the property request.method.
func GetRequestMethod() (string, error) { return text("request", "method") }

// GetRequestHeaders returns the property request.headers, a map.
func GetRequestHeaders() (map[string]string, error) { return textMap("request", "headers") }

// GetRequestReferer returns the property request.referer.
func GetRequestReferer() (string, error) { return text("request", "referer") }

// GetRequestUserAgent returns the property request.useragent.
func GetRequestUserAgent() (string, error) { return text("request", "useragent") }

// GetRequestId returns the property request.id.
func GetRequestId() (string, error) { return text("request", "id") }

// GetRequestProtocol returns the property request.protocol.
func GetRequestProtocol() (string, error) { return text("request", "protocol") }

// GetRequestQuery returns the property request.query.
func GetRequestQuery() (string, error) { return text("request", "query") }

// GetRequestDuration returns the property request.duration, a number.
func GetRequestDuration() (uint64, error) { return number("request", "duration") }

// GetRequestSize returns the property request.size, a number.
func GetRequestSize() (uint64, error) { return number("request", "size") }

// GetRequestTotalSize returns the property request.total_size, a number.
func GetRequestTotalSize() (uint64, error) { return number("request", "total_size") }
