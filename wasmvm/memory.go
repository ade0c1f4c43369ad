package wasmvm

import (
	"encoding/binary"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

const (
	pageSize = 1 << 16
	// maxPages is one less than WebAssembly allows: the size of a memory of 4 GiB does not fit the numbers that wazero
	// and modules measure it with.
	maxPages = 1<<16 - 1
	// maxScratch is the largest buffer that a VM keeps for results, in bytes: bodies are streamed in less.
	maxScratch = 1 << 20
)

// view is the module's memory from ptr, n bytes, if it has them. It is good until the module runs again.
func (vm *VM) view(ptr, n uint32) ([]byte, bool) {
	if vm.memory == nil {
		return nil, false
	}
	b, ok := vm.memory.Read(ptr, n)
	if ok {
		vm.charge(int(n >> 12))
	}
	return b, ok
}

// in reads a pointer and a length from slots i and i+1.
func (vm *VM) in(s []uint64, i int) ([]byte, bool) { return vm.view(uint32(s[i]), uint32(s[i+1])) }

// outs tells whether the pointers in the slots lead to 4 bytes each. Host calls look first: a call that cannot hand over
// its result must not have an effect.
func (vm *VM) outs(s []uint64, slots ...int) bool {
	for _, i := range slots {
		if _, ok := vm.view(uint32(s[i]), 4); !ok {
			return false
		}
	}
	return true
}

// put32 and put64 write where the caller has looked already.
func (vm *VM) put32(ptr uint64, v uint32) {
	if b, ok := vm.view(uint32(ptr), 4); ok {
		binary.LittleEndian.PutUint32(b, v)
	}
}

func (vm *VM) put64(ptr uint64, v uint64) {
	if b, ok := vm.view(uint32(ptr), 8); ok {
		binary.LittleEndian.PutUint64(b, v)
	}
}

// number hands over a number, through the pointer in slot i, if status is OK.
func (vm *VM) number(s []uint64, i int, v uint32, status abi.Status) abi.Status {
	if status == abi.StatusOK {
		vm.put32(s[i], v)
	}
	return status
}

// take hands out the scratch buffer, empty. A host call that is made meanwhile, by the allocator, gets one of its own.
func (vm *VM) take() []byte {
	b := vm.scratch
	vm.scratch = nil
	return b[:0]
}

// deliver hands over a result, of any length, through a pointer to it and a pointer to its length in slots i and i+1, and
// takes the buffer back. The module allocates the memory, except for an empty result, which is pointer 0, length 0: some
// allocators do not take 0.
func (vm *VM) deliver(s []uint64, i int, b []byte, status abi.Status) abi.Status {
	if status == abi.StatusOK {
		status = vm.copyOut(uint32(s[i]), uint32(s[i+1]), b)
	}
	if cap(b) <= maxScratch {
		vm.scratch = b[:0]
	}
	return status
}

func (vm *VM) copyOut(ptrOut, sizeOut uint32, b []byte) abi.Status {
	var ptr uint32
	if uint64(len(b)) > maxPages*pageSize {
		return abi.StatusInternalFailure
	}
	if len(b) > 0 {
		var ok bool
		if ptr, ok = vm.allocate(uint32(len(b))); !ok {
			return abi.StatusInvalidMemoryAccess
		}
		dst, ok := vm.view(ptr, uint32(len(b)))
		if !ok {
			return abi.StatusInvalidMemoryAccess
		}
		copy(dst, b)
	}
	vm.put32(uint64(ptrOut), ptr)
	vm.put32(uint64(sizeOut), uint32(len(b)))
	return abi.StatusOK
}

// pairs reads a header map from slots i and i+1. One that is malformed or too large is refused: Envoy's host takes it for
// an empty one, and so wipes the headers that it was to replace.
func (vm *VM) pairs(s []uint64, i int) (abi.Pairs, abi.Status) {
	b, ok := vm.in(s, i)
	if !ok {
		return nil, abi.StatusInvalidMemoryAccess
	}
	p := abi.Pairs(b)
	if len(b) > abi.MaxPairsBytes || p.Len() > abi.MaxPairs || p.Validate() != nil {
		return nil, abi.StatusBadArgument
	}
	return p, abi.StatusOK
}
