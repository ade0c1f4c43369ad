package wrapper

import (
	"bytes"
	"strings"

	"github.com/sluice-gateway/sluice/sdk/internal/jsontext"
	"github.com/sluice-gateway/sluice/sdk/log"
)

// MarshalStr returns raw as it stands inside a JSON string, without the quotes: what a property that an access log puts
// into a JSON string holds. It escapes what encoding/json does, <, > and & among it; bytes that are not UTF-8 become
// U+FFFD.
func MarshalStr(raw string) string {
	return string(jsontext.AppendEscaped(make([]byte, 0, len(raw)+len(raw)/8), raw))
}

// UnmarshalStr returns the string that a JSON string, with its quotes, stands for: what [MarshalStr] made is put between
// quotes first. What is no JSON string is "", and an error in the log, which does not show it.
func UnmarshalStr(marshalledJsonStr string) string {
	text := jsontext.Trim(marshalledJsonStr)
	if jsontext.Check(text) == nil {
		if s, ok := jsontext.String(text); ok {
			return strings.ToValidUTF8(s, "\uFFFD")
		}
	}
	log.Error("UnmarshalStr: the text is no JSON string")
	return ""
}

// UnifySSEChunk returns a chunk of server-sent events with every line ended by "\n", whichever of "\r\n", "\r" and "\n"
// it was. It sees one chunk: a "\r\n" that is cut in two becomes two line ends. The chunk itself is not changed, and is
// returned if there is nothing to change.
func UnifySSEChunk(data []byte) []byte {
	first := bytes.IndexByte(data, '\r')
	if first < 0 {
		return data
	}
	out := append(make([]byte, 0, len(data)), data[:first]...)
	for i := first; i < len(data); i++ {
		if data[i] != '\r' {
			out = append(out, data[i])
			continue
		}
		out = append(out, '\n')
		if i+1 < len(data) && data[i+1] == '\n' {
			i++
		}
	}
	return out
}

// Value is what [GetValueFromBody] looks values up with: gjson.Result. It is a type parameter for the reason that
// [Result] gives.
type Value[R any] interface {
	Result[R]
	Exists() bool
}

// GetValueFromBody returns what the first of the gjson paths that leads somewhere leads to in a JSON body, nil if none
// does:
//
//	model := wrapper.GetValueFromBody[gjson.Result](body, []string{"model", "response.model"})
//
// What stands before the body's first object or array is passed over, so an event of a stream ("data: {...}") may be
// handed over as it is.
func GetValueFromBody[R Value[R]](data []byte, paths []string) *R {
	start := bytes.IndexAny(data, "{[")
	if start < 0 {
		return nil
	}
	body := result[R](string(data[start:]))
	for _, path := range paths {
		if v := body.Get(path); v.Exists() {
			return &v
		}
	}
	return nil
}
