package pluginhost

import (
	"context"
	"errors"
	"io"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

// module is code from which VMs are made: a compiled WebAssembly module, or a native plugin.
type module interface {
	version() abi.Version
	// instantiate makes a VM whose host calls v answers.
	instantiate(ctx context.Context, v *vm) (instance, error)
	close(ctx context.Context) error
	// rebuilds reports whether there can be several VMs at a time, so that one can take another's place.
	rebuilds() bool
}

// instance is a VM as its module made it. [wasmvm.VM] is one.
type instance interface {
	abi.Plugin
	// MemorySize returns the size of the linear memory in bytes, 0 if there is none.
	MemorySize() uint64
	Close(ctx context.Context) error
}

// nativeModule is a plugin compiled into this process.
type nativeModule struct {
	start func(abi.Host) abi.Plugin
	many  bool // see Config.nativeRebuilds
}

func (nativeModule) version() abi.Version          { return abi.Version0_2_100 }
func (nativeModule) close(_ context.Context) error { return nil }
func (m nativeModule) rebuilds() bool              { return m.many }
func (m nativeModule) instantiate(_ context.Context, v *vm) (instance, error) {
	p := m.start(v)
	if p == nil {
		return nil, errors.New("native plugin is nil")
	}
	return nativeInstance{p}, nil
}

type nativeInstance struct{ abi.Plugin }

func (nativeInstance) MemorySize() uint64 { return 0 }

// Close closes the plugin if it can be closed.
func (n nativeInstance) Close(_ context.Context) error {
	if c, ok := n.Plugin.(io.Closer); ok {
		return c.Close()
	}
	return nil
}
