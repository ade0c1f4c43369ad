package proxytest

import (
	"bytes"
	"encoding/binary"
	"log"
	"slices"
	"time"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
)

// Log implements [abi.Host]. Lines go to the log of the test binary too.
func (e *emulator) Log(level abi.LogLevel, message []byte) abi.Status {
	if int(level) >= len(e.logs) {
		return abi.StatusBadArgument
	}
	log.Printf("proxy_%s_log: %s", level, message)
	e.logs[level] = append(e.logs[level], string(message))
	return abi.StatusOK
}

// GetLogLevel implements [abi.Host]: what the foreign function of that name answers, else all levels.
func (e *emulator) GetLogLevel() (abi.LogLevel, abi.Status) {
	if f := e.foreign[abi.FunctionGetLogLevel]; f != nil {
		if b := f(nil); len(b) == 4 {
			return abi.LogLevel(binary.LittleEndian.Uint32(b)), abi.StatusOK
		}
	}
	return abi.LogTrace, abi.StatusOK
}

// GetTraceLogs implements [HostEmulator].
func (e *emulator) GetTraceLogs() []string { return slices.Clone(e.logs[abi.LogTrace]) }

// GetDebugLogs implements [HostEmulator].
func (e *emulator) GetDebugLogs() []string { return slices.Clone(e.logs[abi.LogDebug]) }

// GetInfoLogs implements [HostEmulator].
func (e *emulator) GetInfoLogs() []string { return slices.Clone(e.logs[abi.LogInfo]) }

// GetWarnLogs implements [HostEmulator].
func (e *emulator) GetWarnLogs() []string { return slices.Clone(e.logs[abi.LogWarn]) }

// GetErrorLogs implements [HostEmulator].
func (e *emulator) GetErrorLogs() []string { return slices.Clone(e.logs[abi.LogError]) }

// GetCriticalLogs implements [HostEmulator].
func (e *emulator) GetCriticalLogs() []string { return slices.Clone(e.logs[abi.LogCritical]) }

// propertyKey is a path as a key: some SDKs end it with a NUL.
func propertyKey(path []byte) string { return string(bytes.TrimSuffix(path, []byte{0})) }

// hostCalls is the emulator as the plugin has it. Two host calls have the names of a test's methods.
type hostCalls struct{ *emulator }

// GetProperty implements [abi.Host].
func (h hostCalls) GetProperty(dst []byte, path abi.Path) ([]byte, abi.Status) {
	value, ok := h.properties[propertyKey(path)]
	if !ok {
		return dst, abi.StatusNotFound
	}
	return append(dst, value...), abi.StatusOK
}

// SetProperty implements [abi.Host].
func (h hostCalls) SetProperty(path abi.Path, value []byte) abi.Status {
	h.properties[propertyKey(path)] = bytes.Clone(value)
	return abi.StatusOK
}

// GetProperty implements [HostEmulator].
func (e *emulator) GetProperty(path []string) ([]byte, error) {
	if len(path) == 0 {
		return nil, types.ErrorStatusBadArgument
	}
	value, ok := e.properties[string(abi.AppendPath(nil, path...))]
	if !ok {
		return nil, types.ErrorStatusNotFound
	}
	return bytes.Clone(value), nil
}

// SetProperty implements [HostEmulator].
func (e *emulator) SetProperty(path []string, data []byte) error {
	if len(path) == 0 || len(data) == 0 {
		return types.ErrorStatusBadArgument
	}
	e.properties[string(abi.AppendPath(nil, path...))] = bytes.Clone(data)
	return nil
}

// SetTickPeriod implements [abi.Host].
func (e *emulator) SetTickPeriod(millis uint32) abi.Status {
	e.tickPeriod = millis
	return abi.StatusOK
}

// SetEffectiveContext implements [abi.Host].
func (e *emulator) SetEffectiveContext(id uint32) abi.Status {
	e.active = id
	return abi.StatusOK
}

// Done implements [abi.Host]: nothing happens.
func (e *emulator) Done() abi.Status { return abi.StatusOK }

// CurrentTimeNanoseconds implements [abi.Host].
func (e *emulator) CurrentTimeNanoseconds() (nanos uint64, status abi.Status) {
	return uint64(time.Now().UnixNano()), abi.StatusOK
}

// RegisterForeignFunction implements [HostEmulator].
func (e *emulator) RegisterForeignFunction(name string, f func([]byte) []byte) { e.foreign[name] = f }

// CallForeignFunction implements [abi.Host].
func (e *emulator) CallForeignFunction(dst, name, argument []byte) ([]byte, abi.Status) {
	f := e.foreign[string(name)]
	if f == nil {
		log.Printf("proxytest: foreign function %q is not registered", name)
		return dst, abi.StatusNotFound
	}
	return append(dst, f(bytes.Clone(argument))...), abi.StatusOK
}
