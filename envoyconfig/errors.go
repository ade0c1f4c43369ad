package envoyconfig

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Error is one thing wrong with a configuration, and where.
type Error struct {
	// File is the name that Load or Parse was given.
	File string
	// Line counts from 1; 0 where it is not known.
	Line int
	// Path is the field, as in static_resources.clusters[0].name; "" where the file as a whole is meant.
	Path string
	// Message says what is wrong and what to do.
	Message string
}

// Error is "file:line: path: message".
func (e *Error) Error() string { return position(e.File, e.Line, e.Path) + e.Message }

// Errors are all that was found wrong with a configuration, in no more than [maxErrors] entries.
type Errors []*Error

// Error is one line for each.
func (es Errors) Error() string {
	lines := make([]string, len(es))
	for i, e := range es {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives the single errors to errors.As.
func (es Errors) Unwrap() []error {
	errs := make([]error, len(es))
	for i, e := range es {
		errs[i] = e
	}
	return errs
}

// Warning is something that was accepted but is worth knowing: a field without effect here, a value that Envoy reads
// in a surprising way.
type Warning struct {
	File    string
	Line    int
	Path    string
	Message string
}

// String is "file:line: path: message".
func (w Warning) String() string { return position(w.File, w.Line, w.Path) + w.Message }

func position(file string, line int, path string) string {
	var b strings.Builder
	b.WriteString(file)
	if line > 0 {
		fmt.Fprintf(&b, ":%d", line)
	}
	b.WriteString(": ")
	if path != "" {
		b.WriteString(path)
		b.WriteString(": ")
	}
	return b.String()
}

// maxErrors bounds the list: past it, more is no help.
const maxErrors = 50

// findings collects what is wrong and remembers where each field stands in the file.
type findings struct {
	file     string
	lines    map[string]int
	errs     Errors
	warnings []Warning
}

// fail records an error at a field.
func (f *findings) fail(path, format string, args ...any) {
	f.failAt(f.line(path), path, format, args...)
}

func (f *findings) failAt(line int, path, format string, args ...any) {
	if len(f.errs) >= maxErrors {
		return
	}
	f.errs = append(f.errs, &Error{File: f.file, Line: line, Path: path, Message: fmt.Sprintf(format, args...)})
}

func (f *findings) warn(path, format string, args ...any) {
	f.warnings = append(f.warnings, Warning{File: f.file, Line: f.line(path), Path: path, Message: fmt.Sprintf(format, args...)})
}

// line is where a field stands, or the nearest field around it that was seen.
func (f *findings) line(path string) int {
	for {
		if line, ok := f.lines[path]; ok {
			return line
		}
		cut := strings.LastIndexAny(path, ".[")
		if cut < 0 {
			return f.lines[""]
		}
		path = path[:cut]
	}
}

// err is all errors in the file's order, nil where nothing is wrong.
func (f *findings) err() error {
	if len(f.errs) == 0 {
		return nil
	}
	slices.SortStableFunc(f.errs, func(a, b *Error) int { return cmp.Compare(a.Line, b.Line) })
	return f.errs
}
