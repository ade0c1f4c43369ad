package proxywasm

import "github.com/sluice-gateway/sluice/sdk/internal/hostcall"

// GetSharedData returns the value of key, shared by all VMs with this one's vm_id, and its compare-and-swap number. A key
// without a value is types.ErrorStatusNotFound.
func GetSharedData(key string) (value []byte, cas uint32, err error) {
	value, cas, st := hostcall.GetSharedData(key)
	if err := statusError(st); err != nil {
		return nil, 0, err
	}
	return value, cas, nil
}

// SetSharedData sets key. With a cas other than 0 it fails with types.ErrorStatusCasMismatch if the value has changed
// since that number was read. A key without a value takes any cas: one that no value has, such as 1<<31, sets the key only
// if there is none, where 0 would replace what another VM has set meanwhile.
func SetSharedData(key string, data []byte, cas uint32) error {
	return statusError(hostcall.SetSharedData(key, data, cas))
}

// RegisterSharedQueue makes a queue, or finds it. This plugin's OnQueueReady is told when it has data.
func RegisterSharedQueue(name string) (queueID uint32, err error) {
	queueID, st := hostcall.RegisterSharedQueue(name)
	return queueID, statusError(st)
}

// ResolveSharedQueue finds a queue that a plugin with that vm_id registered; "" is this plugin's own. An unknown one is
// types.ErrorStatusNotFound.
func ResolveSharedQueue(vmID, queueName string) (queueID uint32, err error) {
	queueID, st := hostcall.ResolveSharedQueue(vmID, queueName)
	return queueID, statusError(st)
}

// DequeueSharedQueue takes a queue's first element. An empty queue is types.ErrorStatusEmpty.
func DequeueSharedQueue(queueID uint32) ([]byte, error) {
	value, st := hostcall.DequeueSharedQueue(queueID)
	if err := statusError(st); err != nil {
		return nil, err
	}
	return value, nil
}

// EnqueueSharedQueue adds an element to a queue.
func EnqueueSharedQueue(queueID uint32, data []byte) error {
	return statusError(hostcall.EnqueueSharedQueue(queueID, data))
}
