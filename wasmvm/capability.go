package wasmvm

import (
	"maps"
	"slices"
)

// Capabilities returns the names that [VMConfig].AllowedCapabilities may have: the host calls, the functions of WASI, and
// the callbacks, in this order, each sorted.
func Capabilities() []string {
	names := slices.Sorted(maps.Keys(hostCalls))
	names = append(names, slices.Sorted(maps.Keys(wasiCalls))...)
	exports := len(names)
	for cb := onMain + 1; cb < callbackCount; cb++ {
		names = append(names, callbacks[cb].name)
	}
	slices.Sort(names[exports:])
	return names
}

// restrict notes what the configuration allows.
func (vm *VM) restrict() {
	if len(vm.cfg.AllowedCapabilities) == 0 {
		return
	}
	vm.capabilities = make(map[string]bool, len(vm.cfg.AllowedCapabilities))
	for _, name := range vm.cfg.AllowedCapabilities {
		vm.capabilities[name] = true
	}
}

// allows reports whether the module may use an import or a callback.
func (vm *VM) allows(name string) bool { return vm.capabilities == nil || vm.capabilities[name] }

// allowed is allows for an import that is being called.
func (vm *VM) allowed(name string) bool {
	if vm.allows(name) {
		return true
	}
	if vm.cfg.Denied != nil {
		vm.cfg.Denied(name)
	}
	return false
}
