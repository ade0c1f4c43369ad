package pluginhost

import (
	"sync"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

// maxSharedData is the most that one vm_id may keep in shared data, keys and values, in bytes. Envoy has no limit.
const maxSharedData = 64 << 20

// sharedData is what plugins share between VMs: for each vm_id, values by key. It lives as long as there are VMs of the
// vm_id.
type sharedData struct {
	mu     sync.Mutex
	spaces map[string]*dataSpace
	cas    uint32
}

type dataSpace struct {
	users  int
	size   int
	values map[string]dataValue
}

type dataValue struct {
	data []byte
	cas  uint32
}

// retain keeps the data of vmID until release.
func (d *sharedData) retain(vmID string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.spaces[vmID]
	if s == nil {
		if d.spaces == nil {
			d.spaces = map[string]*dataSpace{}
		}
		s = &dataSpace{values: map[string]dataValue{}}
		d.spaces[vmID] = s
	}
	s.users++
}

func (d *sharedData) release(vmID string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.spaces[vmID]
	if s.users--; s.users == 0 {
		delete(d.spaces, vmID)
	}
}

// get appends a value to dst.
func (d *sharedData) get(dst []byte, vmID string, key []byte) ([]byte, uint32, abi.Status) {
	d.mu.Lock()
	defer d.mu.Unlock()
	value, ok := d.spaces[vmID].values[string(key)]
	if !ok {
		return dst, 0, abi.StatusNotFound
	}
	return append(dst, value.data...), value.cas, abi.StatusOK
}

// set sets a value. A cas that is not 0 must be that of the value that is there, if there is one.
func (d *sharedData) set(vmID string, key, data []byte, cas uint32) abi.Status {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.spaces[vmID]
	value, ok := s.values[string(key)]
	if ok && cas != 0 && cas != value.cas {
		return abi.StatusCasMismatch
	}
	size := s.size + len(data) - len(value.data)
	if !ok {
		size += len(key)
	}
	if size > maxSharedData {
		return abi.StatusInternalFailure
	}
	s.size = size
	if d.cas++; d.cas == 0 {
		d.cas = 1
	}
	value.cas = d.cas
	value.data = append(value.data[:0:0], data...)
	s.values[string(key)] = value
	return abi.StatusOK
}

// GetSharedData implements [abi.Host].
func (v *vm) GetSharedData(dst, key []byte) ([]byte, uint32, abi.Status) {
	return v.group.host.data.get(dst, v.group.cfg.VMID, key)
}

// SetSharedData implements [abi.Host].
func (v *vm) SetSharedData(key, value []byte, cas uint32) abi.Status {
	return v.group.host.data.set(v.group.cfg.VMID, key, value, cas)
}
