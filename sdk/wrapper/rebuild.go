package wrapper

import (
	"encoding/binary"
	"strconv"
	"syscall"
	"time"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/internal/hostcall"
	"github.com/sluice-gateway/sluice/sdk/log"
	"github.com/sluice-gateway/sluice/sdk/proxywasm"
)

// RebuildByTrap is the variable of the VM's environment that has a plugin which wants a new VM end its own, if its value is
// "true". It is for hosts that take no wishes, stock Envoy: there the operator sets it together with a failure policy that
// starts a VM that trapped anew (failure_policy FAIL_RELOAD). Without that policy a VM which ended itself answers every
// request 503.
//
// The VM ends itself when it has no stream, so no request is lost; call-outs of tick functions that are under way are. It
// does so once in a minute at most, and never where there is always a stream. It is read when the plugin starts.
const RebuildByTrap = "SLUICE_REBUILD_BY_TRAP"

// WithRebuildAfterRequests asks the gateway for a new VM after so many requests of this VM. A gateway that is asked gives
// new requests to a new VM, and ends this one when the requests that it has are done: nothing is lost. Where none comes, it
// is asked again after as many requests. 0 never asks.
//
// Sluice and Higress take the wish; on hosts that refuse it a warning is logged, once, and it is not repeated. Stock Envoy
// does not refuse it and does nothing: see [RebuildByTrap].
func WithRebuildAfterRequests(requestCount uint64) Option {
	return Option{name: "WithRebuildAfterRequests", apply: func(p *plugin) {
		if requestCount == 0 {
			return
		}
		r := p.rebuilding()
		p.onRequest = append(p.onRequest, func() {
			r.enter()
			if r.requests++; r.requests >= requestCount {
				r.requests = 0
				r.ask(strconv.FormatUint(requestCount, 10) + " requests")
			}
		})
	}}
}

// WithRebuildMaxMemBytes asks the gateway for a new VM, as [WithRebuildAfterRequests] does, when this one's memory is so
// many bytes large, or larger. It looks at each request, which costs a few nanoseconds: a module knows its own size. Where
// no new VM comes, the gateway is asked again after 1000 requests. 0 never asks.
//
// The memory of a VM only grows, in steps of some MB; what the plugin uses of it now may be less. If it is as large as that
// before the plugin starts, a new VM would be too: that is logged as an error, and the gateway is not asked. In native mode
// the size is the host's to know, and where it does not, a warning is logged, once.
func WithRebuildMaxMemBytes(memSizeBytes uint64) Option {
	return Option{name: "WithRebuildMaxMemBytes", apply: func(p *plugin) {
		if memSizeBytes == 0 {
			return
		}
		r := p.rebuilding()
		var tooSmall string
		if !hostcall.Native {
			if size, _ := hostcall.MemorySize(); size >= memSizeBytes {
				tooSmall = "WithRebuildMaxMemBytes: a new VM has " + strconv.FormatUint(size, 10) + " bytes already, the limit is " +
					strconv.FormatUint(memSizeBytes, 10) + ": it is not kept"
				p.preStart = append(p.preStart, func(*pluginContext) error { log.Error(tooSmall); return nil })
				return
			}
		}
		p.onRequest = append(p.onRequest, func() {
			r.enter()
			if r.sizeUnknown {
				return
			}
			size, st := hostcall.MemorySize()
			if st != abi.StatusOK {
				r.sizeUnknown = true
				log.Warn("the host does not say how large the VM is, which is not rebuilt for its size: " + st.String())
				return
			}
			switch {
			case size < memSizeBytes:
			case r.patience > 0:
				r.patience--
			default:
				r.patience = patience
				r.ask(strconv.FormatUint(size, 10) + " bytes of memory")
			}
		})
	}}
}

// WithMaxRequestsPerIoCycle has the gateway begin at most so many requests before it serves what completes other ones
// (timers, answers of call-outs). The smallest wish of all plugins counts. 0 has no wish. On hosts that cannot (all but
// Sluice and Higress) a warning is logged, once.
func WithMaxRequestsPerIoCycle(maxRequests uint64) Option {
	return Option{name: "WithMaxRequestsPerIoCycle", apply: func(p *plugin) {
		if maxRequests == 0 {
			return
		}
		refusedBy, refused := uint32(0), false
		p.preStart = append(p.preStart, func(*pluginContext) error {
			if refused && refusedBy == hostcall.Instance {
				return nil
			}
			arg := binary.LittleEndian.AppendUint64(nil, maxRequests)
			if _, err := proxywasm.CallForeignFunction(abi.FunctionSetMaxRequestsPerIOCycle, arg); err != nil {
				refusedBy, refused = hostcall.Instance, true
				log.Warn("the host does not limit requests per IO cycle: " + err.Error())
			}
			return nil
		})
	}}
}

const (
	// patience is after how many requests a gateway is asked again for a smaller VM. Asking for each would cost more than it
	// is good for: one that can takes the first wish.
	patience = 1000
	// trapPause is how long a VM lives at least before it ends itself. Hosts count VMs that trap, and start them late if
	// they trap often.
	trapPause = time.Minute
)

// rebuilder asks for a new VM.
type rebuilder struct {
	vm          uint32 // which VM of the process, see hostcall.Instance
	requests    uint64 // since the last time it was asked
	patience    int
	sizeUnknown bool
	refused     bool

	byTrap bool
	born   time.Time
	wanted string // why the VM is to end itself, "" if it is not
}

// rebuilding returns the plugin's rebuilder.
func (p *plugin) rebuilding() *rebuilder {
	if p.rebuilder == nil {
		r := &rebuilder{}
		p.rebuilder = r
		p.preStart = append(p.preStart, r.start)
		p.streamEnded = r.streamEnded
	}
	return p.rebuilder
}

// enter forgets the VM before this one, if the process had one.
func (r *rebuilder) enter() {
	if r.vm != hostcall.Instance {
		*r = rebuilder{vm: hostcall.Instance}
	}
}

func (r *rebuilder) start(*pluginContext) error {
	r.enter()
	value, _ := syscall.Getenv(RebuildByTrap)
	if r.byTrap = value == "true"; r.byTrap && r.born.IsZero() {
		r.born = hostcall.Now()
	}
	return nil
}

// ask asks for a new VM, during a request.
func (r *rebuilder) ask(why string) {
	if r.byTrap {
		r.wanted = why
		return
	}
	if r.refused {
		return
	}
	if err := proxywasm.SetProperty([]string{abi.PropertyNeedRebuild}, []byte("true")); err != nil {
		r.refused = true
		log.Warn("the host does not rebuild the VM, after " + why + ": " + err.Error())
	}
}

// streamEnded ends the VM if that is what it is to do, and nobody needs it.
func (r *rebuilder) streamEnded() {
	if r.wanted == "" || liveStreams > 0 || hostcall.Now().Sub(r.born) < trapPause {
		return
	}
	log.Warn("this VM ends itself, after " + r.wanted + ", for another to be started")
	hostcall.Trap()
}
