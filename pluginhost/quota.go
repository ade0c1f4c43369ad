package pluginhost

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Limits bound what a plugin may take of what it shares with others. In each field 0 is the default and less is no
// limit. A call that would exceed a limit changes nothing and answers StatusInternalFailure (log lines are the
// exception), and a warning names the plugin, the limit and the field, once in [complaintPeriod]. Envoy has none of
// these limits.
type Limits struct {
	// SharedDataBytes bounds the keys and values in shared data that the plugin wrote last; default 64 MiB.
	SharedDataBytes int
	// SharedDataKeys bounds their number; default 100 000.
	SharedDataKeys int
	// Queues bounds the shared queues that the plugin makes; default 1000.
	Queues int
	// QueueLength bounds the elements in each shared queue that the plugin registered, whoever adds them; default 10 000.
	QueueLength int
	// QueueBytes bounds the bytes in each of these queues; default 16 MiB.
	QueueBytes int
	// MetricNames bounds the metrics that the plugin makes; default 2000. In any case a host has at most 10 000.
	MetricNames int
	// MinTickPeriod is the shortest period of a timer; default 1 ms, the shortest that a plugin can ask for.
	MinTickPeriod time.Duration
	// LogLines bounds the lines that the plugin writes in a second, on all workers together; default 10 000. What is
	// above it is counted, not written, and answers StatusOK; the count is logged with the next line, or at the end.
	LogLines int
	// CallsInFlight bounds the call-outs that are under way, on all workers together; default 10 000: one for each of as
	// many requests as a gateway holds when things are bad. Each costs a goroutine and buffers, some 20 KiB, so that is
	// 200 MiB. (Envoy bounds requests by cluster.)
	CallsInFlight int
	// CallBytes bounds the bodies and messages of call-outs that are in memory; default 256 MiB, eight responses of the
	// largest size. A response beyond it counts as one that is too large.
	CallBytes int
}

const (
	defaultSharedDataBytes = 64 << 20
	defaultSharedDataKeys  = 100_000
	defaultQueues          = 1000
	defaultQueueLength     = 10_000
	defaultQueueBytes      = 16 << 20
	defaultMetricNames     = 2000
	defaultMinTickPeriod   = time.Millisecond
	defaultLogLines        = 10_000
	defaultCallsInFlight   = 10_000
	defaultCallBytes       = 256 << 20
)

// withDefaults returns the limits with defaults filled in and no limit as the largest number.
func (l Limits) withDefaults() Limits {
	for _, f := range [...]struct {
		field    *int
		standard int
	}{
		{&l.SharedDataBytes, defaultSharedDataBytes},
		{&l.SharedDataKeys, defaultSharedDataKeys},
		{&l.Queues, defaultQueues},
		{&l.QueueLength, defaultQueueLength},
		{&l.QueueBytes, defaultQueueBytes},
		{&l.MetricNames, defaultMetricNames},
		{&l.LogLines, defaultLogLines},
		{&l.CallsInFlight, defaultCallsInFlight},
		{&l.CallBytes, defaultCallBytes},
	} {
		switch {
		case *f.field == 0:
			*f.field = f.standard
		case *f.field < 0:
			*f.field = int(^uint(0) >> 1)
		}
	}
	if l.MinTickPeriod == 0 {
		l.MinTickPeriod = defaultMinTickPeriod
	}
	return l
}

// complaintPeriod is how often the same complaint about a plugin is logged at most.
const complaintPeriod = time.Minute

// complaints keeps log lines about the same thing apart in time. The zero value is ready.
type complaints struct {
	mu   sync.Mutex
	last map[string]*complaint
}

type complaint struct {
	at      time.Time
	dropped int
}

// maxComplaints bounds the things that are told apart.
const maxComplaints = 1000

// due reports whether a line about what is to be written now, and how many were not since the last.
func (c *complaints) due(what string, now time.Time) (dropped int, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	last := c.last[what]
	if last == nil {
		if len(c.last) >= maxComplaints {
			return 0, false
		}
		if c.last == nil {
			c.last = map[string]*complaint{}
		}
		c.last[what] = &complaint{at: now}
		return 0, true
	}
	if now.Sub(last.at) < complaintPeriod {
		last.dropped++
		return 0, false
	}
	dropped, last.at, last.dropped = last.dropped, now, 0
	return dropped, true
}

// complain logs a warning about what the running plugin does, once in a while for each what.
func (v *vm) complain(what, message string, attrs ...slog.Attr) {
	name := v.config().Name
	dropped, ok := v.group.complaints.due(name+"\x00"+what, time.Now())
	if !ok {
		return
	}
	attrs = append([]slog.Attr{slog.String("plugin", name), slog.Int("worker", v.worker)}, attrs...)
	if dropped > 0 {
		attrs = append(attrs, slog.Int("repeated", dropped))
	}
	v.group.host.logger.LogAttrs(context.Background(), slog.LevelWarn, message, attrs...)
}

// exceeded tells that the plugin reached a limit: setting is the field of [Limits].
func (v *vm) exceeded(setting string, limit any, attrs ...slog.Attr) {
	v.complain("limit "+setting, "plugin reached a limit",
		append([]slog.Attr{slog.String("setting", "Limits."+setting), slog.Any("limit", limit)}, attrs...)...)
}

// lineRate counts a plugin's log lines by the second.
type lineRate struct {
	second     atomic.Int64
	lines      atomic.Int64
	suppressed atomic.Int64
}

// take counts a line. ok is false if it is one too many; dropped is how many were before it that nobody was told of.
func (r *lineRate) take(limit int, now time.Time) (dropped int64, ok bool) {
	second := now.Unix()
	if old := r.second.Load(); old != second && r.second.CompareAndSwap(old, second) {
		r.lines.Store(0)
	}
	if r.lines.Add(1) > int64(limit) {
		r.suppressed.Add(1)
		return 0, false
	}
	if r.suppressed.Load() == 0 {
		return 0, true
	}
	return r.suppressed.Swap(0), true
}
