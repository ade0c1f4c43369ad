package matcher

import (
	"errors"
	"strings"
)

// PathError is an error at a place of a configuration.
type PathError struct {
	// Path is where, members by their names, elements by their numbers: "limits.rate", "_rules_[3]". It is relative to
	// what the function that failed was given; errors around it lengthen it.
	Path string
	Err  error
}

// Error says where, then why.
func (e *PathError) Error() string {
	where, why := e.split()
	return where + ": " + why.Error()
}

// Unwrap returns Err.
func (e *PathError) Unwrap() error { return e.Err }

// split joins the paths of errors that wrap each other.
func (e *PathError) split() (path string, err error) {
	path, err = e.Path, e.Err
	for {
		inner, ok := err.(*PathError) // text between them stays where it is
		if !ok {
			return path, err
		}
		path, err = join(path, inner.Path), inner.Err
	}
}

// Where returns the place that err tells, as exactly as it does: the paths of all PathErrors in it. "" if it tells none.
func Where(err error) string {
	path := ""
	var at *PathError
	for errors.As(err, &at) {
		path = join(path, at.Path)
		err = at.Err
	}
	return path
}

func join(path, more string) string {
	if path == "" || more == "" || strings.HasPrefix(more, "[") {
		return path + more
	}
	return path + "." + more
}
