package wrapper

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/internal/jsontext"
	"github.com/sluice-gateway/sluice/sdk/log"
	"github.com/sluice-gateway/sluice/sdk/proxywasm"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
)

const (
	// CustomLogKey is the property that WriteUserAttributeToLog writes.
	CustomLogKey = abi.PropertyCustomLog
	// AILogKey is the property that AI plugins write with WriteUserAttributeToLogWithKey.
	AILogKey = abi.PropertyAILog
	// TraceSpanTagPrefix is what the properties that become span tags begin with.
	TraceSpanTagPrefix = abi.PropertyTraceSpanTagPrefix
)

var (
	errStreamEnded = errors.New("the stream has ended")
	errNoObject    = errors.New("not a JSON object")
)

// SetUserAttribute implements [HttpContext].
func (c *httpContext) SetUserAttribute(key string, value any) {
	if c.s != nil {
		c.GetUserAttributeMap()[key] = value
	}
}

// GetUserAttribute implements [HttpContext].
func (c *httpContext) GetUserAttribute(key string) any {
	if c.s == nil {
		return nil
	}
	return c.s.attributes[key]
}

// SetUserAttributeMap implements [HttpContext].
func (c *httpContext) SetUserAttributeMap(kvmap map[string]any) {
	if c.s != nil {
		c.s.attributes = kvmap
	}
}

// GetUserAttributeMap implements [HttpContext].
func (c *httpContext) GetUserAttributeMap() map[string]any {
	if c.s == nil {
		return map[string]any{}
	}
	if c.s.attributes == nil {
		c.s.attributes = map[string]any{}
	}
	return c.s.attributes
}

// WriteUserAttributeToLog implements [HttpContext].
func (c *httpContext) WriteUserAttributeToLog() error {
	return c.WriteUserAttributeToLogWithKey(CustomLogKey)
}

// WriteUserAttributeToLogWithKey implements [HttpContext].
func (c *httpContext) WriteUserAttributeToLogWithKey(key string) error {
	if c.s == nil {
		return errStreamEnded
	}
	members, err := writtenAttributes(key)
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range sortedKeys(c.s.attributes) {
		value, err := jsontext.AppendValue(nil, c.s.attributes[name])
		if err != nil {
			errs = append(errs, fmt.Errorf("user attribute %q: %w", name, err))
			continue
		}
		members[name] = string(value)
	}
	text := []byte{'{'}
	for _, name := range sortedKeys(members) {
		if len(text) > 1 {
			text = append(text, ',')
		}
		text = append(text, '"')
		text = append(jsontext.AppendEscaped(text, name), '"', ':')
		text = append(text, members[name]...)
	}
	text = append(text, '}')
	if err := proxywasm.SetProperty([]string{key}, jsontext.AppendEscaped(nil, string(text))); err != nil {
		errs = append(errs, fmt.Errorf("writing property %s: %w", key, err))
	}
	return errors.Join(errs...)
}

// writtenAttributes returns what plugins have written to a property so far, as JSON texts: numbers keep their digits.
func writtenAttributes(key string) (map[string]string, error) {
	members := map[string]string{}
	before, err := proxywasm.GetProperty([]string{key})
	if err != nil && !errors.Is(err, types.ErrorStatusNotFound) {
		return nil, fmt.Errorf("reading property %s: %w", key, err)
	}
	if len(before) == 0 {
		return members, nil
	}
	quoted := `"` + string(before) + `"`
	err = jsontext.Check(quoted)
	if err == nil {
		object, _ := jsontext.String(quoted)
		if object = jsontext.Trim(object); object == "null" {
			return members, nil
		}
		if err = jsontext.Check(object); err == nil && object[0] != '{' {
			err = errNoObject
		}
		if err == nil {
			for name, value := range jsontext.Members(object) {
				members[name] = value
			}
		}
	}
	if err != nil {
		log.Warn("property " + key + " held no user attributes and is overwritten: " + err.Error())
	}
	return members, nil
}

// WriteUserAttributeToTrace implements [HttpContext].
func (c *httpContext) WriteUserAttributeToTrace() error {
	if c.s == nil {
		return errStreamEnded
	}
	var errs []error
	for _, name := range sortedKeys(c.s.attributes) {
		attribute := c.s.attributes[name]
		if attribute == nil {
			continue
		}
		value := fmt.Sprint(attribute)
		if value == "" {
			continue
		}
		if err := proxywasm.SetProperty([]string{TraceSpanTagPrefix + name}, []byte(value)); err != nil {
			errs = append(errs, fmt.Errorf("span tag %q: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

// sortedKeys returns a map's keys in order, so that what is written does not change from run to run.
func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
