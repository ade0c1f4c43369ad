package proxytest

import (
	"bytes"
	"fmt"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

// sharedData is the shared data of the one VM. The numbers are the published emulator's own: a first value has the
// caller's number plus one, and every later set must name the number that is there; 0 is a number as any other.
type sharedData map[string]sharedValue

type sharedValue struct {
	data []byte
	cas  uint32
}

// GetSharedData implements [abi.Host].
func (e *emulator) GetSharedData(dst, key []byte) (value []byte, cas uint32, status abi.Status) {
	v, ok := e.shared[string(key)]
	if !ok {
		return dst, 0, abi.StatusNotFound
	}
	return append(dst, v.data...), v.cas, abi.StatusOK
}

// SetSharedData implements [abi.Host].
func (e *emulator) SetSharedData(key, value []byte, cas uint32) abi.Status {
	if v, ok := e.shared[string(key)]; ok && v.cas != cas {
		return abi.StatusCasMismatch
	}
	if e.shared == nil {
		e.shared = sharedData{}
	}
	e.shared[string(key)] = sharedValue{bytes.Clone(value), cas + 1}
	return abi.StatusOK
}

// queues are the shared queues, by their ids.
type queues struct {
	elements [][][]byte
	ids      map[string]uint32
	// told are the queues that got an element in a callback. The plugin is told when it has returned: one callback at a
	// time.
	told []uint32
}

// RegisterSharedQueue implements [abi.Host].
func (e *emulator) RegisterSharedQueue(name []byte) (queue uint32, status abi.Status) {
	q := &e.queues
	id, ok := q.ids[string(name)]
	if !ok {
		if q.ids == nil {
			q.ids = map[string]uint32{}
		}
		id = uint32(len(q.elements))
		q.ids[string(name)] = id
		q.elements = append(q.elements, nil)
	}
	return id, abi.StatusOK
}

// ResolveSharedQueue implements [abi.Host]. There is one VM, whatever its id; a queue that is not there has the id 0.
func (e *emulator) ResolveSharedQueue(_, name []byte) (queue uint32, status abi.Status) {
	return e.queues.ids[string(name)], abi.StatusOK
}

// DequeueSharedQueue implements [abi.Host].
func (e *emulator) DequeueSharedQueue(dst []byte, queue uint32) ([]byte, abi.Status) {
	all := e.queues.elements
	if uint64(queue) >= uint64(len(all)) {
		return dst, abi.StatusNotFound
	}
	if len(all[queue]) == 0 {
		return dst, abi.StatusEmpty
	}
	first := all[queue][0]
	all[queue] = all[queue][1:]
	return append(dst, first...), abi.StatusOK
}

// EnqueueSharedQueue implements [abi.Host].
func (e *emulator) EnqueueSharedQueue(queue uint32, value []byte) abi.Status {
	q := &e.queues
	if uint64(queue) >= uint64(len(q.elements)) {
		return abi.StatusNotFound
	}
	q.elements[queue] = append(q.elements[queue], bytes.Clone(value))
	q.told = append(q.told, queue)
	if e.depth == 0 {
		e.tellQueues()
	}
	return abi.StatusOK
}

// tellQueues makes the callbacks that are due.
func (e *emulator) tellQueues() {
	for len(e.queues.told) > 0 {
		queue := e.queues.told[0]
		e.queues.told = e.queues.told[1:]
		active := e.active
		_, err := ask1(e, PluginContextID, func(p abi.Plugin) (struct{}, error) {
			return struct{}{}, p.OnQueueReady(PluginContextID, queue)
		})
		e.active = active
		if err != nil {
			die(err)
		}
	}
}

// GetQueueSize implements [HostEmulator].
func (e *emulator) GetQueueSize(queueID uint32) int {
	if uint64(queueID) >= uint64(len(e.queues.elements)) {
		return 0
	}
	return len(e.queues.elements[queueID])
}

// metrics are the metrics, by their ids.
type metrics struct {
	all []metric
	ids map[string]uint32
}

type metric struct {
	kind  abi.MetricType
	value uint64
}

func (m *metrics) get(id uint32) *metric {
	if uint64(id) >= uint64(len(m.all)) {
		return nil
	}
	return &m.all[id]
}

// DefineMetric implements [abi.Host]. A name keeps the kind that it had first.
func (e *emulator) DefineMetric(kind abi.MetricType, name []byte) (id uint32, status abi.Status) {
	m := &e.metrics
	id, ok := m.ids[string(name)]
	if !ok {
		if m.ids == nil {
			m.ids = map[string]uint32{}
		}
		id = uint32(len(m.all))
		m.ids[string(name)] = id
		m.all = append(m.all, metric{kind: kind})
	}
	return id, abi.StatusOK
}

// IncrementMetric implements [abi.Host].
func (e *emulator) IncrementMetric(id uint32, delta int64) abi.Status {
	m := e.metrics.get(id)
	if m == nil {
		return abi.StatusBadArgument
	}
	m.value += uint64(delta)
	return abi.StatusOK
}

// RecordMetric implements [abi.Host].
func (e *emulator) RecordMetric(id uint32, value uint64) abi.Status {
	m := e.metrics.get(id)
	if m == nil {
		return abi.StatusBadArgument
	}
	m.value = value
	return abi.StatusOK
}

// GetMetric implements [abi.Host].
func (e *emulator) GetMetric(id uint32) (value uint64, status abi.Status) {
	m := e.metrics.get(id)
	if m == nil {
		return 0, abi.StatusBadArgument
	}
	return m.value, abi.StatusOK
}

var kinds = [...]string{abi.MetricCounter: "a counter", abi.MetricGauge: "a gauge", abi.MetricHistogram: "a histogram"}

func (m *metrics) value(name string, kind abi.MetricType) (uint64, error) {
	id, ok := m.ids[name]
	if !ok {
		return 0, fmt.Errorf("metric %s not found", name)
	}
	if has := m.all[id].kind; has != kind {
		if int(has) < len(kinds) {
			return 0, fmt.Errorf("metric %s is not %s but %s", name, kinds[kind], kinds[has])
		}
		return 0, fmt.Errorf("metric %s is not %s", name, kinds[kind])
	}
	return m.all[id].value, nil
}

// GetCounterMetric implements [HostEmulator].
func (e *emulator) GetCounterMetric(name string) (uint64, error) {
	return e.metrics.value(name, abi.MetricCounter)
}

// GetGaugeMetric implements [HostEmulator].
func (e *emulator) GetGaugeMetric(name string) (uint64, error) {
	return e.metrics.value(name, abi.MetricGauge)
}

// GetHistogramMetric implements [HostEmulator].
func (e *emulator) GetHistogramMetric(name string) (uint64, error) {
	return e.metrics.value(name, abi.MetricHistogram)
}
