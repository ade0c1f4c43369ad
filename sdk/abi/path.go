package abi

// AppendPath appends the encoding of a property path to dst: its segments joined by NUL, none at the end.
func AppendPath(dst []byte, segments ...string) []byte {
	for i, s := range segments {
		if i > 0 {
			dst = append(dst, 0)
		}
		dst = append(dst, s...)
	}
	return dst
}

// Path is an encoded property path. Any bytes are a path: decoding cannot fail.
type Path []byte

// Next returns the first segment and the path after it. ok is false when no segment is left; the path after the last
// segment is nil. Both results alias p. A trailing NUL, as some SDKs write it, does not begin another segment.
func (p Path) Next() (segment []byte, rest Path, ok bool) {
	if len(p) == 0 {
		return nil, nil, false
	}
	for i, c := range p {
		if c == 0 {
			return p[:i], p[i+1:], true
		}
	}
	return p, nil, true
}
