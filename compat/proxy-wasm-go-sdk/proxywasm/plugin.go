package proxywasm

import sdk "github.com/sluice-gateway/sluice/sdk/proxywasm"

// GetVMConfiguration returns the VM's configuration.
func GetVMConfiguration() ([]byte, error) { return sdk.GetVMConfiguration() }

// GetPluginConfiguration returns the plugin's configuration.
func GetPluginConfiguration() ([]byte, error) { return sdk.GetPluginConfiguration() }

// SetTickPeriodMilliSeconds sets the plugin's timer, in milliseconds; 0 stops it.
func SetTickPeriodMilliSeconds(millSec uint32) error { return sdk.SetTickPeriodMilliSeconds(millSec) }

// SetEffectiveContext makes the calls that follow, until this callback returns, be about another context.
func SetEffectiveContext(contextID uint32) error { return sdk.SetEffectiveContext(contextID) }

// PluginDone ends a plugin whose OnPluginDone answered false.
func PluginDone() { sdk.PluginDone() }

// CallForeignFunction calls a function of the host by its name.
func CallForeignFunction(funcName string, param []byte) (ret []byte, err error) {
	return sdk.CallForeignFunction(funcName, param)
}

// GetProperty returns the value of a property.
func GetProperty(path []string) ([]byte, error) { return sdk.GetProperty(path) }

// GetPropertyMap is [GetProperty] for a property that is a map.
func GetPropertyMap(path []string) ([][2]string, error) { return sdk.GetPropertyMap(path) }

// SetProperty sets a property of the stream. The value must not be empty.
func SetProperty(path []string, data []byte) error { return sdk.SetProperty(path, data) }

// GetSharedData returns the value of key and its compare-and-swap number.
func GetSharedData(key string) (value []byte, cas uint32, err error) { return sdk.GetSharedData(key) }

// SetSharedData sets key. With a cas other than 0 it fails if the value has changed since that number was read.
func SetSharedData(key string, data []byte, cas uint32) error {
	return sdk.SetSharedData(key, data, cas)
}

// RegisterSharedQueue makes a queue, or finds it.
func RegisterSharedQueue(name string) (queueID uint32, err error) {
	return sdk.RegisterSharedQueue(name)
}

// ResolveSharedQueue finds a queue that a plugin with that vm_id registered.
func ResolveSharedQueue(vmID, queueName string) (queueID uint32, err error) {
	return sdk.ResolveSharedQueue(vmID, queueName)
}

// EnqueueSharedQueue adds an element to a queue.
func EnqueueSharedQueue(queueID uint32, data []byte) error {
	return sdk.EnqueueSharedQueue(queueID, data)
}

// DequeueSharedQueue takes a queue's first element.
func DequeueSharedQueue(queueID uint32) ([]byte, error) { return sdk.DequeueSharedQueue(queueID) }
