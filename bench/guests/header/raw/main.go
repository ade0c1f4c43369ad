//go:build wasip1

// The header plugin without an SDK: the least that the same work can cost. It fetches the request's headers whole, into
// an arena, and keeps its contexts in a pool.
package main

import (
	"encoding/binary"
	"unsafe"

	"github.com/sluice-gateway/sluice/bench/guests/count"
)

//go:wasmimport env proxy_get_header_map_pairs
//go:noescape
func getHeaderMapPairs(m uint32, data, size unsafe.Pointer) uint32

//go:wasmimport env proxy_add_header_map_value
//go:noescape
func addHeaderMapValue(m uint32, key, value string) uint32

type stream struct{ id uint32 }

var (
	arena    [64 << 10]byte
	arenaOff uint32
	outData  uint32
	outSize  uint32
	value    []byte
	streams  = map[uint32]*stream{}
	spare    []*stream
	answer   = "v1"
)

func main() {}

func init() { count.Allocations() }

//go:wasmexport proxy_abi_version_0_2_100
func abiVersion() {}

//go:wasmexport proxy_on_memory_allocate
func allocate(size uint32) unsafe.Pointer {
	p := unsafe.Pointer(&arena[arenaOff])
	arenaOff += size
	return p
}

//go:wasmexport proxy_on_context_create
func onContextCreate(id, parent uint32) {
	if parent == 0 {
		return
	}
	var s *stream
	if n := len(spare); n > 0 {
		s, spare = spare[n-1], spare[:n-1]
	} else {
		s = new(stream)
	}
	s.id = id
	streams[id] = s
}

//go:wasmexport proxy_on_request_headers
func onRequestHeaders(id, _, _ uint32) uint32 {
	if streams[id] == nil {
		panic("unknown context")
	}
	arenaOff = 0
	if getHeaderMapPairs(0, unsafe.Pointer(&outData), unsafe.Pointer(&outSize)) != 0 {
		return 0
	}
	pairs := arena[:outSize]
	value = append(append(append(value[:0], find(pairs, ":path")...), ' '), find(pairs, "user-agent")...)
	addHeaderMapValue(0, "x-gw-path", unsafe.String(&value[0], len(value)))
	return 0
}

func find(pairs []byte, key string) []byte {
	n := int(binary.LittleEndian.Uint32(pairs))
	off := 4 + 8*n
	for at := 4; at < 4+8*n; at += 8 {
		kn, vn := int(binary.LittleEndian.Uint32(pairs[at:])), int(binary.LittleEndian.Uint32(pairs[at+4:]))
		if string(pairs[off:off+kn]) == key {
			return pairs[off+kn+1 : off+kn+1+vn]
		}
		off += kn + vn + 2
	}
	return nil
}

//go:wasmexport proxy_on_response_headers
func onResponseHeaders(id, _, _ uint32) uint32 {
	if streams[id] == nil {
		panic("unknown context")
	}
	addHeaderMapValue(2, "x-gw-resp", answer)
	return 0
}

//go:wasmexport proxy_on_log
func onLog(uint32) {}

//go:wasmexport proxy_on_done
func onDone(uint32) uint32 { return 1 }

//go:wasmexport proxy_on_delete
func onDelete(id uint32) {
	if s := streams[id]; s != nil {
		delete(streams, id)
		spare = append(spare, s)
	}
}
