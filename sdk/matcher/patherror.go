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

// Error says where, as exactly as it is known, then why.
func (e *PathError) Error() string {
	return Where(e) + ": " + e.why().Error()
}

// Unwrap returns Err.
func (e *PathError) Unwrap() error { return e.Err }

// why returns what is behind the PathErrors that wrap each other.
func (e *PathError) why() error {
	for {
		inner, ok := e.Err.(*PathError) // text between them stays where it is
		if !ok {
			return e.Err
		}
		e = inner
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
