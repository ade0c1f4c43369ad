package gateway

import "github.com/sluice-gateway/sluice/message"

// headerError is a header that a filter set and that cannot be sent. Envoy answers such a request 503 with the reason as
// body (observed with 1.40); net/http would refuse it later, with an error that cannot be told from others.
type headerError struct{ reason string }

func (e *headerError) Error() string { return e.reason }

// checkRequestHeaders reports what of h cannot be sent to an upstream, nil if all can.
//
// It is stricter than Envoy in the request line and in :authority: Envoy 1.40 writes a method or a path with spaces as
// it is, which an upstream may read as another request than the filters saw. Here they are refused like the rest.
// asRead leaves out the fields that net/http checks when it reads them.
func checkRequestHeaders(h *message.Headers, asRead bool) error {
	var method, path bool
	for _, f := range h.Fields() {
		if asRead && f.Name[0] != ':' {
			continue
		}
		valid := validValue(f.Value)
		switch f.Name {
		case ":method":
			method, valid = true, validToken(f.Value)
		case ":path":
			path, valid = true, validPath(f.Value)
		case ":authority":
			valid = validAuthority(f.Value)
		case ":scheme", ":protocol", ":status":
		default:
			if !validToken(f.Name) {
				return &headerError{"invalid header name: " + printable(f.Name)}
			}
		}
		if !valid {
			return &headerError{"invalid header value for: " + f.Name}
		}
	}
	if !method {
		return &headerError{"missing required header: :method"}
	}
	if !path {
		return &headerError{"missing required header: :path"}
	}
	return nil
}

// validToken reports whether s is a token of RFC 9110, as field names and methods must be.
func validToken(s string) bool {
	for i := range len(s) {
		if !isTokenByte(s[i]) {
			return false
		}
	}
	return s != ""
}

func isTokenByte(c byte) bool {
	switch c {
	case '!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~':
		return true
	}
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// validValue reports whether s may be a field's value: no control characters but tabs. Bytes beyond ASCII may pass.
func validValue(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// validPath reports whether s may stand in a request line: an absolute path or "*", and nothing that ends it early.
func validPath(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c == 0x7f {
			return false
		}
	}
	return s != "" && (s[0] == '/' || s == "*")
}

// validAuthority reports whether s may be a Host header's value; empty may. The characters are those of RFC 3986's host
// and port, which are also those that net/http sends: with another in it, it would send an empty Host.
func validAuthority(s string) bool {
	for i := range len(s) {
		switch c := s[i]; c {
		case '!', '$', '%', '&', '\'', '(', ')', '*', '+', ',', '-', '.', ':', ';', '=', '[', ']', '_', '~':
		default:
			if ('0' > c || c > '9') && ('a' > c || c > 'z') && ('A' > c || c > 'Z') {
				return false
			}
		}
	}
	return true
}

// printable returns s with what is not printable ASCII replaced, for errors that clients and logs see.
func printable(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c < ' ' || c > '~' {
			b[i] = '?'
		}
	}
	return string(b)
}
