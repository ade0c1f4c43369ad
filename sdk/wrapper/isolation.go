package wrapper

import (
	"github.com/sluice-gateway/sluice/sdk/log"
	"github.com/sluice-gateway/sluice/sdk/matcher"
)

// EnableRuleLevelConfigIsolation implements [PluginContext]. What it needs is reached from here only, so that other
// plugins do not carry it.
func (p *pluginContext) EnableRuleLevelConfigIsolation() {
	p.ruleFailed, p.ruleParsed = p.replaceRule, p.keepRule
}

// IsRuleLevelConfigIsolation implements [PluginContext].
func (p *pluginContext) IsRuleLevelConfigIsolation() bool { return p.ruleFailed != nil }

// lastGood is the JSON of rules that parsed, by plugin and rule: what isolation falls back to. It outlives a
// configuration, not the VM.
var lastGood = map[lastGoodKey]string{}

type lastGoodKey struct {
	plugin string
	rule   string
}

func (p *pluginContext) keepRule(rule matcher.Lists, json string) {
	lastGood[lastGoodKey{p.plugin.name, rule.Key()}] = json
}

func (p *pluginContext) replaceRule(rule matcher.Lists, _ string, global any, err error) any {
	if raw, ok := lastGood[lastGoodKey{p.plugin.name, rule.Key()}]; ok {
		if config, again := p.parseRule(raw, global); again == nil {
			log.Error("a rule failed to parse, the one before it stays: " + err.Error())
			return config
		}
	}
	log.Error("a rule failed to parse and is left out: " + err.Error())
	return nil
}
