package pluginhost

import (
	"errors"
	"testing"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

func TestInspectSharedState(t *testing.T) {
	s := start(t, map[string]handler{"request_headers": func(c call) (uint32, error) {
		id, _ := c.RegisterSharedQueue([]byte("q"))
		c.EnqueueSharedQueue(id, []byte("one"))
		c.SetSharedData([]byte("k"), []byte("v"), 0)
		m, _ := c.DefineMetric(abi.MetricGauge, []byte("wasmcustom.g"))
		c.RecordMetric(m, 7)
		return 0, nil
	}})
	if _, _, ok := s.plugin.SharedData("k"); ok {
		t.Error("a value that nobody set")
	}
	if _, ok := s.plugin.Queue("q"); ok {
		t.Error("a queue that nobody registered")
	}
	wantEqual(t, "enqueue to nothing", s.plugin.Enqueue("q", nil), abi.StatusNotFound)
	if _, ok := s.host.Metric("g"); ok {
		t.Error("a metric that nobody defined")
	}

	cb := newStream()
	f := s.filter(cb)
	defer f.OnDestroy()
	f.DecodeHeaders(cb.request, true)
	value, cas, ok := s.plugin.SharedData("k")
	if string(value) != "v" || !ok {
		t.Errorf("shared data %q, %v", value, ok)
	}
	wantEqual(t, "set with another's number", s.plugin.SetSharedData("k", []byte("w"), cas+1), abi.StatusCasMismatch)
	wantEqual(t, "set", s.plugin.SetSharedData("k", []byte("w"), cas), abi.StatusOK)
	if value, _, _ := s.plugin.SharedData("k"); string(value) != "w" {
		t.Errorf("shared data %q", value)
	}
	wantEqual(t, "enqueue", s.plugin.Enqueue("q", []byte("two")), abi.StatusOK)
	if q, ok := s.plugin.Queue("q"); !ok || len(q) != 2 || string(q[0]) != "one" || string(q[1]) != "two" {
		t.Errorf("queue %q, %v", q, ok)
	}
	for _, name := range []string{"g", "wasmcustom.g"} {
		if m, ok := s.host.Metric(name); !ok || m.Value != 7 {
			t.Errorf("%s: %+v, %v", name, m, ok)
		}
	}
}

func TestKill(t *testing.T) {
	s := start(t, map[string]handler{"request_headers": func(call) (uint32, error) { return 4, nil }}, func(c *Config) {
		c.FailurePolicy = FailReload
	})
	wantEqual(t, "plugins", len(s.host.Plugins()), 1)
	wantEqual(t, "VMs", s.plugin.Workers(), 1)
	cb := newStream()
	f := s.filter(cb)
	defer f.OnDestroy()
	f.DecodeHeaders(cb.request, true)
	if s.plugin.RebuildAsked(0) || !s.plugin.Alive(0) {
		t.Error("not as it began")
	}
	if !s.plugin.Kill(0) || s.plugin.Alive(0) {
		t.Error("it lives")
	}
	wantEqual(t, "the stream that it held", cb.happened(), failReply)
	if s.plugin.Kill(0) {
		t.Error("killed twice")
	}
	if r := s.plugin.roots[0].Load(); !errors.Is(r.vm.dead, ErrKilled) {
		t.Errorf("dead of %v", r.vm.dead)
	}
}

func TestRebuildAsked(t *testing.T) {
	s := start(t, map[string]handler{"request_headers": func(c call) (uint32, error) {
		c.SetProperty(abi.Path(abi.PropertyNeedRebuild), []byte("true"))
		return 0, nil
	}})
	cb := newStream()
	f := s.filter(cb)
	defer f.OnDestroy()
	f.DecodeHeaders(cb.request, true)
	if !s.plugin.RebuildAsked(0) {
		t.Error("nobody asked")
	}
}
