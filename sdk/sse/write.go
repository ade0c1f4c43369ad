package sse

import (
	"bytes"
	"strconv"
)

// AppendEvent appends an event as it is sent to dst: its fields, each on as many lines as it needs, and an empty line. A
// blank event is nothing. Raw and Unterminated do not matter. A line end in Name or ID cannot be sent, and is left out.
func AppendEvent(dst []byte, e Event) []byte {
	if e.Blank() {
		return dst
	}
	if e.Comment != nil {
		dst = appendLines(dst, ":", e.Comment)
	}
	if len(e.Name) > 0 {
		dst = appendField(dst, "event:", e.Name)
	}
	if e.ID != nil {
		dst = appendField(dst, "id:", e.ID)
	}
	if e.HasRetry {
		dst = append(strconv.AppendInt(append(dst, "retry: "...), int64(e.Retry), 10), '\n')
	}
	if e.Data != nil {
		dst = appendLines(dst, "data:", e.Data)
	}
	return append(dst, '\n')
}

// appendLines writes a line for each line of text.
func appendLines(dst []byte, field string, text []byte) []byte {
	for {
		end := bytes.IndexAny(text, "\r\n")
		if end < 0 {
			return appendField(dst, field, text)
		}
		dst = appendField(dst, field, text[:end])
		if text[end] == '\r' && end+1 < len(text) && text[end+1] == '\n' {
			end++
		}
		text = text[end+1:]
	}
}

// appendField writes a line, without the line ends in value.
func appendField(dst []byte, field string, value []byte) []byte {
	dst = append(dst, field...)
	if len(value) > 0 {
		dst = append(dst, ' ') // which readers take off: what begins with a space keeps it
	}
	for _, c := range value {
		if c != '\r' && c != '\n' {
			dst = append(dst, c)
		}
	}
	return append(dst, '\n')
}
