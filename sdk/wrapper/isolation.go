package wrapper

import (
	"strconv"
	"strings"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/internal/hostcall"
	"github.com/sluice-gateway/sluice/sdk/log"
	"github.com/sluice-gateway/sluice/sdk/matcher"
)

// isolator says what becomes of rules, where one that fails is not to fail the whole configuration.
type isolator interface {
	begin(configID string)
	accepted(rule matcher.Rule)
	rejected(rule matcher.Rule, global any, err error) (config any, hold bool)
	end()
}

// EnableRuleLevelConfigIsolation implements [PluginContext]. What it needs is reached from here only, so that other
// plugins do not carry it.
func (p *pluginContext) EnableRuleLevelConfigIsolation() {
	if p.isolator == nil {
		p.isolator = &isolation{plugin: p}
	}
}

// IsRuleLevelConfigIsolation implements [PluginContext].
func (p *pluginContext) IsRuleLevelConfigIsolation() bool { return p.isolator != nil }

// maxReported bounds the log lines about rejected rules in one configuration.
const maxReported = 100

// isolation is the isolator: a rule that is rejected is replaced by its last good version, which is kept in shared data
// because this VM, with all it remembers, may be gone by then.
type isolation struct {
	plugin *pluginContext
	store  lastGood

	order []string // what each rule matches, of those that are not behind one that matches the same
	seen  map[string]bool
	now   map[string]string // the JSON of the rules that were accepted, by what they match

	// How many rules there are, and of the rejected ones, what is in force.
	rules, replaced, held, nothing int
}

func (i *isolation) begin(configID string) {
	*i = isolation{plugin: i.plugin, seen: map[string]bool{}, now: map[string]string{}}
	i.store.key = lastGoodPrefix + i.plugin.plugin.name + "/" + i.plugin.GetFingerPrint() + "/" + configID
	i.store.load()
}

// first says whether a rule is the first that matches what it matches: others never count.
func (i *isolation) first(matches string) bool {
	if matches == "" || i.seen[matches] {
		return false
	}
	i.seen[matches] = true
	i.order = append(i.order, matches)
	return true
}

func (i *isolation) accepted(rule matcher.Rule) {
	i.rules++
	if matches := rule.Lists.String(); i.first(matches) {
		i.now[matches] = rule.JSON
	}
}

func (i *isolation) rejected(rule matcher.Rule, global any, err error) (config any, hold bool) {
	i.rules++
	matches := rule.Lists.String()
	inForce := ""
	switch {
	case matches == "":
		inForce = "nothing, for it says nothing that it matches"
		i.nothing++
	case !i.first(matches):
		inForce = "nothing, for a rule before it matches the same"
		i.nothing++
	default:
		if json, ok := i.store.rules[matches]; ok {
			if last, lastErr := i.plugin.parseRule(json, global); lastErr == nil {
				config, inForce = last, "its last good version"
				i.replaced++
				break
			}
		}
		if i.plugin.plugin.failOpen {
			inForce = "nothing: what it matches goes to later rules and the global configuration"
			i.nothing++
			break
		}
		hold, inForce = true, "503 for what it matches"
		i.held++
	}
	if n := i.replaced + i.held + i.nothing; n <= maxReported {
		log.Error("rule rejected: " + err.Error() + " (" + clip(matches) + "); in force: " + inForce)
	}
	return config, hold
}

// clip shortens what a log line need not have whole.
func clip(text string) string {
	const most = 200
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

// end keeps what is good now, and says how things are.
func (i *isolation) end() {
	i.store.save(func(matches string) (json string, ok bool) { json, ok = i.now[matches]; return }, i.order)
	n := i.replaced + i.held + i.nothing
	name := ownProperty(abi.PropertyPluginName) // as the operator calls it
	if name == "" {
		name = i.plugin.plugin.name
	}
	setGauge("plugin."+name+".rejected_rules", uint64(n))
	if n > 0 {
		log.Error(strconv.Itoa(n) + " of " + strconv.Itoa(i.rules) + " rules rejected: " +
			strconv.Itoa(i.replaced) + " with the last good version in force, " +
			strconv.Itoa(i.held) + " answering 503, " + strconv.Itoa(i.nothing) + " with nothing in force")
	}
	i.seen, i.now, i.order, i.store.rules = nil, nil, nil, nil
}

// setGauge sets a gauge, which is one for all VMs: so it is set, not counted up.
func setGauge(name string, value uint64) {
	id, st := hostcall.DefineMetric(abi.MetricGauge, name)
	if st == abi.StatusOK {
		st = hostcall.RecordMetric(id, value)
	}
	if st != abi.StatusOK {
		log.Warn("the host does not take the metric " + name + ": " + st.String())
	}
}
