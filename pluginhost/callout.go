package pluginhost

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/sluice-gateway/sluice/message"
	"github.com/sluice-gateway/sluice/sdk/abi"
)

// maxReplyBody bounds the body of one response, and a gRPC message. Envoy's runtime key is
// http.async_response_buffer_limit.
const maxReplyBody = 32 << 20

// calloutKind is what a call-out is. It is the low two bits of its id, as in Envoy's host, where ids count up from the
// kind by four.
type calloutKind uint32

const (
	calloutHTTP       calloutKind = iota // 4, 8, ...
	calloutGRPC                          // 5, 9, ...
	calloutGRPCStream                    // 6, 10, ...
	calloutRedis                         // 7, 11, ...
	calloutKinds
)

func kindOf(id uint32) calloutKind { return calloutKind(id % uint32(calloutKinds)) }

// Causes of a call-out's end that the plugin is not told about.
var (
	errRootEnded = errors.New("root context ended")
	errCancelled = errors.New("cancelled by the plugin")
	errCallOver  = errors.New("call is over")
)

// callout is a call of a plugin to a cluster, from the host call that makes it until its last callback.
//
// It belongs to a root context. Its work is done by goroutines that the plugin owns and waits for when it is closed
// (run); what they have for the plugin they hand over with deliver, which takes the VM's lock like everybody else, so
// callbacks are never nested. When the root context ends, its VM dies or the plugin cancels, ctx ends, and deliver does
// nothing any more.
type callout struct {
	root   *root
	id     uint32
	ctx    context.Context
	cancel context.CancelCauseFunc
	// held is what the call has in memory, in bytes, -1 once it has ended.
	held atomic.Int64
	// over: the call has ended. The VM's lock guards it.
	over bool
	// outbox has what a gRPC stream is to send.
	outbox *outbox
}

// reply is what a callback about a call-out lets the plugin read.
type reply struct {
	headers, trailers                 *message.Headers // maps 6 and 7
	initialMetadata, trailingMetadata *message.Headers // maps 4 and 5

	body     []byte // buffer 4
	hasBody  bool
	grpc     []byte // buffer 5
	redis    []byte // buffer 9
	hasRedis bool

	// failed: an HTTP response broke off. hasStatus: a gRPC call ended with status.
	failed, hasStatus bool
	status            uint32
	statusMessage     string
}

// openCall begins a call-out of the effective context's root to a host of a cluster, one that callable found. The call
// has size bytes in memory. The caller starts its work with run.
func (v *vm) openCall(kind calloutKind, name string, to UpstreamCluster, size int) (c *callout, address string, _ abi.Status) {
	r := v.root
	if r == nil || r.ended {
		return nil, "", abi.StatusInternalFailure
	}
	address, ok := to.Pick()
	if !ok {
		v.refuse(name, "no healthy host")
		return nil, "", abi.StatusInternalFailure
	}
	if limit := r.plugin.cfg.Limits.CallsInFlight; r.plugin.calls.active.Add(1) > int64(limit) {
		r.plugin.calls.active.Add(-1)
		v.exceeded("CallsInFlight", limit)
		return nil, "", abi.StatusInternalFailure
	}
	c = &callout{root: r, id: v.newCallID(kind)}
	c.ctx, c.cancel = context.WithCancelCause(context.Background())
	if r.calls == nil {
		r.calls = map[uint32]*callout{}
	}
	r.calls[c.id] = c
	if !c.hold(size) {
		c.end(errCallOver)
		v.tellBytes()
		return nil, "", abi.StatusInternalFailure
	}
	return c, address, abi.StatusOK
}

func (v *vm) newCallID(kind calloutKind) uint32 {
	for {
		v.callIDs[kind]++
		id := v.callIDs[kind]<<2 | uint32(kind)
		if id >= uint32(calloutKinds) && !v.callInUse(id) {
			return id
		}
	}
}

func (v *vm) callInUse(id uint32) bool {
	for _, r := range v.roots {
		if r.calls[id] != nil {
			return true
		}
	}
	return false
}

// run does f, a part of the call's work, on a goroutine that the plugin owns. f must return soon after ctx has ended.
func (c *callout) run(f func()) { c.root.plugin.timers.Go(f) }

// deliver runs a callback of the call, which may read what. It reports whether the call goes on.
func (c *callout) deliver(callback string, what reply, f func(abi.Plugin) error) bool {
	v := c.root.vm
	v.lock.Lock()
	defer v.unlock()
	if !c.over {
		c.call(callback, what, f)
	}
	return !c.over
}

// complete is deliver for the call's last callback.
func (c *callout) complete(callback string, what reply, f func(abi.Plugin) error) {
	v := c.root.vm
	v.lock.Lock()
	defer v.unlock()
	if !c.over {
		c.call(callback, what, f)
		c.end(errCallOver)
	}
}

// call runs a callback. The VM's lock is held.
func (c *callout) call(callback string, what reply, f func(abi.Plugin) error) {
	r, v := c.root, c.root.vm
	switch {
	case what.failed:
		r.callStatus, what.statusMessage = uint32(abi.StatusBrokenConnection), "reset"
	case what.hasStatus:
		r.callStatus = what.status
	}
	v.begin(r, nil)
	v.reply = &what
	err := f(v.plugin)
	v.reply = nil
	v.finish(callback, err)
}

// logDropped says that a response was not kept.
func (c *callout) logDropped(err error) {
	v := c.root.vm
	v.lock.Lock()
	defer v.unlock()
	if c.over {
		return
	}
	v.begin(c.root, nil)
	v.complain("response", "call-out failed: "+err.Error(), slog.Int("largest", maxReplyBody),
		slog.Int("limit", v.config().Limits.CallBytes))
	v.finish("", nil)
}

// end ends the call. The VM's lock is held.
func (c *callout) end(cause error) {
	if c.over {
		return
	}
	c.over = true
	c.cancel(cause)
	delete(c.root.calls, c.id)
	calls := &c.root.plugin.calls
	calls.bytes.Add(-c.held.Swap(released))
	calls.active.Add(-1)
}

// endCalls ends all of the root's calls. The VM's lock is held.
func (r *root) endCalls() {
	for _, c := range r.calls {
		c.end(errRootEnded)
	}
}

// released is what held says of a call that has ended.
const released = -1

// hold counts n bytes more that the call has in memory; false if that is more than the plugin may have, which is for the
// caller to tell with tellBytes, or the call has ended. What a call holds it gives back when it ends.
func (c *callout) hold(n int) bool {
	p := c.root.plugin
	if p.calls.bytes.Add(int64(n)) > int64(p.cfg.Limits.CallBytes) {
		p.calls.bytes.Add(int64(-n))
		return false
	}
	for {
		held := c.held.Load()
		if held == released {
			p.calls.bytes.Add(int64(-n))
			return false
		}
		if c.held.CompareAndSwap(held, held+int64(n)) {
			return true
		}
	}
}

// drop gives back n bytes of what hold counted.
func (c *callout) drop(n int) {
	for {
		held := c.held.Load()
		if held == released {
			return
		}
		if c.held.CompareAndSwap(held, held-int64(n)) {
			c.root.plugin.calls.bytes.Add(int64(-n))
			return
		}
	}
}

// tellBytes says that the plugin reached its limit on memory. The VM's lock is held.
func (v *vm) tellBytes() { v.exceeded("CallBytes", v.config().Limits.CallBytes) }

// callCount is what a plugin's calls come to, on all workers: how many are under way, and what they have in memory.
type callCount struct{ active, bytes atomic.Int64 }

// callable finds a cluster that the running plugin may call, and complains if there is none.
func (v *vm) callable(name string) (UpstreamCluster, abi.Status) {
	cfg := v.config()
	if allowed := cfg.AllowedClusters; allowed != nil && !slices.Contains(allowed, name) {
		v.refuse(name, "the plugin may not call this cluster", slog.String("allowed", listed(allowed)))
		return nil, abi.StatusBadArgument
	}
	if cfg.Upstreams == nil {
		v.refuse(name, "there are no clusters here")
		return nil, abi.StatusBadArgument
	}
	c, ok := cfg.Upstreams.Cluster(name)
	if !ok {
		v.refuse(name, "unknown cluster", slog.String("known", listed(cfg.Upstreams.Names())))
		return nil, abi.StatusBadArgument
	}
	return c, abi.StatusOK
}

func (v *vm) refuse(cluster, reason string, attrs ...slog.Attr) {
	cluster = logText([]byte(cluster))
	v.complain(reason+" "+cluster, "call-out refused: "+reason, append(attrs, slog.String("cluster", cluster))...)
}

// listed returns names for a log line: sorted, and not without end.
func listed(names []string) string {
	const most = 20
	sorted := slices.Sorted(slices.Values(names))
	if len(sorted) > most {
		return strings.Join(sorted[:most], ", ") + ", ..."
	}
	return strings.Join(sorted, ", ")
}
