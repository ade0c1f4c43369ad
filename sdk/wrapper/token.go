package wrapper

import "strings"

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
