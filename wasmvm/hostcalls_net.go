package wasmvm

import "github.com/sluice-gateway/sluice/sdk/abi"

// Calls to other services, and what Higress adds.

func httpCall(vm *VM, s []uint64) abi.Status {
	cluster, ok1 := vm.in(s, 0)
	body, ok2 := vm.in(s, 4)
	if !ok1 || !ok2 || !vm.outs(s, 9) {
		return badMemory
	}
	headers, status := vm.pairs(s, 2)
	if status != abi.StatusOK {
		return status
	}
	trailers, status := vm.pairs(s, 6)
	if status != abi.StatusOK {
		return status
	}
	if int32(uint32(s[8])) < 0 {
		return abi.StatusBadArgument // a negative timeout, to Envoy
	}
	call, status := vm.host.HTTPCall(cluster, headers, body, trailers, uint32(s[8]))
	return vm.number(s, 9, call, status)
}

func grpcCall(vm *VM, s []uint64) abi.Status {
	service, ok1 := vm.in(s, 0)
	serviceName, ok2 := vm.in(s, 2)
	method, ok3 := vm.in(s, 4)
	message, ok4 := vm.in(s, 8)
	if !ok1 || !ok2 || !ok3 || !ok4 || !vm.outs(s, 11) {
		return badMemory
	}
	metadata, status := vm.pairs(s, 6)
	if status != abi.StatusOK {
		return status
	}
	call, status := vm.host.GRPCCall(service, serviceName, method, metadata, message, uint32(s[10]))
	return vm.number(s, 11, call, status)
}

func grpcStream(vm *VM, s []uint64) abi.Status {
	service, ok1 := vm.in(s, 0)
	serviceName, ok2 := vm.in(s, 2)
	method, ok3 := vm.in(s, 4)
	if !ok1 || !ok2 || !ok3 || !vm.outs(s, 8) {
		return badMemory
	}
	metadata, status := vm.pairs(s, 6)
	if status != abi.StatusOK {
		return status
	}
	call, status := vm.host.GRPCStream(service, serviceName, method, metadata)
	return vm.number(s, 8, call, status)
}

func grpcSend(vm *VM, s []uint64) abi.Status {
	message, ok := vm.in(s, 1)
	if !ok {
		return badMemory
	}
	return vm.host.GRPCSend(uint32(s[0]), message, uint32(s[3]) != 0)
}

func grpcCancel(vm *VM, s []uint64) abi.Status { return vm.host.GRPCCancel(uint32(s[0])) }

func grpcClose(vm *VM, s []uint64) abi.Status { return vm.host.GRPCClose(uint32(s[0])) }

func getStatus(vm *VM, s []uint64) abi.Status {
	if !vm.outs(s, 0, 1, 2) {
		return badMemory
	}
	message, code, status := vm.host.GetStatus(vm.take())
	if status = vm.deliver(s, 1, message, status); status == abi.StatusOK {
		vm.put32(s[0], code)
	}
	return status
}

func redisInit(vm *VM, s []uint64) abi.Status {
	cluster, ok1 := vm.in(s, 0)
	username, ok2 := vm.in(s, 2)
	password, ok3 := vm.in(s, 4)
	if !ok1 || !ok2 || !ok3 {
		return badMemory
	}
	return vm.host.RedisInit(cluster, username, password, uint32(s[6]))
}

func redisCall(vm *VM, s []uint64) abi.Status {
	cluster, ok1 := vm.in(s, 0)
	query, ok2 := vm.in(s, 2)
	if !ok1 || !ok2 || !vm.outs(s, 4) {
		return badMemory
	}
	call, status := vm.host.RedisCall(cluster, query)
	return vm.number(s, 4, call, status)
}

func injectEncodedData(vm *VM, s []uint64) abi.Status {
	data, ok := vm.in(s, 0)
	if !ok {
		return badMemory
	}
	return vm.host.InjectEncodedData(data, uint32(s[2]) != 0)
}

func getUpstreamHosts(vm *VM, s []uint64) abi.Status {
	if !vm.outs(s, 0, 1) {
		return badMemory
	}
	hosts, status := vm.host.GetUpstreamHosts(vm.take())
	return vm.deliver(s, 0, hosts, status)
}

func setUpstreamOverrideHost(vm *VM, s []uint64) abi.Status {
	address, ok := vm.in(s, 0)
	if !ok {
		return badMemory
	}
	return vm.host.SetUpstreamOverrideHost(address)
}
