package wrapper

import (
	"errors"
	"strconv"

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
		if err := jsontext.CheckText(json); err != nil {
			return &configError{err}
		}
	}
	id := jsontext.Member(json, PluginIDKey)
	if id != "" {
		if text, ok := jsontext.String(id); ok {
			id = text
		}
		json = without(json, PluginIDKey)
	}
	log.ResetID(id)
	doubts := 0
	parser := matcher.Parser{Global: p.parseGlobal, Rule: p.parseRule, Doubtful: func(err error) {
		if doubts++; doubts <= maxDoubts {
			log.Warn("configuration: " + err.Error())
		}
	}}
	isolator := p.isolator // for this configuration, even if a parser asks for it now
	if isolator != nil {
		isolator.begin(id)
		parser.Accepted, parser.Rejected = isolator.accepted, isolator.rejected
	}
	rules, globalErr, err := matcher.Parse(json, parser)
	if doubts > maxDoubts {
		log.Warn("configuration: and " + strconv.Itoa(doubts-maxDoubts) + " more of that kind")
	}
	if err != nil {
		return err
	}
	if globalErr != nil {
		log.Error("global configuration rejected: " + globalErr.Error() + "; in force: rules only, on top of an empty one; " +
			"requests that match none pass the plugin by")
	}
	if isolator != nil {
		isolator.end()
	}
	p.rules = rules
	return nil
}

// maxDoubts bounds the log lines about what has no effect in a configuration.
const maxDoubts = 20

func (p *pluginContext) parseGlobal(json string) (any, error) {
	config := p.plugin.newConfig()
	return config, p.parse(func() error { return p.plugin.parse(p, json, config) })
}

func (p *pluginContext) parseRule(json string, global any) (any, error) {
	config := p.plugin.newConfig()
	if p.plugin.parseRule == nil {
		return config, p.parse(func() error { return p.plugin.parse(p, json, config) })
	}
	if global == nil {
		global = p.plugin.newConfig()
	}
	return config, p.parse(func() error { return p.plugin.parseRule(p, json, global, config) })
}

// parse takes a panic of the plugin's parser for an error: a configuration that the author did not think of must not
// take the VM, and with it the configuration before, away.
func (p *pluginContext) parse(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			if p.repanic {
				panic(v)
			}
			err = errors.New("panic: " + panicText(v) + " " + stackLine())
		}
	}()
	return f()
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
