package wrapper

import (
	"errors"
	"strings"
)

var (
	errBadURL     = errors.New("not a URL that can be called")
	errEscape     = errors.New("not a URL that can be called: % without two hexadecimal digits")
	errUserInfo   = errors.New("not a URL that can be called: it has user information")
	errNotHTTPURL = errors.New("not a URL that can be called: its scheme is neither http nor https")
)

// parseTarget splits a URL, or a path with or without a query, into the host, "" if it has none, and what is sent as
// :path. Nothing is decoded; spaces and bytes beyond ASCII are encoded, a fragment is dropped, control characters are an
// error.
func parseTarget(url string) (host, target string, err error) {
	rest, _, _ := strings.Cut(url, "#")
	head, query, hasQuery := strings.Cut(rest, "?")
	if scheme, after, ok := strings.Cut(head, "://"); ok && !strings.Contains(scheme, "/") {
		if !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https") {
			return "", "", errNotHTTPURL
		}
		head = "//" + after
		if after == "" || after[0] == '/' {
			return "", "", errBadURL
		}
	}
	if strings.HasPrefix(head, "//") {
		host = head[2:]
		head = ""
		if i := strings.IndexByte(host, '/'); i >= 0 {
			host, head = host[:i], host[i:]
		}
		if strings.Contains(host, "@") {
			return "", "", errUserInfo
		}
		if !isHost(host) {
			return "", "", errBadURL
		}
	} else if first, _, _ := strings.Cut(head, "/"); strings.Contains(first, ":") {
		return "", "", errBadURL // host:port, or a scheme that is none of ours
	}
	out := make([]byte, 0, len(url)+1)
	if !strings.HasPrefix(head, "/") {
		out = append(out, '/')
	}
	for i := range len(head) {
		if head[i] == '%' && !escaped(head[i:]) {
			return "", "", errEscape
		}
	}
	if out, err = appendEscaped(out, head); err != nil {
		return "", "", err
	}
	if hasQuery {
		if out, err = appendEscaped(append(out, '?'), query); err != nil {
			return "", "", err
		}
	}
	return host, string(out), nil
}

// appendEscaped appends what stands in a URL as it may be sent.
func appendEscaped(dst []byte, s string) ([]byte, error) {
	const hex = "0123456789ABCDEF"
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ' || c == 0x7f:
			return nil, errBadURL
		case c == ' ' || c > 0x7f:
			dst = append(dst, '%', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return dst, nil
}

// isHost says whether s can be an authority: a name or an address, with a port or not.
func isHost(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !isAlphanumeric(c) && !strings.ContainsRune("-._~:[]%!$&'()*+,;=", rune(c)) {
			return false
		}
	}
	return s != "" && s[0] != ':'
}

// isToken says whether s is a token of HTTP (RFC 9110, 5.6.2).
func isToken(s string) bool {
	for i := range len(s) {
		if c := s[i]; !isAlphanumeric(c) && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) {
			return false
		}
	}
	return s != ""
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
