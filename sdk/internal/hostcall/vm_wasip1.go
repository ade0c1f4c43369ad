package hostcall

import "github.com/sluice-gateway/sluice/sdk/abi"

// memoryPages returns the size of the module's memory, in pages of 64 KiB.
func memoryPages() int32

// MemorySize returns the size of the VM's memory in bytes. It asks nobody: a module knows, on every host.
func MemorySize() (uint64, abi.Status) { return uint64(uint32(memoryPages())) << 16, abi.StatusOK }

// Trap ends the VM at once: nothing of the module runs again.
func Trap()
