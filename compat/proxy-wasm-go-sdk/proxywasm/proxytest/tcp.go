package proxytest

import (
	"fmt"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
)

// connection is what the gateway knows of a TCP connection: the bytes that the plugin holds.
type connection struct{ downstream, upstream []byte }

func (e *emulator) connection(id uint32) *connection {
	if c := e.connections[id]; c != nil {
		return c
	}
	panic(fmt.Sprintf("proxytest: %d is not the id of a connection", id))
}

// InitializeConnection implements [HostEmulator].
func (e *emulator) InitializeConnection() (contextID uint32, action types.Action) {
	id := newContextID()
	e.connections[id] = &connection{}
	e.create(id, PluginContextID)
	return id, types.Action(ask(e, id, func(p abi.Plugin) (abi.Action, error) { return p.OnNewConnection(id) }))
}

func (e *emulator) data(id uint32, buf *[]byte, data []byte, callback bodyCallback) types.Action {
	*buf = append(*buf, data...)
	a := types.Action(ask(e, id, func(p abi.Plugin) (abi.Action, error) {
		return callback(p, id, uint32(len(*buf)), false)
	}))
	if a == types.ActionContinue {
		*buf = nil
	}
	return a
}

// CallOnUpstreamData implements [HostEmulator].
func (e *emulator) CallOnUpstreamData(contextID uint32, data []byte) types.Action {
	return e.data(contextID, &e.connection(contextID).upstream, data, abi.Plugin.OnUpstreamData)
}

// CallOnDownstreamData implements [HostEmulator].
func (e *emulator) CallOnDownstreamData(contextID uint32, data []byte) types.Action {
	return e.data(contextID, &e.connection(contextID).downstream, data, abi.Plugin.OnDownstreamData)
}

// CloseUpstreamConnection implements [HostEmulator].
func (e *emulator) CloseUpstreamConnection(contextID uint32) {
	e.run(contextID, func(p abi.Plugin) error { return p.OnUpstreamConnectionClose(contextID, abi.PeerLocal) })
}

// CloseDownstreamConnection implements [HostEmulator].
func (e *emulator) CloseDownstreamConnection(contextID uint32) {
	e.run(contextID, func(p abi.Plugin) error { return p.OnDownstreamConnectionClose(contextID, abi.PeerLocal) })
}

// CompleteConnection implements [HostEmulator].
func (e *emulator) CompleteConnection(contextID uint32) {
	e.complete(contextID)
	delete(e.connections, contextID)
}
