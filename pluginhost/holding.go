package pluginhost

import (
	"context"
	"log/slog"
	"sync/atomic"

	"github.com/sluice-gateway/sluice/message"
	"github.com/sluice-gateway/sluice/sdk/abi"
)

// Bounds on what one plugin may have one stream hold for it, however many callbacks it takes to get there. A host call
// that would pass one answers InternalFailure and changes nothing; the first of each stream is logged. Envoy has no such
// bounds.
const (
	// maxHeld bounds what is asked for and not done yet (injected data, a local reply), and the bytes that the plugin
	// has added to a body that it holds back, in each direction. What came from the peer is bounded by the stream's
	// buffer limit.
	maxHeld = 64 << 20
	// maxState bounds the properties that the plugin set, names and values, in bytes.
	maxState = 4 << 20
	// maxMapBytes bounds the names and values of a header map, in bytes. One that came larger may be edited, but not
	// grow.
	maxMapBytes = 1 << 20
	// maxFields bounds the fields of a header map.
	maxFields = 10_000
	// entryCost is what an entry takes beside its bytes, roughly.
	entryCost = 128
)

// holding is what a stream holds for a plugin.
type holding struct {
	// asked is the cost of the actions that are not done.
	asked atomic.Int64
	// state has the cost of each property that the plugin set, stateSum that of all. The VM's lock guards them.
	state    map[string]int
	stateSum int
	// refused: a refusal was logged. The VM's lock guards it.
	refused bool
}

// refuseMore answers a host call that would have the effective stream hold too much.
func (v *vm) refuseMore(what string) abi.Status {
	f := v.stream
	if !f.holding.refused {
		f.holding.refused = true
		f.plugin.logger.LogAttrs(context.Background(), slog.LevelWarn, "plugin has a stream hold too much", slog.Int("worker", v.worker),
			slog.Uint64("context", uint64(f.id)), slog.String("what", what))
	}
	return abi.StatusInternalFailure
}

// holdState accounts for a property of the effective stream. It reports false if there is no room for it.
func (v *vm) holdState(name string, value []byte) bool {
	h := &v.stream.holding
	cost := len(name) + len(value) + entryCost
	sum := h.stateSum - h.state[name] + cost
	if sum > maxState && sum > h.stateSum {
		return false
	}
	if h.state == nil {
		h.state = map[string]int{}
	}
	h.state[name], h.stateSum = cost, sum
	return true
}

// roomFor reports whether n bytes may be added to h in one field, with those of the fields called without going away.
func roomFor(h *message.Headers, n int, without string) bool {
	if h.Len() < maxFields && h.Within(maxMapBytes-n) {
		return true
	}
	size, fields := h.Bytes(), h.Len()
	sum, count := size+n, fields+1
	if without != "" && (sum > maxMapBytes || count > maxFields) {
		for name, value := range h.All() {
			if name == without {
				sum -= len(name) + len(value)
				count--
			}
		}
	}
	return (sum <= maxMapBytes || sum <= size) && (count <= maxFields || count <= fields)
}
