package jsontext

// scanner steps over JSON. Its methods leave pos after what they stepped over, or where it went wrong.
type scanner struct {
	text    string
	pos     int
	tooDeep bool
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

func (s *scanner) space() {
	for s.pos < len(s.text) && isSpace(s.text[s.pos]) {
		s.pos++
	}
}

func (s *scanner) literal(word string) bool {
	if len(s.text)-s.pos < len(word) || s.text[s.pos:s.pos+len(word)] != word {
		return false
	}
	s.pos += len(word)
	return true
}

func (s *scanner) value(depth int) bool {
	s.space()
	if depth > maxDepth {
		s.tooDeep = true
		return false
	}
	if s.pos == len(s.text) {
		return false
	}
	switch c := s.text[s.pos]; c {
	case '{':
		return s.list('}', func() bool {
			if !s.str() {
				return false
			}
			s.space()
			return s.literal(":") && s.value(depth+1)
		})
	case '[':
		return s.list(']', func() bool { return s.value(depth + 1) })
	case '"':
		return s.str()
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	case 'n':
		return s.literal("null")
	default:
		return s.number()
	}
}

// list steps over an opening bracket, elements with commas between, and end.
func (s *scanner) list(end byte, element func() bool) bool {
	s.pos++
	s.space()
	if s.pos < len(s.text) && s.text[s.pos] == end {
		s.pos++
		return true
	}
	for {
		s.space()
		if !element() {
			return false
		}
		s.space()
		if s.pos == len(s.text) {
			return false
		}
		switch s.text[s.pos] {
		case end:
			s.pos++
			return true
		case ',':
			s.pos++
		default:
			return false
		}
	}
}

func (s *scanner) str() bool {
	if !s.literal(`"`) {
		return false
	}
	for s.pos < len(s.text) {
		switch c := s.text[s.pos]; {
		case c == '"':
			s.pos++
			return true
		case c < ' ':
			return false
		case c == '\\':
			if !s.escape() {
				return false
			}
		default:
			s.pos++
		}
	}
	return false
}

func (s *scanner) escape() bool {
	s.pos++
	if s.pos == len(s.text) {
		return false
	}
	switch s.text[s.pos] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.pos++
		return true
	case 'u':
		for range 4 {
			s.pos++
			if s.pos == len(s.text) || !isHex(s.text[s.pos]) {
				return false
			}
		}
		s.pos++
		return true
	}
	return false
}

func isHex(c byte) bool {
	return isDigit(c) || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func (s *scanner) digits() bool {
	start := s.pos
	for s.pos < len(s.text) && isDigit(s.text[s.pos]) {
		s.pos++
	}
	return s.pos > start
}

func (s *scanner) number() bool {
	s.literal("-")
	if !s.literal("0") && !s.digits() {
		return false
	}
	if s.literal(".") && !s.digits() {
		return false
	}
	if s.literal("e") || s.literal("E") {
		if !s.literal("+") {
			s.literal("-")
		}
		return s.digits()
	}
	return true
}
