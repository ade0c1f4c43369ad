// Package matcher chooses the configuration of a request, with package matcher of the Sluice SDK, whose documentation
// has the rules.
package matcher

import (
	"errors"

	"github.com/tidwall/gjson"

	"github.com/sluice-gateway/sluice/sdk/matcher"
	"github.com/sluice-gateway/sluice/sdk/proxywasm"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"

	"github.com/higress-group/wasm-go/pkg/iface"
	"github.com/higress-group/wasm-go/pkg/log"
)

// Category says what a rule goes by.
type Category int

// The categories.
const (
	Route Category = iota
	Host
	Service
	RoutePrefix
	RouteAndService
)

// MatchType says how a domain is compared.
type MatchType int

// The ways to compare.
const (
	Prefix MatchType = iota
	Exact
	Suffix
)

// The keys of a configuration.
const (
	RULES_KEY              = matcher.RULES_KEY
	MATCH_ROUTE_KEY        = matcher.MATCH_ROUTE_KEY
	MATCH_DOMAIN_KEY       = matcher.MATCH_DOMAIN_KEY
	MATCH_SERVICE_KEY      = matcher.MATCH_SERVICE_KEY
	MATCH_ROUTE_PREFIX_KEY = matcher.MATCH_ROUTE_PREFIX_KEY
)

// HostMatcher is one domain of a rule. The published type has nothing that is exported either.
type HostMatcher struct{}

// RuleConfig is a rule. The published type has no exported fields either.
type RuleConfig[PluginConfig any] struct{ lists matcher.Lists }

// GenerateHashKey names what the rule matches, whatever the order in which it says so.
func (r *RuleConfig[PluginConfig]) GenerateHashKey() string { return r.lists.Key() }

// RuleMatcher is a parsed configuration. The zero value has none.
type RuleMatcher[PluginConfig any] struct{ rules *matcher.Matcher }

// lastGood is the JSON of rules that parsed, by [RuleConfig.GenerateHashKey].
var lastGood = map[string]string{}

// ParseRuleConfig parses config: its global part, and the rules of _rules_, with parseOverrideConfig where that is not
// nil. Where context asks for isolation, a rule that fails is replaced by the last one for the same matches that did
// parse in this VM, else left out.
func (m *RuleMatcher[PluginConfig]) ParseRuleConfig(context iface.PluginContext, config gjson.Result,
	parsePluginConfig func(gjson.Result, *PluginConfig) error,
	parseOverrideConfig func(gjson.Result, PluginConfig, *PluginConfig) error,
) error {
	rule := func(json string, global any) (any, error) {
		c := new(PluginConfig)
		if parseOverrideConfig == nil {
			return c, parsePluginConfig(gjson.Parse(json), c)
		}
		var g PluginConfig
		if global != nil {
			g = *global.(*PluginConfig)
		}
		return c, parseOverrideConfig(gjson.Parse(json), g, c)
	}
	p := matcher.Parser{
		Global: func(json string) (any, error) {
			c := new(PluginConfig)
			return c, parsePluginConfig(gjson.Parse(json), c)
		},
		Rule: rule,
	}
	if context.IsRuleLevelConfigIsolation() {
		key := func(r matcher.Rule) string { return (&RuleConfig[PluginConfig]{r.Lists}).GenerateHashKey() }
		p.Accepted = func(r matcher.Rule) { lastGood[key(r)] = r.JSON }
		p.Rejected = func(r matcher.Rule, global any, err error) (any, bool) {
			if json, ok := lastGood[key(r)]; ok {
				if c, again := rule(json, global); again == nil {
					log.Error("rule rejected, the one before it stays: " + err.Error())
					return c, false
				}
			}
			log.Error("rule rejected and left out: " + err.Error())
			return nil, false
		}
	}
	rules, globalErr, err := matcher.Parse(config.Raw, p)
	if err != nil {
		return err
	}
	if globalErr != nil {
		log.Warn("no global configuration, for it failed to parse: " + globalErr.Error())
	}
	m.rules = rules
	return nil
}

// GetMatchConfig returns a copy of the configuration for the stream whose callback runs, nil if there is none.
func (m RuleMatcher[PluginConfig]) GetMatchConfig() (*PluginConfig, error) {
	if m.rules == nil {
		return nil, nil
	}
	config, err := m.rules.Match(currentRequest{})
	if err != nil || config == nil {
		return nil, err
	}
	c := *config.(*PluginConfig)
	return &c, nil
}

// currentRequest is what rules see of the stream whose callback runs.
type currentRequest struct{}

func (currentRequest) Host() (string, bool) {
	host, err := proxywasm.GetHttpRequestHeader(":authority")
	return host, err == nil
}

func (currentRequest) Route() (string, bool)   { return property("route_name") }
func (currentRequest) Cluster() (string, bool) { return property("cluster_name") }

func property(name string) (string, bool) {
	value, err := proxywasm.GetProperty([]string{name})
	return string(value), err == nil || errors.Is(err, types.ErrorStatusNotFound)
}
