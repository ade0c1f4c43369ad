package proxytest

import (
	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/proxywasm/types"
)

// EmulatorOption says what [NewHostEmulator] runs. Its methods change it and return it.
type EmulatorOption struct {
	pluginConfiguration []byte
	vmConfiguration     []byte
	context             any // types.VMContext, or a factory
	properties          map[string][]byte
}

// NewEmulatorOption returns an option for a plugin that does nothing.
func NewEmulatorOption() *EmulatorOption {
	return &EmulatorOption{context: &types.DefaultVMContext{}}
}

// WithVMContext sets the plugin, natively or, with the result of [NewWasmVMContext], as a module.
func (o *EmulatorOption) WithVMContext(context types.VMContext) *EmulatorOption {
	o.context = context
	return o
}

// WithPluginContext sets the plugin by what makes its plugin context.
func (o *EmulatorOption) WithPluginContext(context types.PluginContextFactory) *EmulatorOption {
	o.context = context
	return o
}

// WithHttpContext sets the plugin by what makes its HTTP contexts.
func (o *EmulatorOption) WithHttpContext(context types.HttpContextFactory) *EmulatorOption {
	o.context = context
	return o
}

// WithTcpContext sets the plugin by what makes its TCP contexts.
func (o *EmulatorOption) WithTcpContext(context types.TcpContextFactory) *EmulatorOption {
	o.context = context
	return o
}

// WithPluginConfiguration sets the plugin's configuration. Empty, it reads as types.ErrorStatusNotFound.
func (o *EmulatorOption) WithPluginConfiguration(data []byte) *EmulatorOption {
	o.pluginConfiguration = data
	return o
}

// WithVMConfiguration sets the VM's configuration.
func (o *EmulatorOption) WithVMConfiguration(data []byte) *EmulatorOption {
	o.vmConfiguration = data
	return o
}

// WithProperty sets a property.
func (o *EmulatorOption) WithProperty(path []string, value []byte) *EmulatorOption {
	if o.properties == nil {
		o.properties = map[string][]byte{}
	}
	o.properties[string(abi.AppendPath(nil, path...))] = value
	return o
}
