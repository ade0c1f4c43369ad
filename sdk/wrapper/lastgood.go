package wrapper

import (
	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/internal/hostcall"
	"github.com/sluice-gateway/sluice/sdk/internal/jsontext"
	"github.com/sluice-gateway/sluice/sdk/log"
)

const (
	// lastGoodPrefix begins the keys in shared data: one for a plugin by the name that it is registered under, its
	// fingerprint and the name of its configuration.
	lastGoodPrefix = "sluice.last_good_rules/"
	// maxLastGood bounds what is kept for a plugin, in bytes. Rules that come first are kept first.
	maxLastGood = 4 << 20
	// lastGoodTries bounds how often a VM begins anew because another one wrote in between.
	lastGoodTries = 16
)

// lastGood are the last good versions of a plugin's rules: their JSON by what they match, as encoded pairs under one key
// of shared data, so that rules which are gone from the configuration are gone from there too. Shared data is all VMs',
// and lives as long as the gateway's process; other plugins with the same vm_id can read it.
type lastGood struct {
	key   string
	rules map[string]string
	cas   uint32
}

// load reads what is kept. What is not of the form is nobody's: it counts as nothing.
func (l *lastGood) load() {
	value, cas, st := hostcall.GetSharedData(l.key)
	l.rules, l.cas = map[string]string{}, cas
	if st != abi.StatusOK && st != abi.StatusNotFound {
		log.Error("the last good versions of rules cannot be read: " + st.String())
		return
	}
	if pairs, err := abi.ParsePairs(value); err == nil {
		for matches, json := range pairs.All() {
			if jsontext.Check(string(json)) == nil {
				l.rules[string(matches)] = string(json)
			}
		}
	}
}

// save keeps, for each of the rules, the JSON that is good now, else the one that was kept. VMs that do so at the same
// time have the same configuration: that one of them sees the other's work and begins anew changes nothing but that no
// version is lost.
func (l *lastGood) save(now func(matches string) (json string, ok bool), rules []string) {
	for range lastGoodTries {
		var keep [][2]string
		changed := false
		size := 4
		for _, matches := range rules {
			old, kept := l.rules[matches]
			json, good := now(matches)
			if !good {
				json = old
			}
			if !good && !kept {
				continue
			}
			if size += 8 + len(matches) + 1 + len(json) + 1; size > maxLastGood {
				log.Warn("the rules are too large for their last good versions to be kept, all of them")
				break
			}
			keep = append(keep, [2]string{matches, json})
			changed = changed || !kept || old != json
		}
		if !changed && len(keep) == len(l.rules) {
			return
		}
		switch st := hostcall.SetSharedData(l.key, abi.AppendPairs(nil, keep), l.cas); st {
		case abi.StatusOK:
			return
		case abi.StatusCasMismatch:
			l.load()
		default:
			log.Error("the last good versions of rules cannot be kept: " + st.String())
			return
		}
	}
	log.Error("the last good versions of rules cannot be kept: other VMs write them again and again")
}
