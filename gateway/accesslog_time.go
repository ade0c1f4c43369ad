package gateway

import (
	"fmt"
	"strconv"
	"time"
)

// defaultStartTime is Envoy's default format of times.
const defaultStartTime = "%Y-%m-%dT%H:%M:%E3SZ"

// startTimeCommand makes START_TIME. Its format has strftime's conversions, and Envoy's of parts of a second: %f, %3f
// (the first digits), %E3S (seconds with a fraction), %E*S. Times are UTC.
func startTimeCommand(format string) (appendValue, error) {
	if format == "" {
		format = defaultStartTime
	}
	parts, err := compileTimeFormat(format)
	if err != nil {
		return nil, err
	}
	return func(dst []byte, e accessLogEntry) ([]byte, bool) {
		t := e.startTime().UTC()
		for i := range parts {
			dst = parts[i].append(dst, t)
		}
		return dst, true
	}, nil
}

// timePart is a piece of a time's format: a layout of package time, or a conversion that it does not have.
type timePart struct {
	literal string
	layout  string
	// conversion is 's' for seconds since 1970, 'f' for digits of the second's fraction, 'E' for '.' and those, '*' for
	// those without trailing zeros.
	conversion byte
	digits     int
}

func compileTimeFormat(format string) ([]timePart, error) {
	var parts []timePart
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			if n := len(parts); n > 0 && parts[n-1].literal != "" {
				parts[n-1].literal += format[i : i+1]
			} else {
				parts = append(parts, timePart{literal: format[i : i+1]})
			}
			continue
		}
		p, n, err := parseTimeConversion(format[i+1:])
		if err != nil {
			return nil, err
		}
		if p.conversion == 'E' || p.conversion == '*' {
			parts = append(parts, timePart{layout: "05"})
		}
		parts = append(parts, p)
		i += n
	}
	return parts, nil
}

// parseTimeConversion reads the conversion that s, what follows a '%', begins with, and says how long it is.
func parseTimeConversion(s string) (timePart, int, error) {
	unknown := func() (timePart, int, error) {
		return timePart{}, 0, fmt.Errorf("time format: %%%.4s is not a conversion that is supported", s)
	}
	switch {
	case s == "":
		return timePart{}, 0, fmt.Errorf("time format: ends in %%")
	case s[0] == '%':
		return timePart{literal: "%"}, 1, nil
	case s[0] == 's':
		return timePart{conversion: 's'}, 1, nil
	case s[0] == 'f':
		return timePart{conversion: 'f', digits: 9}, 1, nil
	case '1' <= s[0] && s[0] <= '9':
		if len(s) < 2 || s[1] != 'f' {
			return unknown()
		}
		return timePart{conversion: 'f', digits: int(s[0] - '0')}, 2, nil
	case s[0] == 'E':
		if len(s) < 3 || s[2] != 'S' {
			return unknown()
		}
		if s[1] == '*' {
			return timePart{conversion: '*', digits: 9}, 3, nil
		}
		if s[1] < '0' || s[1] > '9' {
			return unknown()
		}
		return timePart{conversion: 'E', digits: int(s[1] - '0')}, 3, nil
	}
	layout := strftimeLayout(s[0])
	if layout == "" {
		return unknown()
	}
	return timePart{layout: layout}, 1, nil
}

// strftimeLayout returns package time's layout of a strftime conversion, "" for one that is not supported.
func strftimeLayout(c byte) string {
	switch c {
	case 'Y':
		return "2006"
	case 'y':
		return "06"
	case 'm':
		return "01"
	case 'd':
		return "02"
	case 'e':
		return "_2"
	case 'H':
		return "15"
	case 'I':
		return "03"
	case 'M':
		return "04"
	case 'S':
		return "05"
	case 'j':
		return "002"
	case 'a':
		return "Mon"
	case 'A':
		return "Monday"
	case 'b', 'h':
		return "Jan"
	case 'B':
		return "January"
	case 'p':
		return "PM"
	case 'Z':
		return "MST"
	case 'z':
		return "-0700"
	case 'T':
		return "15:04:05"
	case 'R':
		return "15:04"
	case 'F':
		return "2006-01-02"
	case 'D':
		return "01/02/06"
	case 'c':
		return "Mon Jan _2 15:04:05 2006"
	}
	return ""
}

func (p *timePart) append(dst []byte, t time.Time) []byte {
	switch p.conversion {
	case 0:
		if p.layout != "" {
			return t.AppendFormat(dst, p.layout)
		}
		return append(dst, p.literal...)
	case 's':
		return strconv.AppendInt(dst, t.Unix(), 10)
	}
	var fraction [9]byte
	n := t.Nanosecond()
	for i := len(fraction) - 1; i >= 0; i-- {
		fraction[i] = byte('0' + n%10)
		n /= 10
	}
	digits := fraction[:p.digits]
	if p.conversion == '*' {
		for len(digits) > 0 && digits[len(digits)-1] == '0' {
			digits = digits[:len(digits)-1]
		}
	}
	if p.conversion != 'f' && len(digits) > 0 {
		dst = append(dst, '.')
	}
	return append(dst, digits...)
}
