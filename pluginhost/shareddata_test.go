package pluginhost

import (
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

// dataVM is as much of a VM as shared data needs.
func dataVM(s *dataSpace, plugin string, l Limits) *vm {
	h := New(Options{Workers: 1})
	return newVM(&group{host: h, data: s, cfg: &Config{Name: plugin, Limits: l.withDefaults()}}, 0)
}

func TestSharedData(t *testing.T) {
	var d sharedData
	a, b := dataVM(d.retain("a"), "one", Limits{}), dataVM(d.retain("b"), "two", Limits{})
	get := func(v *vm, key, value string, status abi.Status) uint32 {
		t.Helper()
		got, cas, s := v.GetSharedData([]byte("+"), []byte(key))
		if string(got) != "+"+value || s != status || (cas == 0) != (s != abi.StatusOK) {
			t.Errorf("get %s: %q %d %v", key, got, cas, s)
		}
		return cas
	}
	set := func(v *vm, key, value string, cas uint32, status abi.Status) {
		t.Helper()
		if s := v.SetSharedData([]byte(key), []byte(value), cas); s != status {
			t.Errorf("set %s: %v", key, s)
		}
	}
	get(a, "k", "", abi.StatusNotFound)
	set(a, "k", "one", 77, abi.StatusOK) // nothing to compare with
	first := get(a, "k", "one", abi.StatusOK)
	get(b, "k", "", abi.StatusNotFound)
	set(b, "k", "other", 0, abi.StatusOK)
	set(a, "k", "two", first+77, abi.StatusCasMismatch)
	set(a, "k", "two", first, abi.StatusOK)
	second := get(a, "k", "two", abi.StatusOK)
	if second <= first {
		t.Errorf("cas went from %d to %d", first, second)
	}
	set(a, "k", "three", first, abi.StatusCasMismatch)
	set(a, "k", "", 0, abi.StatusOK)
	get(a, "k", "", abi.StatusOK)
	set(a, "", "the empty key", 0, abi.StatusOK)
	get(a, "", "the empty key", abi.StatusOK)

	d.cas.Store(1<<32 - 1)
	set(a, "wrap", "x", 0, abi.StatusOK)
	get(a, "wrap", "x", abi.StatusOK)

	d.retain("a")
	d.release("a")
	if d.retain("a") != a.group.data {
		t.Error("data went while somebody used it")
	}
	d.release("a")
	d.release("a")
	if d.retain("a") == a.group.data {
		t.Error("data is there though nobody used it")
	}
}

// Quotas count a key against the plugin that wrote it last.
func TestSharedDataQuota(t *testing.T) {
	var d sharedData
	s := d.retain("a")
	one, two := dataVM(s, "one", Limits{SharedDataBytes: 10, SharedDataKeys: 2}), dataVM(s, "two", Limits{SharedDataBytes: -1})
	for i, step := range []struct {
		v          *vm
		key, value string
		want       abi.Status
	}{
		{one, "k", strings.Repeat("x", 10), abi.StatusInternalFailure},
		{one, "k", strings.Repeat("x", 9), abi.StatusOK},
		{one, "l", "", abi.StatusInternalFailure},
		{one, "k", "1234567", abi.StatusOK},
		{one, "l", "1", abi.StatusOK},
		{one, "m", "", abi.StatusInternalFailure}, // one key too many
		{two, "k", strings.Repeat("x", 100), abi.StatusOK},
		{one, "m", "1234567", abi.StatusOK}, // k is the other's now
		{one, "k", "", abi.StatusInternalFailure},
	} {
		if got := step.v.SetSharedData([]byte(step.key), []byte(step.value), 0); got != step.want {
			t.Errorf("step %d: %v, want %v", i, got, step.want)
		}
	}
	wantEqual(t, "one's bytes", *s.usage["one"], dataUsage{10, 2})
	wantEqual(t, "two's bytes", *s.usage["two"], dataUsage{101, 1})
}

// Compare-and-swap from several goroutines loses nothing, and readers see values whole.
func TestSharedDataHammer(t *testing.T) {
	var d sharedData
	s := d.retain("a")
	const goroutines, rounds = 8, 300
	keys := [][]byte{[]byte("n"), []byte("m")}
	dataVM(s, "p", Limits{}).SetSharedData(keys[0], nil, 0)
	dataVM(s, "p", Limits{}).SetSharedData(keys[1], nil, 0)
	var wg sync.WaitGroup
	for i := range goroutines {
		v := dataVM(s, "p"+strconv.Itoa(i%3), Limits{})
		wg.Go(func() {
			for round := range rounds {
				key := keys[round%2]
				for {
					v.spent = 0
					value, cas, _ := v.GetSharedData(nil, key)
					if strings.Trim(string(value), "x") != "" {
						t.Errorf("value %q", value)
					}
					if v.SetSharedData(key, append(value, 'x'), cas) == abi.StatusOK {
						break
					}
				}
				v.SetSharedData([]byte(strconv.Itoa(round*i)), key, 0)
			}
		})
	}
	wg.Wait()
	v := dataVM(s, "p", Limits{})
	total := 0
	for _, key := range keys {
		value, _, _ := v.GetSharedData(nil, key)
		total += len(value)
	}
	wantEqual(t, "additions", total, goroutines*rounds)
	bytes, n := 0, 0
	for _, u := range s.usage {
		bytes, n = bytes+u.bytes, n+u.keys
	}
	have := 0
	for key, e := range s.values {
		have += len(key) + len(e.value.Load().data)
	}
	wantEqual(t, "bytes accounted for", bytes, have)
	wantEqual(t, "keys accounted for", n, len(s.values))
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

// BenchmarkSharedDataRead reads one key from one VM, and from two at the same time, of which each has a key of its own or
// both have one.
func BenchmarkSharedDataRead(b *testing.B) {
	var d sharedData
	key, value := []byte("some-key-of-a-plugin"), []byte(strings.Repeat("x", 64))
	read := func(v *vm, n int) {
		dst := make([]byte, 0, 128)
		for range n {
			v.spent = 0
			dst, _, _ = v.GetSharedData(dst[:0], key)
		}
	}
	for name, stores := range map[string][]string{"1 worker": {"a"}, "2 workers, a store each": {"a", "b"}, "2 workers, one store": {"a", "a"}} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var wg sync.WaitGroup
			for _, store := range stores {
				v := dataVM(d.retain(store), "p", Limits{})
				v.SetSharedData(key, value, 0)
				wg.Go(func() { read(v, b.N) })
			}
			wg.Wait()
		})
	}
}
