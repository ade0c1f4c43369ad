//go:build !wasip1

package hostcall

import (
	"encoding/binary"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

// MemorySize returns the size of the VM's memory in bytes, as the host has it.
func MemorySize() (uint64, abi.Status) {
	value, st := BorrowProperty(abi.PropertyPluginVMMemory)
	if st != abi.StatusOK {
		return 0, st
	}
	if len(value) != 8 {
		return 0, abi.StatusParseFailure
	}
	return binary.LittleEndian.Uint64(value), abi.StatusOK
}

// Trap ends the plugin at once: nothing of it runs again.
func Trap() { panic("the plugin ends itself, to be started anew") }
