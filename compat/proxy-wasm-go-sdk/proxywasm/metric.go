package proxywasm

import sdk "github.com/sluice-gateway/sluice/sdk/proxywasm"

// The kinds of metrics. Metrics of one name are one, in all VMs of the gateway.
type (
	// MetricCounter only goes up.
	MetricCounter = sdk.MetricCounter
	// MetricGauge goes up and down.
	MetricGauge = sdk.MetricGauge
	// MetricHistogram takes values and shows how they spread.
	MetricHistogram = sdk.MetricHistogram
)

// DefineCounterMetric makes a counter, or finds it. It panics if the host refuses.
func DefineCounterMetric(name string) MetricCounter { return sdk.DefineCounterMetric(name) }

// DefineGaugeMetric makes a gauge, or finds it. It panics if the host refuses.
func DefineGaugeMetric(name string) MetricGauge { return sdk.DefineGaugeMetric(name) }

// DefineHistogramMetric makes a histogram, or finds it. It panics if the host refuses.
func DefineHistogramMetric(name string) MetricHistogram { return sdk.DefineHistogramMetric(name) }
