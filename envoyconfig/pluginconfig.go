package envoyconfig

import (
	"encoding/json"
	"errors"
	"fmt"
)

// PluginConfiguration is what a plugin is given of the configuration that somebody wrote for it: JSON byte for byte as
// it stands, and YAML, which is to be a mapping or a list, as JSON. Plain scalars of YAML mean what they mean in
// YAML 1.2: yes is a string, 1.5 is a number. name is the file's name for errors.
func PluginConfiguration(name string, data []byte) ([]byte, error) {
	if json.Valid(data) {
		return data, nil
	}
	n, err := readYAML(name, data, coreScalars)
	if err == nil && n.kind != kindObject && n.kind != kindList {
		err = &Error{File: name, Line: n.line, Message: fmt.Sprintf("%s stands where an object is expected", n.describe())}
	}
	if err != nil {
		var syntax *json.SyntaxError
		if jsonErr := json.Unmarshal(data, new(any)); errors.As(jsonErr, &syntax) && looksLikeJSON(data) {
			return nil, fmt.Errorf("%s is neither JSON (%v at byte %d) nor YAML (%v)", name, syntax, syntax.Offset, err)
		}
		return nil, fmt.Errorf("%s is neither JSON nor YAML: %w", name, err)
	}
	return n.appendJSON(nil), nil
}

func looksLikeJSON(data []byte) bool {
	for _, c := range data {
		switch c {
		case ' ', '\t', '\r', '\n':
		default:
			return c == '{' || c == '['
		}
	}
	return false
}
