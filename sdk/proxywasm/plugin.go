package proxywasm

import (
	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/internal/hostcall"
)

// GetVMConfiguration returns the VM's configuration; none is types.ErrorStatusNotFound.
func GetVMConfiguration() ([]byte, error) {
	return getBuffer(abi.BufferVMConfiguration, 0, 1<<31-1)
}

// GetPluginConfiguration returns the plugin's configuration; none is types.ErrorStatusNotFound. It is there in
// OnPluginStart.
func GetPluginConfiguration() ([]byte, error) {
	return getBuffer(abi.BufferPluginConfiguration, 0, 1<<31-1)
}

// SetTickPeriodMilliSeconds sets the plugin's timer, in milliseconds; 0 stops it. The next OnTick comes that long after
// this callback, then that long after each OnTick.
func SetTickPeriodMilliSeconds(millSec uint32) error {
	return statusError(hostcall.SetTickPeriod(millSec))
}

// SetEffectiveContext makes the calls that follow, until this callback returns, be about another context.
func SetEffectiveContext(contextID uint32) error {
	st := hostcall.SetEffectiveContext(contextID)
	if st == abi.StatusOK {
		vm.active = contextID
	}
	return statusError(st)
}

// ActiveContextID returns the context that calls are about, and its plugin context: that of the callback, or the one that
// SetEffectiveContext set. 0 is none, as before the first callback.
func ActiveContextID() (context, plugin uint32) {
	if s := vm.streams.get(vm.active); s != nil {
		return vm.active, s.root.id
	}
	if vm.findRoot(vm.active) != nil {
		return vm.active, vm.active
	}
	return vm.active, 0
}

// PluginDone ends a plugin whose OnPluginDone answered false.
func PluginDone() { _ = hostcall.Done() }

// CallForeignFunction calls a function of the host by its name.
func CallForeignFunction(funcName string, param []byte) (ret []byte, err error) {
	ret, st := hostcall.CallForeignFunction(funcName, param)
	if st != abi.StatusOK {
		return nil, statusError(st)
	}
	return ret, nil
}
