package wasmvm

import (
	"github.com/sluice-gateway/sluice/sdk/abi"
)

// The handlers of hostCalls. Each decodes its parameters, all of them before the host is called, and asks the host. A
// pointer that leads out of the module's memory, in or out, answers StatusInvalidMemoryAccess, without an effect.

const badMemory = abi.StatusInvalidMemoryAccess

// Log and time.

func proxyLog(vm *VM, s []uint64) abi.Status {
	message, ok := vm.in(s, 1)
	if !ok {
		return badMemory
	}
	level := abi.LogLevel(s[0])
	if level > abi.LogCritical {
		return abi.StatusBadArgument
	}
	return vm.host.Log(level, message)
}

func getLogLevel(vm *VM, s []uint64) abi.Status {
	if !vm.outs(s, 0) {
		return badMemory
	}
	level, status := vm.host.GetLogLevel()
	return vm.number(s, 0, uint32(level), status)
}

func getCurrentTime(vm *VM, s []uint64) abi.Status {
	if _, ok := vm.view(uint32(s[0]), 8); !ok {
		return badMemory
	}
	nanos, status := vm.host.CurrentTimeNanoseconds()
	if status == abi.StatusOK {
		vm.put64(s[0], nanos)
	}
	return status
}

// Contexts.

func setTickPeriod(vm *VM, s []uint64) abi.Status { return vm.host.SetTickPeriod(uint32(s[0])) }

func setEffectiveContext(vm *VM, s []uint64) abi.Status {
	return vm.host.SetEffectiveContext(uint32(s[0]))
}

func done(vm *VM, _ []uint64) abi.Status { return vm.host.Done() }

// callForeignFunction takes null pointers for a result that the caller does not want, as Envoy's host does.
func callForeignFunction(vm *VM, s []uint64) abi.Status {
	name, ok1 := vm.in(s, 0)
	argument, ok2 := vm.in(s, 2)
	wanted := uint32(s[4]) != 0 && uint32(s[5]) != 0
	if !ok1 || !ok2 || wanted && !vm.outs(s, 4, 5) {
		return badMemory
	}
	result, status := vm.host.CallForeignFunction(vm.take(), name, argument)
	if !wanted {
		vm.scratch = result[:0]
		return status
	}
	return vm.deliver(s, 4, result, status)
}

// Streams.

func sendLocalResponse(vm *VM, s []uint64) abi.Status {
	details, ok1 := vm.in(s, 1)
	body, ok2 := vm.in(s, 3)
	if !ok1 || !ok2 {
		return badMemory
	}
	headers, status := vm.pairs(s, 5)
	if status != abi.StatusOK {
		return status
	}
	return vm.host.SendLocalResponse(uint32(s[0]), details, body, headers, int32(uint32(s[7])))
}

func continueStream(vm *VM, s []uint64) abi.Status {
	return vm.host.ContinueStream(abi.StreamType(s[0]))
}

func closeStream(vm *VM, s []uint64) abi.Status { return vm.host.CloseStream(abi.StreamType(s[0])) }

func continueRequest(vm *VM, _ []uint64) abi.Status {
	return vm.host.ContinueStream(abi.StreamHTTPRequest)
}

func continueResponse(vm *VM, _ []uint64) abi.Status {
	return vm.host.ContinueStream(abi.StreamHTTPResponse)
}

var nameClearRouteCache = []byte(abi.FunctionClearRouteCache)

func clearRouteCache(vm *VM, _ []uint64) abi.Status {
	result, status := vm.host.CallForeignFunction(vm.take(), nameClearRouteCache, nil)
	vm.scratch = result[:0]
	return status
}

// Header maps.

func getHeaderMapPairs(vm *VM, s []uint64) abi.Status {
	if !vm.outs(s, 1, 2) {
		return badMemory
	}
	pairs, status := vm.host.GetHeaderMapPairs(vm.take(), abi.MapType(s[0]))
	return vm.deliver(s, 1, pairs, status)
}

func setHeaderMapPairs(vm *VM, s []uint64) abi.Status {
	pairs, status := vm.pairs(s, 1)
	if status != abi.StatusOK {
		return status
	}
	return vm.host.SetHeaderMapPairs(abi.MapType(s[0]), pairs)
}

func getHeaderMapSize(vm *VM, s []uint64) abi.Status {
	if !vm.outs(s, 1) {
		return badMemory
	}
	size, status := vm.host.GetHeaderMapSize(abi.MapType(s[0]))
	return vm.number(s, 1, size, status)
}

func getHeaderMapValue(vm *VM, s []uint64) abi.Status {
	key, ok := vm.in(s, 1)
	if !ok || !vm.outs(s, 3, 4) {
		return badMemory
	}
	value, status := vm.host.GetHeaderMapValue(vm.take(), abi.MapType(s[0]), key)
	return vm.deliver(s, 3, value, status)
}

func addHeaderMapValue(vm *VM, s []uint64) abi.Status {
	key, ok1 := vm.in(s, 1)
	value, ok2 := vm.in(s, 3)
	if !ok1 || !ok2 {
		return badMemory
	}
	return vm.host.AddHeaderMapValue(abi.MapType(s[0]), key, value)
}

func replaceHeaderMapValue(vm *VM, s []uint64) abi.Status {
	key, ok1 := vm.in(s, 1)
	value, ok2 := vm.in(s, 3)
	if !ok1 || !ok2 {
		return badMemory
	}
	return vm.host.ReplaceHeaderMapValue(abi.MapType(s[0]), key, value)
}

func removeHeaderMapValue(vm *VM, s []uint64) abi.Status {
	key, ok := vm.in(s, 1)
	if !ok {
		return badMemory
	}
	return vm.host.RemoveHeaderMapValue(abi.MapType(s[0]), key)
}

// Buffers.

func getBufferBytes(vm *VM, s []uint64) abi.Status {
	if !vm.outs(s, 3, 4) {
		return badMemory
	}
	b, status := vm.host.GetBufferBytes(vm.take(), abi.BufferType(s[0]), uint32(s[1]), uint32(s[2]))
	return vm.deliver(s, 3, b, status)
}

func getBufferStatus(vm *VM, s []uint64) abi.Status {
	if !vm.outs(s, 1, 2) {
		return badMemory
	}
	size, flags, status := vm.host.GetBufferStatus(abi.BufferType(s[0]))
	vm.number(s, 1, size, status)
	return vm.number(s, 2, flags, status)
}

func setBufferBytes(vm *VM, s []uint64) abi.Status {
	data, ok := vm.in(s, 3)
	if !ok {
		return badMemory
	}
	return vm.host.SetBufferBytes(abi.BufferType(s[0]), uint32(s[1]), uint32(s[2]), data)
}

func getConfiguration(vm *VM, s []uint64) abi.Status {
	if !vm.outs(s, 0, 1) {
		return badMemory
	}
	const everything = 1<<32 - 1
	b, status := vm.host.GetBufferBytes(vm.take(), abi.BufferPluginConfiguration, 0, everything)
	return vm.deliver(s, 0, b, status)
}

// Properties.

func getProperty(vm *VM, s []uint64) abi.Status {
	path, ok := vm.in(s, 0)
	if !ok || !vm.outs(s, 2, 3) {
		return badMemory
	}
	value, status := vm.host.GetProperty(vm.take(), abi.Path(path))
	return vm.deliver(s, 2, value, status)
}

func setProperty(vm *VM, s []uint64) abi.Status {
	path, ok1 := vm.in(s, 0)
	value, ok2 := vm.in(s, 2)
	if !ok1 || !ok2 {
		return badMemory
	}
	return vm.host.SetProperty(abi.Path(path), value)
}

// Shared data and queues.

func getSharedData(vm *VM, s []uint64) abi.Status {
	key, ok := vm.in(s, 0)
	if !ok || !vm.outs(s, 2, 3, 4) {
		return badMemory
	}
	value, cas, status := vm.host.GetSharedData(vm.take(), key)
	if status = vm.deliver(s, 2, value, status); status == abi.StatusOK {
		vm.put32(s[4], cas)
	}
	return status
}

func setSharedData(vm *VM, s []uint64) abi.Status {
	key, ok1 := vm.in(s, 0)
	value, ok2 := vm.in(s, 2)
	if !ok1 || !ok2 {
		return badMemory
	}
	return vm.host.SetSharedData(key, value, uint32(s[4]))
}

func registerSharedQueue(vm *VM, s []uint64) abi.Status {
	name, ok := vm.in(s, 0)
	if !ok || !vm.outs(s, 2) {
		return badMemory
	}
	queue, status := vm.host.RegisterSharedQueue(name)
	return vm.number(s, 2, queue, status)
}

func resolveSharedQueue(vm *VM, s []uint64) abi.Status {
	vmID, ok1 := vm.in(s, 0)
	name, ok2 := vm.in(s, 2)
	if !ok1 || !ok2 || !vm.outs(s, 4) {
		return badMemory
	}
	queue, status := vm.host.ResolveSharedQueue(vmID, name)
	return vm.number(s, 4, queue, status)
}

func dequeueSharedQueue(vm *VM, s []uint64) abi.Status {
	if !vm.outs(s, 1, 2) {
		return badMemory
	}
	value, status := vm.host.DequeueSharedQueue(vm.take(), uint32(s[0]))
	return vm.deliver(s, 1, value, status)
}

func enqueueSharedQueue(vm *VM, s []uint64) abi.Status {
	value, ok := vm.in(s, 1)
	if !ok {
		return badMemory
	}
	return vm.host.EnqueueSharedQueue(uint32(s[0]), value)
}

// Metrics.

func defineMetric(vm *VM, s []uint64) abi.Status {
	name, ok := vm.in(s, 1)
	if !ok || !vm.outs(s, 3) {
		return badMemory
	}
	metric, status := vm.host.DefineMetric(abi.MetricType(s[0]), name)
	return vm.number(s, 3, metric, status)
}

func incrementMetric(vm *VM, s []uint64) abi.Status {
	return vm.host.IncrementMetric(uint32(s[0]), int64(s[1]))
}

func recordMetric(vm *VM, s []uint64) abi.Status { return vm.host.RecordMetric(uint32(s[0]), s[1]) }

func getMetric(vm *VM, s []uint64) abi.Status {
	if _, ok := vm.view(uint32(s[1]), 8); !ok {
		return badMemory
	}
	value, status := vm.host.GetMetric(uint32(s[0]))
	if status == abi.StatusOK {
		vm.put64(s[1], value)
	}
	return status
}
