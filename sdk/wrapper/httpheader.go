package wrapper

// Header are the headers of a response, by their names in canonical form ("Content-Type"; ":status" stays as it is), with
// all values of each in their order. It is what http.Header is, which http.Header(h) makes of it: this package does
// without net/http, whose import alone doubles a module.
type Header map[string][]string

// Get returns the first value of a header, "" if there is none. The name's case does not matter.
func (h Header) Get(key string) string {
	if v := h[canonical(key)]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// Values returns all values of a header. The name's case does not matter. The slice is not a copy.
func (h Header) Values(key string) []string { return h[canonical(key)] }

func (h Header) add(key, value string) {
	key = canonical(key)
	h[key] = append(h[key], value)
}

// canonical returns a header's name with upper case at the beginning and after each "-" and lower case elsewhere, as
// http.CanonicalHeaderKey does: what is no name stays as it is.
func canonical(name string) string {
	same, begin := true, true
	for i := range len(name) {
		c := name[i]
		if !tokenByte(c) {
			return name
		}
		if begin && 'a' <= c && c <= 'z' || !begin && 'A' <= c && c <= 'Z' {
			same = false
		}
		begin = c == '-'
	}
	if same {
		return name
	}
	b := []byte(name)
	begin = true
	for i, c := range b {
		if begin && 'a' <= c && c <= 'z' || !begin && 'A' <= c && c <= 'Z' {
			b[i] = c ^ 0x20
		}
		begin = c == '-'
	}
	return string(b)
}

// tokenByte says whether c may be part of a header's name (RFC 9110, section 5.6.2).
func tokenByte(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	switch c {
	case '!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~':
		return true
	}
	return false
}

// equalFold says whether s is lower, which is in lower case, but for the case of its letters.
func equalFold(s, lower string) bool {
	if len(s) != len(lower) {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
