package wrapper

import (
	"github.com/sluice-gateway/sluice/sdk/internal/jsontext"
	"github.com/sluice-gateway/sluice/sdk/log"
	"github.com/sluice-gateway/sluice/sdk/matcher"
)

// PluginIDKey is the key of a configuration's name, which goes to the log. The plugin does not see it.
const PluginIDKey = "_plugin_id_"

// configError says what is wrong with a configuration as a whole.
type configError struct{ err error }

func (e *configError) Error() string { return "the plugin configuration is " + e.err.Error() }
func (e *configError) Unwrap() error { return e.err }

func (p *pluginContext) configure(data []byte) error {
	json := jsontext.Trim(string(data))
	if json != "" {
		if err := jsontext.Check(json); err != nil {
			return &configError{err}
		}
	}
	if id := jsontext.Member(json, PluginIDKey); id != "" {
		if text, ok := jsontext.String(id); ok {
			id = text
		}
		p.plugin.log.ResetID(id)
		json = without(json, PluginIDKey)
	}
	parser := matcher.Parser{Global: p.parseGlobal, Rule: p.parseRule, Failed: p.ruleFailed, Parsed: p.ruleParsed}
	rules, globalErr, err := matcher.Parse(json, parser)
	if err != nil {
		return err
	}
	if globalErr != nil {
		log.Warn("no global configuration, for it failed to parse: " + globalErr.Error())
	}
	p.rules = rules
	return nil
}

func (p *pluginContext) parseGlobal(json string) (any, error) {
	config := p.plugin.newConfig()
	return config, p.plugin.parse(p, json, config)
}

func (p *pluginContext) parseRule(json string, global any) (any, error) {
	config := p.plugin.newConfig()
	if p.plugin.parseRule == nil {
		return config, p.plugin.parse(p, json, config)
	}
	if global == nil {
		global = p.plugin.newConfig()
	}
	return config, p.plugin.parseRule(p, json, global, config)
}

// without returns an object without one of its keys.
func without(json, key string) string {
	out := append(make([]byte, 0, len(json)), '{')
	for k, v := range jsontext.Members(json) {
		if k != key {
			if len(out) > 1 {
				out = append(out, ',')
			}
			out = append(append(jsontext.AppendString(out, k), ':'), v...)
		}
	}
	return string(append(out, '}'))
}
