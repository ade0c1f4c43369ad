package envoyconfig

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
)

// PluginConfiguration is what a plugin is given of the configuration that somebody wrote for it: JSON byte for byte as
// it stands, and YAML as JSON. It is to be an object, in either. Plain scalars of YAML mean what they mean in YAML 1.2:
// yes is a string, 1.5 is a number.
//
// name is the file's name, for errors. Text that begins with a bracket is to be JSON unless the name ends in .yaml or
// .yml: much broken JSON is YAML, of another meaning.
func PluginConfiguration(name string, data []byte) ([]byte, error) {
	if json.Valid(data) {
		if bytes.TrimSpace(data)[0] == '{' {
			return data, nil
		}
		n, err := readJSON(name, data)
		if err != nil {
			return nil, err
		}
		return nil, noObject(name, n)
	}
	if ext := strings.ToLower(filepath.Ext(name)); ext == ".json" || ext != ".yaml" && ext != ".yml" && looksLikeJSON(data) {
		err := &Error{File: name, Message: "is empty; a configuration is an object, as in {}"}
		var syntax *json.SyntaxError
		if errors.As(json.Unmarshal(data, new(any)), &syntax) && looksLikeJSON(data) {
			err.Line = 1 + bytes.Count(data[:syntax.Offset], []byte{'\n'})
			err.Message = fmt.Sprintf("not JSON: %v (byte %d)", syntax, syntax.Offset)
		} else if len(bytes.TrimSpace(data)) > 0 {
			err.Line, err.Message = 1, "not JSON: an object is expected, as in {}"
		}
		return nil, err
	}
	n, _, err := readYAML(name, data, coreScalars)
	if err != nil {
		return nil, err
	}
	if n.kind != kindObject {
		return nil, noObject(name, n)
	}
	return n.appendJSON(nil), nil
}

func noObject(name string, n *node) error {
	return &Error{File: name, Line: n.line, Message: n.describe() + " stands where an object is expected, as JSON or YAML"}
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
