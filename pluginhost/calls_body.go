package pluginhost

import (
	"math"

	"github.com/sluice-gateway/sluice/message"
	"github.com/sluice-gateway/sluice/sdk/abi"
)

// bodySize returns the size of the body that the plugin has before it. The stream's lock is held.
func (f *Filter) bodySize(d *direction) uint32 {
	if b := f.body(d); b != nil {
		return uint32(min(b.Len(), math.MaxUint32))
	}
	return 0
}

// body returns the body that the plugin may read: while it has the body collected, all of it; else the piece that the
// running callback is about. Nil is none.
func (f *Filter) body(d *direction) *message.Buffer {
	if !d.buffering {
		return d.chunk
	}
	b := f.buffered(d)
	if b == nil {
		b = d.spare
	}
	return b
}

// buffered returns what is buffered of d's body.
func (f *Filter) buffered(d *direction) *message.Buffer {
	if d == &f.request {
		return f.cb.DecodingBuffer()
	}
	return f.cb.EncodingBuffer()
}

// bodyOf returns the direction that buffer b is of.
func (f *Filter) bodyOf(b abi.BufferType) *direction {
	if b == abi.BufferHTTPRequestBody {
		return &f.request
	}
	return &f.response
}

// httpBody returns a body of the effective stream for reading, nil if there is none.
func (v *vm) httpBody(b abi.BufferType) *message.Buffer {
	f := v.stream
	if f == nil || f.over {
		return nil
	}
	if d := f.bodyOf(b); v.usable(f, d) {
		return f.body(d)
	}
	return nil
}

// buffer returns the contents of b for reading; ok is false if there is no such buffer now.
func (v *vm) buffer(b abi.BufferType) (data []byte, ok bool) {
	switch b {
	case abi.BufferHTTPRequestBody, abi.BufferHTTPResponseBody:
		// A body that is not there reads as empty, as in Envoy.
		if body := v.httpBody(b); body != nil {
			return body.Bytes(), true
		}
		return nil, true
	case abi.BufferDownstreamData, abi.BufferUpstreamData:
		if data := v.networkData(b); data != nil {
			return data.Bytes(), true
		}
		return nil, true
	case abi.BufferCallData:
		return nil, true
	case abi.BufferHTTPCallResponseBody, abi.BufferGRPCReceive, abi.BufferRedisCallResponse:
		return v.replyBuffer(b)
	case abi.BufferVMConfiguration:
		return v.group.cfg.VMConfiguration, true
	case abi.BufferPluginConfiguration:
		if r := v.root; r != nil && r.configuring {
			return r.plugin.cfg.Configuration, true
		}
	}
	return nil, false
}

// GetBufferBytes implements [abi.Host].
func (v *vm) GetBufferBytes(dst []byte, b abi.BufferType, start, size uint32) ([]byte, abi.Status) {
	data, ok := v.buffer(b)
	if !ok {
		return dst, abi.StatusNotFound
	}
	if start > start+size {
		return dst, abi.StatusBadArgument
	}
	n := uint64(len(data))
	from, to := min(uint64(start), n), min(uint64(start)+uint64(size), n)
	return append(dst, data[from:to]...), abi.StatusOK
}

// GetBufferStatus implements [abi.Host].
func (v *vm) GetBufferStatus(b abi.BufferType) (size, flags uint32, status abi.Status) {
	data, ok := v.buffer(b)
	if !ok {
		return 0, 0, abi.StatusNotFound
	}
	return uint32(min(len(data), math.MaxUint32)), 0, abi.StatusOK
}

// SetBufferBytes implements [abi.Host].
func (v *vm) SetBufferBytes(b abi.BufferType, start, size uint32, data []byte) abi.Status {
	var body *message.Buffer
	switch b {
	case abi.BufferHTTPRequestBody, abi.BufferHTTPResponseBody:
		if body = v.httpBody(b); body == nil {
			body = v.spareBody(b)
		}
	case abi.BufferDownstreamData, abi.BufferUpstreamData:
		if body = v.networkData(b); body != nil && body.Len()+len(data) > maxHeldData {
			return abi.StatusInternalFailure
		}
	default:
		if _, ok := v.buffer(b); !ok {
			return abi.StatusNotFound
		}
	}
	if body == nil {
		return abi.StatusBadArgument // not the plugin's to change
	}
	n := body.Len()
	if start != 0 && uint64(start) < uint64(n) {
		return abi.StatusBadArgument
	}
	copied := len(data)
	if start == 0 {
		copied += n - min(n, int(size))
	}
	if !v.allow(copied) {
		return abi.StatusInternalFailure
	}
	d, growth := v.stream.bodyOf(b), len(data)
	if start == 0 {
		growth -= min(n, int(size))
	}
	if growth > 0 && d.added+growth > maxHeld {
		return v.refuseMore("body")
	}
	d.added = max(0, d.added+growth)
	if start == 0 {
		body.ReplaceFront(int(size), data)
	} else {
		body.Append(data)
	}
	return abi.StatusOK
}

// spareBody makes a place for what the plugin writes to a body that it collects and of which nothing has come, or to one
// that has passed and whose trailers it has: that goes on before them. It becomes the stream's when the callback has
// returned. Before trailers Envoy lets its own filters do so, and not a plugin: one that changes a body piece by piece
// then has no way to send on what it kept of the last piece.
func (v *vm) spareBody(b abi.BufferType) *message.Buffer {
	f := v.stream
	if f == nil || f.over {
		return nil
	}
	d, kind := &f.request, addRequestData
	if b == abi.BufferHTTPResponseBody {
		d, kind = &f.response, addResponseData
	}
	if !d.buffering && d.trailers == nil || !v.usable(f, d) {
		return nil
	}
	spare := &message.Buffer{}
	if !v.note(action{kind: kind, data: spare}) {
		return nil
	}
	d.spare = spare
	return spare
}
