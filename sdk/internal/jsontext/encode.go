package jsontext

import (
	"errors"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ErrValue is wrapped by the errors of [AppendValue].
var ErrValue = errors.New("not to be had as JSON")

// valueError says what cannot be encoded.
type valueError struct{ what string }

func (e *valueError) Error() string { return e.what + " is not to be had as JSON" }
func (e *valueError) Unwrap() error { return ErrValue }

// AppendValue appends v as encoding/json has it, for the values that plugins log: nil, booleans, numbers, strings, bytes,
// lists, maps whose keys are strings, structs (with json tags), pointers and interfaces to these, and what has a method
// MarshalJSON or MarshalText. Members of embedded structs that have the same name are all there. It is here so that a module carries encoding/json only if its plugin uses it.
func AppendValue(dst []byte, v any) ([]byte, error) {
	return appendReflected(dst, reflect.ValueOf(v), 0)
}

func appendReflected(dst []byte, v reflect.Value, depth int) ([]byte, error) {
	if !v.IsValid() {
		return append(dst, "null"...), nil
	}
	if depth > maxDepth {
		return dst, &valueError{"a value that nests too deep"}
	}
	if v.Kind() == reflect.Pointer && v.IsNil() || v.Kind() == reflect.Interface && v.IsNil() {
		return append(dst, "null"...), nil
	}
	if v.CanInterface() {
		switch m := v.Interface().(type) {
		case interface{ MarshalJSON() ([]byte, error) }:
			text, err := m.MarshalJSON()
			if err == nil {
				err = Check(string(text))
			}
			return append(dst, text...), err
		case interface{ MarshalText() ([]byte, error) }:
			text, err := m.MarshalText()
			return appendQuoted(dst, string(text)), err
		}
	}
	switch v.Kind() {
	case reflect.Bool:
		return strconv.AppendBool(dst, v.Bool()), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.AppendInt(dst, v.Int(), 10), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return strconv.AppendUint(dst, v.Uint(), 10), nil
	case reflect.Float32:
		return appendFloat(dst, v.Float(), 32)
	case reflect.Float64:
		return appendFloat(dst, v.Float(), 64)
	case reflect.String:
		if t := v.Type(); t.Name() == "Number" && t.PkgPath() == "encoding/json" {
			return appendNumber(dst, v.String())
		}
		return appendQuoted(dst, v.String()), nil
	case reflect.Pointer, reflect.Interface:
		return appendReflected(dst, v.Elem(), depth+1)
	case reflect.Slice, reflect.Array:
		return appendList(dst, v, depth)
	case reflect.Map:
		return appendMap(dst, v, depth)
	case reflect.Struct:
		dst = append(dst, '{')
		dst, _, err := appendFields(dst, v, true, depth)
		return append(dst, '}'), err
	}
	return dst, &valueError{"a " + v.Type().String()}
}

func appendList(dst []byte, v reflect.Value, depth int) ([]byte, error) {
	if v.Kind() == reflect.Slice {
		if v.IsNil() {
			return append(dst, "null"...), nil
		}
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return appendBase64(dst, v.Bytes()), nil
		}
	}
	dst = append(dst, '[')
	for i := range v.Len() {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = appendReflected(dst, v.Index(i), depth+1); err != nil {
			return dst, err
		}
	}
	return append(dst, ']'), nil
}

// appendMap has keys in alphabetical order.
func appendMap(dst []byte, v reflect.Value, depth int) ([]byte, error) {
	if v.Type().Key().Kind() != reflect.String {
		return dst, &valueError{"a map whose keys are no strings"}
	}
	if v.IsNil() {
		return append(dst, "null"...), nil
	}
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	dst = append(dst, '{')
	for i, k := range keys {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendQuoted(dst, k.String()), ':')
		var err error
		if dst, err = appendReflected(dst, v.MapIndex(k), depth+1); err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}

// appendFields appends a struct's members, those of embedded structs among them.
func appendFields(dst []byte, v reflect.Value, first bool, depth int) ([]byte, bool, error) {
	if depth > maxDepth {
		return dst, first, &valueError{"a value that nests too deep"}
	}
	t := v.Type()
	for i := range t.NumField() {
		f, value := t.Field(i), v.Field(i)
		tag := f.Tag.Get("json")
		if tag == "-" {
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		if f.Anonymous && name == "" {
			if value.Kind() == reflect.Pointer && value.Type().Elem().Kind() == reflect.Struct {
				if value.IsNil() {
					continue
				}
				value = value.Elem()
			}
			if value.Kind() == reflect.Struct {
				var err error
				if dst, first, err = appendFields(dst, value, first, depth+1); err != nil {
					return dst, first, err
				}
				continue
			}
		}
		if !f.IsExported() || hasOption(options, "omitempty") && isEmpty(value) || hasOption(options, "omitzero") && value.IsZero() {
			continue
		}
		if name == "" {
			name = f.Name
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(appendQuoted(dst, name), ':')
		var err error
		if dst, err = appendReflected(dst, value, depth+1); err != nil {
			return dst, first, err
		}
	}
	return dst, first, nil
}

func hasOption(options, option string) bool {
	for options != "" {
		var o string
		if o, options, _ = strings.Cut(options, ","); o == option {
			return true
		}
	}
	return false
}

// isEmpty is what omitempty leaves out.
func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}

// appendNumber appends a number that is text.
func appendNumber(dst []byte, n string) ([]byte, error) {
	if n == "" {
		n = "0"
	}
	if c := n[0]; c != '-' && (c < '0' || c > '9') || Check(n) != nil {
		return dst, &valueError{"the number " + strconv.Quote(n)}
	}
	return append(dst, n...), nil
}

// appendFloat writes a number as JavaScript does, and so encoding/json: exponents only for very large and very small
// ones, and those as short as can be.
func appendFloat(dst []byte, f float64, bits int) ([]byte, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return dst, &valueError{strconv.FormatFloat(f, 'g', -1, bits)}
	}
	abs, format := math.Abs(f), byte('f')
	if abs != 0 {
		if bits == 64 && (abs < 1e-6 || abs >= 1e21) || bits == 32 && (float32(abs) < 1e-6 || float32(abs) >= 1e21) {
			format = 'e'
		}
	}
	dst = strconv.AppendFloat(dst, f, format, -1, bits)
	if n := len(dst); format == 'e' && n >= 4 && dst[n-4] == 'e' && dst[n-3] == '-' && dst[n-2] == '0' {
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst, nil
}

// appendBase64 appends bytes as encoding/json has them, a string in base64.
func appendBase64(dst, b []byte) []byte {
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	dst = append(dst, '"')
	for len(b) > 0 {
		var group [3]byte
		n := copy(group[:], b)
		b = b[n:]
		v := uint(group[0])<<16 | uint(group[1])<<8 | uint(group[2])
		four := [4]byte{digits[v>>18], digits[v>>12&63], digits[v>>6&63], digits[v&63]}
		for i := n + 1; i < 4; i++ {
			four[i] = '='
		}
		dst = append(dst, four[:]...)
	}
	return append(dst, '"')
}

func appendQuoted(dst []byte, s string) []byte {
	return append(AppendEscaped(append(dst, '"'), s), '"')
}

// AppendEscaped appends s as it stands inside a string, with everything escaped that encoding/json escapes, <, > and &
// among it. Bytes that are not UTF-8 become U+FFFD.
func AppendEscaped(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			i++
			switch {
			case c == '"' || c == '\\':
				dst = append(dst, '\\', c)
			case c == '\b':
				dst = append(dst, '\\', 'b')
			case c == '\f':
				dst = append(dst, '\\', 'f')
			case c == '\n':
				dst = append(dst, '\\', 'n')
			case c == '\r':
				dst = append(dst, '\\', 'r')
			case c == '\t':
				dst = append(dst, '\\', 't')
			case c < ' ' || c == '<' || c == '>' || c == '&':
				dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			default:
				dst = append(dst, c)
			}
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			dst = append(dst, `\ufffd`...)
		case r == '\u2028' || r == '\u2029': // not allowed in JavaScript strings
			dst = append(dst, `\u202`...)
			dst = append(dst, hex[r&15])
		default:
			dst = append(dst, s[i:i+size]...)
		}
		i += size
	}
	return dst
}
