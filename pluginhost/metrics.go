package pluginhost

import (
	"log/slog"
	"math"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

// maxMetrics bounds the metrics that plugins may define in a host. Envoy has no such bound.
const maxMetrics = 10_000

// metricPrefix is what Higress plugins put before their metrics' names; it is not shown.
const metricPrefix = "wasmcustom."

// metricKinds are the kinds' names in log lines.
var metricKinds = [...]string{abi.MetricCounter: "counter", abi.MetricGauge: "gauge", abi.MetricHistogram: "histogram"}

// maxName bounds the names of metrics and shared queues, in bytes.
const maxName = 4 << 10

// histogramBounds are the upper bounds of histograms' buckets, Envoy's default ones.
var histogramBounds = [...]float64{
	0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000, 300000, 600000, 1800000, 3600000,
}

// metricStore has the metrics that plugins define. The same kind and name from several VMs is the same metric.
type metricStore struct {
	mu      sync.Mutex
	byName  map[metricKey]*metric
	made    map[string]int // by the plugin's name
	ordered []*metric
}

type metricKey struct {
	kind abi.MetricType
	name string
}

type metric struct {
	metricKey
	// value is a counter's or gauge's value, the number of a histogram's samples.
	value atomic.Uint64
	sum   atomic.Uint64
	// buckets counts samples by the first bound that they do not exceed; the last is for those past all bounds.
	buckets *[len(histogramBounds) + 1]atomic.Uint64
}

// define makes a metric for the plugin of a name, or finds it. It returns nil when there are too many, or the plugin has
// limit already. other is the metric's kind before, if there is one of another kind with the name.
func (s *metricStore) define(key metricKey, plugin string, limit int) (_ *metric, other *abi.MetricType) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for kind := abi.MetricCounter; kind <= abi.MetricHistogram; kind++ {
		if kind != key.kind && s.byName[metricKey{kind, key.name}] != nil {
			other = &kind
		}
	}
	if m := s.byName[key]; m != nil {
		return m, other
	}
	if len(s.ordered) >= maxMetrics || s.made[plugin] >= limit {
		return nil, other
	}
	m := &metric{metricKey: key}
	if key.kind == abi.MetricHistogram {
		m.buckets = new([len(histogramBounds) + 1]atomic.Uint64)
	}
	if s.byName == nil {
		s.byName, s.made = map[metricKey]*metric{}, map[string]int{}
	}
	s.made[plugin]++
	s.byName[key] = m
	s.ordered = append(s.ordered, m)
	return m, other
}

// observe adds a sample to a histogram.
func (m *metric) observe(sample uint64) {
	m.value.Add(1)
	m.sum.Add(sample)
	i := 0
	for i < len(histogramBounds) && float64(sample) > histogramBounds[i] {
		i++
	}
	m.buckets[i].Add(1)
}

// Metric is a metric that plugins defined, as it stands.
type Metric struct {
	Kind abi.MetricType
	// Name is the plugin's name for it, without Higress' prefix "wasmcustom.".
	Name string
	// Value is a counter's or a gauge's value, the number of a histogram's samples. Gauges may be taken below 0.
	Value int64
	// Sum is the sum of a histogram's samples.
	Sum uint64
	// Buckets are a histogram's, in order, counts not cumulated.
	Buckets []Bucket
}

// Bucket counts the samples of a histogram that are at most Bound and more than the bound before.
type Bucket struct {
	Bound float64
	Count uint64
}

// Metrics returns the metrics that plugins defined, in the order of their definition.
func (h *Host) Metrics() []Metric {
	h.metrics.mu.Lock()
	defer h.metrics.mu.Unlock()
	list := make([]Metric, 0, len(h.metrics.ordered))
	for _, m := range h.metrics.ordered {
		x := Metric{Kind: m.kind, Name: strings.TrimPrefix(m.name, metricPrefix), Value: int64(m.value.Load()),
			Sum: m.sum.Load()}
		if m.buckets != nil {
			for i := range m.buckets {
				bound := math.Inf(1)
				if i < len(histogramBounds) {
					bound = histogramBounds[i]
				}
				x.Buckets = append(x.Buckets, Bucket{bound, m.buckets[i].Load()})
			}
		}
		list = append(list, x)
	}
	return list
}

// metric returns the VM's metric with an id, nil if there is none. Ids have their metric's kind in the low two bits.
func (v *vm) metric(id uint32) *metric {
	if i := id>>2 - 1; i < uint32(len(v.metrics)) && v.metrics[i].kind == abi.MetricType(id&3) {
		return v.metrics[i]
	}
	return nil
}

// DefineMetric implements [abi.Host].
func (v *vm) DefineMetric(kind abi.MetricType, name []byte) (uint32, abi.Status) {
	if kind > abi.MetricHistogram || len(name) > maxName {
		return 0, abi.StatusBadArgument
	}
	key := metricKey{kind, string(name)}
	if id, ok := v.metricIDs[key]; ok {
		return id, abi.StatusOK
	}
	cfg := v.config()
	m, other := v.group.host.metrics.define(key, cfg.Name, cfg.Limits.MetricNames)
	if m == nil {
		v.exceeded("MetricNames", min(cfg.Limits.MetricNames, maxMetrics), slog.String("metric", logText(name)))
		return 0, abi.StatusInternalFailure
	}
	if other != nil {
		// They are two metrics, as in Envoy; who scrapes them may not like it.
		v.complain("metric "+key.name, "plugin defines a metric under the name of one of another kind",
			slog.String("metric", logText(name)), slog.String("kind", metricKinds[kind]), slog.String("other", metricKinds[*other]))
	}
	v.metrics = append(v.metrics, m)
	id := uint32(len(v.metrics))<<2 | uint32(kind)
	v.metricIDs[key] = id
	return id, abi.StatusOK
}

// IncrementMetric implements [abi.Host].
func (v *vm) IncrementMetric(id uint32, delta int64) abi.Status {
	if abi.MetricType(id&3) >= abi.MetricHistogram {
		return abi.StatusBadArgument
	}
	m := v.metric(id)
	if m == nil {
		return abi.StatusNotFound
	}
	if m.kind == abi.MetricCounter && delta <= 0 {
		return abi.StatusBadArgument
	}
	m.value.Add(uint64(delta))
	return abi.StatusOK
}

// RecordMetric implements [abi.Host].
func (v *vm) RecordMetric(id uint32, value uint64) abi.Status {
	m := v.metric(id)
	if m == nil {
		return abi.StatusNotFound
	}
	switch m.kind {
	case abi.MetricCounter:
		m.value.Add(value)
	case abi.MetricGauge:
		m.value.Store(value)
	default:
		m.observe(value)
	}
	return abi.StatusOK
}

// GetMetric implements [abi.Host].
func (v *vm) GetMetric(id uint32) (uint64, abi.Status) {
	if abi.MetricType(id&3) >= abi.MetricHistogram {
		return 0, abi.StatusBadArgument
	}
	m := v.metric(id)
	if m == nil {
		return 0, abi.StatusNotFound
	}
	return m.value.Load(), abi.StatusOK
}
