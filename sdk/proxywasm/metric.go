package proxywasm

import (
	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/internal/hostcall"
)

// Metrics of one name are one, in all VMs of the gateway. Defining one that the host refuses panics, as a plugin could do
// nothing but lose what it counts.

// MetricCounter only goes up.
type MetricCounter uint32

// MetricGauge goes up and down.
type MetricGauge uint32

// MetricHistogram takes values and shows how they spread.
type MetricHistogram uint32

func defineMetric(kind abi.MetricType, name string) uint32 {
	id, st := hostcall.DefineMetric(kind, name)
	if st != abi.StatusOK {
		panic("proxywasm: define metric " + name + ": " + st.String())
	}
	return id
}

func metricValue(id uint32) uint64 {
	v, st := hostcall.GetMetric(id)
	if st != abi.StatusOK {
		panic("proxywasm: get metric: " + st.String())
	}
	return v
}

// DefineCounterMetric makes a counter, or finds it.
func DefineCounterMetric(name string) MetricCounter {
	return MetricCounter(defineMetric(abi.MetricCounter, name))
}

// Increment adds offset. Adding 0 does nothing.
func (m MetricCounter) Increment(offset uint64) {
	if offset != 0 { // which hosts refuse
		hostcall.IncrementMetric(uint32(m), int64(offset))
	}
}

// Value returns the counter.
func (m MetricCounter) Value() uint64 { return metricValue(uint32(m)) }

// DefineGaugeMetric makes a gauge, or finds it.
func DefineGaugeMetric(name string) MetricGauge {
	return MetricGauge(defineMetric(abi.MetricGauge, name))
}

// Add adds offset, which may be negative.
func (m MetricGauge) Add(offset int64) { hostcall.IncrementMetric(uint32(m), offset) }

// Value returns the gauge.
func (m MetricGauge) Value() int64 { return int64(metricValue(uint32(m))) }

// DefineHistogramMetric makes a histogram, or finds it.
func DefineHistogramMetric(name string) MetricHistogram {
	return MetricHistogram(defineMetric(abi.MetricHistogram, name))
}

// Record takes a value.
func (m MetricHistogram) Record(value uint64) { hostcall.RecordMetric(uint32(m), value) }

// Value panics: hosts have no single value of a histogram.
func (m MetricHistogram) Value() uint64 { return metricValue(uint32(m)) }
