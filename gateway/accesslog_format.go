package gateway

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// defaultAccessLog is Envoy's default format.
const defaultAccessLog = `[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" ` +
	`%RESPONSE_CODE% %RESPONSE_FLAGS% %BYTES_RECEIVED% %BYTES_SENT% %DURATION% ` +
	`%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" ` +
	`"%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%"` + "\n"

// accessLogFormat is a compiled format. It is not changed once made; any number of goroutines may use it.
type accessLogFormat struct {
	text []logPart
	// json makes each line an object of members, which are in the order of their names, as Envoy writes them.
	json    bool
	members []jsonMember
}

type jsonMember struct {
	key   string // quoted, with its colon
	parts []logPart
}

// logPart is a piece of a format: fixed text, or a command.
type logPart struct {
	literal string
	command *logCommand
}

// logCommand is a command operator with its arguments.
type logCommand struct {
	// appendTo appends the value to dst; false, with dst as it was, if there is none.
	appendTo func(dst []byte, e accessLogEntry) ([]byte, bool)
	// number: the value is a number in JSON.
	number bool
	// limit cuts the value to so many bytes, negative for none.
	limit int
}

// compileAccessLog compiles the format of cfg. Errors say where in the format they are.
func compileAccessLog(cfg AccessLog) (*accessLogFormat, error) {
	f := &accessLogFormat{json: cfg.JSON != nil}
	var err error
	if !f.json {
		format := cfg.Format
		if format == "" {
			format = defaultAccessLog
		}
		f.text, err = compileLogFormat(format)
		return f, err
	}
	for _, m := range cfg.JSON {
		parts, err := compileLogFormat(m.Format)
		if err != nil {
			return nil, fmt.Errorf("member %q: %w", m.Name, err)
		}
		f.members = append(f.members, jsonMember{string(appendJSONString(nil, m.Name)) + ":", parts})
	}
	slices.SortStableFunc(f.members, func(a, b jsonMember) int { return strings.Compare(a.key, b.key) })
	return f, nil
}

// compileLogFormat splits a format into its parts.
func compileLogFormat(format string) ([]logPart, error) {
	var parts []logPart
	var literal strings.Builder
	flush := func() {
		if literal.Len() > 0 {
			parts = append(parts, logPart{literal: literal.String()})
			literal.Reset()
		}
	}
	for i := 0; i < len(format); {
		if format[i] != '%' {
			literal.WriteByte(format[i])
			i++
			continue
		}
		if strings.HasPrefix(format[i:], "%%") {
			literal.WriteByte('%')
			i += 2
			continue
		}
		op, n, err := parseOperator(format[i:])
		if err != nil {
			return nil, fmt.Errorf("at position %d: %w", i, err)
		}
		command, err := newLogCommand(op)
		if err != nil {
			return nil, fmt.Errorf("at position %d: %%%s%%: %w", i, op.name, err)
		}
		flush()
		parts = append(parts, logPart{command: command})
		i += n
	}
	flush()
	return parts, nil
}

// operator is a command operator as it is written: %NAME(ARGS):LIMIT%.
type operator struct {
	name    string
	args    string
	hasArgs bool
	limit   int // -1 if there is none
}

// parseOperator reads the operator that s, which begins with '%', begins with, and says how long it is.
func parseOperator(s string) (op operator, n int, err error) {
	op.limit = -1
	i := 1
	for i < len(s) && (s[i] == '_' || 'A' <= s[i] && s[i] <= 'Z' || '0' <= s[i] && s[i] <= '9') {
		i++
	}
	op.name = s[1:i]
	if op.name == "" {
		return op, 0, fmt.Errorf("a %% must begin a command operator such as %%PROTOCOL%%; write %%%% for a per cent sign")
	}
	if i < len(s) && s[i] == '(' {
		end := strings.IndexByte(s[i:], ')')
		if end < 0 {
			return op, 0, fmt.Errorf("%%%s: no ) after its (", op.name)
		}
		op.args, op.hasArgs = s[i+1:i+end], true
		i += end + 1
	}
	if i < len(s) && s[i] == ':' {
		digits := i + 1
		for i++; i < len(s) && '0' <= s[i] && s[i] <= '9'; i++ {
		}
		if op.limit, err = strconv.Atoi(s[digits:i]); err != nil {
			return op, 0, fmt.Errorf("%%%s: the length after : must be a number", op.name)
		}
	}
	if i == len(s) || s[i] != '%' {
		return op, 0, fmt.Errorf("%%%s: no %% at its end", op.name)
	}
	return op, i + 1, nil
}

// appendLine appends e's line.
func (f *accessLogFormat) appendLine(dst []byte, e accessLogEntry) []byte {
	if !f.json {
		return appendParts(dst, f.text, e)
	}
	dst = append(dst, '{')
	for i := range f.members {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, f.members[i].key...)
		dst = appendJSONValue(dst, f.members[i].parts, e)
	}
	return append(dst, "}\n"...)
}

// appendParts appends parts as text; a value that there is not is "-".
func appendParts(dst []byte, parts []logPart, e accessLogEntry) []byte {
	for i := range parts {
		p := &parts[i]
		if p.command == nil {
			dst = append(dst, p.literal...)
			continue
		}
		var ok bool
		if dst, ok = p.command.append(dst, e); !ok {
			dst = append(dst, '-')
		}
	}
	return dst
}

func (c *logCommand) append(dst []byte, e accessLogEntry) ([]byte, bool) {
	n := len(dst)
	dst, ok := c.appendTo(dst, e)
	if c.limit >= 0 && len(dst) > n+c.limit {
		dst = dst[:n+c.limit]
	}
	return dst, ok
}

// appendJSONValue appends parts as a JSON value: a single command keeps its type, null where it has no value; all else
// is a string.
func appendJSONValue(dst []byte, parts []logPart, e accessLogEntry) []byte {
	var buf [256]byte
	if len(parts) != 1 || parts[0].command == nil {
		return appendJSONString(dst, string(appendParts(buf[:0], parts, e)))
	}
	c := parts[0].command
	v, ok := c.append(buf[:0], e)
	switch {
	case !ok:
		return append(dst, "null"...)
	case c.number:
		return append(dst, v...)
	}
	return appendJSONString(dst, string(v))
}

// appendJSONString appends s quoted. Bytes that are not UTF-8 become replacement characters.
func appendJSONString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '\n':
			dst = append(dst, `\n`...)
		case r == '\r':
			dst = append(dst, `\r`...)
		case r == '\t':
			dst = append(dst, `\t`...)
		case r < ' ' || r == 0x7f:
			dst = append(dst, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return append(dst, '"')
}
