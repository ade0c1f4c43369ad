package pluginhost

import (
	"encoding/binary"
	"strconv"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

// GetProperty implements [abi.Host]. The plugin's own properties are answered here, the stream's by the gateway.
func (v *vm) GetProperty(dst []byte, path abi.Path) ([]byte, abi.Status) {
	if n := len(path); n > 0 && path[n-1] == 0 {
		path = path[:n-1] // some SDKs end paths with a NUL
	}
	if v.root != nil {
		switch string(path) {
		case abi.PropertyPluginName:
			return append(dst, v.root.plugin.cfg.Name...), abi.StatusOK
		case abi.PropertyPluginRootID:
			return append(dst, v.root.plugin.cfg.RootID...), abi.StatusOK
		case abi.PropertyPluginVMID:
			return append(dst, v.group.cfg.VMID...), abi.StatusOK
		case abi.PropertyPluginVMMemory:
			size := v.plugin.MemorySize()
			if size == 0 {
				return dst, abi.StatusNotFound // a native plugin has no memory of its own
			}
			return binary.LittleEndian.AppendUint64(dst, size), abi.StatusOK
		}
	}
	n := len(dst)
	if v.stream == nil {
		if value, ok := v.rootProperty(dst, path); ok {
			return value, abi.StatusOK
		}
		if string(path) == "xds" {
			return dst[:n], abi.StatusSerializationFailure
		}
		return dst[:n], abi.StatusNotFound
	}
	if v.stream.tcp == nil && propertyMaps[string(path)] {
		return dst, abi.StatusSerializationFailure
	}
	if value, status, known := v.messageProperty(dst, path); known {
		if status != abi.StatusOK || !v.allow(len(value)-n) {
			return value[:n], max(status, abi.StatusNotFound)
		}
		return value, status
	}
	if value, ok := v.stream.cb.AppendProperty(dst, path); ok {
		return value, abi.StatusOK
	}
	return dst[:n], abi.StatusNotFound
}

// rootProperty answers a root context.
func (v *vm) rootProperty(dst []byte, path abi.Path) ([]byte, bool) {
	if source := v.config().AppendProperty; source != nil {
		return source(dst, path)
	}
	switch string(path) {
	case "node\x00id":
		return append(dst, v.group.host.node.ID...), true
	case "node\x00cluster":
		return append(dst, v.group.host.node.Cluster...), true
	}
	return dst, false
}

// filterStatePrefix is what the names of properties that plugins set begin with in a stream's filter state.
const filterStatePrefix = "wasm."

// SetProperty implements [abi.Host].
func (v *vm) SetProperty(path abi.Path, value []byte) abi.Status {
	f := v.stream
	if f == nil {
		return abi.StatusNotFound
	}
	switch string(path) {
	case abi.PropertyClearRouteCache:
		f.keepRoute = string(value) == "off"
		return abi.StatusOK
	case abi.PropertyDecoderBufferLimit, abi.PropertyEncoderBufferLimit:
		// One limit for both directions, and what is no number is ignored: as in Envoy.
		if len(value) <= len("4294967295") {
			if n, err := strconv.ParseUint(string(value), 10, 32); err == nil {
				f.cb.SetBufferLimit(uint32(n))
			}
		}
		return abi.StatusOK
	case abi.PropertyNeedRebuild:
		if string(value) == "true" {
			v.askRebuild()
		}
		return abi.StatusOK
	}
	if v.frozen(path) {
		return abi.StatusBadArgument
	}
	if !v.allow(len(path) + len(value)) {
		return abi.StatusInternalFailure
	}
	name := v.stateName(path)
	if !v.holdState(name, value) {
		return v.refuseMore("properties")
	}
	f.cb.SetFilterState(name, value)
	if v.observer != nil {
		v.notice(HostCall{Name: "proxy_set_property", About: string(path), Value: append([]byte(nil), value...)})
	}
	return abi.StatusOK
}

// stateName returns the filter state's name for a property.
func (v *vm) stateName(path abi.Path) string {
	v.scratch = append(append(v.scratch[:0], filterStatePrefix...), path...)
	return v.intern(v.scratch)
}

// askRebuild notes that the plugin asked for a new VM.
func (v *vm) askRebuild() {
	if v.asked {
		return
	}
	v.asked = true
	v.group.asks[v.worker].Add(1)
	v.root.plugin.logger.Info("plugin asks for its VM to be rebuilt", "worker", v.worker)
	if !v.group.module.rebuilds() {
		v.root.plugin.logger.Warn("plugin VM not rebuilt", "worker", v.worker, "error", ErrNative)
		return
	}
	v.wantRebuild(RebuildAsked)
}
