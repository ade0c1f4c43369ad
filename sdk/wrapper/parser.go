package wrapper

import "github.com/sluice-gateway/sluice/sdk/matcher"

// Result is what configurations are parsed from: gjson.Result. It is a type parameter so that a module carries gjson
// only if its plugin uses it: gjson, with encoding/json behind it, is half of a small module.
type Result[R any] interface {
	// Get is gjson's: a path beginning with "!" is the literal JSON after it.
	Get(path string) R
}

// result returns JSON as gjson.Parse does.
func result[R Result[R]](json string) R {
	var none R
	if json == "" {
		return none
	}
	return none.Get("!" + json)
}

// A plugin has one of the options below. Each registers what parses the JSON of a configuration into a new, zero C; the
// JSON is valid, or nothing at all where there is no configuration. Functions run while the plugin starts, first for the
// global configuration, then for each rule. An error refuses the configuration, unless rules are isolated
// ([PluginContext].EnableRuleLevelConfigIsolation). It is reported with the place of what failed, such as _rules_[3]; a
// [ConfigError] says more closely where.
//
// A rule's C that is copied from the global one shares with it what maps, slices and pointers in it lead to.

// ParseConfig registers what parses the plugin's configuration: the global one, and that of each rule.
func ParseConfig[C any, R Result[R]](f func(json R, config *C) error) Option {
	return parser("ParseConfig",
		func(_ PluginContext, json string, config *C) error { return f(result[R](json), config) }, nil)
}

// ParseConfigWithContext is [ParseConfig] for a function that uses the plugin's context. The context is the same for the
// global configuration, all rules and all streams: what is kept in it there is found with GetContext later.
func ParseConfigWithContext[C any, R Result[R]](f func(ctx PluginContext, json R, config *C) error) Option {
	return parser("ParseConfigWithContext",
		func(ctx PluginContext, json string, config *C) error { return f(ctx, result[R](json), config) }, nil)
}

// ParseRawConfig is [ParseConfig] for a function that takes the JSON as it is. The bytes are the function's to keep and
// to change.
func ParseRawConfig[C any](f func(configBytes []byte, config *C) error) Option {
	return parser("ParseRawConfig",
		func(_ PluginContext, json string, config *C) error { return f([]byte(json), config) }, nil)
}

// ParseRawConfigWithContext is [ParseConfigWithContext] for a function that takes the JSON as it is.
func ParseRawConfigWithContext[C any](f func(ctx PluginContext, configBytes []byte, config *C) error) Option {
	return parser("ParseRawConfigWithContext",
		func(ctx PluginContext, json string, config *C) error { return f(ctx, []byte(json), config) }, nil)
}

// ParseOverrideConfig registers what parses the global configuration, and what parses a rule given the global one: the
// zero value if there is none.
func ParseOverrideConfig[C any, R Result[R]](
	global func(json R, config *C) error,
	rule func(json R, global C, config *C) error,
) Option {
	return parser("ParseOverrideConfig",
		func(_ PluginContext, json string, config *C) error { return global(result[R](json), config) },
		func(_ PluginContext, json string, g C, config *C) error { return rule(result[R](json), g, config) })
}

// ParseOverrideConfigWithContext is [ParseOverrideConfig] for functions that use the plugin's context.
func ParseOverrideConfigWithContext[C any, R Result[R]](
	global func(ctx PluginContext, json R, config *C) error,
	rule func(ctx PluginContext, json R, global C, config *C) error,
) Option {
	return parser("ParseOverrideConfigWithContext",
		func(ctx PluginContext, json string, config *C) error { return global(ctx, result[R](json), config) },
		func(ctx PluginContext, json string, g C, config *C) error {
			return rule(ctx, result[R](json), g, config)
		})
}

// ParseOverrideRawConfig is [ParseOverrideConfig] for functions that take the JSON as it is.
func ParseOverrideRawConfig[C any](
	global func(configBytes []byte, config *C) error,
	rule func(configBytes []byte, global C, config *C) error,
) Option {
	return parser("ParseOverrideRawConfig",
		func(_ PluginContext, json string, config *C) error { return global([]byte(json), config) },
		func(_ PluginContext, json string, g C, config *C) error { return rule([]byte(json), g, config) })
}

// ParseOverrideRawConfigWithContext is [ParseOverrideConfigWithContext] for functions that take the JSON as it is.
func ParseOverrideRawConfigWithContext[C any](
	global func(ctx PluginContext, configBytes []byte, config *C) error,
	rule func(ctx PluginContext, configBytes []byte, global C, config *C) error,
) Option {
	return parser("ParseOverrideRawConfigWithContext",
		func(ctx PluginContext, json string, config *C) error { return global(ctx, []byte(json), config) },
		func(ctx PluginContext, json string, g C, config *C) error { return rule(ctx, []byte(json), g, config) })
}

// parser makes the option that parses the configuration, one for a plugin. Without rule, global parses rules too.
func parser[C any](
	name string,
	global func(ctx PluginContext, json string, config *C) error,
	rule func(ctx PluginContext, json string, global C, config *C) error,
) Option {
	o := typed[C](name, func(p *plugin) {
		p.parse = func(ctx *pluginContext, json string, config any) error { return global(ctx, json, config.(*C)) }
		if rule != nil {
			p.parseRule = func(ctx *pluginContext, json string, g, config any) error {
				return rule(ctx, json, *g.(*C), config.(*C))
			}
		}
	})
	o.place = "parser"
	return o
}

// ConfigError is an error at a place of the JSON that a parser was given: &ConfigError{Path: "limits.rate", Err: err} in
// a rule is reported as _rules_[3].limits.rate.
type ConfigError = matcher.PathError
