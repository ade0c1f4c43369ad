package wrapper

import "strings"

// splitURL returns the authority of a URL, "" if it has none, and its path with the query, both as they are to be sent:
// nothing is decoded, so what is encoded stays so. Package net/url would decode, and is large.
func splitURL(raw string) (authority, path string, err error) {
	raw, _, _ = strings.Cut(raw, "#")
	for i := range len(raw) {
		if c := raw[i]; c < ' ' || c == 0x7f {
			return "", "", ErrURL // in a header it would end, or begin, another
		}
	}
	path = raw
	if rest, ok := afterScheme(raw); ok {
		end := strings.IndexAny(rest, "/?")
		if end < 0 {
			end = len(rest)
		}
		authority, path = rest[:end], rest[end:]
		if at := strings.LastIndexByte(authority, '@'); at >= 0 {
			authority = authority[at+1:] // user and password are no part of an authority in HTTP
		}
		if authority != "" && !isHost(authority) {
			return "", "", ErrURL
		}
	}
	if path == "" || path[0] != '/' {
		path = "/" + path
	}
	if strings.IndexByte(path, ' ') >= 0 {
		path = strings.ReplaceAll(path, " ", "%20")
	}
	return authority, path, nil
}

// afterScheme returns what follows "scheme://", if raw begins so.
func afterScheme(raw string) (string, bool) {
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok || scheme == "" {
		return "", false
	}
	for i := range len(scheme) {
		switch c := scheme[i] | 0x20; {
		case 'a' <= c && c <= 'z':
		case i > 0 && ('0' <= scheme[i] && scheme[i] <= '9' || scheme[i] == '+' || scheme[i] == '-' || scheme[i] == '.'):
		default:
			return "", false
		}
	}
	return rest, true
}

func withoutQuery(path string) string {
	path, _, _ = strings.Cut(path, "?")
	return path
}
