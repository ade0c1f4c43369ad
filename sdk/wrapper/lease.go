package wrapper

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/internal/hostcall"
	"github.com/sluice-gateway/sluice/sdk/internal/lease"
	"github.com/sluice-gateway/sluice/sdk/log"
)

// VMLeaseKeyPrefix begins the keys of leases in shared data. An operator who keeps shared data in one place for several
// gateways has them elect one leader together by keeping the keys with this prefix there.
//
// A key is the prefix, ":sluice:", the name that the plugin is registered under, ":" and its fingerprint. Plugins on the
// Higress SDK, which has the same prefix, write to other keys. The value is JSON: {"vmID": who leads, "" for nobody,
// "timestamp": when that was written, in seconds since 1970}.
const VMLeaseKeyPrefix = "higress_wasm_vm_lease"

// GetPluginFingerPrint returns what tells this plugin from others with the same code: the name that the operator gave it
// and, if it has one, "/" and its root id. It does not change with the configuration.
func GetPluginFingerPrint() string {
	name, id := ownProperty(abi.PropertyPluginName), ownProperty(abi.PropertyPluginRootID)
	if id != "" {
		name += "/" + id
	}
	return name
}

func ownProperty(name string) string {
	value, st := hostcall.BorrowProperty(name)
	if st != abi.StatusOK {
		return ""
	}
	return string(value)
}

// GetFingerPrint implements [PluginContext].
func (p *pluginContext) GetFingerPrint() string {
	if p.fingerPrint == nil {
		name := GetPluginFingerPrint()
		p.fingerPrint = &name
	}
	return *p.fingerPrint
}

// election is a lease that this VM stands for, for some of its plugin contexts.
type election struct {
	key   string
	lease *lease.Lease
	users []*pluginContext
	entry *tickEntry
	// what was logged last
	led    bool
	failed string
}

// The elections of the VM, and which VM of the process that is.
var (
	elections   []*election
	electionsOf uint32
	vmID        string
)

// DoLeaderElection implements [PluginContext].
func (p *pluginContext) DoLeaderElection() {
	if p.election != nil {
		return
	}
	if electionsOf != hostcall.Instance || vmID == "" {
		// Random enough to be no other VM's; with the time, even where hosts give every VM the same randomness.
		elections, electionsOf = nil, hostcall.Instance
		vmID = strconv.FormatUint(rand.Uint64(), 16) + "-" + strconv.FormatInt(time.Now().UnixNano(), 16)
	}
	key := VMLeaseKeyPrefix + ":sluice:" + p.plugin.name + ":" + p.GetFingerPrint()
	i := slices.IndexFunc(elections, func(e *election) bool { return e.key == key })
	if i < 0 {
		i = len(elections)
		e := &election{key: key, lease: lease.New(sharedData{}, hostcall.Now, key, vmID)}
		e.entry = &tickEntry{period: minPeriod, then: e.look}
		elections = append(elections, e)
		theTicker().add(e.entry)
	}
	p.election = elections[i]
	p.election.users = append(p.election.users, p)
	p.onEnd = append(p.onEnd, p.resign)
}

// IsLeader implements [PluginContext].
func (p *pluginContext) IsLeader() bool { return p.election != nil && p.election.lease.Leads() }

// resign has p stand no longer, and the VM if p was the last.
func (p *pluginContext) resign() {
	e := p.election
	p.election = nil
	e.users = slices.DeleteFunc(e.users, func(o *pluginContext) bool { return o == p })
	if len(e.users) > 0 {
		return
	}
	elections = slices.DeleteFunc(elections, func(o *election) bool { return o == e })
	theTicker().remove(e.entry)
	e.lease.Release()
}

// look is what ticks.
func (e *election) look() time.Duration {
	next, err := e.lease.Look()
	if text := errorText(err); text != e.failed {
		if e.failed = text; err != nil {
			log.Error(text)
		}
	}
	if leads := e.lease.Leads(); leads != e.led {
		if e.led = leads; leads {
			log.Info("this VM leads: " + e.key)
		} else {
			log.Info("this VM leads no longer: " + e.key)
		}
	}
	return next
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// sharedData is the host's as a [lease.Store].
type sharedData struct{}

func (sharedData) GetSharedData(key string) ([]byte, uint32, abi.Status) {
	return hostcall.GetSharedData(key)
}

func (sharedData) SetSharedData(key string, value []byte, cas uint32) abi.Status {
	return hostcall.SetSharedData(key, value, cas)
}
