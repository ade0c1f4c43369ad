//go:build !wasip1

package wrapper_test

import (
	"testing"

	"github.com/tidwall/gjson"

	"github.com/sluice-gateway/sluice/sdk/wrapper"
)

// TestParserForms holds that every form gets the JSON and its context, and that a rule's function gets the global
// configuration.
func TestParserForms(t *testing.T) {
	const conf = `{"value":"g","_rules_":[{"_match_domain_":["example.com"],"value":"r"}]}`
	value := func(json gjson.Result) string { return json.Get("value").String() }
	for name, tc := range map[string]struct {
		option wrapper.Option
		want   string
	}{
		"ParseConfig": {wrapper.ParseConfig(func(json gjson.Result, c *config) error {
			c.value = value(json)
			return nil
		}), "r"},
		"ParseConfigWithContext": {wrapper.ParseConfigWithContext(func(ctx wrapper.PluginContext, json gjson.Result, c *config) error {
			c.value = ctx.GetContext("key").(string) + value(json)
			return nil
		}), "context:r"},
		"ParseRawConfig": {wrapper.ParseRawConfig(func(json []byte, c *config) error {
			c.value = value(gjson.ParseBytes(json))
			clear(json) // it is the function's
			return nil
		}), "r"},
		"ParseRawConfigWithContext": {wrapper.ParseRawConfigWithContext(func(ctx wrapper.PluginContext, json []byte, c *config) error {
			c.value = ctx.GetContext("key").(string) + value(gjson.ParseBytes(json))
			return nil
		}), "context:r"},
		"ParseOverrideConfig": {wrapper.ParseOverrideConfig(
			func(json gjson.Result, c *config) error { c.value = value(json); return nil },
			func(json gjson.Result, g config, c *config) error { c.value = g.value + "+" + value(json); return nil },
		), "g+r"},
		"ParseOverrideConfigWithContext": {wrapper.ParseOverrideConfigWithContext(
			func(ctx wrapper.PluginContext, json gjson.Result, c *config) error {
				c.value = ctx.GetContext("key").(string) + value(json)
				return nil
			},
			func(ctx wrapper.PluginContext, json gjson.Result, g config, c *config) error {
				c.value = g.value + "+" + ctx.GetContext("key").(string) + value(json)
				return nil
			},
		), "context:g+context:r"},
		"ParseOverrideRawConfig": {wrapper.ParseOverrideRawConfig(
			func(json []byte, c *config) error { c.value = value(gjson.ParseBytes(json)); clear(json); return nil },
			func(json []byte, g config, c *config) error {
				c.value = g.value + "+" + value(gjson.ParseBytes(json))
				return nil
			},
		), "g+r"},
		"ParseOverrideRawConfigWithContext": {wrapper.ParseOverrideRawConfigWithContext(
			func(ctx wrapper.PluginContext, json []byte, c *config) error {
				c.value = ctx.GetContext("key").(string) + value(gjson.ParseBytes(json))
				return nil
			},
			func(ctx wrapper.PluginContext, json []byte, g config, c *config) error {
				c.value = g.value + "+" + ctx.GetContext("key").(string) + value(gjson.ParseBytes(json))
				return nil
			},
		), "context:g+context:r"},
	} {
		t.Run(name, func(t *testing.T) {
			var got string
			h := startParsing(t, conf, tc.option, saysConfig(&got),
				wrapper.PrePluginStartOrReload(func(ctx wrapper.PluginContext) error {
					ctx.SetContext("key", "context:")
					return nil
				}))
			h.request().sendHeaders(true, 0)
			if got != tc.want {
				t.Fatalf("configuration %q, want %q", got, tc.want)
			}
		})
	}
}
