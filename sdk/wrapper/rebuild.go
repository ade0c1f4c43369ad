package wrapper

import (
	"encoding/binary"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/log"
	"github.com/sluice-gateway/sluice/sdk/proxywasm"
)

// WithRebuildAfterRequests asks the gateway for a new VM after so many requests of this VM, and so on. Requests in
// flight end where they began. 0 never asks.
func WithRebuildAfterRequests(requestCount uint64) Option {
	return Option{name: "WithRebuildAfterRequests", apply: func(p *plugin) {
		var seen uint64
		p.onRequest = append(p.onRequest, func() {
			if seen++; seen == requestCount {
				seen = 0
				askForRebuild()
			}
		})
	}}
}

// WithRebuildMaxMemBytes asks the gateway for a new VM when this one's memory is larger than so many bytes, which is
// looked up at each request. 0 never asks.
func WithRebuildMaxMemBytes(memSizeBytes uint64) Option {
	return Option{name: "WithRebuildMaxMemBytes", apply: func(p *plugin) {
		if memSizeBytes == 0 {
			return
		}
		p.onRequest = append(p.onRequest, func() {
			size, err := proxywasm.GetProperty([]string{abi.PropertyPluginVMMemory})
			if err == nil && len(size) == 8 && binary.LittleEndian.Uint64(size) > memSizeBytes {
				askForRebuild()
			}
		})
	}}
}

// WithMaxRequestsPerIoCycle has the gateway begin at most so many requests before it serves what completes other ones
// (timers, answers of call-outs). The smallest wish of all plugins counts.
func WithMaxRequestsPerIoCycle(maxRequests uint64) Option {
	return Option{name: "WithMaxRequestsPerIoCycle", apply: func(p *plugin) {
		p.preStart = append(p.preStart, func(*pluginContext) error {
			arg := binary.LittleEndian.AppendUint64(nil, maxRequests)
			if _, err := proxywasm.CallForeignFunction(abi.FunctionSetMaxRequestsPerIOCycle, arg); err != nil {
				log.Warn("the host does not limit requests per IO cycle: " + err.Error())
			}
			return nil
		})
	}}
}

func askForRebuild() {
	if err := proxywasm.SetProperty([]string{abi.PropertyNeedRebuild}, []byte("true")); err != nil {
		log.Warn("cannot ask for a new VM: " + err.Error())
	}
}
