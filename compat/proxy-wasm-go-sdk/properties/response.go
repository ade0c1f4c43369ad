package properties

// GetResponseCode returns the property response.code, a number.
func GetResponseCode() (uint64, error) { return number("response", "code") }

// GetResponseCodeDetails returns the property response.code_details.
func GetResponseCodeDetails() (string, error) { return text("response", "code_details") }

// GetResponseFlags returns the property response.flags, a number.
func GetResponseFlags() (uint64, error) { return number("response", "flags") }

// GetResponseGrpcStatusCode returns the property response.grpc_status, a number.
func GetResponseGrpcStatusCode() (uint64, error) { return number("response", "grpc_status") }

// GetResponseHeaders returns the property response.headers, a map.
func GetResponseHeaders() (map[string]string, error) { return textMap("response", "headers") }

// GetResponseTrailers returns the property response.trailers, a map.
func GetResponseTrailers() (map[string]string, error) { return textMap("response", "trailers") }

// GetResponseSize returns the property response.size, a number.
func GetResponseSize() (uint64, error) { return number("response", "size") }

// GetResponseTotalSize returns the property response.total_size, a number.
func GetResponseTotalSize() (uint64, error) { return number("response", "total_size") }
