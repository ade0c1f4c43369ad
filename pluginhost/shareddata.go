package pluginhost

import (
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

// sharedData is what plugins share between VMs: for each vm_id, values by key. It lives as long as there are VMs of the
// vm_id.
type sharedData struct {
	mu     sync.Mutex
	spaces map[string]*dataSpace
	cas    atomic.Uint32
}

// dataSpace is the shared data of a vm_id. Keys are never taken out, so a VM may keep the entries that it uses (see
// vm.dataEntry); reading one takes no lock.
type dataSpace struct {
	cas *atomic.Uint32
	// users counts the groups of VMs. The store's lock guards it.
	users int

	// mu guards the map, and is held for writing while an entry is changed.
	mu     sync.RWMutex
	values map[string]*dataEntry
	usage  map[string]*dataUsage // by the plugin's name
}

// dataEntry is a key. Its value is replaced, never changed.
type dataEntry struct{ value atomic.Pointer[dataValue] }

type dataValue struct {
	data []byte
	cas  uint32
	// by is whose quota it counts against: the plugin that wrote it.
	by *dataUsage
}

// dataUsage is what a plugin has in shared data.
type dataUsage struct{ bytes, keys int }

// retain returns the data of vmID, and keeps it until release.
func (d *sharedData) retain(vmID string) *dataSpace {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.spaces[vmID]
	if s == nil {
		if d.spaces == nil {
			d.spaces = map[string]*dataSpace{}
		}
		s = &dataSpace{cas: &d.cas, values: map[string]*dataEntry{}, usage: map[string]*dataUsage{}}
		d.spaces[vmID] = s
	}
	s.users++
	return s
}

func (d *sharedData) release(vmID string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.spaces[vmID]
	if s.users--; s.users == 0 {
		delete(d.spaces, vmID)
	}
}

// entry returns a key's entry, nil if nobody wrote it.
func (s *dataSpace) entry(key []byte) *dataEntry {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.values[string(key)]
}

// set sets a value for the plugin of a name. A cas that is not 0 must be that of the value that is there, if there is
// one. Beyond a limit it answers the limit's name.
func (s *dataSpace) set(key, data []byte, cas uint32, plugin string, limits *Limits) (_ abi.Status, setting string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.values[string(key)]
	var old *dataValue
	if e != nil {
		old = e.value.Load()
		if cas != 0 && cas != old.cas {
			return abi.StatusCasMismatch, ""
		}
	}
	usage := s.usage[plugin]
	if usage == nil {
		usage = &dataUsage{}
		s.usage[plugin] = usage
	}
	size, keys := len(key)+len(data), 1
	if old != nil && old.by == usage {
		size, keys = size-len(key)-len(old.data), 0
	}
	switch {
	case keys > 0 && usage.keys >= limits.SharedDataKeys:
		return abi.StatusInternalFailure, "SharedDataKeys"
	case size > 0 && size > limits.SharedDataBytes-usage.bytes:
		return abi.StatusInternalFailure, "SharedDataBytes"
	}
	if old != nil && old.by != usage {
		old.by.bytes -= len(key) + len(old.data)
		old.by.keys--
	}
	usage.bytes += size
	usage.keys += keys
	number := s.cas.Add(1)
	for number == 0 {
		number = s.cas.Add(1)
	}
	if e == nil {
		e = &dataEntry{}
		e.value.Store(&dataValue{append([]byte(nil), data...), number, usage})
		s.values[string(key)] = e
		return abi.StatusOK, ""
	}
	e.value.Store(&dataValue{append([]byte(nil), data...), number, usage})
	return abi.StatusOK, ""
}

// maxEntries bounds the entries of shared data that a VM keeps at hand.
const maxEntries = 4096

// dataEntry is the shared data's entry of a key. The VM keeps it: another look at the key takes no lock.
func (v *vm) dataEntry(key []byte) *dataEntry {
	if e := v.entries[string(key)]; e != nil {
		return e
	}
	e := v.group.data.entry(key)
	if e != nil && len(v.entries) < maxEntries {
		v.entries[string(key)] = e
	}
	return e
}

// GetSharedData implements [abi.Host].
func (v *vm) GetSharedData(dst, key []byte) ([]byte, uint32, abi.Status) {
	e := v.dataEntry(key)
	if e == nil {
		return dst, 0, abi.StatusNotFound
	}
	value := e.value.Load()
	if !v.allow(len(value.data)) {
		return dst, 0, abi.StatusInternalFailure
	}
	return append(dst, value.data...), value.cas, abi.StatusOK
}

// SetSharedData implements [abi.Host].
func (v *vm) SetSharedData(key, value []byte, cas uint32) abi.Status {
	cfg := v.config()
	if !v.allow(len(key) + len(value)) {
		return abi.StatusInternalFailure
	}
	status, setting := v.group.data.set(key, value, cas, cfg.Name, &cfg.Limits)
	switch setting {
	case "SharedDataBytes":
		v.exceeded(setting, cfg.Limits.SharedDataBytes, slog.Int("size", len(key)+len(value)))
	case "SharedDataKeys":
		v.exceeded(setting, cfg.Limits.SharedDataKeys)
	}
	return status
}
