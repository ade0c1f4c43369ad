package pluginhost

import (
	"strings"
	"sync"
	"testing"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

func TestSharedData(t *testing.T) {
	var d sharedData
	d.retain("a")
	d.retain("b")
	get := func(vm, key, value string, status abi.Status) uint32 {
		t.Helper()
		v, cas, s := d.get([]byte("+"), vm, []byte(key))
		if string(v) != "+"+value || s != status || (cas == 0) != (s != abi.StatusOK) {
			t.Errorf("get %s %s: %q %d %v", vm, key, v, cas, s)
		}
		return cas
	}
	set := func(vm, key, value string, cas uint32, status abi.Status) {
		t.Helper()
		if s := d.set(vm, []byte(key), []byte(value), cas); s != status {
			t.Errorf("set %s %s: %v", vm, key, s)
		}
	}
	get("a", "k", "", abi.StatusNotFound)
	set("a", "k", "one", 77, abi.StatusOK) // nothing to compare with
	first := get("a", "k", "one", abi.StatusOK)
	get("b", "k", "", abi.StatusNotFound)
	set("b", "k", "other", 0, abi.StatusOK)
	set("a", "k", "two", first+77, abi.StatusCasMismatch)
	set("a", "k", "two", first, abi.StatusOK)
	second := get("a", "k", "two", abi.StatusOK)
	if second <= first {
		t.Errorf("cas went from %d to %d", first, second)
	}
	set("a", "k", "three", first, abi.StatusCasMismatch)
	set("a", "k", "", 0, abi.StatusOK)
	get("a", "k", "", abi.StatusOK)
	set("a", "big", strings.Repeat("x", maxSharedData), 0, abi.StatusInternalFailure)
	set("a", "big", strings.Repeat("x", maxSharedData-len("k")-len("big")), 0, abi.StatusOK)
	set("a", "k", "x", 0, abi.StatusInternalFailure)
	set("a", "big", "", 0, abi.StatusOK)
	set("a", "k", "x", 0, abi.StatusOK)

	d.cas = 1<<32 - 1
	set("a", "wrap", "x", 0, abi.StatusOK)
	get("a", "wrap", "x", abi.StatusOK)

	d.retain("a")
	d.release("a")
	get("a", "k", "x", abi.StatusOK)
	d.release("a")
	d.retain("a")
	get("a", "k", "", abi.StatusNotFound)
}

// Compare-and-swap from several goroutines loses nothing.
func TestSharedDataHammer(t *testing.T) {
	var d sharedData
	d.retain("a")
	d.set("a", []byte("n"), nil, 0)
	const goroutines, rounds = 8, 500
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			for range rounds {
				for {
					v, cas, _ := d.get(nil, "a", []byte("n"))
					if d.set("a", []byte("n"), append(v, 'x'), cas) == abi.StatusOK {
						break
					}
				}
			}
		})
	}
	wg.Wait()
	v, _, _ := d.get(nil, "a", []byte("n"))
	wantEqual(t, "additions", len(v), goroutines*rounds)
}

func TestSharedDataCalls(t *testing.T) {
	inHeaders(t, func(c call) {
		wantEqual(t, "set", c.SetSharedData([]byte("k"), []byte("v"), 0), abi.StatusOK)
		v, cas, status := c.GetSharedData(nil, []byte("k"))
		if string(v) != "v" || cas == 0 || status != abi.StatusOK {
			t.Errorf("%q %d %v", v, cas, status)
		}
	})
}

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
