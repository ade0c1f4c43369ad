// Package pluginhost runs plugins in a process: their worker VMs, root and stream contexts, and the gateway's side of
// every host call.
package pluginhost

import (
	"time"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/wasmvm"
)

// Config is one plugin as an operator configures it.
type Config struct {
	// Name is the plugin's name in logs, metrics and the plugin_name property.
	Name string
	// RootID chooses among several plugins in one module.
	RootID string
	// VMID is the namespace of shared data. Plugins with equal VMID, VMConfiguration and Code share VMs.
	VMID string
	// VMConfiguration is what the plugin reads when its VM starts.
	VMConfiguration []byte
	// Configuration is what the plugin reads when it is configured.
	Configuration []byte
	// Code is the module. CodeSource says in errors where it came from (a file name).
	Code       []byte
	CodeSource string
	// Module, if set, is run in place of Code: compiled before, by whoever closes it after the [Host]. Hosts may share it.
	Module *wasmvm.Module
	// Native, if set, is run in place of Code: a plugin compiled into this process, with one VM.
	Native func(abi.Host) abi.Plugin
	// FailurePolicy says what becomes of requests when the plugin is dead. Default FailClosed.
	FailurePolicy FailurePolicy
	// ReloadBackoff is how long FailReload lets a VM stay before it is replaced again; default 1 s, as in Envoy.
	ReloadBackoff time.Duration
	// RebuildMemory is the size of linear memory, in bytes, above which a VM is replaced by a new one (see
	// [Plugin.Rebuild]). It is looked at when a stream ends. Default 0: never; guest memory does not shrink, so plugins with
	// garbage to collect need it, or ask themselves (property wasm_need_rebuild).
	RebuildMemory uint64
	// DrainDeadline is how long a VM that was replaced may serve its last streams; default 10 minutes, as Envoy drains.
	DrainDeadline time.Duration
	// nativeRebuilds says that Native makes plugins that do not get in each other's way: tests' own.
	nativeRebuilds bool
	// AllowOnHeadersStopIteration takes StopIteration on headers as it is, for modules of any ABI version. Envoy's option
	// of the same name; default false: up to ABI 0.2.1 it means StopAllIterationAndWatermark.
	AllowOnHeadersStopIteration bool
	// Env is the environment the module sees.
	Env map[string]string
	// MemoryLimit bounds a VM's linear memory in bytes; default 1 GiB.
	MemoryLimit uint64
	// CallbackDeadline bounds one callback; default 1 s, negative none.
	CallbackDeadline time.Duration
	// StartDeadline bounds each of initialize, start and configure; default 10 s, negative none.
	StartDeadline time.Duration
	// AppendProperty answers the properties that root contexts have: of the node and of the listener; a gateway sets it. It
	// appends the value, in the ABI's encodings, and is safe for concurrent use. Nil answers Options.Node.
	AppendProperty func(dst []byte, path abi.Path) (value []byte, ok bool)
	// Upstreams are the clusters that the plugin may call; a gateway sets it. Nil is none.
	Upstreams Upstreams
	// AllowedClusters, if not nil, are the only clusters that the plugin may call, by HTTP, gRPC or Redis.
	AllowedClusters []string
	// Limits bound what the plugin may take of what it shares with others; the zero value is the defaults.
	Limits Limits
	// AllowedCapabilities, if not empty, has the only imports and callbacks that the module may use, by their names (as
	// proxy_log, fd_write, proxy_on_tick). A call of another import answers InternalFailure (WASI: 76, ENOTCAPABLE), and
	// other callbacks are not made: Envoy's capability_restriction_config. Native plugins are not restricted.
	AllowedCapabilities []string
	// LogLevel is the lowest level that is written; default abi.LogInfo is set by envoyconfig and the CLI.
	LogLevel abi.LogLevel
}

// FailurePolicy says what becomes of a stream whose plugin is dead.
type FailurePolicy uint8

// The failure policies, as Envoy names them.
const (
	// FailClosed answers 503.
	FailClosed FailurePolicy = iota
	// FailOpen passes the stream as if the plugin were not there.
	FailOpen
	// FailReload makes a new VM, with a back-off, and meanwhile fails closed.
	FailReload
)
