// Command rule-isolation is a gateway plugin that lets requests with a known key pass. Each rule has keys of its own, and a
// rule that is wrong takes neither the other rules' protection away nor its own.
package main

import (
	"errors"
	"slices"
	"strconv"

	"github.com/sluice-gateway/sluice/sdk/proxywasm"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
	"github.com/sluice-gateway/sluice/sdk/wrapper"
	"github.com/tidwall/gjson"
)

func main() {}

func init() {
	wrapper.SetCtx(
		"rule-isolation",
		wrapper.PrePluginStartOrReload(func(ctx wrapper.PluginContext) error {
			ctx.EnableRuleLevelConfigIsolation()
			return nil
		}),
		wrapper.ParseOverrideConfig(parseGlobal, parseRule),
		wrapper.ProcessRequestHeaders(onRequestHeaders),
	)
}

// config is the configuration, global or of a rule.
type config struct {
	// header has the key; default x-api-key.
	header string
	// keys are those that may pass.
	keys []string
}

func parseGlobal(json gjson.Result, c *config) error {
	c.header = "x-api-key"
	if h := json.Get("header"); h.Exists() {
		c.header = h.String()
	}
	return parseKeys(json, c)
}

// parseRule parses a rule on top of the global configuration: it has what the rule does not say.
func parseRule(json gjson.Result, global config, c *config) error {
	*c = global
	if h := json.Get("header"); h.Exists() {
		c.header = h.String()
	}
	return parseKeys(json, c)
}

func parseKeys(json gjson.Result, c *config) error {
	keys := json.Get("keys")
	if !keys.IsArray() {
		return &wrapper.ConfigError{Path: "keys", Err: errors.New("must be a list")}
	}
	c.keys = nil // a new list: the global one stays as it is
	for i, key := range keys.Array() {
		if key.Type != gjson.String || key.Str == "" {
			return &wrapper.ConfigError{Path: "keys[" + strconv.Itoa(i) + "]", Err: errors.New("must be a text")}
		}
		c.keys = append(c.keys, key.Str)
	}
	return nil
}

func onRequestHeaders(_ wrapper.HttpContext, c config) types.Action {
	key, err := proxywasm.GetHttpRequestHeader(c.header)
	if err != nil || !slices.Contains(c.keys, key) {
		_ = proxywasm.SendHttpResponseWithDetail(403, "unknown_key", nil, []byte("unknown key"), -1)
		return types.ActionPause
	}
	return types.HeaderContinue
}
