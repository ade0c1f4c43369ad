//go:build wasip1

// The body plugin without an SDK: what the calls of gjson and sjson cost, and the least that comes with them. The body has
// memory of its own, as the one has that an SDK gives to plugin code, which may keep it.
package main

import (
	"unsafe"

	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"

	"github.com/sluice-gateway/sluice/bench/guests/count"
)

//go:wasmimport env proxy_get_buffer_bytes
//go:noescape
func getBufferBytes(b, start, size uint32, data, length unsafe.Pointer) uint32

//go:wasmimport env proxy_set_buffer_bytes
//go:noescape
func setBufferBytes(b, start, size uint32, data string) uint32

//go:wasmimport env proxy_remove_header_map_value
//go:noescape
func removeHeaderMapValue(m uint32, key string) uint32

type stream struct{ id uint32 }

var (
	last    []byte
	outData uint32
	outSize uint32
	streams = map[uint32]*stream{}
	spare   []*stream
	value   = "v1"
)

func main() {}

func init() { count.Allocations() }

//go:wasmexport proxy_abi_version_0_2_100
func abiVersion() {}

//go:wasmexport proxy_on_memory_allocate
func allocate(size uint32) unsafe.Pointer {
	last = make([]byte, size)
	return unsafe.Pointer(&last[0])
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
	removeHeaderMapValue(0, "content-length")
	return 1
}

//go:wasmexport proxy_on_request_body
func onRequestBody(id, size, _ uint32) uint32 {
	if streams[id] == nil {
		panic("unknown context")
	}
	if getBufferBytes(0, 0, size, unsafe.Pointer(&outData), unsafe.Pointer(&outSize)) != 0 {
		return 0
	}
	body := last[:outSize]
	last = nil
	model := gjson.GetBytes(body, "model").String()
	body, _ = sjson.SetBytes(body, "model", model+"-"+value)
	setBufferBytes(0, 0, size, unsafe.String(&body[0], len(body)))
	return 0
}

//go:wasmexport proxy_on_response_headers
func onResponseHeaders(uint32, uint32, uint32) uint32 { return 0 }

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
