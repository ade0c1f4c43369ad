package wrapper

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/sluice-gateway/sluice/sdk/abi"
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

var errStreamEnded = errors.New("the stream has ended")

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
	// What was there stays as text: numbers keep their digits.
	members, err := writtenAttributes(key)
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range c.s.attributeNames() {
		value, err := json.Marshal(c.s.attributes[name])
		if err != nil {
			errs = append(errs, fmt.Errorf("user attribute %q: %w", name, err))
			continue
		}
		members[name] = value
	}
	text, err := json.Marshal(members)
	if err != nil {
		return errors.Join(append(errs, err)...)
	}
	if err := proxywasm.SetProperty([]string{key}, []byte(MarshalStr(string(text)))); err != nil {
		errs = append(errs, fmt.Errorf("writing property %s: %w", key, err))
	}
	return errors.Join(errs...)
}

// writtenAttributes returns what plugins have written to a property so far.
func writtenAttributes(key string) (map[string]json.RawMessage, error) {
	members := map[string]json.RawMessage{}
	before, err := proxywasm.GetProperty([]string{key})
	if err != nil && !errors.Is(err, types.ErrorStatusNotFound) {
		return nil, fmt.Errorf("reading property %s: %w", key, err)
	}
	if len(before) == 0 {
		return members, nil
	}
	var text string
	err = json.Unmarshal([]byte(`"`+string(before)+`"`), &text)
	if err == nil {
		err = json.Unmarshal([]byte(text), &members)
	}
	if err != nil {
		log.Warn("property " + key + " held no user attributes and is overwritten: " + err.Error())
		members = nil // part of it may have been read
	}
	if members == nil {
		members = map[string]json.RawMessage{}
	}
	return members, nil
}

// WriteUserAttributeToTrace implements [HttpContext].
func (c *httpContext) WriteUserAttributeToTrace() error {
	if c.s == nil {
		return errStreamEnded
	}
	var errs []error
	for _, name := range c.s.attributeNames() {
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

// attributeNames returns the names of the user attributes in order, so that what is written does not change from run to
// run.
func (s *stream) attributeNames() []string {
	names := make([]string, 0, len(s.attributes))
	for name := range s.attributes {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
