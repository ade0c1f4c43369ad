package proxywasm

import (
	"math"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/internal/hostcall"
)

// Metrics of one name are one, in all VMs of the gateway. A metric that the host refuses (a name that is another kind of
// metric already, too many of them) is logged as an error when it is defined, and then counts nothing and is 0: a plugin
// does not die of what it only counts. The published SDK panics there, which on that host ends the VM.

// MetricCounter only goes up.
type MetricCounter uint32

// MetricGauge goes up and down.
type MetricGauge uint32

// MetricHistogram takes values and shows how they spread.
type MetricHistogram uint32

// refused is the id of a metric that the host refused.
const refused = math.MaxUint32

func defineMetric(kind abi.MetricType, name string) uint32 {
	id, st := hostcall.DefineMetric(kind, name)
	if st != abi.StatusOK {
		LogError("metric " + name + " is not counted: the host refused it: " + st.String())
		return refused
	}
	return id
}

func incrementMetric(id uint32, delta int64) {
	if id != refused && delta != 0 { // which hosts refuse of a counter
		hostcall.IncrementMetric(id, delta)
	}
}

func metricValue(id uint32) uint64 {
	if id == refused {
		return 0
	}
	v, st := hostcall.GetMetric(id)
	if st != abi.StatusOK {
		LogError("a metric's value is not to be had: " + st.String())
		return 0
	}
	return v
}

// DefineCounterMetric makes a counter, or finds it.
func DefineCounterMetric(name string) MetricCounter {
	return MetricCounter(defineMetric(abi.MetricCounter, name))
}

// Increment adds offset. Adding 0 does nothing; more than math.MaxInt64 is math.MaxInt64.
func (m MetricCounter) Increment(offset uint64) {
	incrementMetric(uint32(m), int64(min(offset, math.MaxInt64)))
}

// Value returns the counter.
func (m MetricCounter) Value() uint64 { return metricValue(uint32(m)) }

// DefineGaugeMetric makes a gauge, or finds it.
func DefineGaugeMetric(name string) MetricGauge {
	return MetricGauge(defineMetric(abi.MetricGauge, name))
}

// Add adds offset, which may be negative.
func (m MetricGauge) Add(offset int64) { incrementMetric(uint32(m), offset) }

// Value returns the gauge.
func (m MetricGauge) Value() int64 { return int64(metricValue(uint32(m))) }

// DefineHistogramMetric makes a histogram, or finds it.
func DefineHistogramMetric(name string) MetricHistogram {
	return MetricHistogram(defineMetric(abi.MetricHistogram, name))
}

// Record takes a value.
func (m MetricHistogram) Record(value uint64) {
	if m != refused {
		hostcall.RecordMetric(uint32(m), value)
	}
}

// Value returns 0, and logs an error, where the host has no single value of a histogram: none known has.
func (m MetricHistogram) Value() uint64 { return metricValue(uint32(m)) }
