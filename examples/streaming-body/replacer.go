package main

import "bytes"

// replacer replaces find by replace in bytes that come in pieces, cut anywhere.
type replacer struct {
	find, replace []byte
	// tail is what was held back: the end of the last piece, as far as find may begin there.
	tail []byte
}

// next returns what can be said of the body with one more chunk. It keeps back fewer bytes than find has, and none of the
// last chunk.
func (r *replacer) next(chunk []byte, last bool) []byte {
	data := append(r.tail, chunk...)
	out := make([]byte, 0, len(data))
	for {
		i := bytes.Index(data, r.find)
		if i < 0 {
			break
		}
		out = append(append(out, data[:i]...), r.replace...)
		data = data[i+len(r.find):]
	}
	keep := 0
	if !last {
		keep = r.begun(data)
	}
	out = append(out, data[:len(data)-keep]...)
	r.tail = append(r.tail[:0], data[len(data)-keep:]...)
	return out
}

// begun returns how many bytes at data's end are a beginning of find.
func (r *replacer) begun(data []byte) int {
	for n := min(len(r.find)-1, len(data)); n > 0; n-- {
		if bytes.HasSuffix(data, r.find[:n]) {
			return n
		}
	}
	return 0
}
