package pluginhost

import (
	"sync"
	"testing"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

func TestMetrics(t *testing.T) {
	type answer struct {
		value  uint64
		status abi.Status
	}
	var counter, gauge, histogram uint32
	s := start(t, map[string]handler{"request_headers": func(c call) (uint32, error) {
		define := func(kind abi.MetricType, name string) uint32 {
			id, status := c.DefineMetric(kind, []byte(name))
			if status != abi.StatusOK || id == 0 || id&3 != uint32(kind) {
				t.Errorf("define %s: %d %v", name, id, status)
			}
			return id
		}
		get := func(id uint32) answer {
			v, s := c.GetMetric(id)
			return answer{v, s}
		}
		counter, gauge, histogram = define(0, "wasmcustom.n"), define(1, "n"), define(2, "h")
		wantEqual(t, "defined again", define(0, "wasmcustom.n"), counter)
		_, status := c.DefineMetric(3, []byte("x"))
		wantEqual(t, "unknown kind", status, abi.StatusBadArgument)

		wantEqual(t, "count", c.IncrementMetric(counter, 3), abi.StatusOK)
		wantEqual(t, "count back", c.IncrementMetric(counter, -1), abi.StatusBadArgument)
		wantEqual(t, "count nothing", c.IncrementMetric(counter, 0), abi.StatusBadArgument)
		wantEqual(t, "record a counter", c.RecordMetric(counter, 2), abi.StatusOK)
		wantEqual(t, "counter", get(counter), answer{5, abi.StatusOK})

		wantEqual(t, "gauge", c.RecordMetric(gauge, 7), abi.StatusOK)
		wantEqual(t, "gauge down", c.IncrementMetric(gauge, -9), abi.StatusOK)
		wantEqual(t, "gauge", int64(get(gauge).value), -2)

		wantEqual(t, "sample", c.RecordMetric(histogram, 7), abi.StatusOK)
		wantEqual(t, "sample", c.RecordMetric(histogram, 1<<63), abi.StatusOK)
		wantEqual(t, "increment a histogram", c.IncrementMetric(histogram, 1), abi.StatusBadArgument)
		wantEqual(t, "get a histogram", get(histogram), answer{0, abi.StatusBadArgument})

		for _, id := range []uint32{0, counter + 400, gauge ^ 1} {
			wantEqual(t, "unknown", get(id), answer{0, abi.StatusNotFound})
			wantEqual(t, "unknown", c.RecordMetric(id, 1), abi.StatusNotFound)
			wantEqual(t, "unknown", c.IncrementMetric(id, 1), abi.StatusNotFound)
		}
		return 0, nil
	}})
	cb := newStream()
	f := s.filter(cb)
	f.DecodeHeaders(cb.request, true)
	f.OnDestroy()
	all := s.host.Metrics()
	if len(all) != 3 {
		t.Fatalf("%d metrics", len(all))
	}
	if m := all[0]; m.Name != "n" || m.Kind != abi.MetricCounter || m.Value != 5 {
		t.Errorf("counter %+v", m)
	}
	if m := all[1]; m.Name != "n" || m.Kind != abi.MetricGauge || m.Value != -2 {
		t.Errorf("gauge %+v", m)
	}
	if m := all[2]; m.Value != 2 || m.Sum != 1<<63+7 || len(m.Buckets) != 20 || m.Buckets[3].Count != 1 || m.Buckets[19].Count != 1 {
		t.Errorf("histogram %+v", m)
	}
}

// Many VMs count under the same names: each is one metric, and nothing is lost.
func TestMetricsHammer(t *testing.T) {
	host := New(Options{})
	const vms, rounds = 8, 500
	var wg sync.WaitGroup
	for range vms {
		v := newVM(&group{host: host, cfg: &Config{Limits: Limits{}.withDefaults()}}, 0)
		wg.Go(func() {
			for i := range rounds {
				counter, _ := v.DefineMetric(abi.MetricCounter, []byte{'c', byte(i % 7)})
				gauge, _ := v.DefineMetric(abi.MetricGauge, []byte("g"))
				histogram, _ := v.DefineMetric(abi.MetricHistogram, []byte("h"))
				v.IncrementMetric(counter, 1)
				v.IncrementMetric(gauge, 1-int64(i%2)*2)
				v.RecordMetric(histogram, uint64(i))
				host.Metrics()
			}
		})
	}
	wg.Wait()
	counted := int64(0)
	for _, m := range host.Metrics() {
		switch m.Kind {
		case abi.MetricCounter:
			counted += m.Value
		case abi.MetricGauge:
			wantEqual(t, "gauge", m.Value, 0)
		default:
			wantEqual(t, "samples", m.Value, vms*rounds)
		}
	}
	wantEqual(t, "counted", counted, vms*rounds)
	wantEqual(t, "metrics", len(host.Metrics()), 9)
}
